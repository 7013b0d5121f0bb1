"""`statewise train dpo`: stage 2 of a pretrained model, from its stage 1."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from training.commands.explained import explained


def dpo(
    recipe: Annotated[Path, typer.Option(help="The recipe, of `kind: pretrained`.")],
    pairs: Annotated[list[Path], typer.Option(help="Pairs, of `train pairs`. Repeatable.")],
    output: Annotated[Path, typer.Option(help="Folder of the trained model.")],
    model: Annotated[
        str | None, typer.Option(help="Instead of model.path: the folder of stage 1.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Overrides a value: --set dpo.beta=0.2.")
    ] = None,
) -> None:
    """Prefer verified and repaired traces to wrong ones; started again, it goes on."""
    # torch and transformers take seconds to import; `statewise --help` must not.
    from training.finetune.recipe import load  # noqa: PLC0415

    with explained():
        loaded = load(recipe, overrides or (), model=model)
        from training.finetune.dpo import run  # noqa: PLC0415
        from training.finetune.loop import quiet  # noqa: PLC0415
        from training.progress import Report  # noqa: PLC0415

        console = Console(quiet=quiet())
        with Report(console) as report:
            run(loaded, pairs, output, report)
        told = f"{output} is ready; make it servable with `statewise train export`"
        console.print(told, markup=False, highlight=False)
