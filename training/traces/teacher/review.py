"""Reviews: a wrong trace, and what a reviewer writes behind its first wrong state.

The repaired trace is the wrong one up to and with that state, then Verify, Backtrack and the
repair; it has to pass the same filters as any other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from statespace.actions import LABELS, Action
from statespace.parser import ParsedState, parse
from statespace.text import SEPARATOR, render
from training import rows
from training.problems import output as outputs
from training.problems.sources.trainable import trainable
from training.rows import Reason, RejectedRow, TraceRow, row_key
from training.traces.filters import UNLIMITED, Accepted, Limits, Rejected, judge, normal, rewritten
from training.traces.teacher import prompts
from training.traces.teacher.job import Job
from training.traces.teacher.sampling import Message, Sampling, Unit

REVIEWED: Final = frozenset({Reason.REFUTED, Reason.WRONG_ANSWER})
"""What is sent to a reviewer: legal traces with a mistake in them."""


REPAIRED: Final = "repaired.jsonl"
REJECTED: Final = "rejected.jsonl"


class RepairRow(TraceRow):
    """A repaired trace: `trace` begins with the states of `wrong.trace`, up to the first wrong."""

    wrong: Annotated[RejectedRow, Field(description="The trace that was put right.")]
    first_wrong: Annotated[int, Field(ge=1, description="Number of the state found wrong.")]


def read(path: Path) -> Iterator[RejectedRow]:
    """The rows of a rejected.jsonl. Raises DataError."""
    outputs.check_whole(path)
    return trainable(rows.read(path, RejectedRow))


def units(wrong: Iterable[RejectedRow], sampling: Sampling, samples: int = 1) -> Iterator[Unit]:
    """What to ask a reviewer for, `samples` times for each trace that is legal but wrong."""
    digest = sampling.digest
    for row in wrong:
        text = rewritten(row.trace)
        if row.reason not in REVIEWED or text is None:
            continue
        shown = prompts.messages(sampling.prompt, row.question, text)
        for sample in range(samples):
            key = row_key(row.key, sample, digest)
            update = {"key": key, "sample": sample, "origin": sampling.origin, "trace": ""}
            yield Unit(
                row=TraceRow(**{**_plain(row), **update}),
                messages=tuple(Message(role=role, content=text) for role, text in shown),
                seed=sampling.seed_of(key),
            )


def reviewed(
    wrong: RejectedRow,
    reply: TraceRow,
    limits: Limits = UNLIMITED,
) -> RepairRow | RejectedRow:
    """The repaired trace that a reply amounts to, or why it is none.

    `reply.trace` holds the reviewer's words: the new states, or the whole trace with the first
    states repeated unchanged. Total.
    """
    found = _repair(wrong, reply.trace)
    if isinstance(found, str):
        return RejectedRow(**reply.model_dump(), reason=Reason.UNPARSED, detail=found)
    text, first_wrong = found
    judged = judge(reply.model_copy(update={"trace": text}), limits)
    if isinstance(judged, Rejected):
        return judged.kept
    if detail := _stays(judged, first_wrong):
        return RejectedRow(**judged.row.model_dump(), reason=Reason.ILLEGAL, detail=detail)
    return RepairRow(**judged.row.model_dump(), wrong=wrong, first_wrong=first_wrong)


def repairs(
    wrong: Iterable[RejectedRow],
    replies: Iterable[TraceRow],
    sampling: Sampling,
    samples: int = 1,
    limits: Limits = UNLIMITED,
) -> Iterator[RepairRow | RejectedRow]:
    """What each reply to `units` of the same arguments amounts to, in order."""
    digest = sampling.digest
    asked = {row_key(row.key, sample, digest): row for row in wrong for sample in range(samples)}
    for reply in replies:
        yield reviewed(asked[reply.key], reply, limits)


def make(job: Job, wrong: Path, samples: int) -> dict[str, int]:
    """Writes the repaired traces of a finished job, and the replies that give none.

    Returns how many there are of each. Raises DataError.
    """
    outputs.check_apart(job.folder / REJECTED, wrong)
    failed = rows.read(job.failed, RejectedRow)
    replies = rows.read(job.traces, TraceRow)
    found = [*failed, *repairs(list(read(wrong)), replies, job.sampling, samples)]
    repaired = [row for row in found if isinstance(row, RepairRow)]
    rejected = [row for row in found if isinstance(row, RejectedRow)]
    counts = {
        job.folder / REPAIRED: rows.write(job.folder / REPAIRED, repaired),
        job.folder / REJECTED: rows.write(job.folder / REJECTED, rejected),
    }
    reasons = Counter(row.reason.value for row in rejected)
    outputs.finish(
        job.folder / REPAIRED,
        counts,
        **job.record,
        sampling=job.sampling.model_dump(),
        reasons=dict(sorted(reasons.items())),
    )
    return {"repaired": len(repaired), "rejected": len(rejected)}


def _repair(wrong: RejectedRow, reply: str) -> tuple[str, int] | str:
    """The whole repaired trace and the number of the state found wrong; else what is amiss."""
    given = parse(rewritten(wrong.trace) or "").states
    states = parse(reply).states
    index = next((n for n, s in enumerate(states) if s.action is Action.VERIFY), None)
    if index is None:
        return f"holds no {LABELS[Action.VERIFY]}"
    first_wrong = states[index].number - 1
    if not 1 <= first_wrong <= len(given):
        return f"no state of the wrong trace comes before State {states[index].number}"
    repair = states[index:]
    if detail := _changed(states[:index], given, first_wrong) or _misshapen(repair, first_wrong):
        return detail
    prefix = render((state.action, state.output) for state in given[:first_wrong])
    new = render(((s.action, s.output) for s in repair), first=first_wrong + 1)
    return prefix + SEPARATOR + new, first_wrong


def _misshapen(repair: tuple[ParsedState, ...], first_wrong: int) -> str:
    """What is amiss with the reviewer's own states, from Verify on."""
    numbers = [state.number for state in repair]
    if numbers != [*range(first_wrong + 1, first_wrong + 1 + len(repair))]:
        return f"states are numbered {', '.join(map(str, numbers[:12]))}"
    if any(state.action is Action.OTHER for state in repair):
        return "takes an unknown action"
    if len(repair) < 2 or repair[1].action is not Action.BACKTRACK:
        return f"{LABELS[Action.VERIFY]} is not followed by {LABELS[Action.BACKTRACK]}"
    if not re.search(rf"\bState {first_wrong}\b", repair[0].output):
        return f"{LABELS[Action.VERIFY]} does not name State {first_wrong}, which it follows"
    return ""


def _changed(repeated: tuple[ParsedState, ...], given: tuple[ParsedState, ...], end: int) -> str:
    """What is amiss with states that the reviewer repeated: all or none, and unchanged."""
    if not repeated:
        return ""
    if len(repeated) != end:
        return f"repeats {len(repeated)} of the {end} states that come before its own"
    for ours, theirs in zip(given, repeated, strict=False):
        same = ours.action is theirs.action and normal(ours.output) == normal(theirs.output)
        if not same or ours.number != theirs.number:
            return f"changes State {ours.number}"
    return ""


def _stays(judged: Accepted, first_wrong: int) -> str:
    """Whether the wrong state is still on the path after the first Backtrack."""
    target = judged.trace.transitions[first_wrong + 1].target
    if target is None or target >= first_wrong:
        return f"State {first_wrong + 2}: returns to State {target}, which is not before the wrong"
    return ""


def _plain(row: RejectedRow) -> dict[str, object]:
    return row.model_dump(exclude={"reason", "detail"})
