"""The summary as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from training.experiment.mistakes import Mistake
from training.experiment.problems import SETS
from training.experiment.results import LETTERS, Result
from training.experiment.summary import ALL, Figure, Summary, answer


def markdown(summary: Summary) -> str:
    """A page: the answer, accuracies, costs, comparisons, corrections."""
    names = (*SETS, ALL)
    problems = next(iter(summary.figures.values()))[ALL].accuracy.total
    parts = [
        answer(summary),
        f"Right, % of {problems} problems in all (95 % interval over problems; ± standard "
        f"deviation over {len(summary.seeds)} seed{'s' * (len(summary.seeds) > 1)}):",
        _table(
            ("", *names),
            (
                [way, *(_accuracy(found[name]) for name in names)]
                for way, found in summary.figures.items()
            ),
        ),
        "Tokens written for a problem, in all its samples:",
        _table(
            ("", *names),
            (
                [way, *(f"{found[name].tokens:.0f}" for name in names)]
                for way, found in summary.figures.items()
            ),
        ),
        "One sample against chain of thought: difference in points (95 % bootstrap interval over "
        "problems and seeds), McNemar's exact p over problems and seeds, and tokens for one of "
        "theirs:",
        _table(
            ("ours", "theirs", "set", "difference", "only ours : only theirs", "p", "tokens", ""),
            (
                [
                    one.ours,
                    one.theirs,
                    one.set,
                    f"{100 * one.paired.difference:+.1f} ({100 * one.paired.low:+.1f} to "
                    f"{100 * one.paired.high:+.1f})",
                    f"{one.paired.only_ours} : {one.paired.only_theirs}",
                    f"{one.paired.mcnemar:.2g}",
                    f"×{one.cost:.2f}",
                    one.verdict,
                ]
                for one in summary.comparisons
            ),
        ),
        "What goes wrong first, % of the greedy answers to all sets: no answer, a step that is not "
        "the problem's, other numbers in it, arithmetic, or another answer than the steps give:",
        _table(
            ("", *(kind.value for kind in Mistake)),
            (
                [
                    way,
                    *(
                        f"{100 * counts.get(kind, 0) / sum(counts.values()):.1f}"
                        for kind in Mistake
                    ),
                ]
                for way, counts in summary.mistakes.items()
                if counts
            ),
        ),
        "Corrections, added up over seeds: answers that went back, by what they were heading to "
        "and how they ended; states that arithmetic refutes, and those that a Verify named:",
        _table(
            (
                "",
                "set",
                "answers",
                "Verify",
                "went back",
                "wrong→right",
                "right→wrong",
                "wrong→wrong",
                "right→right",
                "unknown",
                "refuted",
                "named",
            ),
            (
                [
                    way,
                    name,
                    *map(
                        str,
                        (
                            one.answers,
                            one.verifies,
                            one.backtracked,
                            one.wrong_to_right,
                            one.right_to_wrong,
                            one.wrong_to_wrong,
                            one.right_to_right,
                            one.unknown,
                            one.refuted,
                            one.caught,
                        ),
                    ),
                ]
                for way, found in summary.corrections.items()
                for name, one in found.items()
            ),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def accounts(results: Sequence[Result]) -> str:
    """What the arms of one seed read, stage by stage; tokens of a row's padding count."""
    rows = []
    for one in results:
        read = one.trained
        first = read["sft"]["read"]
        second, third = read.get("advanced"), read.get("dpo")
        rows.append(
            [
                f"({LETTERS[one.arm]})",
                f"{read['base']['read']['tokens']:,}",
                f"{first['tokens']:,}",
                f"{first['examples']:,}",
                f"{first['learnt']:,}",
                f"{second['read']['tokens']:,}" if second else "",
                _mixture(second["mixture"]) if second else "",
                f"{third['read']['tokens']:,}" if third else "",
                f"{read['tokens']:,}",
            ]
        )
    head = (
        "",
        "base model",
        "stage 1",
        "solutions",
        "learnt",
        "advanced traces",
        "made of",
        "pairs",
        "tokens after the base model",
    )
    return (
        f"What each arm read, in tokens (seed {results[0].seed}; loss falls on those that are "
        f"learnt, in pairs both sides count):\n\n{_table(head, rows)}\n"
    )


def _mixture(counts: Mapping[str, int]) -> str:
    return (
        f"{counts['repaired']:,} with a mistake ({counts['repaired_own']:,} the model's own; "
        f"{counts['noticing']:,} learn to notice it), {counts['confirmed']:,} confirmed, "
        f"{counts['clean']:,} clean"
    )


def _accuracy(figure: Figure) -> str:
    share = figure.accuracy
    return (
        f"{100 * share.value:.1f} ({100 * share.low:.1f}–{100 * share.high:.1f}) "
        f"± {100 * figure.spread:.1f}"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
