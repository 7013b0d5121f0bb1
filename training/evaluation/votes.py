"""The majority vote over samples of one problem, by mathematical equality."""

from __future__ import annotations

from collections.abc import Sequence

from training.evaluation.equality import same
from training.evaluation.judgement import Judgement


def winner(samples: Sequence[Judgement]) -> Judgement | None:
    """The first sample of the largest group with equal answers; None if none has an answer.

    Answers that a limit cut off do not vote. Of groups of the same size the one that began first
    wins, so the vote does not depend on gold.
    """
    groups: list[list[Judgement]] = []
    for one in samples:
        if one.answer is None or one.ended not in ("completed", "plain"):
            continue
        for group in groups:
            if same(group[0].answer or "", one.answer):
                group.append(one)
                break
        else:
            groups.append([one])
    return max(groups, key=len)[0] if groups else None
