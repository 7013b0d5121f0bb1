"""The step that takes contaminated rows out of a training file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, RootModel, model_validator

from training import manifest, rows
from training.errors import DataError
from training.problems import output as outputs
from training.problems.decontamination.ngrams import Detector, N, Overlap, Question

REMOVED: Final = ".removed.jsonl"
"""What the file of removed rows has in place of the output's suffix."""
_COMMON: Final = 20
"""How many of the most frequent shared n-grams the report lists."""


class Asked(RootModel[dict[str, Any]]):
    """A row of any data file that has a `question`; the rest is kept as it is."""

    @model_validator(mode="after")
    def _has_question(self) -> Asked:
        if not isinstance(self.root.get("question"), str):
            raise ValueError("there is no text in the field question")
        return self

    @property
    def question(self) -> str:
        return str(self.root["question"])


class RemovedRow(BaseModel):
    """A contaminated row, and what it shares with which evaluation questions."""

    overlaps: list[Overlap]
    row: dict[str, Any]


def clean(  # noqa: PLR0913
    train: Path,
    against: Sequence[Path],
    output: Path,
    *,
    n: int = N,
    threshold: float = 0.0,
    masked: bool = True,
    advance: Callable[[], None] = lambda: None,
) -> tuple[dict[str, Any], bool]:
    """Writes the clean rows, the removed ones, and a manifest with the report.

    Returns the manifest, and whether the files were made or were there. A row goes if it shares,
    with any evaluation question, an n-gram and at least `threshold` of the question's n-grams: as
    written, or, if `masked`, with numbers masked. Both are counted in any case.
    Raises DataError.
    """
    removed_to = output.with_suffix(REMOVED)
    for written in (output, removed_to):
        outputs.check_apart(written, train, *against)
    for path in (train, *against):
        outputs.check_whole(path)
    sets = _named(against)
    digests = {name: _digest(path) for name, path in sets.items()}
    digest, code = _digest(train), manifest.source_digest([Path(__file__).parent])
    key = manifest.key("decontaminate", digest, digests, n, threshold, masked, code)
    if done := outputs.finished(output, key):
        return done, False
    questions = {name: list(_questions(path)) for name, path in sets.items()}
    pass_ = _Pass(Detector(questions, n, threshold), masked, advance)
    kept = rows.write(output, pass_.kept(train))
    removed = rows.write(removed_to, pass_.removed)
    record = outputs.finish(
        output,
        {output: kept, removed_to: removed},
        step="decontaminate",
        key=key,
        n=n,
        threshold=threshold,
        masked=masked,
        train={"file": train.name, "digest": digest, "rows": kept + removed},
        against={
            name: {"digest": digests[name], "questions": len(questions[name]), **pass_.counts(name)}
            for name in sets
        },
        removed=removed,
        common=pass_.common(),
    )
    return record, True


class _Pass:
    """One reading of the training file."""

    def __init__(self, detector: Detector, masked: bool, advance: Callable[[], None]) -> None:
        self._detector = detector
        self._masked = masked
        self._advance = advance
        self.removed: list[RemovedRow] = []
        self._common: Counter[str] = Counter()
        self._rows: dict[str, Counter[str]] = defaultdict(Counter)
        self._concerned: dict[str, set[str]] = defaultdict(set)

    def kept(self, train: Path) -> Iterator[Asked]:
        """The clean rows; the others gather in `removed`."""
        for row in rows.read(train, Asked):
            overlaps = self._detector.overlaps(row.question)
            self._count(overlaps)
            if any(self._masked or not overlap.masked for overlap in overlaps):
                self.removed.append(RemovedRow(overlaps=overlaps, row=row.root))
            else:
                yield row
            self._advance()

    def _count(self, overlaps: Sequence[Overlap]) -> None:
        self._common.update({overlap.ngram for overlap in overlaps})
        for name in {overlap.set for overlap in overlaps}:
            self._rows[name]["either"] += 1
        for overlap in overlaps:
            self._rows[overlap.set]["numbers_masked" if overlap.masked else "as_written"] += 1
            self._concerned[overlap.set].add(overlap.id)

    def counts(self, name: str) -> dict[str, int]:
        """Rows by how they overlap with one evaluation set, and its questions concerned."""
        kinds = ("as_written", "numbers_masked", "either")
        return {
            **{kind: self._rows[name][kind] for kind in kinds},
            "questions_concerned": len(self._concerned[name]),
        }

    def common(self) -> dict[str, int]:
        """The most frequent shared n-grams, in how many rows."""
        ranked = sorted(self._common.items(), key=lambda pair: (-pair[1], pair[0]))
        return dict(ranked[:_COMMON])


def _questions(path: Path) -> Iterator[Question]:
    count = 0
    for count, row in enumerate(rows.read(path, Asked), 1):
        named = row.root.get("id") or row.root.get("problem")
        yield Question(str(named or f"line {count}"), row.question)
    if not count:
        raise DataError(f"{path} holds no questions; make it with `statewise train problems`")


def _named(against: Sequence[Path]) -> dict[str, Path]:
    """Evaluation files by name, or as given where two have the same name."""
    names = Counter(path.name for path in against)
    return {(str(p) if names[p.name] > 1 else p.name): p for p in against}


def _digest(path: Path) -> str:
    try:
        return manifest.file_digest(path)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
