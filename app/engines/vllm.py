"""The vLLM engine, in process. The only module that imports vLLM, and only when it starts.

On a CPU the worker must live in the engine-core process: as a process of its own it and the engine
core spin-wait on shared memory and starve the server. `app.engines.cpu` says how that is asked
for; `start` warns if a vLLM release no longer honours it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final
from uuid import uuid4

import structlog

from app.engines import cpu
from app.engines.base import Chunk, FinishReason, Phase, Sampling
from app.engines.checkpoint import check_card, check_folder
from app.engines.decoding import TextDecoder, core_of
from app.engines.pace import Pace
from app.errors import EngineDeadError, EngineError, EngineStartError, RequestError
from app.settings import Settings
from statespace.errors import StatespaceError
from statespace.prompts import Prompt

logger = structlog.get_logger(__name__)

SHUTDOWN_S: Final = 5.0
GC_THRESHOLDS: Final = (10_000, 20, 20)
"""A stream's objects die by themselves: looking for cycles every 700 of them is wasted."""
# A pattern of up to 24 tokens said 12 times over is a loop, not a solution.
REPETITION: Final = {"max_pattern_size": 24, "min_pattern_size": 1, "min_count": 12}
_FINISHES: Final[dict[str, FinishReason]] = {
    reason: reason for reason in ("stop", "length", "abort", "repetition")
}


class VllmEngine:
    """vLLM's `AsyncLLM`: continuous batching, prefix caching, DELTA output."""

    def __init__(self, settings: Settings, options: Sequence[str] = ()) -> None:
        self._settings = settings
        self._options = tuple(options)
        self._llm: Any = None
        self._params: Any = None
        self._prompt: Prompt | None = None
        self._core: Any = None
        self._pace = Pace(settings.stream_interval)
        self._max_context = 0
        self._width = 0

    @property
    def max_context(self) -> int:
        """Tokens of prompt and output together."""
        return self._max_context

    @property
    def width(self) -> int:
        """Requests that it works on at a time; more wait inside it."""
        return self._width

    async def start(self, phase: Phase) -> None:
        """Load the model in a thread, so that probes go on answering; then warm it up."""
        check_folder(self._settings.model)
        if cpu.is_cpu():
            cpu.check_platform()
            cpu.check_memory(self._settings)
        phase("importing")
        args = await asyncio.to_thread(self._arguments)
        phase("loading")
        self._llm = await asyncio.to_thread(_build, args)
        self._max_context = self._llm.model_config.max_model_len
        self._width = self._llm.vllm_config.scheduler_config.max_num_seqs
        self._prompt = await asyncio.to_thread(self._load_prompt)
        phase("warming")
        async for _ in self.generate(self.prompt("1 + 1?"), Sampling(max_tokens=8)):
            pass
        # What lives now lives as long as the server: a full collection over it would stop every
        # stream for half a second.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)

    def prompt(self, question: str) -> list[int]:
        """The prompt ids for a question."""
        assert self._prompt is not None, "start comes first"
        return self._prompt.ids(question)

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Chunk, None]:
        """Continue `prompt`; closing the generator aborts the request inside vLLM."""
        from vllm.v1.engine import exceptions  # noqa: PLC0415

        inputs = {"type": "token", "prompt_token_ids": list(prompt)}
        outputs = self._llm.generate(inputs, self._sampling(sampling), uuid4().hex)
        decoder = TextDecoder(self._core, prompt) if self._core is not None else None
        began, tokens = 0.0, 0
        try:
            async for output in outputs:
                completion = output.outputs[0]
                finish = _finish(completion.finish_reason)
                ids = completion.token_ids
                began = began or time.perf_counter()
                tokens += len(ids)
                text = completion.text
                if decoder is not None:
                    text = decoder.decode(ids[:-1] if finish == "stop" else ids)
                yield Chunk(text, ids, finish, output.num_cached_tokens or 0)
        except exceptions.EngineDeadError as error:
            raise EngineDeadError("the engine process has died; restart the server") from error
        except exceptions.EngineGenerateError as error:
            raise EngineError(f"the engine failed: {error.__cause__ or error}") from error
        except ValueError as error:  # vLLM's validation errors
            raise RequestError(str(error)) from error
        finally:
            self._pace.ended(tokens, time.perf_counter() - began)
            await outputs.aclose()

    def unfinished(self) -> int:
        """Requests that vLLM still holds."""
        return int(self._llm.get_num_unfinished_requests()) if self._llm else 0

    async def check(self) -> None:
        """Raises `EngineDeadError` if the engine cannot serve any more."""
        if self._llm is not None and self._llm.errored:
            raise EngineDeadError("the engine process has died; restart the server")

    async def stop(self) -> None:
        """End the engine core; blocks a thread for up to `SHUTDOWN_S`."""
        llm, self._llm = self._llm, None
        if llm is not None:
            await asyncio.to_thread(llm.shutdown, SHUTDOWN_S)

    def _sampling(self, sampling: Sampling) -> Any:
        return self._params(
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=sampling.seed,
            stream_interval=self._pace.interval,
            detokenize=self._core is None,
        )

    def _arguments(self) -> Any:
        """vLLM's engine arguments: our CPU profile first, then the user's options, which win."""
        profile: list[str] = []
        if cpu.is_cpu():
            os.environ.update(cpu.environment(self._settings, os.environ))
            profile = cpu.options(self._settings)
        quiet = self._settings.log_level != "debug"
        os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR" if quiet else "INFO")
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
        if quiet:  # for the engine's own process
            os.environ.setdefault("PYTHONWARNINGS", "ignore")
        try:
            from vllm.engine.arg_utils import AsyncEngineArgs  # noqa: PLC0415
            from vllm.utils.argparse_utils import FlexibleArgumentParser  # noqa: PLC0415
        except ImportError as error:
            raise EngineStartError(
                f"vLLM cannot be imported ({error}); install it with `make install`, "
                "or serve with --engine scripted"
            ) from error
        self._params = _params_factory()
        parser = AsyncEngineArgs.add_cli_args(FlexibleArgumentParser(add_help=False))

        def refuse(message: str) -> None:
            raise EngineStartError(f"vLLM does not take these options: {message}")

        parser.error = refuse
        model = ["--model", self._settings.model]
        return AsyncEngineArgs.from_cli_args(parser.parse_args([*model, *profile, *self._options]))

    def _load_prompt(self) -> Prompt:
        try:
            tokenizer = self._llm.get_tokenizer()
            self._core = core_of(tokenizer)
            prompt = Prompt.from_tokenizer(tokenizer)
        except StatespaceError as error:
            raise EngineStartError(str(error)) from error
        check_card(self._settings.model, prompt)
        return prompt


def _build(args: Any) -> Any:
    """Create the engine. Whatever fails inside vLLM becomes one `EngineStartError`."""
    from vllm import envs  # noqa: PLC0415
    from vllm.usage.usage_lib import UsageContext  # noqa: PLC0415
    from vllm.v1.engine.async_llm import AsyncLLM  # noqa: PLC0415

    # Without this context vLLM leaves out the limits that it has tuned for servers.
    context = UsageContext.OPENAI_API_SERVER
    try:
        config = args.create_engine_config(context)
        if cpu.is_cpu():
            cpu.check_executor(config.parallel_config.distributed_executor_backend)
        engine = AsyncLLM.from_vllm_config(
            config,
            usage_context=context,
            enable_log_requests=args.enable_log_requests,
            disable_log_stats=args.disable_log_stats,
        )
        envs.enable_envs_cache()  # else the environment is read again for every token
    except (Exception, SystemExit) as error:
        raise EngineStartError(f"vLLM did not start: {error}") from error
    return engine


def _params_factory() -> Any:
    from vllm.sampling_params import (  # noqa: PLC0415
        RepetitionDetectionParams,
        RequestOutputKind,
        SamplingParams,
    )

    fixed = {
        "output_kind": RequestOutputKind.DELTA,
        "repetition_detection": RepetitionDetectionParams(**REPETITION),
        "skip_clone": True,  # made for one request: a deep copy would cost as much as all else
    }
    return lambda **options: SamplingParams(**fixed, **options)


def _finish(reason: str | None) -> FinishReason | None:
    if reason is None:
        return None
    if reason not in _FINISHES:
        raise EngineError(f"the engine ended a request with {reason!r}")
    return _FINISHES[reason]
