r"""The trace format as a grammar, for models that were not trained to write it.

A grammar says what may follow a state: headers with legal actions only, outputs free but for lines
that begin with `State`. It ends where what comes next depends on what was written, after Verify,
Backtrack and Summarize, whose outputs are one line; there `grammar` is asked anew, with the tree as
it has become. So it is small, and no text that it lets through holds an illegal transition.

The notation is xgrammar's EBNF.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Final

from statespace.actions import LABELS, SUCCESSORS, Action
from statespace.repair import backtrack_text
from statespace.text import SEPARATOR
from statespace.tree import StateTree

ENDS: Final = frozenset({Action.VERIFY, Action.BACKTRACK, Action.SUMMARIZE})
"""The actions that end a grammar."""
MAX_TARGETS: Final = 32
"""States that a Backtrack can name: the newest ones of a long path."""

_REST: Final = r"[^\n]*"


def _word() -> str:
    """A line that does not begin with `State`, in any case, after its marks.

    The parser takes no other line for the first one of a header, and a model that writes the word
    there wants to begin one. Alternatives only: of a group that ends with a star and may be left
    out, xgrammar 0.2.8 makes one that takes anything.
    """
    begun, words = "", [r"[^ \t*#_>\-sS\n]" + _REST]
    for letter, following in zip("stat", ("tT", "aA", "tT", "eE"), strict=True):
        begun += f"[{letter}{letter.upper()}]"
        words += [begun, rf"{begun}[^{following}\n]{_REST}"]
    return "|".join(words)


_MARK: Final = r"[ \t*#_>\-]"
_FIRST: Final = r"[^ \t\r\n]" + _REST
_TEXT: Final = rf"{_FIRST}(\n\n?({_MARK}*({_word()})|{_MARK}+))*"
_SEPARATOR: Final = '"' + SEPARATOR.replace("\n", "\\n") + '"'

# As one expression with a look-ahead, an output costs no more than a few microseconds a token,
# however many tokens there are; as rules of rules it costs a hundred times as much.
_OUTPUTS: Final = "\n".join(
    [
        r'head ::= "State " [1-9] [0-9]? [0-9]? [0-9]? ":\nAction: "',
        'text ::= Regex("{}") (= {})'.format(_TEXT.replace("\\", "\\\\"), _SEPARATOR),
        'first ::= Regex("{}")'.format(_FIRST.replace("\\", "\\\\")),
        r'end ::= "" | "\n" | "\n\n"',
    ]
)


def continuation(tree: StateTree) -> str | None:
    """The grammar of what may be written after the newest state; None if nothing may."""
    allowed = tree.allowed()
    return grammar(allowed, tree.targets()) if allowed else None


def grammar(allowed: Collection[Action], targets: Iterable[int] = (0,)) -> str:
    """The grammar of a text whose first action is one of `allowed`, which must not be empty.

    `targets` are the numbers that a Backtrack may name, newest first.
    """
    return _grammar(frozenset(allowed), tuple(targets)[:MAX_TARGETS])


@lru_cache(maxsize=512)
def _grammar(allowed: frozenset[Action], targets: tuple[int, ...]) -> str:
    rules = [f"root ::= {_choice(allowed)}"]
    rules += [
        f"{action.value} ::= {_choice(successors)}"
        for action, successors in SUCCESSORS.items()
        if action not in ENDS
    ]
    if Action.BACKTRACK in allowed:
        texts = " | ".join(f'"{backtrack_text(target)}"' for target in targets)
        rules.append(f"target ::= {texts}")
    return "\n".join([*rules, _OUTPUTS])


def _choice(actions: Collection[Action]) -> str:
    """One state with one of `actions`, and what follows it."""
    return "head (" + " | ".join(_state(action) for action in sorted(actions)) + ")"


def _state(action: Action) -> str:
    opening = f'"{LABELS[action]}\\nOutput: "'
    match action:
        case Action.SUMMARIZE:
            return f"{opening} first end"
        case Action.VERIFY:
            # A second paragraph would keep the model, which wants to write the next header, from
            # the end.
            return f"{opening} first {_SEPARATOR}"
        case Action.BACKTRACK:
            return f"{opening} target {_SEPARATOR}"
        case _:
            return f"{opening} text {_SEPARATOR} {action.value}"
