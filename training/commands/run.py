"""`statewise train`: a recipe → a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from training.commands.explained import explained


def run(  # noqa: PLR0913, PLR0917
    context: typer.Context,
    recipe: Annotated[Path | None, typer.Option(help="The recipe, a YAML file.")] = None,
    work: Annotated[
        Path | None, typer.Option(help="Where the run keeps its state; runs/NAME by default.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="The checkpoint folder; WORK/checkpoint by default.")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="Overrides a value: --set sft.batch=16. Repeatable."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the resolved recipe and estimates, and end.")
    ] = False,
) -> None:
    """Train a checkpoint from a recipe. Started again, it goes on where it was.

    The commands below do one step each.
    """
    if context.invoked_subcommand:
        return
    if recipe is None:
        raise typer.BadParameter(
            "name a recipe, such as training/recipes/starter.yaml", param_hint="--recipe"
        )
    # torch and transformers take seconds to import; `statewise --help` must not.
    from training.commands.plan import plan  # noqa: PLC0415
    from training.errors import RecipeError  # noqa: PLC0415
    from training.finetune.recipe import FinetuneRecipe, load_any  # noqa: PLC0415

    console = Console()
    with explained():
        loaded = load_any(recipe, overrides or ())
        if dry_run:
            plan(loaded)
            return
        if isinstance(loaded, FinetuneRecipe):
            raise RecipeError(
                f"{recipe} fine-tunes a pretrained model, step by step: `statewise train sft "
                f"--recipe {recipe} --data accepted.jsonl --output stage1`, then `… train dpo`, "
                "then `… train export`; --dry-run says what it would take"
            )
        from training.progress import Report  # noqa: PLC0415
        from training.run import Run  # noqa: PLC0415

        folder = work or Path("runs") / loaded.name
        target = output or folder / "checkpoint"
        with Report(console) as report:
            Run(loaded, folder, target, report).execute()
    told = f"{target} is ready: statewise serve --model {target}"
    console.print(told, markup=False, highlight=False)
