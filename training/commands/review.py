"""`statewise train review`: rejected.jsonl → repaired.jsonl."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console

from training.commands import teaching
from training.commands.explained import explained

if TYPE_CHECKING:
    from training.traces.teacher.job import Job


def review(  # noqa: PLR0913, PLR0917 - one parameter an option
    wrong: Annotated[Path, typer.Argument(help="Rejected traces, of `train filter`.")],
    output: Annotated[Path, typer.Option(help="The folder to write.")],
    url: teaching.Url = None,
    model: teaching.Model = None,
    origin: Annotated[Literal["teacher", "self"], typer.Option(help="Who reviews.")] = "teacher",
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
    """Have wrong traces put right: Verify, Backtrack and a repair after the first wrong state.

    Takes the traces that are legal, but refuted or wrong in their answer. What comes back passes
    the same filters. Started again, it goes on where it was.
    """
    with explained():
        from training.progress import Report  # noqa: PLC0415
        from training.shards import Shard  # noqa: PLC0415
        from training.traces.inputs import digests  # noqa: PLC0415
        from training.traces.teacher import review as reviews  # noqa: PLC0415
        from training.traces.teacher.job import Job  # noqa: PLC0415
        from training.traces.teacher.sampling import Endpoint, Sampling  # noqa: PLC0415

        sampling = teaching.settings(
            Sampling,
            model=model or "",
            prompt="reviewer",
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
            units=lambda: reviews.units(reviews.read(wrong), sampling, samples),
            endpoint=endpoint,
            sampling=sampling,
            record={
                "step": "review",
                "inputs": digests([wrong]),
                "samples": samples,
            },
            shard=Shard.parse(shard),
            retry_failed=retry_failed,
        )
        run = teaching.runner(runner, workers, ray_address)
        with Report(Console()) as report:
            if teaching.work(job, "reviews", run, report):
                _repair(job, wrong, samples, report)


def _repair(job: Job, wrong: Path, samples: int, report: Any) -> None:
    from training.traces.teacher import review as reviews  # noqa: PLC0415

    counts = reviews.make(job, wrong, samples)
    report.say(
        f"{job.folder / reviews.REPAIRED} has {counts['repaired']} repaired traces; "
        f"{counts['rejected']} are in {job.folder / reviews.REJECTED} with their reasons"
    )
