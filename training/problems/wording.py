"""Rendering: templates with agreement → English.

A template is text with slots in braces:

- `{N}` the protagonist, `{S}` the same by name or, once named, by pronoun; `{M}` someone else;
  `{N's}`, `{he}`, `{him}`, `{his}`; `{does N}`, `{is S}` a question's auxiliary with its subject;
- `{S|buys}` a subject with its verb, which follows person and the story's tense; `{|eats}` a
  further verb of the last subject; `{S|!has}` in the present whatever the tense;
- `{b}` a number, `{b nouns}` the number with an agreeing noun ("1 apple"), where the last word is a
  noun slot or a literal plural; `{$b}` money, `{$-b}` the same before a noun ("5 dollar
  bills"); `{b%}` a percentage; `{1/b}` "half", "a third";
  `{xb}` "twice", "5 times";
- `{#are}` a verb (given in the plural) that agrees with the last number written, `{#are x}` with
  the number x that follows; `{*are}` one that stays plural; both follow the story's tense;
- `{@N}` the protagonist as an object ("me");
- `{noun}`, `{nouns}`, `{an noun}` ("an apple"), and any other word of the scene ("{place}").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random

from training.problems.names import Person
from training.problems.nouns import Noun, article, pluralize, singularize, words
from training.problems.numbers import plain
from training.problems.verbs import conjugate

_SLOT = re.compile(r"\{([^{}]*)\}")
_PLURAL_SLOT = re.compile(r"\{(\w+)s\}")
_BEFORE_VOWEL = re.compile(r"\b([aA])(?= (?:[$£€]?(?:8\d*|11|18)\b|eight|eleven))")
_SYMBOLIC = re.compile(r"\} ?[-+*/x×÷] ?\(?\{")
"""An operation sign between numbers, which are then written as digits."""
_PRESENT = re.compile(r"\|!|\bif\b|\bnow\b|\bcosts?\b")
"""Signs that a template is bound to the present, and its question with it."""
_SENTENCE_START = re.compile(r"((?:^|[.?!] )[\"(]?)([a-z])")
_WORDS = words(
    """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen twenty"""
)
_TENS = words("_ _ twenty thirty forty fifty sixty seventy eighty ninety")
_PARTS = {
    2: "half",
    3: "a third",
    4: "a quarter",
    5: "a fifth",
    6: "a sixth",
    8: "an eighth",
    10: "a tenth",
}
_AUXILIARY = {
    "does": ("do", "does", "do"),
    "is": ("am", "is", "are"),
    "has": ("have", "has", "have"),
    "was": ("was", "was", "were"),
    "did": ("did", "did", "did"),
    "will": ("will", "will", "will"),
    "can": ("can", "can", "can"),
    "must": ("must", "must", "must"),
    "should": ("should", "should", "should"),
}


def in_words(value: int) -> str:
    """A whole number below 100 in words."""
    if value < len(_WORDS):
        return _WORDS[value]
    tens, ones = divmod(value, 10)
    return _TENS[tens] + (f"-{_WORDS[ones]}" if ones else "")


@dataclass(slots=True)
class Style:
    """Choices that hold for a whole problem."""

    past: bool
    words: float
    """Share of small numbers that are written as words."""
    currency: str
    percent_word: bool
    commas: bool
    asks: str = "does"
    """The auxiliary of questions: "does", "did" or "will"."""

    @classmethod
    def drawn(cls, rng: Random) -> Style:
        roll = rng.random()
        currency = "$" if roll < 0.78 else "£" if roll < 0.83 else "€" if roll < 0.88 else "dollars"
        past = rng.random() < 0.55
        return cls(
            past=past,
            words=rng.choice((0, 0, 0, 0, 0, 0, 0, 0.3, 0.9)),
            currency=currency,
            percent_word=rng.random() < 0.15,
            commas=rng.random() < 0.5,
            asks=rng.choice(("did", "did", "does"))
            if past
            else rng.choice(("does",) * 7 + ("will",)),
        )


@dataclass(slots=True)
class Scene:
    """Who and what a problem is about: the values that slots take."""

    people: dict[str, Person]
    nouns: dict[str, Noun]
    words: dict[str, str]
    taken: set[str]
    """Names already in use."""
    numbers: dict[str, Fraction] = field(default_factory=dict)


class Renderer:
    """Renders templates over one scene in one style; remembers who was mentioned."""

    def __init__(self, rng: Random, scene: Scene, style: Style) -> None:
        self._rng = rng
        self._scene = scene
        self._style = style
        self._mentioned: set[str] = set()
        self._agreement = "he"
        self._counted_one = False
        self._now = False

    def render(self, template: str) -> str:
        """The template with its slots filled; sentences aren't capitalised yet."""
        share = self._style.words
        self._now = _PRESENT.search(template) is not None
        if _SYMBOLIC.search(template):
            self._style.words = 0
        text = _SLOT.sub(lambda match: self._slot(match.group(1)), template)
        self._style.words = share
        return text

    def use(self, numbers: Mapping[str, Fraction], other: Person | None = None) -> None:
        """Sets the values of number slots, and who `M` is, for the templates that follow."""
        self._scene.numbers = dict(numbers)
        if other is not None:
            if self._scene.people.get("M") != other:
                self._mentioned.discard("M")
            self._scene.people["M"] = other

    def describe(
        self, template: str, numbers: Mapping[str, Fraction], other: Person | None = None
    ) -> str:
        """A quantity's name for a trace: digits only, and nobody counts as mentioned."""
        self.use(numbers, other)
        mentioned, share = set(self._mentioned), self._style.words
        self._style.words = 0
        text = self.render(template)
        self._mentioned, self._style.words = mentioned, share
        return text

    def unit(self, template: str, value: Fraction) -> str:
        """The answer's unit, agreeing with its value; "$" becomes the problem's currency."""
        if template == "$":
            return self._style.currency
        if value == 1:
            slots = _PLURAL_SLOT.sub(r"{\1}", template)
            template = singularize(template) if slots == template else slots
        return self.describe(template, {})

    def _slot(self, slot: str) -> str:
        if slot == "@N":
            name = self._mention("N")[0]
            hero = self._scene.people["N"]
            return hero.object if hero.speaks else name
        if slot[0] in "#*":
            return self._verb(slot)
        if slot[0] == "$" or slot[-1] == "%" or slot.startswith("1/"):
            return self._figure(slot)
        if "|" in slot:
            return self._clause(slot)
        if " " in slot:
            return self._phrase(slot)
        return self._word(slot)

    def _figure(self, slot: str) -> str:
        """Money, a percentage or a fraction."""
        numbers = self._scene.numbers
        if slot[0] == "$":
            return self._money(numbers[slot[1:].lstrip("-")], adjective=slot[1] == "-")
        if slot[-1] == "%":
            sign = " percent" if self._style.percent_word else "%"
            return plain(numbers[slot[:-1]]) + sign
        part = int(numbers[slot[2:]])
        return _PARTS.get(part, f"1/{part}")

    def _word(self, slot: str) -> str:
        scene = self._scene
        if slot in scene.numbers:
            return self._number(scene.numbers[slot])
        if slot in scene.nouns:
            return scene.nouns[slot].one
        if slot.endswith("s") and slot[:-1] in scene.nouns:
            return scene.nouns[slot[:-1]].many
        if slot in scene.words:
            return scene.words[slot]
        if slot[0] == "x" and slot[1:] in scene.numbers:
            return self._multiple(scene.numbers[slot[1:]])
        name, agreement = self._mention(slot)
        if slot in ("S", "N", "he"):
            self._agreement = agreement
        return name

    def _mention(self, slot: str) -> tuple[str, str]:
        """The words for a person's slot and the pronoun its verb agrees with."""
        key, _, possessive = slot.partition("'")
        if key in ("he", "him", "his"):
            person = self._scene.people["N"]
            if "N" not in self._mentioned and key == "he":
                return self._mention("N")
            forms = {"he": person.subject, "him": person.object, "his": person.possessive}
            return forms[key], person.pronoun
        if key == "S":
            key = "N"
            if key in self._mentioned and self._rng.random() < 0.65:
                return self._pronoun(self._scene.people[key], possessive)
        person = self._scene.people[key]
        agreement = person.pronoun if person.speaks else "he"
        first = key not in self._mentioned
        self._mentioned.add(key)
        if possessive:
            own = f"{person.first}'s" if first and not person.speaks else person.name_possessive
            return own, agreement
        return (person.first if first else person.name), agreement

    @staticmethod
    def _pronoun(person: Person, possessive: str) -> tuple[str, str]:
        return (person.possessive if possessive else person.subject), person.pronoun

    def _clause(self, slot: str) -> str:
        subject, _, rest = slot.partition("|")
        words = ""
        if subject:
            words, agreement = self._mention(subject)
            self._agreement = agreement
        verb, _, tail = rest.partition(" ")
        past = self._style.past and not verb.startswith("!")
        form = conjugate(verb.lstrip("!"), self._agreement, past=past)
        return " ".join(part for part in (words, form, tail) if part)

    def _verb(self, slot: str) -> str:
        plural, _, number = slot[1:].partition(" ")
        one = self._scene.numbers[number] == 1 if number else self._counted_one
        pronoun = "he" if one and slot[0] == "#" else "they"
        third = {"are": "is", "have": "has", "go": "goes"}.get(plural, pluralize(plural))
        return conjugate(third, pronoun, past=self._style.past)

    def _phrase(self, slot: str) -> str:
        head, _, tail = slot.partition(" ")
        scene = self._scene
        if head in scene.numbers:
            return self._counted(scene.numbers[head], tail)
        if head == "an":
            return article(self._word(tail))
        if head in _AUXILIARY:
            words, agreement = self._mention(tail)
            self._agreement = agreement
            if head == "does" and not self._now:
                head = self._style.asks
            index = {"I": 0, "they": 2, "we": 2, "you": 2}.get(agreement, 1)
            return f"{_AUXILIARY[head][index]} {words}"
        raise KeyError(slot)

    def _counted(self, value: Fraction, tail: str) -> str:
        *between, last = tail.split(" ")
        if last == "more":
            return f"{self._number(value)} {tail}"
        scene = self._scene
        singular = scene.nouns[last[:-1]].one if last[:-1] in scene.nouns else singularize(last)
        plural = scene.nouns[last[:-1]].many if last[:-1] in scene.nouns else last
        number = self._number(value, dozen=not between)
        return " ".join((number, *between, singular if value == 1 else plural))

    def _number(self, value: Fraction, *, dozen: bool = False) -> str:
        style = self._style
        self._counted_one = value == 1
        if value.denominator == 1 and 0 < value < 100 and self._rng.random() < style.words:
            if value == 12 and dozen and self._rng.random() < 0.5:
                return "a dozen"
            return in_words(int(value))
        if value >= 1000 and style.commas and value.denominator == 1:
            return f"{int(value):,}"
        return plain(value)

    def _money(self, value: Fraction, *, adjective: bool = False) -> str:
        text = plain(value, money=True)
        if value >= 1000 and self._style.commas and value.denominator == 1:
            text = f"{int(value):,}"
        if self._style.currency == "dollars":
            return f"{text} dollar" if value == 1 or adjective else f"{text} dollars"
        return self._style.currency + text

    def _multiple(self, value: Fraction) -> str:
        if value == 2:
            return self._rng.choice(("twice", "twice", "two times", "2 times"))
        if value < 13 and self._rng.random() < 0.5:
            return f"{in_words(int(value))} times"
        return f"{plain(value)} times"


def finished(text: str) -> str:
    """The text with "an" before spoken vowels and a capital at the start of every sentence."""
    text = _BEFORE_VOWEL.sub(r"\1n", text)
    return _SENTENCE_START.sub(lambda match: match.group(1) + match.group(2).upper(), text)
