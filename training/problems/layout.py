"""Puts a problem's sentences in order: facts, distractors, and the question at one end or other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from training.problems.distractors import distractor
from training.problems.relations import ALL
from training.problems.relations.relation import HELD, allowed
from training.problems.scenes import STATEMENTS
from training.problems.sentences import varied
from training.problems.wording import Renderer, finished

if TYPE_CHECKING:
    from training.problems.generator import Link

_WHOLE = 0.45
"""Share of one-relation problems worded in one breath, where such wordings exist."""
_DISTRACTED = 0.14
_CASUAL = 0.08
"""Share of problems typed carelessly."""
_LINKED = 0.25
"""Share of later sentences that begin with "then" or the like."""
_SET = 0.08
"""Share of problems that begin with a time."""
_MERGED = 0.1
"""Share of sentences that go on after the one before: ", and"."""
_VARIED = 0.75
"""Share of training wordings that are said in yet other words."""
_LATER = (
    "then", "later", "later,", "after that,", "next,", "afterwards,", "the next day,", "soon",
    "in the afternoon,", "a day later,", "in the evening,", "the following week,", "finally,",
    "at noon,", "shortly after,",
)  # fmt: skip
_OPENING = (
    "one day,", "today,", "this morning,", "last week,", "yesterday,", "one afternoon,",
    "over the weekend,", "in May,", "last summer,", "during the holidays,", "at the weekend,",
)  # fmt: skip
_JOINTS = (", and ", ", then ", "; ", " and ", ", and then ", ". and ")
_FLOWING = ("hold", "place", "purse")
_ENDS = re.compile(r"(?<=[.?!]) ")


_TABOO = frozenset(
    wording[1:]
    for wordings in (
        *(relation.wordings for relation in ALL),
        *(statement.facts for statement in STATEMENTS.values()),
    )
    for wording in wordings
    if wording.startswith(HELD)
)
"""The held-out wordings, which no variation may end in."""


class NoWordingError(ValueError):
    """No wording of this side of the split fits."""


class _Chooser:
    """Chooses wordings from one side of the split, at least one held out where that is asked."""

    def __init__(self, rng: Random, *, heldout: bool) -> None:
        self._rng = rng
        self._heldout = heldout
        self.used_heldout = False

    def choose(self, wordings: tuple[str, ...]) -> str:
        if self._heldout and self._rng.random() < 0.7:
            held = allowed(wordings, heldout=True)
            if held:
                self.used_heldout = True
                return self._rng.choice(held)
        chosen = self._rng.choice(allowed(wordings, heldout=False))
        return varied(self._rng, chosen, _TABOO) if self._rng.random() < _VARIED else chosen


def question(rng: Random, renderer: Renderer, links: Sequence[Link], *, heldout: bool) -> str:
    """The whole text of a problem. Raises NoWordingError."""
    chooser = _Chooser(rng, heldout=heldout)
    relation = links[-1].relation
    alone = len(links) == 1 and relation.whole
    if alone and (not relation.asks or rng.random() < _WHOLE):
        renderer.use(links[0].numbers, links[0].other)
        text = renderer.render(chooser.choose(relation.whole))
    else:
        text = _arranged(rng, renderer, links, chooser)
    if heldout and not chooser.used_heldout:
        raise NoWordingError(relation.name)
    text = finished(text)
    return casual(rng, text) if rng.random() < _CASUAL else text


def casual(rng: Random, text: str) -> str:
    """The text as people type it in a hurry: no capitals, or no mark at the end, or "what's"."""
    text = text.replace("What is", rng.choice(("What's", "whats", "What is")))
    if rng.random() < 0.5:
        text = text.rstrip("?.")
    return text.lower() if rng.random() < 0.6 else text


def _arranged(rng: Random, renderer: Renderer, links: Sequence[Link], chooser: _Chooser) -> str:
    plan = _fact_templates(rng, links, chooser)
    ask = chooser.choose(links[-1].relation.asks)
    roll = rng.random()
    count = sum(template.count(". ") + 1 for _, template in plan)
    asks_plainly = ask.endswith("?") and ". " not in ask
    if asks_plainly and count <= 3 and roll < 0.1:
        asked = _render(renderer, links[-1], ask)
        facts = [_render(renderer, link, template) for link, template in plan]
        return f"{asked[:-1]} if {_joined(facts)}?"
    if ". " not in ask and count <= 4 and roll > 0.95:
        asked = _render(renderer, links[-1], ask)
        return " ".join((asked, *(_render(renderer, link, template) for link, template in plan)))
    facts = [_render(renderer, link, template) for link, template in plan]
    if asks_plainly and count <= 3 and roll < 0.24:
        return f"if {_joined(facts)}, {_render(renderer, links[-1], ask)}"
    facts = _merged(rng, facts)
    if rng.random() < _DISTRACTED and links[-1].relation.takes:
        facts.insert(rng.randint(1, len(facts)), distractor(rng, renderer))
    return " ".join((*facts, _render(renderer, links[-1], ask)))


def _fact_templates(
    rng: Random, links: Sequence[Link], chooser: _Chooser
) -> list[tuple[Link, str]]:
    plan: list[tuple[Link, str]] = []
    first = links[0]
    if first.relation.takes:
        plan.append((first, chooser.choose(STATEMENTS[first.relation.takes].facts)))
    for link in links:
        fact = chooser.choose(link.relation.facts)
        flows = link.relation.takes in _FLOWING and link.relation.takes == link.relation.gives
        if flows and fact.startswith(("{S|", "{M|", "{b")) and rng.random() < _LINKED:
            fact = f"{rng.choice(_LATER)} {fact}"
        plan.append((link, fact))
    link, opening = plan[0]
    if opening.startswith("{N|") and "|!" not in opening and rng.random() < _SET:
        plan[0] = (link, f"{rng.choice(_OPENING)} {opening}")
    return plan


def _merged(rng: Random, facts: list[str]) -> list[str]:
    """The same sentences, some joined to the one before."""
    merged = facts[:1]
    for fact in facts[1:]:
        if rng.random() < _MERGED and merged[-1].endswith("."):
            merged[-1] = merged[-1][:-1] + rng.choice(_JOINTS) + fact
        else:
            merged.append(fact)
    return merged


def _render(renderer: Renderer, link: Link, template: str) -> str:
    renderer.use(link.numbers, link.other)
    return renderer.render(template)


def _joined(facts: Sequence[str]) -> str:
    """Sentences as clauses of one sentence."""
    clauses = [clause.rstrip(".") for fact in facts for clause in _ENDS.split(fact)]
    if len(clauses) == 1:
        return clauses[0]
    comma = "," if len(clauses) > 2 else ""
    return f"{', '.join(clauses[:-1])}{comma} and {clauses[-1]}"
