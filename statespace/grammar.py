r"""The trace format as a grammar, for models that were not trained to write it.

A grammar says what may follow a state: headers with legal actions only, outputs free but for a line
that begins with `State`, which could begin a header. It ends where what comes next depends on what
was written, after Verify, Backtrack and Summarize; there `grammar` is asked anew, with the tree as
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

# A line is `word` after marks, and the word is not `State` with a space after it, in any case. The
# parser takes no other line for the first one of a header.
_TEXT: Final = r"""
head ::= "State " [1-9] [0-9]? [0-9]? [0-9]? ":\nAction: "
text ::= first more
first ::= [^ \t\r\n] rest
more ::= "" | "\n" line more | "\n\n" line more
rest ::= [^\n]*
line ::= [ \t*#_>\-] | [ \t*#_>\-] line | [sS] s | [^ \t*#_>\-sS\n] rest
s ::= "" | [tT] st | [^tT\n] rest
st ::= "" | [aA] sta | [^aA\n] rest
sta ::= "" | [tT] stat | [^tT\n] rest
stat ::= "" | [eE] state | [^eE\n] rest
state ::= "" | [^ \t\n] rest
"""


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
    return "\n".join(rules) + _TEXT


def _choice(actions: Collection[Action]) -> str:
    """One state with one of `actions`, and what follows it."""
    return "head (" + " | ".join(_state(action) for action in sorted(actions)) + ")"


def _state(action: Action) -> str:
    opening = f'"{LABELS[action]}\\nOutput: "'
    separator = '"' + SEPARATOR.replace("\n", "\\n") + '"'
    match action:
        case Action.SUMMARIZE:
            return f"{opening} first"
        case Action.VERIFY:
            return f"{opening} text {separator}"
        case Action.BACKTRACK:
            return f"{opening} target {separator}"
        case _:
            return f"{opening} text {separator} {action.value}"
