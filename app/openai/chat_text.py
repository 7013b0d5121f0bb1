"""A solution as a chat shows it: steps as reasoning, Summarize's output as the answer.

    State 2 · Solve Subquestion · ✗ refuted: m = 48 / 2 = 26, but it is 24
    m = 48 / 2 = 26

A step is written when it is complete, so that the steps of several paths cannot mix; where there
are several, `Path 1 · State 2 · …` says which one it is on, and at the end come their answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from app.openai.transcript import content, content_tokens
from statespace.grounding import told
from statespace.solutions import IncompleteReason, Solution, Status, Usage
from statespace.trace import Transition, Verdict

FinishReason = Literal["stop", "length"]

_VERDICTS: Final = MappingProxyType(
    {
        Verdict.VERIFIED: "✓ verified",
        Verdict.REFUTED: "✗ refuted",
        Verdict.UNCHECKED: "unchecked",
    }
)
_REASONS: Final = MappingProxyType(
    {
        IncompleteReason.NO_ANSWER: "the model stopped without stating an answer",
        IncompleteReason.MAX_TOKENS: "the token limit was reached",
        IncompleteReason.MAX_TRANSITIONS: "the transition limit was reached",
        IncompleteReason.DEADLINE: "the time was up",
        IncompleteReason.REPETITION: "the model began to repeat itself",
        IncompleteReason.SHUTDOWN: "the server is shutting down",
    }
)


@dataclass(frozen=True, slots=True)
class Ending:
    """What a choice says when its solution is over."""

    reasoning: str
    content: str
    finish_reason: FinishReason


def step(transition: Transition, *, several: bool) -> str:
    """A transition as a block of text: what it is, its verdict and why, and its output.

    `several` says that there may be other paths than its own.
    """
    number = transition.id if transition.number is None else transition.number
    parts = [f"State {number}", transition.label.strip(), verdict(transition)]
    if several:
        parts.insert(0, f"Path {transition.path}")
    if not transition.legal:
        parts.append("not allowed here")
    return f"{' · '.join(parts)}\n{transition.output.strip()}\n\n"


def verdict(transition: Transition) -> str:
    """What the verifier says of a transition, and why."""
    told = _VERDICTS[transition.verdict]
    for check in transition.checks:
        if check.verdict is Verdict.REFUTED:
            claim = " ".join(check.claim.split())
            why = check.reason if check.computed is None else f"but it is {check.computed}"
            return f"{told}: {claim}, {why}" if why else f"{told}: {claim}"
    return told


def ending(solution: Solution, stops: Sequence[str], *, plain: bool) -> Ending:
    """How a choice ends; its answer ends before the first of `stops`.

    `plain` is for what was no problem: what the model wrote is the answer, in whatever form.
    """
    text = _plain(solution) if plain else content(solution) or ""
    cut = min((at for stop in stops if stop and (at := text.find(stop)) >= 0), default=None)
    reason: FinishReason = "length" if cut is None and _was_cut(solution) else "stop"
    return Ending("" if plain else _remarks(solution), text[:cut], reason)


def steps(solution: Solution) -> str:
    """All its transitions as text."""
    several = solution.has_several
    return "".join(step(transition, several=several) for transition in solution.transitions)


def usage(solutions: Sequence[Solution], *, plain: bool) -> dict[str, Any]:
    """What all choices cost, in OpenAI's fields. They share one prompt, which counts once."""
    prompt, cached = max((_prompt(solution.usage) for solution in solutions), default=(0, 0))
    completion = sum(solution.usage.completion_tokens for solution in solutions)
    told = completion if plain else sum(map(content_tokens, solutions))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": completion - told},
    }


def structure(transition: Transition) -> dict[str, Any]:
    """A transition with all its fields, each check with its `index` besides.

    OpenAI's Python client merges the lists of successive deltas by `index`, and fails without one.
    """
    fields = transition.model_dump(mode="json")
    fields["checks"] = [{"index": index} | check for index, check in enumerate(fields["checks"])]
    return fields


def summary(solution: Solution) -> dict[str, Any]:
    """What OpenAI has no word for, about a solution that is over."""
    return {
        "id": solution.id,
        "status": solution.status.value,
        "incomplete_reason": solution.incomplete_reason,
        "strategy": solution.strategy,
        "answer": solution.answer,
        "verification": solution.verification.model_dump(),
    }


def _prompt(usage: Usage) -> tuple[int, int]:
    """Tokens of the prompt, read once, and at least how many of them the cache held.

    What was read again, on other paths or after going back, should all have been in the cache.
    """
    if usage.first_prompt_tokens == 0:  # kept by a server that did not count it
        return usage.prompt_tokens, usage.cached_tokens
    again = usage.prompt_tokens - usage.first_prompt_tokens
    return usage.first_prompt_tokens, max(0, usage.cached_tokens - again)


def _remarks(solution: Solution) -> str:
    """What has to be said after the steps."""
    return "".join(f"{remark}\n" for remark in _remarked(solution))


def _remarked(solution: Solution) -> Iterator[str]:
    if solution.has_several:
        for path in sorted(solution.paths, key=lambda path: path.path):
            weight = "stopped" if path.weight is None else f"weight {path.weight:.3g}"
            yield f"Path {path.path}: {path.answer or 'no answer'} ({weight})"
        if solution.answer is not None and solution.answer_path is not None:
            yield f"The answer is that of Path {solution.answer_path}."
    if refuted := _refuted(solution):
        yield f"The answer rests on what was refuted: {', '.join(refuted)}."
    yield from told(solution.grounding)
    if solution.incomplete_reason is not None:
        yield f"Not solved: {_REASONS[solution.incomplete_reason]}."


def _refuted(solution: Solution) -> list[str]:
    """The refuted states that the answer rests on."""
    states = solution.answer_states
    return [
        f"State {transition.id if transition.number is None else transition.number}"
        for transition in solution.transitions
        if transition.id in states and transition.verdict is Verdict.REFUTED
    ]


def _plain(solution: Solution) -> str:
    if solution.text is not None:
        return solution.text
    return "\n".join(transition.output.strip() for transition in solution.transitions)


def _was_cut(solution: Solution) -> bool:
    """Whether a limit, not the model, has ended it."""
    return (
        solution.status is Status.INCOMPLETE
        and solution.incomplete_reason is not IncompleteReason.NO_ANSWER
    )
