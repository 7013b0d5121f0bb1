"""What a conversation asks: a problem to be reasoned about, or something else.

The last user turn is what is asked; all other turns stand before it as context. It is a problem
unless one of these rules says that it is plain text:

1. It is a client's own errand: it begins with `### Task:` (Open WebUI's titles, tags and
   follow-ups) or asks for a title of the conversation (LibreChat).
2. It holds nothing to calculate with: no digit, no number in words, no sign or word of
   mathematics.

A problem that is taken for text is cut off, text that is taken for a problem only costs tokens: in
doubt it is a problem.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.errors import RequestError
from app.openai.chat_request import Message
from statespace.solutions import MAX_QUESTION

_ERRAND: Final = re.compile(
    r"\A\s*#{1,6} ?Task:|\btitle for (?:the|this|our) (?:conversation|chat)\b", re.I
)
_WORDS: Final = (
    "zero two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty "
    "sixty seventy eighty ninety hundred thousand million dozen half twice thrice double triple "
    "quarter percent sum product ratio root area square prime angle average median maths?"
)
_STEMS: Final = (
    "solv prov calculat comput simplif factori integra differentia derivativ equation inequalit "
    "fraction polynomial triang circle rectang perimet volume probabilit divi multipl subtract "
    "remainder matri vector theorem"
)
_MATHEMATICS: Final = re.compile(
    r"\d|[=+×÷√∑∫^%π一二三四五六七八九十百千]|\\[a-z]|\bhow (?:many|much|long|far|old|tall|fast)\b"
    rf"|\b(?:{'|'.join(_WORDS.split())})\b|\b(?:{'|'.join(_STEMS.split())})",
    re.I,
)
_TITLES: Final = {"user": "User", "assistant": "Assistant", "tool": "Tool", "function": "Tool"}
_TEXTS: Final = {"text": "text", "refusal": "refusal"}
"""The kinds of parts that are read, with the field that holds their text."""
_REMEDY: Final = "only text can be read here; write the problem as a part of type text"


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn as text."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What the model is given, and whether it is a problem."""

    text: str
    is_problem: bool


def asked(messages: Sequence[Message], *, context: bool) -> Asked:
    """What `messages` ask; with `context`, what was said before stands in front of it.

    Raises `RequestError` naming the message that cannot be read.
    """
    turns = [
        Turn(message.role, _text(message.content, f"messages.{index}.content"))
        for index, message in enumerate(messages)
    ]
    last = max((index for index, turn in enumerate(turns) if turn.role == "user"), default=None)
    if last is None or not turns[last].text.strip():
        raise RequestError(
            "messages: there is no user message with text; send the problem as one",
            param="messages",
        )
    question = turns[last].text
    is_problem = not _ERRAND.search(question) and bool(_MATHEMATICS.search(question))
    before = [turn for index, turn in enumerate(turns) if index != last and turn.text.strip()]
    text = in_context(before, question) if context else question
    if len(text) > MAX_QUESTION:
        raise RequestError(
            f"messages: together they have {len(text)} characters and {MAX_QUESTION} are allowed; "
            "leave out what the problem does not need",
            param="messages",
            code="context_length_exceeded",
        )
    return Asked(text, is_problem)


def in_context(before: Sequence[Turn], question: str) -> str:
    """`question` after what was said before it, each turn with who said it."""
    return "\n\n".join([*_told(before), question])


def _told(turns: Sequence[Turn]) -> Iterator[str]:
    for turn in turns:
        title = _TITLES.get(turn.role)
        text = turn.text.strip()
        yield f"{title}: {text}" if title else text


def _text(content: Any, place: str) -> str:
    """The text of a message's content. A turn that only called tools has none."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise RequestError(f"{place}: must be a string or a list of parts", param=place)
    return "\n".join(_part(part, f"{place}.{index}") for index, part in enumerate(content))


def _part(part: Any, place: str) -> str:
    if not isinstance(part, dict) or not isinstance(kind := part.get("type"), str):
        raise RequestError(f"{place}: must be an object with a type", param=place)
    if kind not in _TEXTS:
        raise RequestError(
            f"{place}.type: {kind[:50]!r} is not understood: {_REMEDY}",
            param=f"{place}.type",
            code="unsupported_content",
        )
    text = part.get(_TEXTS[kind])
    if not isinstance(text, str):
        raise RequestError(f"{place}.{_TEXTS[kind]}: must be a string", param=place)
    return text
