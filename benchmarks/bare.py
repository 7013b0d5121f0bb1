"""The bare loop: vLLM's `AsyncLLM` with the same options, its streams consumed and dropped.

What is left when a server does nothing at all. A process of its own, with the protocol of
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
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TextIO
from uuid import uuid4

import uvloop

from app.engines import cpu
from app.settings import Settings
from benchmarks.load import Outcome
from statespace.prompts import Prompt


@dataclass(frozen=True, slots=True)
class BareJob:
    """Questions to answer, `streams` at a time."""

    questions: Sequence[str]
    streams: int
    max_tokens: int
    stream_interval: int


def build(settings: Settings) -> Any:
    """The engine, with the service's own profile."""
    profile: list[str] = []
    if cpu.is_cpu():
        os.environ.update(cpu.environment(settings, os.environ))
        profile = cpu.options(settings)
    from vllm.engine.arg_utils import AsyncEngineArgs  # noqa: PLC0415
    from vllm.usage.usage_lib import UsageContext  # noqa: PLC0415
    from vllm.utils.argparse_utils import FlexibleArgumentParser  # noqa: PLC0415
    from vllm.v1.engine.async_llm import AsyncLLM  # noqa: PLC0415

    parser = AsyncEngineArgs.add_cli_args(FlexibleArgumentParser(add_help=False))
    args = AsyncEngineArgs.from_cli_args(parser.parse_args(["--model", settings.model, *profile]))
    return AsyncLLM.from_engine_args(args, usage_context=UsageContext.OPENAI_API_SERVER)


async def perform(llm: Any, job: BareJob) -> Outcome:
    """Run a job."""
    from vllm.sampling_params import RequestOutputKind, SamplingParams  # noqa: PLC0415

    sampling = SamplingParams(
        max_tokens=job.max_tokens,
        temperature=0.0,
        output_kind=RequestOutputKind.DELTA,
        stream_interval=job.stream_interval,
    )
    prompt = Prompt.from_tokenizer(llm.get_tokenizer())
    prompts = [prompt.ids(question) for question in job.questions]
    pending = iter(prompts)
    counts: list[int] = []
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(job.streams):
            group.create_task(_work(llm, sampling, pending, counts))
    seconds = time.perf_counter() - began
    return Outcome(seconds, sum(map(len, prompts)), sum(counts), 0)


async def _work(llm: Any, sampling: Any, prompts: Iterator[list[int]], counts: list[int]) -> None:
    for prompt in prompts:
        tokens = 0
        inputs = {"type": "token", "prompt_token_ids": prompt}
        async for output in llm.generate(inputs, sampling, uuid4().hex):
            tokens += len(output.outputs[0].token_ids)
        counts.append(tokens)


async def main(out: TextIO) -> None:
    """Take jobs until standard input ends."""
    llm = await asyncio.to_thread(build, Settings())
    # As vLLM's server does once it is up, so that collections do not walk its whole heap.
    gc.collect()
    gc.freeze()
    try:
        print(json.dumps({"ready": True}), file=out, flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            outcome = await perform(llm, BareJob(**json.loads(line)))
            print(json.dumps(asdict(outcome)), file=out, flush=True)
    finally:
        llm.shutdown()


if __name__ == "__main__":
    # vLLM writes to standard output too: keep that for results, and let it write to the log.
    with os.fdopen(os.dup(1), "w") as results:
        os.dup2(2, 1)
        uvloop.run(main(results))
