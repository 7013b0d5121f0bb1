"""What the scripted engine says to the page: problems solved, gone wrong, and voted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.engines.scripted import Script

CLIPS: Final = (
    "Natalia sold clips to 48 of her friends in April, and half as many in May. "
    "How many clips did she sell in April and May together?"
)
PENS: Final = "Ann has 3 pens. She buys 4 more. How many pens does Ann have now?"
BAKER: Final = (
    "A baker makes 5 trays of 12 rolls and sells 3/4 of them at $0.50 each. How much does he take?"
)
LONG: Final = "Count the clips of a year, month by month."
WRONG: Final = "A box holds 48 clips. Half of them are sold. How many are sold?"
CARDS: Final = "Ben has 4 packs of 12 cards and gives 9 cards away. How many cards has he left?"
HOSTILE: Final = '<img src=x onerror="window.hacked=1"> What is 1 + 1?'
NONE: Final = "Say nothing."
PLAIN: Final = "Hello, who are you?"


MORE: Final = "\n\nState 3:\nAction: Verify\n"
"""As much of the next state as tells a beam that the one before is complete."""


def trace(*states: tuple[str, str], first: int = 1) -> str:
    """States as a model writes them."""
    return "\n\n".join(
        f"State {number}:\nAction: {action}\nOutput: {output}"
        for number, (action, output) in enumerate(states, first)
    )


def script(delay_s: float = 0.0) -> Script:
    """All of it. Sampled paths take a question's recordings in turn."""
    return Script(
        {
            PENS: trace(
                ("Formalize", "Let a be the pens Ann has, a = 3. Let b be those she buys, b = 4."),
                ("Decompose", "1. How many pens are there in all?"),
                ("Solve Subquestion", "a + b = 3 + 4 = 7"),
                ("Summarize", r"The final answer is \boxed{7}."),
            ),
            CLIPS: _clips(),
            BAKER: trace(
                ("Formalize", r"Let r be the rolls, \(r = 5 \times 12\), and t what he takes."),
                ("Solve Subquestion", "r = 5 * 12 = 60 rolls"),
                ("Solve Subquestion", "Sold: 3/4 of 60 = 45 rolls"),
                ("Solve Parent", r"t = 45 * $0.50 = $22.50"),
                ("Summarize", r"The final answer is \boxed{22.50}."),
            ),
            CARDS: _cards(),
            LONG: trace(*(("Solve Subquestion", f"{n} * 12 = {n * 12}") for n in range(1, 200))),
            WRONG: trace(
                ("Solve Subquestion", "m = 48 / 2 = 26"),
                ("Summarize", r"The final answer is \boxed{26}."),
            ),
            HOSTILE: _hostile(),
            NONE: trace(
                ("Formalize", "There is nothing to say."),
            ),
            PLAIN: "I replay recorded solutions of school problems; I do not reason.",
        },
        delay_s,
        continuations={
            "Backtrack to State 1.": [
                trace(
                    ("Solve Subquestion", "m = 48 / 2 = 24"),
                    ("Solve Parent", "48 + m = 48 + 24 = 72"),
                    ("Summarize", r"The final answer is \boxed{72}."),
                    first=5,
                )
            ],
            "Output: m = 48 / 2 = 24": [
                trace(
                    ("Solve Parent", "48 + m = 48 + 24 = 72"),
                    ("Summarize", r"The final answer is \boxed{72}."),
                    first=3,
                )
            ],
            # A beam's steps.
            "Output: c = 4 * 12 = 48": [
                trace(("Solve Parent", "c - 9 = 48 - 9 = 39"), first=2) + MORE,
                trace(("Solve Parent", "48 - 9 = 37"), first=2) + MORE,
            ],
            "Output: c = 4 * 12 = 44": [trace(("Solve Parent", "44 - 9 = 35"), first=2) + MORE],
            "= 39": [trace(("Summarize", r"The final answer is \boxed{39}."), first=3)],
            "= 37": [trace(("Summarize", r"The final answer is \boxed{37}."), first=3)],
            "= 35": [trace(("Summarize", r"The final answer is \boxed{35}."), first=3)],
        },
    )


def _clips() -> str:
    return trace(
        ("Formalize", "Let m be the clips sold in May. m = 48 / 2. Find 48 + m."),
        ("Solve Subquestion", "m = 48 / 2 = 26"),
        ("Verify", "State 2 says m = 48 / 2 = 26, but 48 / 2 = 24."),
        ("Backtrack", "Backtrack to State 1."),
        ("Solve Subquestion", "m = 48 / 2 = 24"),
        ("Solve Parent", "48 + m = 48 + 24 = 72"),
        ("Summarize", r"The final answer is \boxed{72}."),
    )


def _cards() -> Sequence[str]:
    def path(cards: str, left: str, answer: int) -> str:
        return trace(
            ("Solve Subquestion", f"c = {cards}"),
            ("Solve Parent", left),
            ("Summarize", rf"The final answer is \boxed{{{answer}}}."),
        )

    right = path("4 * 12 = 48", "c - 9 = 48 - 9 = 39", 39)
    added = path("4 * 12 = 48", "48 + 9 = 57", 57)
    wrong = path("4 * 12 = 44", "44 - 9 = 35", 35)
    lost = trace(("Solve Subquestion", "c = 12 - 9 = 3"), ("Decompose", "1. How many packs?"))
    return [right, wrong, right, added, right, lost]


def _hostile() -> str:
    markup = (
        "<script>window.hacked=2</script><img src=x onerror=window.hacked=3>"
        "<math><mtext><style><img src=x onerror=window.hacked=4></style></mtext></math>"
        "<a href='javascript:window.hacked=5'>1</a>"
    )
    return trace(
        ("Formalize", f"{markup} m = 1 + 1"),
        ("Solve Subquestion", "\u202e2 = 1 + 1\u202c &lt;b&gt; \u0007\n1 + 1 = 3"),
        ("<b>Cheat</b>", "x" * 5_000 + " " + "(" * 500),
        ("Summarize", r"\boxed{<i>2</i>}"),
    )
