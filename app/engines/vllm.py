"""The vLLM engine, in process. The only module that imports vLLM, and only when it starts.

On a CPU the worker must live in the engine-core process: as a process of its own it and the engine
core spin-wait on shared memory and starve the server. `app.engines.cpu` says how that is asked
for; `start` warns if a vLLM release no longer honours it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Collection, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import structlog

from app import logs
from app.engines import cpu
from app.engines.base import Chunk, Phase, Sampling
from app.engines.checkpoint import check_folder, profile
from app.engines.dialect import finish_of
from app.engines.loops import LoopWatch
from app.engines.lora import Lora
from app.engines.manner import Manner
from app.engines.pace import Pace
from app.engines.tokenization import Tokenization, Tokenized
from app.errors import EngineDeadError, EngineError, EngineStartError, RequestError
from app.settings import Settings
from app.tracing import environment as tracing
from statespace.tree import StateTree

logger = structlog.get_logger(__name__)

SHUTDOWN_S: Final = 5.0


class VllmEngine(Tokenized):
    """vLLM's `AsyncLLM`: continuous batching, prefix caching, DELTA output."""

    def __init__(self, settings: Settings, options: Sequence[str] = ()) -> None:
        self._settings = settings
        self._options = tuple(options)
        self._llm: Any = None
        self._params: Any = None
        self._lora = Lora(settings)
        self._pace = Pace(settings.stream_interval)
        self._max_context = 0
        self._width = 0
        self._traces = False
        """Whether vLLM makes spans of its own: it warns of headers that it has no use for."""
        self._heard = 0.0

    @property
    def max_context(self) -> int:
        """Tokens of prompt and output together."""
        return self._max_context

    @property
    def width(self) -> int:
        """Requests that it works on at a time; more wait inside it."""
        return self._width

    @property
    def adapters(self) -> Collection[str]:
        """The LoRA adapters that requests may ask for."""
        return self._lora.names

    async def start(self, phase: Phase) -> None:
        """Load the model in a thread, so that probes go on answering; then warm it up."""
        check_folder(self._settings.model)
        asked = profile(self._settings.profile, self._settings.model)
        lora = await asyncio.to_thread(self._lora.options)
        if cpu.is_cpu():
            cpu.check_platform()
            cpu.check_memory(self._settings)
        phase("importing")
        args = await asyncio.to_thread(self._arguments, lora)
        phase("loading")
        self._llm = await asyncio.to_thread(_build, args)
        self._max_context = self._llm.model_config.max_model_len
        config = self._llm.vllm_config
        self._width = config.scheduler_config.max_num_seqs
        self._traces = config.observability_config.otlp_traces_endpoint is not None
        self._text = await asyncio.to_thread(
            Tokenization.of, self._llm.get_tokenizer(), asked, self._settings.model
        )
        phase("warming")
        async for _ in self.generate(*self._text.first(self._max_context)):
            pass
        await self._lora.start(self._llm, self._text.tokenizer, _lora_request)

    async def add_adapter(self, name: str, folder: Path) -> None:
        """Load an adapter, which is looked at first: a bad one would be the engine's end."""
        await self._lora.add(name, folder)

    async def remove_adapter(self, name: str) -> None:
        """Forget an adapter."""
        await self._lora.remove(name)

    def prompt(
        self, question: str, *, plain: bool = False, adapter: str | None = None
    ) -> list[int]:
        """The prompt ids for a question."""
        return self._manner(adapter).prompt(question, plain=plain)

    def opening(self, sampling: Sampling) -> str:
        """What every trace of the model's training began with."""
        return self._manner(sampling.adapter).opening(plain=sampling.plain)

    def grammar(self, tree: StateTree, sampling: Sampling) -> str | None:
        """The grammar of what follows, if the model was not trained to write states."""
        return self._manner(sampling.adapter).grammar(tree, plain=sampling.plain)

    def _manner(self, adapter: str | None) -> Manner:
        return self._text.manner if adapter is None else self._lora.manner(adapter)

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Chunk, None]:
        """Continue `prompt`; closing the generator aborts the request inside vLLM."""
        from vllm.v1.engine import exceptions  # noqa: PLC0415

        inputs = {"type": "token", "prompt_token_ids": list(prompt)}
        decoder = self._text.decoder(prompt)
        watch = LoopWatch()
        began, tokens = 0.0, 0
        with self._lora.using(sampling.adapter) as lora:
            outputs = self._llm.generate(
                inputs,
                self._sampling(sampling),
                uuid4().hex,
                lora_request=lora,
                trace_headers=sampling.trace if self._traces else None,
            )
            try:
                async for output in outputs:
                    completion = output.outputs[0]
                    finish = finish_of(completion.finish_reason)
                    ids = completion.token_ids
                    self._heard = time.monotonic()
                    began = began or self._heard
                    tokens += len(ids)
                    text = completion.text
                    logprobs = completion.logprobs.logprobs if sampling.logprobs else ()
                    if finish is None and (closed := watch.add(ids)) is not None:
                        finish = "repetition"
                        ids, logprobs = ids[:closed], logprobs[:closed]
                    if decoder is not None:
                        text = decoder.decode(ids[:-1] if finish == "stop" else ids)
                    yield Chunk(text, ids, finish, output.num_cached_tokens or 0, logprobs)
                    if finish == "repetition":
                        return  # vLLM does not know, and would go on
            except exceptions.EngineDeadError as error:
                raise EngineDeadError("the engine process has died; restart the server") from error
            except exceptions.EngineGenerateError as error:
                raise EngineError(f"the engine failed: {error.__cause__ or error}") from error
            except ValueError as error:  # vLLM's validation errors
                raise RequestError(str(error)) from error
            finally:
                self._pace.ended(tokens, time.monotonic() - began)
                await outputs.aclose()

    def unfinished(self) -> int:
        """Requests that vLLM still holds."""
        return int(self._llm.get_num_unfinished_requests()) if self._llm else 0

    def heard(self) -> float:
        """When something last came from vLLM."""
        return self._heard

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
            grammar=sampling.grammar,
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=sampling.seed,
            bad_words=list(sampling.banned) or None,
            logprobs=0 if sampling.logprobs else None,  # of the tokens themselves, no others
            flat_logprobs=True,
            stream_interval=self._pace.interval(),
            detokenize=self._text.core is None,
            skip_special_tokens=not self._text.literal,
        )

    def _arguments(self, lora: Sequence[str]) -> Any:
        """vLLM's engine arguments: ours first, then the user's options, which win."""
        profile: list[str] = []
        if cpu.is_cpu():
            os.environ.update(cpu.environment(self._settings, os.environ))
            profile = cpu.options(self._settings)
        for name, value in logs.for_engine(self._settings).items():
            os.environ.setdefault(name, value)
        for name, value in tracing.for_engine(os.environ).items():
            os.environ.setdefault(name, value)
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
        asked = ["--model", self._settings.model, *profile, *lora, *self._options]
        return AsyncEngineArgs.from_cli_args(parser.parse_args(asked))


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
        with _deaf_to_the_terminal():
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


@contextmanager
def _deaf_to_the_terminal() -> Iterator[None]:
    """Processes started meanwhile do not get SIGINT and SIGHUP; we end them ourselves.

    A terminal sends those to all processes of its foreground. The engine core would abort every
    request at once, where the service lets running streams finish.
    """
    resource_tracker.ensure_running()  # the start of this helper would let them through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _lora_request(name: str, number: int, path: str) -> Any:
    from vllm.lora.request import LoRARequest  # noqa: PLC0415

    return LoRARequest(name, number, path)


def _params_factory() -> Any:
    from vllm.sampling_params import (  # noqa: PLC0415
        RequestOutputKind,
        SamplingParams,
        StructuredOutputsParams,
    )

    fixed = {
        "output_kind": RequestOutputKind.DELTA,
        "skip_clone": True,  # made for one request: a deep copy would cost as much as all else
    }

    def params(grammar: str | None, **options: Any) -> Any:
        structure = StructuredOutputsParams(grammar=grammar) if grammar else None
        return SamplingParams(**fixed, **options, structured_outputs=structure)

    return params
