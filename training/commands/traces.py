"""`statewise train traces`: problems.jsonl → traces.jsonl and failed.jsonl."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from training.commands import teaching
from training.commands.explained import explained

Known = Literal["graph", "annotated"]
Origin = Literal["graph", "annotated", "teacher", "self"]
Prompt = Literal["student", "plain"]


def traces(  # noqa: PLR0913, PLR0917 - one parameter an option
    problems: Annotated[Path, typer.Argument(help="A problems file, of `train problems`.")],
    origin: Annotated[Origin, typer.Option(help="Who writes the traces.")],
    output: Annotated[Path, typer.Option(help="The folder to write.")],
    url: teaching.Url = None,
    model: teaching.Model = None,
    prompt: Annotated[
        Prompt | None,
        typer.Option(help="student explains the format; plain is the question alone."),
    ] = None,
    key_env: teaching.KeyEnv = None,
    samples: teaching.Samples = 1,
    temperature: teaching.Temperature = 0.7,
    top_p: teaching.TopP = 1.0,
    max_tokens: teaching.MaxTokens = 1024,
    body: teaching.Body = "{}",
    seed: teaching.Seed = 0,
    concurrency: teaching.Concurrency = 16,
    requests_per_minute: teaching.RequestsPerMinute = None,
    tokens_per_minute: teaching.TokensPerMinute = None,
    timeout_s: teaching.TimeoutS = 120.0,
    deadline_s: teaching.DeadlineS = 600.0,
    give_up_after: teaching.GiveUpAfter = 32,
    shard: teaching.ShardOption = "0/1",
    retry_failed: teaching.RetryFailed = False,
    runner: teaching.Runner = "local",
    ray_address: teaching.RayAddress = None,
    workers: teaching.Workers = 2,
) -> None:
    """Make traces of problems: from their graphs or annotations, or by asking a model.

    Origin teacher asks a stronger model, self the model that is being trained, which takes the
    question alone. Started again, it goes on where it was.
    """
    with explained():
        if origin in ("graph", "annotated"):
            _known(problems, origin, output)
            return
        from training.problems import jsonl  # noqa: PLC0415
        from training.problems.sources.trainable import trainable  # noqa: PLC0415
        from training.progress import Report  # noqa: PLC0415
        from training.shards import Shard  # noqa: PLC0415
        from training.traces.inputs import digests  # noqa: PLC0415
        from training.traces.teacher import solve  # noqa: PLC0415
        from training.traces.teacher.job import Job  # noqa: PLC0415
        from training.traces.teacher.sampling import Endpoint, Sampling  # noqa: PLC0415

        sampling = teaching.settings(
            Sampling,
            model=model or "",
            prompt=prompt or ("plain" if origin == "self" else "student"),
            origin=origin,
            temperature=temperature,
            top_p=top_p,
            max_tokens=max_tokens,
            body=body,
            seed=seed,
        )
        endpoint = teaching.settings(
            Endpoint,
            urls=tuple(url or ()),
            key_variable=key_env,
            concurrency=concurrency,
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
            timeout_s=timeout_s,
            deadline_s=deadline_s,
            give_up_after=give_up_after,
        )
        job = Job(
            folder=output,
            units=lambda: solve.units(trainable(jsonl.read(problems)), sampling, samples),
            endpoint=endpoint,
            sampling=sampling,
            record={
                "step": "traces",
                "inputs": digests([problems]),
                "samples": samples,
            },
            shard=Shard.parse(shard),
            retry_failed=retry_failed,
        )
        run = teaching.runner(runner, workers, ray_address)
        with Report(Console()) as report:
            if teaching.work(job, "traces", run, report):
                report.say(f"{job.traces} is ready: statewise train filter {job.traces}")


def _known(problems: Path, origin: Known, output: Path) -> None:
    from training.progress import Report  # noqa: PLC0415
    from training.traces.known import TRACES, make  # noqa: PLC0415

    with Report(Console()) as report:
        task = report.begin(f"{origin} traces", 0)
        record = make(problems, origin, output, lambda count: report.advance(task, count))
        made, failed = (noted["rows"] for noted in record["outputs"].values())
        path = output / TRACES
        report.say(f"{path} has {made} traces; {failed} problems give none")
        report.say(f"next: statewise train filter {path} --output filtered")
