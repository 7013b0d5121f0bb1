"""The remote engine: vLLM servers elsewhere, over their OpenAI completions.

Token ids go in and come out; their text is made here, as in process, so that a strategy finds the
same. Closing a connection ends the work on it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import structlog

from app.engines import completions, upstream as upstreams
from app.engines.base import Chunk, Phase, Sampling
from app.engines.checkpoint import profile
from app.engines.pace import Pace
from app.engines.pool import Pool
from app.engines.tokenization import Tokenization, Tokenized
from app.engines.upstream import PROBE, FullError, LostError, Served, Upstream
from app.errors import (
    AppError,
    EngineAwayError,
    EngineStartError,
    NotFoundError,
    RequestError,
    UnavailableError,
    UnknownModelError,
)
from app.settings import Settings
from statespace.tree import StateTree

logger = structlog.get_logger(__name__)

TRIES: Final = 3
"""Servers that a request is given to: it may be what ends them."""
LOOK_S: Final = 1.0
"""Between two looks whether a first server has come up."""
DRAIN_S: Final = 1.0
"""What a server has to end an answer that has said all, so that its connection is used again."""
NONE: Final = "no model server can be reached now; try again later"


class RemoteEngine(Tokenized):
    """Continues token ids on the least busy of several servers with the same model."""

    def __init__(self, settings: Settings) -> None:
        """Raises `EngineStartError` if no server is named, or what a server only can do."""
        if not settings.upstream:
            raise EngineStartError(
                "the remote engine needs a server; name it with --upstream or STATEWISE_UPSTREAM, "
                "like http://gpu-1:8000"
            )
        if settings.adapters or settings.adapters_dir:
            raise EngineStartError(
                "STATEWISE_ADAPTERS: the remote engine loads none; start its servers with "
                "--enable-lora --lora-modules NAME=FOLDER, and leave this out"
            )
        self._settings = settings
        key = settings.upstream_key
        self._http = upstreams.client(
            key.get_secret_value() if key else None, settings.upstream_silence_s
        )
        self._pool = Pool([Upstream(url, self._http) for url in settings.upstream])
        self._started = False
        self._served = Served("", "", 0)
        self._pace = Pace(settings.stream_interval)

    @property
    def max_context(self) -> int:
        """Tokens of prompt and output together."""
        return self._served.max_context

    @property
    def width(self) -> int:
        """Requests that the servers that are there work on at a time."""
        return self._settings.upstream_width * max(1, self._pool.up)

    @property
    def adapters(self) -> Collection[str]:
        """Those of a server, as it had them when it was found."""
        return self._served.adapters

    async def start(self, phase: Phase) -> None:
        """Wait for a first server, and load the tokenizer of what it serves."""
        self._served = await self._first(phase)
        phase("loading")
        model = self._settings.checkpoint or self._served.root
        asked = profile(self._settings.profile, model)
        tokenizer = await asyncio.to_thread(_tokenizer, model)
        self._text = await asyncio.to_thread(Tokenization.of, tokenizer, asked, model)
        first = self._text.first(self.max_context)
        phase("warming")
        await self._pool.open(self._check)
        with suppress(EngineAwayError, UnavailableError):  # they come and go: that is no mistake
            async for _ in self.generate(*first):
                pass
        self._started = True

    async def add_adapter(self, name: str, folder: Path) -> None:  # noqa: ARG002
        """Raises `RequestError`: only a server could."""
        raise RequestError(
            "name: load the adapter on the model servers; it is found when they are next looked at",
            param="name",
        )

    async def remove_adapter(self, name: str) -> None:
        """Raises `NotFoundError`: there is none of this server's own."""
        raise NotFoundError(f"name: this server has loaded no adapter {name!r}", param="name")

    def prompt(
        self,
        question: str,
        *,
        plain: bool = False,
        adapter: str | None = None,  # noqa: ARG002
    ) -> list[int]:
        """The prompt ids for a question."""
        return self._text.manner.prompt(question, plain=plain)

    def opening(self, sampling: Sampling) -> str:
        """What every trace of the model's training began with; an adapter's card is not known."""
        return self._text.manner.opening(plain=sampling.plain or sampling.adapter is not None)

    def grammar(self, tree: StateTree, sampling: Sampling) -> str | None:
        """The grammar of what follows, if the model was not trained to write states."""
        return self._text.manner.grammar(tree, plain=sampling.plain)

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Chunk, None]:
        """Continue `prompt` on one server; closing the generator closes the connection.

        A server that is lost before it has said anything is replaced by another. Raises
        `EngineAwayError` if there is none or one is lost later, `UnavailableError` if all are full.
        """
        interval = self._pace.interval()
        body = completions.request(
            self._served.name, prompt, sampling, interval, literal=self._text.literal
        )
        failure: AppError = EngineAwayError(NONE)
        for upstream in self._pool.offers(prompt, TRIES):
            said = False
            try:
                async with aclosing(self._answer(upstream, body, prompt, sampling)) as chunks:
                    async for chunk in chunks:
                        said = True
                        yield chunk
                return
            except FullError as error:
                told = "the model servers are full; try again later"
                failure = UnavailableError(told, retry_after=error.retry_after, code="full")
            except LostError as error:
                self._pool.suspect(upstream, str(error))
                failure = EngineAwayError("the model server was lost at work; try again")
                if said:
                    raise failure from error
            except UnknownModelError as error:
                if sampling.adapter is not None:
                    raise
                self._pool.suspect(upstream, error.message)
        raise failure

    async def _answer(
        self, upstream: Upstream, body: bytes, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Chunk, None]:
        answer = completions.Answer(len(prompt), sampling.max_tokens, self._text.decoder(prompt))
        began = 0.0
        try:
            async with upstream.completion(body, sampling.trace) as pieces:
                async for piece in pieces:
                    began = began or time.perf_counter()
                    for chunk in answer.feed(piece):
                        yield chunk
                    if answer.done:
                        await _exhaust(pieces)
                        break
        except LostError:
            if answer.last is None:
                raise
        finally:
            self._pace.ended(answer.tokens, time.perf_counter() - began)
        if answer.last is None:
            raise LostError("it ended in the middle of an answer")
        yield answer.last

    def unfinished(self) -> int:
        """Requests that the servers work on for this one."""
        return sum(upstream.busy for upstream in self._pool.upstreams)

    def upstreams(self) -> Mapping[str, bool]:
        """Whether each server can be asked."""
        return {upstream.url: upstream.up for upstream in self._pool.upstreams}

    def heard(self) -> float:
        """Now: a server that is silent for too long is given up where it is asked."""
        return time.monotonic()

    async def check(self) -> None:
        """Raises `EngineAwayError` while no server can be asked."""
        if self._started and not self._pool.up:
            raise EngineAwayError(NONE)

    async def stop(self) -> None:
        """Close all connections."""
        await self._pool.stop()
        await self._http.aclose()

    async def _first(self, phase: Phase) -> Served:
        """What the first server serves that comes up; waits for one."""
        told: dict[Upstream, str] = {}
        while True:
            phase("connecting")  # raises if the start is to end
            for upstream in self._pool.upstreams:
                try:
                    await upstream.probe()
                    return await upstream.served(self._settings.checkpoint)
                except LostError as error:
                    if told.get(upstream) != str(error):
                        logger.warning("upstream_away", url=upstream.url, error=str(error))
                    told[upstream] = str(error)
            await asyncio.sleep(LOOK_S)

    async def _check(self, upstream: Upstream) -> None:
        """Raises `EngineStartError` if a server does not serve what the first one did."""
        await upstream.probe()
        served = await upstream.served(self._served.name)
        if served.name != self._served.name or served.max_context < self.max_context:
            raise EngineStartError(
                f"{upstream.url} serves {served.name} with {served.max_context} tokens, not "
                f"{self._served.name} with {self.max_context}; all servers must serve the same"
            )
        self._served = replace(self._served, adapters=served.adapters)
        theirs = await upstream.tokens(served.name)
        if theirs is not None and theirs != self.encode(PROBE):
            raise EngineStartError(
                f"{upstream.url} reads text in other tokens than the tokenizer that was loaded "
                "here; name a copy of what it serves with --model"
            )


def _tokenizer(model: str) -> Any:
    """The tokenizer of a folder or hub id; its weights are not needed."""
    try:
        from transformers import AutoTokenizer  # noqa: PLC0415
    except ImportError as error:
        raise EngineStartError(
            f"transformers cannot be imported ({error}); install '.[remote]' in a checkout"
        ) from error
    if model.startswith(("/", ".", "~")) and not Path(model).is_dir():
        raise EngineStartError(
            f"there is no folder {model} here; name a copy of the tokenizer files and, if there is "
            "one, the card of what the server serves with --model"
        )
    try:
        return AutoTokenizer.from_pretrained(model)
    except (OSError, ValueError, KeyError) as error:
        raise EngineStartError(f"no tokenizer can be loaded from {model}: {error}") from error


async def _exhaust(pieces: AsyncGenerator[bytes, None]) -> None:
    """Read the end of an answer that has said all, so that its connection can be used again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            async for _ in pieces:
                pass
