"""What a solution that has ended was worth: what became of its tokens, its paths, its answer.

All names are few and fixed: they become labels of metrics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from app.strategies import STRATEGIES
from statespace.solutions import IncompleteReason, Path, Solution, Status
from statespace.trace import Verdict

_CUT_OFF: Final = frozenset({IncompleteReason.DEADLINE, IncompleteReason.SHUTDOWN})


def family(strategy: str) -> str:
    """A strategy's name without its number: `vote-8` is `vote`."""
    name = strategy.partition("-")[0]
    return name if name in STRATEGIES else "other"


def uses(solution: Solution) -> Mapping[str, int]:
    """What became of the tokens that were generated; the sum is their number."""
    usage, states = solution.usage, frozenset(solution.answer_states)
    total, discarded = usage.completion_tokens, usage.discarded_tokens
    if solution.answer is None and solution.text is None:
        ended = solution.status in (Status.COMPLETED, Status.INCOMPLETE)
        cut_off = not ended or solution.incomplete_reason in _CUT_OFF
        return {"aborted" if cut_off else "unanswered": total}
    dead_end = sum(each.tokens for each in solution.transitions if each.id not in states)
    if solution.text is not None:  # a plain answer rests on no state
        return {"answer": total - dead_end, "dead_end": dead_end}
    answer = max(total - dead_end - discarded, 0)
    return {"answer": answer, "dead_end": dead_end, "discarded": discarded}


def basis(solution: Solution) -> str | None:
    """What the answer of a completed solution rests on; None if there is none."""
    if solution.status != Status.COMPLETED or solution.answer is None:
        return None
    refuted = {each.id for each in solution.transitions if each.verdict is Verdict.REFUTED}
    if refuted.intersection(solution.answer_states):
        return "refuted"
    return "recovered" if refuted else "clean"


def paths(solution: Solution, planned: int) -> Mapping[str, int]:
    """How the paths have ended; `planned` is how many there might have been."""
    is_vote = family(solution.strategy) == "vote"
    ends = Counter(_end(path, is_vote=is_vote) for path in solution.paths)
    if is_vote and solution.status == Status.COMPLETED:
        ends["spared"] = planned - len(solution.paths)
    return ends


def _end(path: Path, *, is_vote: bool) -> str:
    if path.answer is not None:
        return "answered"
    # Who has voted has a weight, if only 0.
    return "aborted" if is_vote and path.weight is None else "unanswered"
