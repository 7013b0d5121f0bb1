"""The options of commands that ask a teacher."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from training.errors import TeacherError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from training.traces.teacher.job import Job
    from training.traces.teacher.produce import Run

Url = Annotated[
    list[str] | None,
    typer.Option(help="Base URL of an OpenAI-compatible server, ending in /v1. Repeatable."),
]
Model = Annotated[str | None, typer.Option(help="The model's name at that server.")]
KeyEnv = Annotated[
    str | None, typer.Option(help="The environment variable that holds the key, if one is needed.")
]
Samples = Annotated[int, typer.Option(min=1, help="How many for each.")]
Temperature = Annotated[float, typer.Option(help="0 is greedy.")]
TopP = Annotated[float, typer.Option(help="Nucleus sampling.")]
MaxTokens = Annotated[int, typer.Option(help="Limit on the tokens of one answer.")]
Body = Annotated[
    str,
    typer.Option(
        help="Further fields of each request, as JSON; null leaves one out: "
        '{"max_tokens": null, "max_completion_tokens": 2048}'
    ),
]
Seed = Annotated[int, typer.Option(help="Each request's seed is derived from it.")]
Concurrency = Annotated[int, typer.Option(help="Requests at a time.")]
RequestsPerMinute = Annotated[float | None, typer.Option(help="At most so many requests.")]
TokensPerMinute = Annotated[
    float | None, typer.Option(help="At most so many tokens, prompts and answers together.")
]
TimeoutS = Annotated[float, typer.Option("--timeout", help="Seconds for one request.")]
DeadlineS = Annotated[float, typer.Option("--deadline", help="Seconds, with all retries.")]
GiveUpAfter = Annotated[int, typer.Option(help="Stop after so many failures in a row.")]
ShardOption = Annotated[str, typer.Option(help="Do part i of n, counted from 0, such as 0/4.")]
RetryFailed = Annotated[bool, typer.Option(help="Ask again for what failed before.")]
Runner = Annotated[str, typer.Option(help="local, or ray: over a Ray cluster.")]
RayAddress = Annotated[
    str | None, typer.Option(help="The cluster's address; without one Ray starts here.")
]
Workers = Annotated[int, typer.Option(min=1, help="Ray workers; limits are divided among them.")]

Settings = TypeVar("Settings", bound="BaseModel")


def settings(kind: Callable[..., Settings], /, **values: Any) -> Settings:
    """Settings from options. Raises TeacherError, which names the option."""
    from pydantic import ValidationError  # noqa: PLC0415

    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors()[0]
        names = {"urls": "url", "key_variable": "key_env"}
        name = str(first["loc"][0]) if first["loc"] else "timeout_s"
        option = names.get(name, name).removesuffix("_s").replace("_", "-")
        raise TeacherError(f"--{option}: {first['msg']}") from error


def runner(name: str, workers: int, address: str | None) -> Run:
    """Who does the work. Raises TeacherError for a name that is not known."""
    if name == "local":
        from training.traces.teacher.produce import produce  # noqa: PLC0415

        return produce
    if name == "ray":
        from training.traces.teacher.cluster import Cluster  # noqa: PLC0415

        return Cluster(workers, address)
    raise TeacherError(f"--runner {name}: take local or ray")


def work(job: Job, what: str, run: Run, report: Any) -> bool:
    """Runs a job behind a bar; returns whether all of its shards are done."""
    task: list[Any] = []
    merged = job.run(
        started=lambda total, done: task.append(report.begin(what, total, done)),
        advance=lambda count: report.advance(task[0], count),
        run=run,
    )
    if not merged:
        report.say("this shard is done; the files are merged when the others are")
    return merged
