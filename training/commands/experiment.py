"""`statewise train experiment`: chains of thought against state transitions, at equal cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from training.commands.explained import explained


def experiment(  # noqa: PLR0913, PLR0917
    context: typer.Context,
    recipe: Annotated[Path, typer.Option(help="The recipe, a YAML file.")],
    budget: Annotated[
        float | None,
        typer.Option(
            min=0.01, help="Minutes for all seeds and arms; fewer tokens where they do not suffice."
        ),
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder of results; the same one goes on.")] = Path(
        "docs/results/evidence"
    ),
    work: Annotated[
        Path | None, typer.Option(help="Where the run keeps its state; runs/NAME by default.")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="Overrides a value: --set seeds=[1]. Repeatable."),
    ] = None,
) -> None:
    """Train four arms from one base model on the same tokens, and compare what they answer.

    Started again, it goes on where it was, with the plan that the budget gave at first.
    """
    with explained():
        from training.experiment.evidence import Evidence  # noqa: PLC0415
        from training.experiment.settings import Experiment  # noqa: PLC0415
        from training.experiment.summary import answer  # noqa: PLC0415
        from training.progress import Report  # noqa: PLC0415
        from training.recipe import load_as  # noqa: PLC0415

        loaded = load_as(Experiment, recipe, overrides or ())
        console = Console()
        with Report(console) as report:
            if context.obj is None:
                report.say("no server can be started from here: transformers answers, slowly")
            summary = Evidence(
                loaded,
                work=work or Path("runs") / loaded.name,
                output=output,
                report=report,
                budget=budget,
                # The command line above may hand over a way to serve a checkpoint.
                serving=context.obj,
            ).execute()
        if summary is not None:
            console.print(answer(summary), markup=False, highlight=False)
        console.print(f"{output} is ready", markup=False, highlight=False)
