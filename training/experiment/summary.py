"""From the results of arms and seeds to one summary: accuracies, costs, corrections, verdicts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from pydantic import Field

from training.errors import DataError
from training.evaluation.interval import Share
from training.experiment.problems import SETS
from training.experiment.results import ARMS, LETTERS, Arm, Outcome, Result
from training.sections import Section
from training.statistics import Paired, paired, spread

ALL: Final = "all four sets"
GREEDY: Final[dict[Arm, str]] = {
    "plain": "(a) chain of thought",
    "traces": "(b) stage 1",
    "trajectory": "(c) stage 2, trajectory pairs",
    "step": "(d) stage 2, step pairs",
}
VOTED: Final = "(a) majority of {votes}"
MARGIN: Final = 0.02
"""A difference in accuracy that counts as none, where the interval shows it is no larger."""

LEARNT: Final = 0.05
"""Accuracy below which all arms just guess."""


class Figure(Section):
    """One way of answering on one set, over all seeds."""

    accuracy: Annotated[Share, Field(description="Over problems, each the mean over seeds.")]
    seeds: Annotated[dict[int, float], Field(description="Accuracy of each seed.")]
    spread: Annotated[float, Field(description="Standard deviation over seeds.")]
    tokens: Annotated[float, Field(description="Written for a problem, in all its samples.")]


class Correcting(Section):
    """What Verify and Backtrack did, added up over seeds."""

    answers: int
    verifies: int
    backtracked: Annotated[int, Field(description="Answers with a Backtrack.")]
    wrong_to_right: int
    right_to_wrong: int
    wrong_to_wrong: int
    right_to_right: int
    unknown: Annotated[int, Field(description="What they were heading to could not be told.")]
    refuted: Annotated[int, Field(description="States that arithmetic refutes.")]
    caught: Annotated[int, Field(description="Those of them that a Verify names.")]


class Comparison(Section):
    """A reasoner at one sample against plain chains of thought, on one set or all."""

    ours: str
    theirs: str
    set: str
    paired: Paired
    cost: Annotated[float, Field(description="Tokens of ours for one token of theirs.")]
    verdict: str


class Summary(Section):
    """Everything that the table and the plot show."""

    seeds: tuple[int, ...]
    votes: int
    figures: Annotated[dict[str, dict[str, Figure]], Field(description="By way, then by set.")]
    corrections: Annotated[dict[str, dict[str, Correcting]], Field(description="Likewise.")]
    mistakes: Annotated[
        dict[str, dict[str, int]],
        Field(description="By way: the first mistake of each answer, all sets and seeds."),
    ]
    comparisons: tuple[Comparison, ...]


def summarized(results: Sequence[Result], votes: int, arms: Sequence[Arm] = ARMS) -> Summary | None:
    """The summary of the seeds that have all of `arms`, (a) among them; None if there is none.

    Raises DataError where results were got on different problems.
    """
    by_arm = {(one.arm, one.seed): one for one in results}
    seeds = sorted({one.seed for one in results})
    whole = tuple(seed for seed in seeds if all((arm, seed) in by_arm for arm in arms))
    if not whole:
        return None
    ways: dict[str, list[Mapping[str, Outcome]]] = {
        GREEDY[arm]: [by_arm[arm, seed].greedy for seed in whole] for arm in arms
    }
    voted = VOTED.format(votes=votes)
    ways[voted] = [by_arm["plain", seed].majority or {} for seed in whole]
    _check(ways)
    figures = {
        way: {name: _figure(found, name, whole) for name in (*SETS, ALL)}
        for way, found in ways.items()
    }
    plain = GREEDY["plain"]
    return Summary(
        seeds=whole,
        votes=votes,
        figures=figures,
        corrections={
            GREEDY[arm]: {name: _correcting(ways[GREEDY[arm]], name) for name in (*SETS, ALL)}
            for arm in arms
            if arm != "plain"
        },
        mistakes={GREEDY[arm]: _mistakes(ways[GREEDY[arm]]) for arm in arms},
        comparisons=tuple(
            _comparison(figures, ways, GREEDY[arm], theirs, name)
            for theirs in (voted, plain)
            for arm in arms
            if arm != "plain"
            for name in (ALL, *SETS)
        ),
    )


def _check(ways: Mapping[str, Sequence[Mapping[str, Outcome]]]) -> None:
    for name in SETS:
        digests = {one[name].problems for found in ways.values() for one in found if name in one}
        missing = any(name not in one for found in ways.values() for one in found)
        if missing or len(digests) != 1:
            raise DataError(
                f"the results on {name!r} are of different problems or incomplete; delete the "
                "result files of one run, or give another --output"
            )


def rights(found: Sequence[Mapping[str, Outcome]], name: str) -> list[list[bool]]:
    """For each seed, whether the problems of a set, or of all, are answered right."""
    names = SETS if name == ALL else (name,)
    return [[bit == "1" for one in names for bit in tested[one].right] for tested in found]


def _figure(found: Sequence[Mapping[str, Outcome]], name: str, seeds: Sequence[int]) -> Figure:
    right = rights(found, name)
    each = [sum(one) / len(one) for one in right]
    total = len(right[0])
    names = SETS if name == ALL else (name,)
    tokens = [count for tested in found for one in names for count in tested[one].tokens]
    return Figure(
        # Answers of several seeds to a problem are no further problems.
        accuracy=Share.of(math.fsum(map(sum, right)) / len(right), total),
        seeds=dict(zip(seeds, each, strict=True)),
        spread=spread(each),
        tokens=sum(tokens) / len(tokens),
    )


def _correcting(found: Sequence[Mapping[str, Outcome]], name: str) -> Correcting:
    names = SETS if name == ALL else (name,)
    counts: Counter[str] = Counter()
    answers = 0
    for tested in found:
        for one in names:
            report = tested[one].report
            answers += len(tested[one].right)
            counts.update(report["corrections"])
            counts.update({key: report["verify"][key] for key in ("verifies", "refuted", "caught")})
    kinds = ("wrong_to_right", "right_to_wrong", "wrong_to_wrong", "right_to_right")
    unknown = counts["unknown_to_right"] + counts["unknown_to_wrong"]
    return Correcting(
        answers=answers,
        verifies=counts["verifies"],
        backtracked=sum(counts[kind] for kind in kinds) + unknown,
        unknown=unknown,
        refuted=counts["refuted"],
        caught=counts["caught"],
        **{kind: counts[kind] for kind in kinds},
    )


def _mistakes(found: Sequence[Mapping[str, Outcome]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for tested in found:
        for one in tested.values():
            counts.update(one.mistakes)
    return dict(counts)


def _comparison(
    figures: Mapping[str, Mapping[str, Figure]],
    ways: Mapping[str, Sequence[Mapping[str, Outcome]]],
    ours: str,
    theirs: str,
    name: str,
) -> Comparison:
    compared = paired(rights(ways[ours], name), rights(ways[theirs], name))
    return Comparison(
        ours=ours,
        theirs=theirs,
        set=name,
        paired=compared,
        cost=figures[ours][name].tokens / max(1e-9, figures[theirs][name].tokens),
        verdict=verdict(compared),
    )


def verdict(compared: Paired) -> str:
    """In words; decided before any result was seen."""
    if compared.low > 0:
        return "better"
    if compared.high < 0:
        return "worse"
    if compared.low >= -MARGIN and compared.high <= MARGIN:
        return "the same"
    return "no difference shown"


def answer(summary: Summary) -> str:
    """The answer to the question that the experiment asks, in one paragraph."""
    voted = VOTED.format(votes=summary.votes)
    told = []
    matched = False
    for arm in (one for one in ARMS[1:] if GREEDY[one] in summary.figures):
        found = next(
            one
            for one in summary.comparisons
            if (one.ours, one.theirs, one.set) == (GREEDY[arm], voted, ALL)
        )
        matched |= found.verdict in ("better", "the same")
        gap = found.paired
        told.append(
            f"({LETTERS[arm]}) {100 * gap.difference:+.1f} points "
            f"({100 * gap.low:+.1f} to {100 * gap.high:+.1f}: {found.verdict}) "
            f"for {found.cost:.2f} times the tokens"
        )
    open_ = any(
        one.verdict == "no difference shown"
        for one in summary.comparisons
        if one.theirs == voted and one.set == ALL
    )
    best = max(found[ALL].accuracy.value for found in summary.figures.values())
    if best < LEARNT:
        head = "Nothing can be said: no arm has learnt to solve these problems"
    elif matched:
        head = (
            f"At one sample a state-transition reasoner matches chain of thought at {summary.votes}"
        )
    elif open_:
        head = (
            "It is not shown that a state-transition reasoner at one sample matches chain of "
            f"thought at {summary.votes}, nor that it does not"
        )
    else:
        head = (
            "No: at one sample no state-transition reasoner here matches chain of thought at "
            f"{summary.votes}"
        )
    return f"{head}. On all sets together, against the majority vote: {'; '.join(told)}."
