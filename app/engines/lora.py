"""The LoRA adapters of a vLLM engine: several fine-tuned reasoners on one base."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from app.engines import adapters
from app.engines.checkpoint import Profile, profile
from app.engines.manner import Manner
from app.errors import (
    ConflictError,
    EngineDeadError,
    EngineStartError,
    NotFoundError,
    RequestError,
    UnknownModelError,
)
from app.settings import Settings
from statespace import card

AT_ONCE: Final = 8
"""Different adapters in one batch, where more may come; each has its place in memory."""
HELD: Final = 16
"""Adapters that are held in main memory. One that fell out would be read again when it is needed,
and the engine dies if it is gone by then: so no more are taken."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    manner: Manner
    request: Any
    """What vLLM is told to use."""


class Lora:
    """Loads adapters into an engine, and knows how each is spoken to."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: dict[str, _Loaded] = {}
        self._running: Counter[str] = Counter()
        self._changing = asyncio.Lock()
        self._ids = count(1)
        self._base: adapters.Shapes = {}
        self._llm: Any = None
        self._began = False
        self._tokenizer: Any = None
        self._request: Callable[[str, int, str], Any]

    @property
    def names(self) -> Collection[str]:
        """The adapters that requests may ask for; those of the settings also before the start."""
        return self._loaded if self._llm is not None else self._settings.adapters

    def options(self) -> list[str]:
        """vLLM's options; none if no adapter is wanted. Raises `EngineStartError`."""
        wanted = self._settings.adapters
        if not wanted and self._settings.adapters_dir is None:
            return []
        later = self._settings.adapters_dir is not None
        try:
            self._base = adapters.base_shapes(self._settings.model)
            ranks = [adapters.DEFAULT_RANK] if later else []
            for name, folder in wanted.items():
                with _named(name):
                    ranks.append(adapters.inspect(folder, self._base).rank)
            rank = adapters.room_for(max(ranks))
        except RequestError as error:
            raise EngineStartError(error.message) from error
        return [
            "--enable-lora",
            f"--max-lora-rank={rank}",
            f"--max-loras={max(len(wanted), AT_ONCE if later else 1)}",
            f"--max-cpu-loras={max(len(wanted), HELD)}",
        ]

    async def start(
        self, llm: Any, tokenizer: Any, request: Callable[[str, int, str], Any]
    ) -> None:
        """Load the adapters of the settings, or else those that an engine before this one had.

        `request` is vLLM's. Raises `EngineStartError`.
        """
        self._llm, self._tokenizer, self._request = llm, tokenizer, request
        had, self._loaded = self._loaded, {}
        again = {name: Path(loaded.request.lora_path) for name, loaded in had.items()}
        try:
            for name, folder in (again if self._began else self._settings.adapters).items():
                with _named(name):
                    await self.add(name, folder)
        except BaseException as error:
            self._loaded = had | self._loaded  # the next engine is to have them all
            if isinstance(error, RequestError):
                raise EngineStartError(error.message) from error
            raise
        self._began = True

    async def add(self, name: str, folder: Path) -> None:
        """Load an adapter. Raises `RequestError` naming the field; the engine lives on."""
        async with self._changing:
            self._check_room(name)
            manner = await asyncio.to_thread(self._inspect, folder)
            number = next(self._ids)
            # What vLLM has cached it finds by this name: another adapter's must have another.
            request = self._request(f"{name}.{number}", number, str(folder))
            try:
                await self._llm.add_lora(request)
            except Exception as error:
                if self._llm.errored:
                    raise EngineDeadError("the engine died of an adapter; restart it") from error
                raise RequestError(
                    f"path: the engine does not take the adapter: {error}",
                    param="path",
                    code="adapter_unusable",
                ) from error
            self._loaded[name] = _Loaded(manner, request)

    async def remove(self, name: str) -> None:
        """Forget an adapter. Raises `NotFoundError`, or `ConflictError` while it is in use."""
        async with self._changing:
            if name not in self._loaded:
                raise NotFoundError(
                    f"name: there is no adapter {name!r}; /v1/models lists what there is",
                    param="name",
                )
            if self._running[name]:
                raise ConflictError(
                    f"name: {self._running[name]} generations use the adapter {name!r}; ask again "
                    "when they have ended",
                    param="name",
                )
            loaded = self._loaded.pop(name)
            await self._llm.remove_lora(loaded.request.lora_int_id)

    def manner(self, name: str) -> Manner:
        """How to speak to an adapter. Raises `UnknownModelError` if it was removed."""
        return self._known(name).manner

    @contextmanager
    def using(self, name: str | None) -> Iterator[Any]:
        """What vLLM is told for a generation with an adapter, which stays until it has ended."""
        if name is None:
            yield None
            return
        request = self._known(name).request
        self._running[name] += 1
        try:
            yield request
        finally:
            self._running[name] -= 1

    def _known(self, name: str) -> _Loaded:
        if name not in self._loaded:
            raise UnknownModelError(
                f"model: the adapter {name!r} was removed; /v1/models lists what there is",
                param="model",
                code="model_not_found",
            )
        return self._loaded[name]

    def _check_room(self, name: str) -> None:
        if name in self._loaded:
            raise ConflictError(
                f"name: there is an adapter {name!r} already; remove it first", param="name"
            )
        config = self._llm.vllm_config.lora_config
        if config is None or len(self._loaded) >= (config.max_cpu_loras or config.max_loras):
            raise ConflictError(
                f"name: the engine has room for no more than {len(self._loaded)} adapters; remove "
                "one first, or restart it with a higher `-- --max-cpu-loras`",
                param="name",
            )

    def _inspect(self, folder: Path) -> Manner:
        files = adapters.inspect(folder, self._base)
        if files.rank > (room := self._llm.vllm_config.lora_config.max_lora_rank):
            raise RequestError(
                f"path: the adapter has rank {files.rank}, and the engine has room for {room}; "
                f"restart it with `-- --max-lora-rank {adapters.room_for(files.rank)}`",
                param="path",
                code="adapter_unusable",
            )
        try:
            return Manner.of(self._profile(folder), str(folder), self._tokenizer_of(folder))
        except EngineStartError as error:
            raise RequestError(
                f"path: {error.message}", param="path", code="adapter_unusable"
            ) from error

    def _profile(self, folder: Path) -> Profile:
        """As it was trained, if it has a card; else as the model would be without one."""
        asked = self._settings.profile
        if asked == "trained" or (folder / card.NAME).is_file():
            asked = "auto"
        return profile(asked, str(folder))

    def _tokenizer_of(self, folder: Path) -> Any:
        """Its own, whose chat template it was trained with, if it has one."""
        if not (folder / "tokenizer_config.json").is_file():
            return self._tokenizer
        from transformers import AutoTokenizer  # noqa: PLC0415

        try:
            return AutoTokenizer.from_pretrained(folder)
        except (OSError, ValueError, KeyError) as error:
            raise RequestError(
                f"path: the adapter's tokenizer cannot be loaded: {error}",
                param="path",
                code="adapter_unusable",
            ) from error


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Errors about a path become errors about the adapter of the settings."""
    try:
        yield
    except RequestError as error:
        error.message = f"adapters: {name}: {error.message.removeprefix('path: ')}"
        raise
