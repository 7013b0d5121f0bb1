"""Which training questions overlap with evaluation questions, by n-grams of words.

The rule of s1 (arXiv 2501.19393) and open-r1: a training question that shares any 8 words in a row
with an evaluation question goes. Two things are added. Texts are also compared with their numbers
masked, as the same wording with other numbers is contamination too; and `threshold` can ask for
more than one shared n-gram, as a share of the evaluation question's. Time is linear in the number
of words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

N: Final = 8
"""Words of an n-gram, as in s1 and open-r1."""
MASK: Final = "#"

_TOKEN: Final = re.compile(
    r"(?P<number>\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"|[\u3040-\u30ff\u3400-\u9fff]"  # Japanese and Chinese have no spaces: each character counts
    r"|[^\W\d_](?:(?![\u3040-\u30ff\u3400-\u9fff])[^\W\d_]|['’](?=[^\W\d_]))*"
)
_UNITS: Final = "zero one two three four five six seven eight nine ten eleven twelve thirteen"
_TEENS: Final = "fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_MORE: Final = "hundred thousand million billion dozen half"
_NUMBER_WORDS: Final = frozenset(f"{_UNITS} {_TEENS} {_TENS} {_MORE}".split())


class Question(NamedTuple):
    """One evaluation question."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a training question shares with the nearest question of an evaluation set."""

    set: str
    """The evaluation set."""
    id: str
    """The evaluation question."""
    masked: bool
    """Whether with numbers masked, or as written."""
    share: float
    """Of the evaluation question's distinct n-grams, how many the training question has, 0 to 1."""
    ngram: str
    """The first that both have, words parted by spaces."""


def words(text: str, *, masked: bool = False) -> list[str]:
    """The words of a text without case and punctuation; thousands commas go, too.

    `masked`: each run of numbers, in digits or English words, is one `#`.
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    found = [
        match[0].replace(",", "") if match["number"] else match[0].replace("’", "'")
        for match in _TOKEN.finditer(text)
    ]
    if not masked:
        return found
    hidden = (MASK if w[0].isdigit() or w in _NUMBER_WORDS else w for w in found)
    return [w for w, run in groupby(hidden) for w in ([w] if w == MASK else run)]


def ngrams(of: Sequence[str], n: int) -> Iterator[str]:
    """All runs of `n` words, in order."""
    return (" ".join(of[i : i + n]) for i in range(len(of) - n + 1))


class Index:
    """The n-grams of one evaluation set, as written or with numbers masked.

    A question of fewer than `n` words is compared whole: as it is written it must occur in the
    training question; masked, so little is left of it that it must be all of the training question.
    """

    def __init__(
        self, name: str, questions: Iterable[Question], n: int = N, *, masked: bool = False
    ) -> None:
        self.name = name
        self.n = n
        self.masked = masked
        self._questions: list[Question] = []
        self._sizes: list[int] = []
        self._grams: Mapping[str, list[int]] = defaultdict(list)
        self._short: Mapping[str, list[int]] = defaultdict(list)
        self._lengths: set[int] = set()
        for question in questions:
            self._add(question)

    def _add(self, question: Question) -> None:
        found = words(question.text, masked=self.masked)
        if not found:
            return
        index = len(self._questions)
        self._questions.append(question)
        if len(found) < self.n:
            self._sizes.append(1)
            self._short[" ".join(found)].append(index)
            self._lengths.add(len(found))
            return
        grams = set(ngrams(found, self.n))
        self._sizes.append(len(grams))
        for gram in grams:
            self._grams[gram].append(index)

    def nearest(self, found: Sequence[str]) -> Overlap | None:
        """The overlap with the question that shares most words, the first by id among equals."""
        shared: Counter[int] = Counter()
        first: dict[int, str] = {}
        for gram, questions in self._matches(found):
            for index in questions:
                shared[index] += 1
                first.setdefault(index, gram)
        if not shared:
            return None
        shares = {index: count / self._sizes[index] for index, count in shared.items()}
        best = min(shares, key=lambda index: (-shares[index], *self._questions[index]))
        return Overlap(self.name, self._questions[best].id, self.masked, shares[best], first[best])

    def _matches(self, found: Sequence[str]) -> Iterator[tuple[str, list[int]]]:
        """Each distinct n-gram that some question has, with these questions."""
        for gram in dict.fromkeys(ngrams(found, self.n)):
            if gram in self._grams:
                yield gram, self._grams[gram]
        lengths = {len(found)} & self._lengths if self.masked else self._lengths
        for length in sorted(lengths):
            for gram in dict.fromkeys(ngrams(found, length)):
                if gram in self._short:
                    yield gram, self._short[gram]


class Detector:
    """Finds overlaps with evaluation sets. No result depends on the order of rows or sets."""

    def __init__(
        self, sets: Mapping[str, Sequence[Question]], n: int = N, threshold: float = 0.0
    ) -> None:
        self._indices = [
            Index(name, questions, n, masked=masked)
            for name, questions in sorted(sets.items())
            for masked in (False, True)
        ]
        self._threshold = threshold

    def overlaps(self, text: str) -> list[Overlap]:
        """At most two a set, as written and masked, of at least the threshold; none: clean."""
        read = {masked: words(text, masked=masked) for masked in (False, True)}
        nearest = (index.nearest(read[index.masked]) for index in self._indices)
        return [found for found in nearest if found and found.share >= self._threshold]
