"""The bare loop: vLLM's `AsyncLLM` with the same options, its streams consumed and dropped.

What is left when a server does nothing at all. It gathers as many tokens at a time as the service
does, by the same rule. A process of its own, with the protocol of
`benchmarks.load`: each line on standard input is a `BareJob` as JSON, each line of output the
`Outcome`; the first line says that the engine is ready.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TextIO
from uuid import uuid4

import uvloop

from app.engines import cpu
from app.engines.pace import Pace
from app.settings import Settings
from benchmarks.load import Outcome, answer_in
from statespace.prompts import Prompt


@dataclass(frozen=True, slots=True)
class BareJob:
    """Questions to answer, `streams` at a time."""

    questions: Sequence[str]
    streams: int
    max_tokens: int
    temperature: float


def build(settings: Settings, options: Sequence[str]) -> Any:
    """The engine, with the service's own profile; `options` come after it and win."""
    profile: list[str] = []
    if cpu.is_cpu():
        os.environ.update(cpu.environment(settings, os.environ))
        profile = cpu.options(settings)
    from vllm.engine.arg_utils import AsyncEngineArgs  # noqa: PLC0415
    from vllm.usage.usage_lib import UsageContext  # noqa: PLC0415
    from vllm.utils.argparse_utils import FlexibleArgumentParser  # noqa: PLC0415
    from vllm.v1.engine.async_llm import AsyncLLM  # noqa: PLC0415

    parser = AsyncEngineArgs.add_cli_args(FlexibleArgumentParser(add_help=False))
    chosen = parser.parse_args(["--model", settings.model, *profile, *options])
    args = AsyncEngineArgs.from_cli_args(chosen)
    return AsyncLLM.from_engine_args(args, usage_context=UsageContext.OPENAI_API_SERVER)


class Loop:
    """The engine and what asks it."""

    def __init__(self, llm: Any, settings: Settings) -> None:
        self._llm = llm
        self._prompt = Prompt.from_tokenizer(llm.get_tokenizer())
        self._pace = Pace(settings.stream_interval)

    async def perform(self, job: BareJob) -> Outcome:
        """Run a job."""
        prompts = [self._prompt.ids(question) for question in job.questions]
        pending = iter(enumerate(prompts))
        tokens: list[int] = []
        first: list[float] = []
        texts = [""] * len(prompts)

        async def work() -> None:
            for number, prompt in pending:
                asked, began, ids = time.perf_counter(), 0.0, 0
                inputs = {"type": "token", "prompt_token_ids": prompt}
                sampling = self._sampling(job)
                async for output in self._llm.generate(inputs, sampling, uuid4().hex):
                    began = began or time.perf_counter()
                    ids += len(output.outputs[0].token_ids)
                    texts[number] += output.outputs[0].text
                self._pace.ended(ids, time.perf_counter() - began)
                first.append(began - asked)
                tokens.append(ids)

        start = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(job.streams):
                group.create_task(work())
        seconds = time.perf_counter() - start
        return Outcome(
            seconds,
            sum(map(len, prompts)),
            sum(tokens),
            0,
            first_s=first,
            answers=[answer_in(text) for text in texts],
        )

    def _sampling(self, job: BareJob) -> Any:
        from vllm.sampling_params import RequestOutputKind, SamplingParams  # noqa: PLC0415

        return SamplingParams(
            max_tokens=job.max_tokens,
            temperature=job.temperature,
            output_kind=RequestOutputKind.DELTA,
            stream_interval=self._pace.interval(),
            skip_clone=True,
        )


async def main(out: TextIO) -> None:
    """Take jobs until standard input ends."""
    settings = Settings()
    llm = await asyncio.to_thread(build, settings, sys.argv[1:])
    loop = Loop(llm, settings)
    # As vLLM's server does once it is up, so that collections do not walk its whole heap.
    gc.collect()
    gc.freeze()
    try:
        print(json.dumps({"ready": True}), file=out, flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            outcome = await loop.perform(BareJob(**json.loads(line)))
            print(json.dumps(asdict(outcome)), file=out, flush=True)
    finally:
        llm.shutdown()


if __name__ == "__main__":
    # vLLM writes to standard output too: keep that for results, and let it write to the log.
    with os.fdopen(os.dup(1), "w") as results:
        os.dup2(2, 1)
        uvloop.run(main(results))
