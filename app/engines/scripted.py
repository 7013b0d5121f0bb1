"""The scripted engine: replays recorded generations, with delays and faults on demand.

For developing clients, for machines that vLLM does not support, and for fast tests. It generates
nothing: a question that has no recording gets the first one. Options stand after `--`:

    statewise serve --engine scripted -- --delay-s 0.05 --fault die --after 3
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from app.engines.base import Chunk, Phase, Sampling
from app.errors import EngineDeadError, EngineError, EngineStartError

Fault = Literal["die", "error", "hang", "stop"]
RECORDINGS: Final = Path(__file__).with_name("recordings.jsonl")
CHARACTERS_PER_TOKEN: Final = 4
DELAY_S: Final = 0.01
AFTER: Final = 3
WIDTH: Final = 128


@dataclass(frozen=True, slots=True)
class Script:
    """How to replay: what is said to which question, how fast, and what goes wrong when."""

    recordings: dict[str, str]
    delay_s: float = DELAY_S
    fault: Fault | None = None
    after: int = AFTER
    """Chunks before the fault."""

    @classmethod
    def from_options(cls, options: Sequence[str]) -> Script:
        """Read the options of `statewise serve --engine scripted`. Raises `EngineStartError`."""
        parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
        parser.add_argument("--recordings", type=Path, default=RECORDINGS)
        parser.add_argument("--delay-s", type=float, default=DELAY_S)
        parser.add_argument("--fault", choices=["die", "error", "hang", "stop"])
        parser.add_argument("--after", type=int, default=AFTER)
        try:
            found, unknown = parser.parse_known_args(list(options))
        except argparse.ArgumentError as error:
            raise EngineStartError(f"the scripted engine does not take this: {error}") from error
        if unknown:
            raise EngineStartError(f"the scripted engine does not know {' '.join(unknown)}")
        return cls(load_recordings(found.recordings), found.delay_s, found.fault, found.after)


def load_recordings(path: Path) -> dict[str, str]:
    """Question → generated text, from JSON lines `{"question": …, "text": …}`."""
    try:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        recordings = {row["question"]: row["text"] for row in rows}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineStartError(
            f"{path} does not hold JSON lines with question and text: {error!r}"
        ) from error
    if not recordings:
        raise EngineStartError(f"{path} holds no recording")
    return recordings


class ScriptedEngine:
    """Replays a `Script`. A token is four characters; the prompt is the question's UTF-8."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._running = 0
        self._dead = False

    @property
    def max_context(self) -> int:
        """Tokens of prompt and output together."""
        return 32_768

    @property
    def width(self) -> int:
        """Replays at a time; nothing waits."""
        return WIDTH

    async def start(self, phase: Phase) -> None:
        """Nothing to load."""
        phase("loading")

    def prompt(self, question: str) -> list[int]:
        """One id per byte."""
        return list(question.encode("utf-8", "surrogatepass"))

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Chunk, None]:
        """Replay the recording for the question that `prompt` spells."""
        text = self._text(bytes(prompt).decode("utf-8", "surrogatepass"))
        self._running += 1
        try:
            count = itertools.count()
            size = CHARACTERS_PER_TOKEN
            for start in range(0, len(text), size):
                await self._tick(next(count))
                ended = start + size >= len(text)
                spent = start // size + 1
                if spent >= sampling.max_tokens and not ended:
                    yield Chunk(text[start : start + size], (0,), "length")
                    return
                yield Chunk(text[start : start + size], (0,), "stop" if ended else None)
                if self._script.fault == "stop" and spent >= self._script.after:
                    yield Chunk("", (0,), "stop")
                    return
        finally:
            self._running -= 1

    async def _tick(self, index: int) -> None:
        await asyncio.sleep(self._script.delay_s)
        if self._dead:
            raise EngineDeadError("the scripted engine is dead")
        if index < self._script.after:
            return
        if self._script.fault == "die":
            self._dead = True
            raise EngineDeadError("the scripted engine was told to die")
        if self._script.fault == "error":
            raise EngineError("the scripted engine was told to fail")
        if self._script.fault == "hang":
            await asyncio.Event().wait()

    def _text(self, question: str) -> str:
        recordings = self._script.recordings
        return recordings.get(question) or next(iter(recordings.values()))

    def unfinished(self) -> int:
        """Replays that are running."""
        return self._running

    async def check(self) -> None:
        """Raises `EngineDeadError` after the fault `die`."""
        if self._dead:
            raise EngineDeadError("the scripted engine is dead")

    async def stop(self) -> None:
        """Nothing to end."""
