"""The figures of one set of problems, from its judgements."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Annotated

from pydantic import Field

from statespace.trace import Frozen
from training.evaluation.interval import Share, Spread
from training.evaluation.judgement import Judgement
from training.evaluation.reviews import Reviews
from training.evaluation.votes import winner


class Tokens(Frozen):
    """Tokens per solution."""

    prompt: Spread
    cached: Annotated[Spread, Field(description="Prompt tokens found in the prefix cache.")]
    completion: Spread


class Corrections(Frozen):
    """Solutions with a Backtrack: what they were heading to before the first, and how they ended.

    `training.evaluation.corrections` defines it.
    """

    wrong_to_right: int = 0
    right_to_wrong: int = 0
    wrong_to_wrong: int = 0
    right_to_right: int = 0
    unknown_to_right: int = 0
    unknown_to_wrong: int = 0


class Report(Frozen):
    """What summarize finds. Shares of solutions have one unit: a sample of a problem."""

    problems: Annotated[int, Field(description="Problems with at least one solution.")]
    solutions: int
    failed: Annotated[int, Field(description="Samples to which the server gave no solution.")]
    failed_count_as_wrong: bool
    accuracy: Annotated[Share, Field(description="Mean over problems of the share right.")]
    majority: Annotated[
        Share | None, Field(description="Vote over a problem's samples; null with one each.")
    ]
    pass_at: Annotated[dict[int, float], Field(description="k → at least one of k right.")]
    by_operations: dict[int, Share]
    resolved: float
    legal: float
    ended: Annotated[dict[str, int], Field(description="How solutions ended.")]
    refuted: Annotated[int, Field(description="Transitions that arithmetic refutes.")]
    refuted_share: Annotated[float, Field(description="Of all transitions.")]
    refuted_on_path: Annotated[float, Field(description="Share of solutions that end on one.")]
    tokens: Tokens
    seconds: Spread
    transitions: Spread
    corrections: Corrections
    verify: Annotated[
        Reviews, Field(description="The model's own; `training.evaluation.reviews` defines it.")
    ]
    verify_used: Annotated[float, Field(description="Share of solutions with such a Verify.")]
    verify_precision: Annotated[float | None, Field(description="Against arithmetic.")]
    verify_precision_by_graph: Annotated[
        float | None, Field(description="Against the graph too, where problems have one.")
    ]
    verify_recall: Annotated[float | None, Field(description="Of states arithmetic refutes.")]


def summarize(judgements: Iterable[Judgement], *, failed_count_as_wrong: bool = False) -> Report:
    """The report of one set.

    Samples that the server failed to solve are counted in `failed`; in the accuracies they are left
    out, or wrong with `failed_count_as_wrong`. All other figures are over solutions.
    """
    everything = list(judgements)
    given = [one for one in everything if one.failed is None]
    counted = _by_problem(everything if failed_count_as_wrong else given)
    several = max(map(len, counted.values()), default=0) > 1
    reviews = reduce(Reviews.__add__, (one.reviews for one in given), Reviews())
    return Report(
        problems=len(_by_problem(given)),
        solutions=len(given),
        failed=len(everything) - len(given),
        failed_count_as_wrong=failed_count_as_wrong,
        accuracy=_accuracy(counted.values()),
        majority=_majority(counted.values()) if several else None,
        pass_at=_pass_at(counted.values()) if several else {},
        by_operations=_by_operations(counted),
        resolved=_share(one.resolved for one in given),
        legal=_share(one.legal for one in given),
        ended=dict(sorted(Counter(one.ended for one in given).items())),
        refuted=sum(one.refuted for one in given),
        refuted_share=_ratio(
            sum(one.refuted for one in given), sum(one.transitions for one in given)
        ),
        refuted_on_path=_share(one.refuted_on_path > 0 for one in given),
        tokens=Tokens(
            prompt=Spread.of([one.prompt_tokens for one in given]),
            cached=Spread.of([one.cached_tokens for one in given]),
            completion=Spread.of([one.completion_tokens for one in given]),
        ),
        seconds=Spread.of([one.seconds for one in given]),
        transitions=Spread.of([one.transitions for one in given]),
        corrections=_corrections(given),
        verify=reviews,
        verify_used=_share(one.reviews.verifies > 0 for one in given),
        verify_precision=reviews.precision,
        verify_precision_by_graph=reviews.precision_by_graph,
        verify_recall=reviews.recall,
    )


def _by_problem(judgements: Iterable[Judgement]) -> Mapping[str, list[Judgement]]:
    found: defaultdict[str, list[Judgement]] = defaultdict(list)
    for one in sorted(judgements, key=lambda one: one.sample):
        found[one.problem].append(one)
    return found


def _accuracy(problems: Iterable[Sequence[Judgement]]) -> Share:
    shares = [_share(one.right for one in samples) for samples in problems]
    return Share.of(math.fsum(shares), len(shares))


def _majority(problems: Iterable[Sequence[Judgement]]) -> Share:
    elected = [winner(samples) for samples in problems]
    return Share.of(sum(one is not None and one.right for one in elected), len(elected))


def _pass_at(problems: Iterable[Sequence[Judgement]]) -> dict[int, float]:
    """Unbiased (Chen et al. 2021, arXiv 2107.03374), over problems with at least k samples."""
    counts = [(len(samples), sum(one.right for one in samples)) for samples in problems]
    most = max(n for n, _ in counts)
    sizes = sorted({1 << power for power in range(most.bit_length())} | {most})
    return {
        k: math.fsum(chances) / len(chances)
        for k in sizes
        if (chances := [1 - math.comb(n - c, k) / math.comb(n, k) for n, c in counts if n >= k])
    }


def _by_operations(problems: Mapping[str, Sequence[Judgement]]) -> dict[int, Share]:
    found: defaultdict[int, list[Sequence[Judgement]]] = defaultdict(list)
    for samples in problems.values():
        if samples[0].operations:
            found[samples[0].operations].append(samples)
    return {operations: _accuracy(found[operations]) for operations in sorted(found)}


def _corrections(given: Iterable[Judgement]) -> Corrections:
    kinds = Counter(
        f"{one.before}_to_{'right' if one.right else 'wrong'}"
        for one in given
        if one.before is not None
    )
    return Corrections(**kinds)


def _share(flags: Iterable[bool]) -> float:
    found = list(flags)
    return _ratio(sum(found), len(found))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
