"""`statewise train problems`: a source → problems.jsonl."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from training.commands.explained import explained
from training.errors import DataError


def problems(  # noqa: PLR0913, PLR0917 - one parameter an option
    source: Annotated[
        str,
        typer.Argument(help="procedural, gsm8k, gsm-hard, svamp, mgsm, math, or own (your file)."),
    ],
    output: Annotated[Path, typer.Option(help="The file to write, JSON Lines.")],
    split: Annotated[
        str | None,
        typer.Option(
            "--split", "--wordings", help="Which split; for procedural problems seen or heldout."
        ),
    ] = None,
    path: Annotated[
        Path | None, typer.Option(help="A file or folder in the published format.")
    ] = None,
    hub: Annotated[
        str | None,
        typer.Option(help="OWNER/NAME[@REVISION] on the Hugging Face hub, not the usual one."),
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="How many, from the first on; all by default.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of procedural problems.")] = None,
    operations: Annotated[
        str | None, typer.Option(help="Of procedural problems: 2, or bounds such as 1-4.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="Of MGSM: en, de, zh, …")] = None,
) -> None:
    """Make a problems file: questions with gold answers. A finished one is not made again."""
    from training.problems.sources import source as named  # noqa: PLC0415
    from training.problems.sources.collect import collect  # noqa: PLC0415

    console = Console()
    with explained():
        options: dict[str, Any] = {"seed": seed, "language": language}
        options["operations"] = _bounds(operations) if operations else None
        chosen = named(source, **{k: v for k, v in options.items() if v is not None})
        from training.progress import Report  # noqa: PLC0415

        with Report(console) as report:
            task = report.begin(f"{source} problems", count or 0)
            record, made = collect(
                chosen,
                split or (chosen.splits or ("train",))[0],
                output,
                path=path,
                hub=hub,
                count=count,
                advance=lambda: report.advance(task),
            )
        rows = record["outputs"][output.name]["rows"]
        told = "has" if made else "was made before and has"
        report.say(
            f"{output} {told} {rows} problems for {record['purpose']} "
            f"(licence {record['licence']}; duplicates left out: {record['duplicates']})"
        )


def _bounds(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    if not low.isdecimal() or (high and not high.isdecimal()):
        raise DataError(f"--operations {text}: write one number, or bounds such as 1-4")
    return int(low), int(high or low)
