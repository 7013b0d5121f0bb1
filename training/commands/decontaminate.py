"""`statewise train decontaminate`: a training file without what evaluation sets hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from training.commands.explained import explained


def decontaminate(  # noqa: PLR0913, PLR0917 - one parameter an option
    train: Annotated[Path, typer.Argument(help="Problems or traces, JSON Lines.")],
    against: Annotated[list[Path], typer.Option(help="An evaluation file; repeatable.")],
    output: Annotated[Path, typer.Option(help="The file for the clean rows.")],
    n: Annotated[int, typer.Option(min=1, help="Words in a row that make an overlap.")] = 8,
    threshold: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Least share of an evaluation question's n-grams; 0: any one."
        ),
    ] = 0.0,
    masked: Annotated[
        bool,
        typer.Option(help="Whether rows go, too, that overlap once numbers are masked."),
    ] = True,
) -> None:
    """Take out rows whose question overlaps with an evaluation question, and say which.

    Questions are compared as written and with their numbers masked. What is removed lies beside
    OUTPUT, with .removed.jsonl for its suffix, with the words shared.

    Problems of one generator share wordings by design: between its training and test problems use
    --threshold 1 --no-masked, which removes the same questions only.
    """
    from training.problems.decontamination.clean import REMOVED, clean  # noqa: PLC0415

    console = Console()
    with explained():
        from training.progress import Report  # noqa: PLC0415

        with Report(console) as report:
            task = report.begin(f"{train.name}: overlaps", _lines(train))
            record, made = clean(
                train,
                against,
                output,
                n=n,
                threshold=threshold,
                masked=masked,
                advance=lambda: report.advance(task),
            )
        console.print(_table(record))
        total = record["train"]["rows"]
        kept = total - record["removed"]
        told = "has" if made else "was made before and has"
        others = output.with_suffix(REMOVED).name
        report.say(f"{output} {told} {kept} of {total} rows; {others} has the others")


def _lines(path: Path) -> int:
    """For the bar's sake only; that a file is missing is said by the step itself."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _table(record: dict[str, Any]) -> Any:
    from rich.table import Table  # noqa: PLC0415

    table = Table(title=f"{record['train']['file']}: rows that share {record['n']} words")
    table.add_column("with")
    for column in ("questions", "as written", "numbers masked", "either", "questions concerned"):
        table.add_column(column, justify="right")
    for name, counts in record["against"].items():
        figures = ("questions", "as_written", "numbers_masked", "either", "questions_concerned")
        table.add_row(name, *(str(counts[figure]) for figure in figures))
    return table
