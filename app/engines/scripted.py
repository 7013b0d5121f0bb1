"""The scripted engine: replays recorded generations, with delays and faults on demand.

For developing clients, for machines that vLLM does not support, and for fast tests. It generates
nothing: a question that has no recording gets the first one; what is sampled gets a question's
recordings one after another. A recording with `after` continues a context that ends with that
text; where none does, the question's recording goes on if it begins with the context, or else
nothing follows. Options stand after `--`:

    statewise serve --engine scripted -- --delay-s 0.05 --fault die --after 3
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from app.engines.base import Chunk, FinishReason, Phase, Sampling
from app.errors import (
    ConflictError,
    EngineDeadError,
    EngineError,
    EngineStartError,
    NotFoundError,
)
from statespace.tree import StateTree

Fault = Literal["die", "error", "hang", "stop"]
RECORDINGS: Final = Path(__file__).with_name("recordings.jsonl")
CHARACTERS_PER_TOKEN: Final = 4
END: Final = 0
"""The id between the question and what is written."""
LOGPROB: Final = -0.1
NOTHING: Final = "\n"
DELAY_S: Final = 0.01
AFTER: Final = 3
WIDTH: Final = 128
CONTEXT: Final = 8_192


@dataclass(frozen=True, slots=True)
class Script:
    """How to replay: what is said to which question, how fast, and what goes wrong when."""

    recordings: Mapping[str, str | Sequence[str]]
    """Question → what is written, or several such texts in turn."""
    delay_s: float = DELAY_S
    fault: Fault | None = None
    after: int = AFTER
    """Chunks before the fault."""
    times: int | None = None
    """How many requests the fault meets, whatever engine it is the end of; None is all."""
    continuations: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What a context ends with → how it goes on; the longest that fits is taken."""

    @classmethod
    def from_options(cls, options: Sequence[str]) -> Script:
        """Read the options of `statewise serve --engine scripted`. Raises `EngineStartError`."""
        parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
        parser.add_argument("--recordings", type=Path, default=RECORDINGS)
        parser.add_argument("--delay-s", type=float, default=DELAY_S)
        parser.add_argument("--fault", choices=["die", "error", "hang", "stop"])
        parser.add_argument("--after", type=int, default=AFTER)
        parser.add_argument("--times", type=int)
        try:
            found, unknown = parser.parse_known_args(list(options))
        except argparse.ArgumentError as error:
            raise EngineStartError(f"the scripted engine does not take this: {error}") from error
        if unknown:
            raise EngineStartError(f"the scripted engine does not know {' '.join(unknown)}")
        recordings = load_recordings(found.recordings)
        continuations = _texts(found.recordings, "after")
        return cls(recordings, found.delay_s, found.fault, found.after, found.times, continuations)


def load_recordings(path: Path) -> dict[str, str | list[str]]:
    """Question → what is written, or several texts, from lines `{"question": …, "text": …}`.

    Raises `EngineStartError`.
    """
    recordings = _texts(path, "question")
    if not recordings:
        raise EngineStartError(f"{path} holds no recording")
    return {key: texts[0] if len(texts) == 1 else texts for key, texts in recordings.items()}


def _texts(path: Path, key: str) -> dict[str, list[str]]:
    """The texts of the JSON lines that have `key`, by its value."""
    found: dict[str, list[str]] = {}
    try:
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line) if line.strip() else {}
            if key in row:
                found.setdefault(row[key], []).append(row["text"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineStartError(
            f"{path} does not hold JSON lines with question and text: {error!r}"
        ) from error
    return found


class ScriptedEngine:
    """Replays a `Script`. A token is up to four characters, its id spells them."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._sampled: Counter[str] = Counter()
        self._running = 0
        self._dead = False
        self._faults = 0
        self._heard = 0.0
        self._adapters: set[str] = set()

    @property
    def max_context(self) -> int:
        """Tokens of prompt and output together."""
        return CONTEXT

    @property
    def width(self) -> int:
        """Replays at a time; nothing waits."""
        return WIDTH

    @property
    def adapters(self) -> Collection[str]:
        """Names that were added; each answers as the model does."""
        return self._adapters

    async def start(self, phase: Phase) -> None:
        """Nothing to load; it lives again if it has died."""
        phase("loading")
        self._dead = False

    async def add_adapter(self, name: str, folder: Path) -> None:  # noqa: ARG002
        """Take a name."""
        if name in self._adapters:
            raise ConflictError(f"name: there is an adapter {name!r} already", param="name")
        self._adapters.add(name)

    async def remove_adapter(self, name: str) -> None:
        """Forget a name."""
        if name not in self._adapters:
            raise NotFoundError(f"name: there is no adapter {name!r}", param="name")
        self._adapters.remove(name)

    def prompt(
        self,
        question: str,
        *,
        plain: bool = False,  # noqa: ARG002
        adapter: str | None = None,  # noqa: ARG002
    ) -> list[int]:
        """The ids that spell the question, and one that ends it."""
        return [*spelled(question), END]

    def opening(self, sampling: Sampling) -> str:  # noqa: ARG002
        """Nothing: a script says all of it."""
        return ""

    def grammar(self, tree: StateTree, sampling: Sampling) -> str | None:  # noqa: ARG002
        """None: recordings are replayed as they are."""
        return None

    def encode(self, text: str) -> list[int]:
        """The ids that spell `text`."""
        return spelled(text)

    def cut(self, prompt: Sequence[int], ids: Sequence[int], characters: int) -> list[int]:
        """`prompt` and the first `characters` of what `ids` spell."""
        return [*prompt, *spelled(said(ids)[:characters])]

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Chunk, None]:
        """Replay the recording for the context that `prompt` spells."""
        ids = spelled(self._text(prompt, sampling))
        self._running += 1
        try:
            for index, token in enumerate(ids):
                await self._tick(index)
                ended = index + 1 == len(ids)
                finish: FinishReason | None = "stop" if ended else None
                if index + 1 >= sampling.max_tokens and not ended:
                    finish = "length"
                self._heard = time.monotonic()
                logprobs = (LOGPROB,) if sampling.logprobs else ()
                yield Chunk(said((token,)), (token,), finish, logprobs=logprobs)
                if finish == "length":
                    return
                if self._script.fault == "stop" and index + 1 >= self._script.after:
                    yield Chunk("", (END,), "stop")
                    return
        finally:
            self._running -= 1

    async def _tick(self, index: int) -> None:
        await asyncio.sleep(self._script.delay_s)
        if self._dead:
            raise EngineDeadError("the scripted engine is dead")
        if index != self._script.after or self._faults == self._script.times:
            return
        self._faults += 1
        if self._script.fault == "die":
            self._dead = True
            raise EngineDeadError("the scripted engine was told to die")
        if self._script.fault == "error":
            raise EngineError("the scripted engine was told to fail")
        if self._script.fault == "hang":
            await asyncio.Event().wait()

    def _text(self, prompt: Sequence[int], sampling: Sampling) -> str:
        end = list(prompt).index(END)
        key, written = said(prompt[:end]), said(prompt[end + 1 :]).rstrip()
        recordings, continuations = self._script.recordings, self._script.continuations
        found: str | Sequence[str]
        if written:
            rest = _rest(recordings.get(key, ()), written)
            key = max(filter(written.endswith, continuations), key=len, default="")
            found = continuations.get(key, rest)
        else:
            found = recordings.get(key) or next(iter(recordings.values()))
        texts = [found] if isinstance(found, str) else found
        allowed = [text for text in texts if not any(banned in text for banned in sampling.banned)]
        sampled = sampling.temperature > 0
        turn = self._sampled[key] if sampled else 0
        self._sampled[key] += sampled
        return (allowed or texts)[turn % len(allowed or texts)]

    def unfinished(self) -> int:
        """Replays that are running."""
        return self._running

    def upstreams(self) -> Mapping[str, bool]:
        """None."""
        return {}

    def heard(self) -> float:
        """When something was last replayed."""
        return self._heard

    async def check(self) -> None:
        """Raises `EngineDeadError` after the fault `die`."""
        if self._dead:
            raise EngineDeadError("the scripted engine is dead")

    async def stop(self) -> None:
        """Nothing to end."""


def _rest(recorded: str | Sequence[str], written: str) -> str:
    """How a recording goes on of which the beginning is there already."""
    for text in [recorded] if isinstance(recorded, str) else recorded:
        if text.startswith(written) and (rest := text[len(written) :].lstrip()):
            return rest
    return NOTHING


def spelled(text: str) -> list[int]:
    """Token ids that spell `text`: each packs up to four code points, 21 bits apiece."""
    size = CHARACTERS_PER_TOKEN
    return [
        sum(
            ord(character) + 1 << 21 * place for place, character in enumerate(text[at : at + size])
        )
        for at in range(0, len(text), size)
    ]


def said(ids: Sequence[int]) -> str:
    """The text that `spelled` made `ids` of."""
    characters = []
    for token in ids:
        left = token
        while left:
            characters.append(chr((left & 0x1FFFFF) - 1))
            left >>= 21
    return "".join(characters)
