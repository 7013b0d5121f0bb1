"""The English of the generator: agreement, conjugation, plurals, numbers in words."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

from training.problems import nouns
from training.problems.names import HE, SHE, THEY, Person
from training.problems.nouns import Noun, article, pluralize, singularize
from training.problems.verbs import conjugate
from training.problems.wording import Renderer, Scene, Style, finished, in_words

BAKER = Person("a baker", "the baker", "she")
SPEAKER = Person("I", "I", "I")
ALEX = Person("Alex", "Alex", "they")
STYLE = {"words": 0.0, "currency": "$", "percent_word": False, "commas": True}


def renderer(person: Person, *, past: bool = False, **numbers: int) -> Renderer:
    scene = Scene({"N": person}, {"noun": Noun.of("apple")}, {"place": "in the bowl"}, set())
    made = Renderer(Random(1), scene, Style(past=past, **STYLE))  # type: ignore[arg-type]
    made.use({name: Fraction(value) for name, value in numbers.items()})
    return made


@pytest.mark.parametrize(
    ("person", "past", "text"),
    [
        (BAKER, False, "a baker buys 1 apple and eats 3 apples. her does she"),
        (BAKER, True, "a baker bought 1 apple and ate 3 apples. her does she"),
        (SPEAKER, False, "I buy 1 apple and eat 3 apples. my do I"),
        (ALEX, False, "Alex buys 1 apple and eats 3 apples. their do they"),
    ],
)
def test_agreement(person: Person, past: bool, text: str) -> None:
    """Wrong agreement in one slot is wrong in thousands of problems."""
    made = renderer(person, past=past, a=1, b=3)
    template = "{N|buys} {a nouns} and {|eats} {b nouns}. {his} {does he}"
    assert made.render(template) == text


def test_pronouns_take_their_own_verb_forms() -> None:
    made = renderer(ALEX)
    assert (
        made.render("{N|has} it. {he|has} it. {he|!is} here")
        == "Alex has it. they have it. they are here"
    )


def test_second_mentions_are_definite() -> None:
    assert renderer(BAKER).render("{N|bakes}. {N|sells}.") == "a baker bakes. the baker sells."


def test_verbs_agree_with_the_number_before_them() -> None:
    made = renderer(BAKER, a=1, b=2)
    assert made.render("{a nouns} {#leave}. {b nouns} {#leave}. there {#are a} {a nouns}") == (
        "1 apple leaves. 2 apples leave. there is 1 apple"
    )


def test_figures() -> None:
    made = renderer(BAKER, a=4, b=2, p=20, k=1500)
    assert made.render("{$a}, {p%}, {1/a}, {k}, {$k}") == "$4, 20%, a quarter, 1,500, $1,500"
    assert made.render("{xa} as many") in ("four times as many", "4 times as many")


def test_unknown_slots_are_errors() -> None:
    """A typing error in a template must not pass as text."""
    with pytest.raises(KeyError):
        renderer(BAKER).render("{nuon}")
    with pytest.raises(KeyError):
        renderer(BAKER).render("{wants to}")


def test_sentences_are_finished() -> None:
    assert finished("tom has a 8 dollar bill. how many?") == "Tom has an 8 dollar bill. How many?"
    assert finished("an $18.50 tip and a 12% tip") == "An $18.50 tip and a 12% tip"


@pytest.mark.parametrize(
    ("third", "pronoun", "past", "form"),
    [
        ("has", "they", False, "have"),
        ("has", "he", True, "had"),
        ("carries", "I", False, "carry"),
        ("carries", "he", True, "carried"),
        ("plays", "she", True, "played"),
        ("is", "I", True, "was"),
        ("is", "they", True, "were"),
        ("watches", "they", False, "watch"),
        ("goes", "he", True, "went"),
        ("drops", "he", True, "dropped"),
        ("saves", "he", True, "saved"),
        ("can", "he", True, "can"),
    ],
)
def test_conjugation(third: str, pronoun: str, past: bool, form: str) -> None:
    assert conjugate(third, pronoun, past=past) == form


def test_every_noun_survives_plural_and_back() -> None:
    """Singulars are made from plurals where a literal noun follows the number 1."""
    pools = (*nouns.POOLS.values(), nouns.CONTAINERS, nouns.ITEMS, nouns.MAKES, nouns.LENGTHS)
    for noun in (noun for pool in pools for noun in pool):
        assert singularize(pluralize(noun.one)) == noun.one


def test_articles() -> None:
    assert [article(word) for word in ("apple", "pen", "hour", "unicorn")] == [
        "an apple", "a pen", "an hour", "a unicorn",
    ]  # fmt: skip


def test_numbers_in_words() -> None:
    assert [in_words(n) for n in (0, 7, 12, 20, 45, 99)] == [
        "zero", "seven", "twelve", "twenty", "forty-five", "ninety-nine",
    ]  # fmt: skip


def test_lists_are_large() -> None:
    """A model trained on few names and nouns stumbles over new ones."""
    assert len({*SHE, *HE, *THEY}) >= 200
    assert len({noun.one for pool in nouns.POOLS.values() for noun in pool}) >= 200
