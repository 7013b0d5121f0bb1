"""Evaluation: how often a reasoner is right, what that cost, and what its Verify is worth.

    problems ──► questions ──► server (HTTP) ──► solutions ──► judge ──► summarize ──► report

`judge` and `judge_text` are pure but for answers that are no plain number, which a child process
compares. Nothing here starts an engine, and no gold answer leaves the process.
"""

from __future__ import annotations

from training.evaluation.judgement import Judgement, judge, judge_text
from training.evaluation.report import Report, summarize

__all__ = ["Judgement", "Report", "judge", "judge_text", "summarize"]
