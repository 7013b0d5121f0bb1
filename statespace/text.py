r"""The text format of traces, which models are trained on and write (Kwai-STaR, figure 2).

    State 1:
    Action: Formalize
    Output: Let m be the clips sold in May. m = 48 / 2

    State 2:
    Action: Summarize
    Output: The final answer is \boxed{24}.

`render` writes it; `statespace.parser` reads it, tolerantly.
"""

from __future__ import annotations

from collections.abc import Iterable

from statespace.actions import LABELS, Action

SEPARATOR = "\n\n"
"""What stands between two states."""


def header(number: int, action: Action) -> str:
    """The lines that open a state, up to and including `Output:`."""
    return labelled(number, LABELS[action])


def labelled(number: int, label: str) -> str:
    """The same with a label as a model has written it."""
    return f"State {number}:\nAction: {label}\nOutput:"


def state(number: int, action: Action, output: str) -> str:
    """One state as text, without a line end after it."""
    return f"{header(number, action)} {output}"


def render(transitions: Iterable[tuple[Action, str]], *, first: int = 1) -> str:
    """A whole trace as text: actions and outputs, numbered from `first`."""
    return SEPARATOR.join(
        state(number, action, output) for number, (action, output) in enumerate(transitions, first)
    )
