"""`statewise train filter`: traces.jsonl → accepted.jsonl and rejected.jsonl."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from training.commands.explained import explained


def filter_traces(  # noqa: PLR0913, PLR0917 - one parameter an option
    traces: Annotated[list[Path], typer.Argument(help="Files of traces, of `train traces`.")],
    output: Annotated[Path, typer.Option(help="The folder to write.")],
    longest: Annotated[
        int | None, typer.Option(min=1, help="The longest trace: characters, or tokens.")
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(help="A checkpoint whose tokens --longest counts; characters without one."),
    ] = None,
    forward: Annotated[
        bool, typer.Option("--forward", help="Turn away Verify and Backtrack, for stage 1.")
    ] = False,
    duplicates: Annotated[
        Literal["problem", "global"],
        typer.Option(help="Where the same text is a duplicate: at one question, or anywhere."),
    ] = "problem",
) -> None:
    """Keep the traces that are fit to train on, and say why the others are not."""
    with explained():
        from training.progress import Report  # noqa: PLC0415
        from training.traces.filtering import ACCEPTED, REJECTED, run  # noqa: PLC0415
        from training.traces.filters import Limits  # noqa: PLC0415
        from training.traces.summary import table  # noqa: PLC0415

        limits = Limits(longest, _counter(tokenizer) if tokenizer else len, forward)
        with Report(Console()) as report:
            task = report.begin("filter", 0)
            summary = run(
                traces,
                output,
                limits=limits,
                unit="token" if tokenizer else "character",
                scope=duplicates,
                advance=lambda count: report.advance(task, count),
            )
            report.console.print(table(summary))
            report.say(f"{output / ACCEPTED}, {output / REJECTED}, {output / 'summary.png'}")


def _counter(tokenizer: str) -> Callable[[str], int]:
    """Counts a text's tokens, special ones spelled out included as plain text."""
    from transformers import AutoTokenizer  # noqa: PLC0415

    from training.errors import DataError  # noqa: PLC0415

    try:
        loaded = AutoTokenizer.from_pretrained(tokenizer)
    except (OSError, ValueError) as error:
        raise DataError(f"--tokenizer {tokenizer}: {error}") from error
    return lambda text: len(
        loaded.encode(text, add_special_tokens=False, split_special_tokens=True)
    )
