"""Running text as tokens: numbers, operators, brackets, words, and the boundaries between clauses.

Offsets are those of the original text; nothing is rewritten first. Only ASCII digits make numbers.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

from statespace.arithmetic.limits import MAX_DIGITS, Budget
from statespace.arithmetic.rationals import Rational

Kind: TypeAlias = Literal[
    "number", "word", "op", "open", "close", "currency", "percent", "relation", "stop",
    "opaque", "fraction", "end",
]  # fmt: skip

# Every alternative starts with a different character class or a fixed look-around, and every
# repetition consumes a disjoint class: matching is linear. Spaces after a token are taken with it,
# since a match that began at a space would try every alternative in vain.
_TOKEN: Final = re.compile(
    r"""(?:
      (?P<marker>  ^[ ]{0,8}(?:[*•][ ]|\(?[0-9]{1,2}\)[ ](?![-+*/^=≈×÷·−–xX])) )
    | (?P<number>  [0-9]+(?:[.,:][0-9]+)* | \.[0-9]+ )
    | (?P<times>   (?<=[0-9)%])[xX](?=[0-9(]) | (?<=[0-9)%][ ])[xX](?=[0-9]) )
    | (?P<square>  (?<=[0-9)])[²³](?![²³¹⁰⁴-⁹]) )
    | (?P<vulgar>  [½¼¾⅓⅔⅛] )
    | (?P<word>    [^\W\d_]\w*(?:['’][^\W\d_]+)*
                   (?:(?:(?<=\w\w)-[^\W\d_]{2}|(?<=[teTE])-[^\W\d_]{3})\w*)* )
    | (?P<newline> (?<![=≈])(?<![=≈][ ])\n[ \t]*(?![ \t&=≈]) )
    | (?P<hyphen>  (?<=[0-9])-(?=[^\W\d_]{2}) )
    | (?P<power>   (?<=[\w)])\*\*(?=[\w(-]) | (?<=[ ])\*\*(?=[ ]) )
    | (?P<markup>  \*\*+ | _{2,} | `+ | & )
    | (?P<relation> (?<![<>!:~=])={1,2}(?![>=]) | ≈ )
    | (?P<op>      [-+*/^−–×·⋅÷∕⁄] )
    | (?P<open>    [(\[{] )
    | (?P<close>   [)\]}] )
    | (?P<currency> [$€£¥¢] )
    | (?P<percent> % )
    | (?P<command> \\(?:[a-zA-Z]+|.)? )
    | (?P<silent>  (?<=[a-z])\.(?=[ ]?[-+*/×÷=]) | (?<=s)['’](?=\s) )
    | (?P<stop>    [^\s] )
    )[ ]*""",
    re.VERBOSE | re.MULTILINE,
)
_NUMBER: Final = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+")
_OPERATORS: Final = {
    "-": "-", "−": "-", "–": "-", "+": "+", "*": "*", "×": "*", "·": "*", "⋅": "*",
    "/": "/", "÷": "/", "∕": "/", "⁄": "/", "^": "^", "**": "^",
}  # fmt: skip
_COMMANDS: Final[dict[str, tuple[Kind, str]]] = {
    r"\times": ("op", "*"), r"\cdot": ("op", "*"), r"\ast": ("op", "*"), r"\div": ("op", "/"),
    r"\frac": ("fraction", ""), r"\dfrac": ("fraction", ""), r"\tfrac": ("fraction", ""),
    r"\approx": ("relation", "≈"), r"\$": ("currency", "$"), r"\%": ("percent", "%"),
    r"\{": ("open", "{"), r"\}": ("close", "}"), r"\\": ("stop", ""),
}  # fmt: skip
_SILENT_COMMANDS: Final = frozenset(
    {r"\left", r"\right", r"\boxed", r"\text", r"\textbf", r"\mathrm", r"\,", r"\;", r"\:", r"\!",
     r"\ ", r"\(", r"\)", r"\[", r"\]", r"\quad", r"\mbox", r"\displaystyle"}
)  # fmt: skip
_VULGAR: Final = {"½": (1, 2), "¼": (1, 4), "¾": (3, 4), "⅓": (1, 3), "⅔": (2, 3), "⅛": (1, 8)}
_POWERS: Final = {"²": (2, 1), "³": (3, 1)}
_CLOSERS: Final = {"(": ")", "[": "]", "{": "}"}
_CLOCK_DIGITS: Final = 4
_OPERATIONS: Final = frozenset({"op", "power"})
_STOPS: Final = frozenset({"stop", "newline", "marker"})
_ORDINALS: Final = frozenset({"st", "nd", "rd", "th"})


class Tokens:
    """Parallel lists, one entry per token, closed by an `end` token.

    `text` is the token as written except that operators are one of `+ - * / ^` and relations one
    of `= ≈`. `value` and `decimals` belong to numbers. `pair` is the index of a bracket's partner.
    """

    __slots__ = ("decimals", "end", "kind", "pair", "start", "text", "value")

    def __init__(self) -> None:
        self.kind: list[Kind] = []
        self.text: list[str] = []
        self.start: list[int] = []
        self.end: list[int] = []
        self.value: dict[int, Rational] = {}
        self.decimals: dict[int, int] = {}
        self.pair: dict[int, int] = {}

    def add(self, kind: Kind, text: str, start: int, end: int) -> None:
        """Append one token."""
        self.kind.append(kind)
        self.text.append(text)
        self.start.append(start)
        self.end.append(end)

    def adjacent(self, index: int) -> bool:
        """Whether the token touches the one before it."""
        return index > 0 and self.start[index] == self.end[index - 1]


def read_number(literal: str) -> tuple[Rational, int] | None:
    """Value and decimals of `1,234.50`, `.5`; None for `12:30`, `0730`, `12,5` and huge ones."""
    if len(literal) > MAX_DIGITS:
        return None
    if literal.isdigit():
        if literal[0] == "0" and len(literal) == _CLOCK_DIGITS:
            return None
        return (int(literal), 1), 0
    if _NUMBER.fullmatch(literal) is None:
        return None
    whole, _, decimals = literal.replace(",", "").partition(".")
    return (int(whole + decimals), 10 ** len(decimals)), len(decimals)


def tokenize(text: str, start: int, end: int, budget: Budget) -> Tokens:
    """The tokens of `text[start:end]`."""
    tokens = Tokens()
    add = tokens.add
    open_brackets: list[int] = []
    count = 0
    for count, match in enumerate(_TOKEN.finditer(text, start, end), 1):  # noqa: B007
        group = match.lastgroup
        written = match[match.lastindex or 0]
        at, after = match.span(match.lastindex or 0)
        if group == "word":
            if tokens.end and tokens.end[-1] == at:
                _add_attached(tokens, written, at, after)
            else:
                add("percent" if written.lower() == "percent" else "word", written, at, after)
        elif group == "number":
            _add_number(tokens, written, at, after)
        elif group in _OPERATIONS:
            add("op", _OPERATORS[written], at, after)
        elif group == "relation":
            add("relation", written[0], at, after)
        elif group in _STOPS:
            add("stop", "•" if group == "marker" else written[0], at, after)
            if group == "newline":
                open_brackets.clear()
        elif group in {"open", "close"}:
            _add_bracket(tokens, open_brackets, written, at, after)
        elif group == "command":
            _add_command(tokens, open_brackets, written, at, after)
        else:
            _add_rare(tokens, group or "", written, at, after)
    budget.spend(count)  # at once: the text's length bounds what was read until here
    add("end", "", end, end)
    return tokens


def _add_attached(tokens: Tokens, written: str, at: int, after: int) -> None:
    """Add a word that touches the token before it: "3rd" and "1e6" are no numbers read here."""
    lowered = written.lower()
    if tokens.kind[-1] == "number":
        ordinal = lowered in _ORDINALS
        if ordinal or (lowered[0] == "e" and lowered[1:].isdigit()):
            tokens.kind[-1] = "word" if ordinal else "opaque"
            tokens.text[-1] += written
            tokens.end[-1] = after
            return
    tokens.add("percent" if lowered == "percent" else "word", written, at, after)


def _add_number(tokens: Tokens, written: str, at: int, after: int) -> None:
    number = read_number(written)
    if number is None:
        tokens.add("opaque", written, at, after)
        return
    index = len(tokens.kind)
    tokens.value[index], tokens.decimals[index] = number
    tokens.add("number", written, at, after)


def _add_bracket(
    tokens: Tokens, open_brackets: list[int], written: str, at: int, after: int
) -> None:
    if written in _CLOSERS:
        open_brackets.append(len(tokens.kind))
        tokens.add("open", written, at, after)
    else:
        _add_close(tokens, open_brackets, written, at, after)


def _add_close(tokens: Tokens, open_brackets: list[int], written: str, at: int, after: int) -> None:
    if open_brackets and _CLOSERS[tokens.text[open_brackets[-1]]] == written:
        tokens.pair[open_brackets.pop()] = len(tokens.kind)
    tokens.add("close", written, at, after)


def _add_command(
    tokens: Tokens, open_brackets: list[int], written: str, at: int, after: int
) -> None:
    if written in _SILENT_COMMANDS:
        return
    kind, text = _COMMANDS.get(written, ("stop", written))
    if kind == "open":
        open_brackets.append(len(tokens.kind))
    if kind == "close":
        _add_close(tokens, open_brackets, text, at, after)
    else:
        tokens.add(kind, text, at, after)


def _add_rare(tokens: Tokens, group: str, written: str, at: int, after: int) -> None:
    if group in ("currency", "percent"):
        tokens.add(group, written, at, after)  # type: ignore[arg-type]
    elif group == "times":
        tokens.add("op", "*", at, after)
    elif group == "square":
        tokens.add("op", "^", at, at)
        tokens.value[len(tokens.kind)], tokens.decimals[len(tokens.kind)] = _POWERS[written], 0
        tokens.add("number", written, at, after)
    elif group == "vulgar":
        tokens.value[len(tokens.kind)], tokens.decimals[len(tokens.kind)] = _VULGAR[written], 0
        tokens.add("fraction", written, at, after)
    # What is left is silent: hyphens inside "3-page", bold marks, full stops of abbreviations.
