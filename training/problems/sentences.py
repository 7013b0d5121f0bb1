"""Variation of clauses: one wording, said in many ways that mean the same.

Wordings are templates (see `wording`); what comes out is a template again. Held-out wordings are
never varied, and no variation may end in one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Final

from training.problems.nouns import pluralize, words
from training.problems.verbs import base_of, participle

_SHARE: Final = 0.3
"""How often a rule that fits is used."""


def _rules(text: str) -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    lines = (line.split(" => ") for line in text.strip().splitlines())
    return tuple((re.compile(found.strip()), tuple(made.split(" | "))) for found, made in lines)


_RULES: Final = _rules(
    r"""
    \|(!?)buys\} => |\1purchases} | |\1gets} | |\1picks up} | |\1orders}
    \|(!?)gives\}(?! away) => |\1hands} | |\1passes}
    \|(!?)gives away\} => |\1gives out} | |\1donates}
    \|(!?)finds\} => |\1discovers} | |\1spots} | |\1comes across}
    \|(!?)loses\} => |\1misplaces} | |\1drops}
    \|(!?)makes\} (?=\{\w (?:nouns|makes)\}) => |\1produces}_ | |\1prepares}_
    \|(!?)collects\} => |\1gathers} | |\1picks up}
    \|(!?)receives\} => |\1gets}
    \|(!?)eats\} => |\1eats up} | |\1consumes} | |\1snacks on}
    \|(!?)earns\} => |\1makes} | |\1gets} | |\1brings in}
    \|(!?)saves\} (?=\{\$) => |\1puts away}_ | |\1keeps}_
    \|(!?)drives\} => |\1travels} | |\1rides}
    \|(!?)scores\} => |\1gets} | |\1earns}
    \|(!?)shares\} => |\1splits} | |\1divides}
    \|(!?)divides\} (?=[^.]*(?:among|between)) => |\1splits}_ | |\1shares}_
    \|(!?)puts\} (?!in ) => |\1places}_
    \|(!?)packs\} => |\1puts} | |\1places}
    \|(!?)uses\} (?=\{) => |\1uses up}_ | |\1goes through}_
    \|(!?)sells\} (?=\{b) => |\1sells off}_ | |\1trades in}_
    \{(N|M)\|has\} (?=\{[abx] nouns\}) => {\1|owns}_ | {\1|keeps}_ | {\1|carries}_ | {\1|possesses}_
    \{(N|M)\|has\} (?=\{[abx] nouns\}) => {\1|has} a total of_ | {\1|has} exactly_ | {\1|has} got_
    \{(\w) more nouns\} => {\1 extra nouns} | {\1 additional nouns} | another {\1 nouns}
    \bequally\b => evenly | fairly
    \bamong\b => between | amongst
    \b(?:in total|in all|altogether)(?=[.?]) => in all | altogether | all together | overall
    \b(?:every|each) day\b => daily | each day | every day | every single day
    \} (?:a|per) day\b => } per day | } a day | } each day | } every day
    \} (?:an|per) hour\b => } an hour | } per hour | } each hour | } every hour | } for each hour
    \} each\.$ => } apiece. | } a piece. | } for each one.
    \bcosts \{\$ => is priced at {$ | sells for {$ | goes for {$ | is {$
    \bcost \{\$ => sell for {$ | are {$ | are priced at {$
    \beach \{noun\} costs => every {noun} costs | one {noun} costs
    \btwice as many\b => double as many | two times as many
    \bof them\b => of these | of those
    \bthen \{ => after that, { | afterwards, { | next, { | later, { | then, {
    \bhave left\? => still have? | have left over? | have remaining? | have left in the end?
    \bhow much does it cost\b => how much is it | what does it cost
    \bhow much \{does S\} pay\b => how much money {does S} pay | what {does S} pay
    \bhow many \{nouns\} are there\b => what number of {nouns} are there
    \bis the perimeter\b => is the distance around it | would the perimeter be
    """
)
_PASSIVE: Final = re.compile(r"^\{S\|(\w+)\} \{(\w) nouns\}\.$")
_PLAIN: Final = re.compile(r"^\{(S|N|M)\|(\w+)(?: (\w+))?\}(?= )")
_ACTS: Final = frozenset(
    words(
        """gives loses sells uses eats donates breaks buys finds collects receives picks wins
        takes spends pays earns saves adds brings puts throws drops lends trades hands passes
        makes reads walks runs drives works packs shares divides cuts keeps fills gathers places
        splits purchases orders"""
    )
)
_TAIL: Final = re.compile(
    r"^(\{N\|.*) "
    r"(for \{\w+ \w+\}|on \{day\}|in \{\w+ \w+\}|(?:every|each) (?:day|week|\{period\}))\.$"
)
_AMOUNT: Final = re.compile(r"^how (many|much)\b([^?.]*?) \{does (\w+)\} (?!still)(\w+)([^?.]*)\?$")
_STATE: Final = re.compile(r"^how (many|much)\b([^?.]*?) (are left|remain|are needed|is left)\?$")
_WHAT: Final = re.compile(r"^what is ((?:the|its|his|\{his\}|\{N's\}) [^?.]*)\?$")
_ORDERS: Final = (
    "find", "find out", "work out", "calculate", "tell me", "figure out", "determine", "compute",
)  # fmt: skip
_POLITE: Final = (
    "can you tell me", "do you know", "could you work out", "can you find", "can you figure out",
)  # fmt: skip


def varied(rng: Random, template: str, taboo: frozenset[str]) -> str:
    """The same statement or question in other words; never one of `taboo`."""
    text = template
    for pattern, made in _RULES:
        if pattern.search(text) and rng.random() < _SHARE:
            changed = pattern.sub(rng.choice(made).replace("_", " "), text, count=1)
            text = text if changed in taboo else changed
    for change in _CHANGES:
        if rng.random() < _SHARE:
            changed = change(rng, text)
            text = text if changed in taboo else changed
    return text


def _acted(rng: Random, text: str) -> str:
    """Another tense or a decision: "has sold", "decides to sell", "will sell"."""
    match = _PLAIN.match(text)
    if not match or match[2] not in _ACTS or "{|" in text:
        return text
    subject, verb, tail = match[1], match[2], f" {match[3]}" if match[3] else ""
    base = base_of(verb)
    made = rng.choice(
        (
            f"{{{subject}|!has}} {participle(base)}{tail}",
            f"{{{subject}|decides}} to {base}{tail}",
            f"{{{subject}|!will}} {base}{tail}",
            f"{{{subject}|has}} to {base}{tail}",
            f"{{{subject}|manages}} to {base}{tail}",
            f"{{{subject}|!is}} going to {base}{tail}",
        )
    )
    return made + text[match.end() :]


def _passive(rng: Random, text: str) -> str:
    match = _PASSIVE.match(text)
    if not match or match[1] not in _ACTS - {"gets", "adds"}:
        return text
    by = rng.choice((" by {@N}", "", " after that", " then"))
    return f"{{{match[2]} nouns}} {{#are}} {participle(base_of(match[1]))}{by}."


def _fronted(_: Random, text: str) -> str:
    """What stands last in a sentence, such as "for 3 days", comes first."""
    match = _TAIL.match(text)
    if not match or ". " in text or match[1].endswith(" than"):
        return text
    return f"{match[2]}, {match[1]}."


def _indirect(rng: Random, text: str) -> str:
    """A question as an order, or a polite one: "find how many he has"."""
    if match := _AMOUNT.match(text):
        verb = {"have": "has", "do": "does", "go": "goes"}.get(match[4]) or pluralize(match[4])
        clause = f"how {match[1]}{match[2]} {{{match[3]}|!{verb}}}{match[5]}"
    elif match := _STATE.match(text):
        clause = text[:-1]
    elif match := _WHAT.match(text):
        clause = match[1]
    else:
        return text
    if rng.random() < 0.6:
        return f"{rng.choice(_ORDERS)} {clause}."
    return f"{rng.choice(_POLITE)} {clause}?"


_CHANGES: Final[tuple[Callable[[Random, str], str], ...]] = (_passive, _acted, _fronted, _indirect)
