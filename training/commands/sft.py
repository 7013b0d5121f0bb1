"""`statewise train sft`: stage 1 of a pretrained model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from training.commands.explained import explained


def sft(  # noqa: PLR0913, PLR0917
    recipe: Annotated[Path, typer.Option(help="The recipe, of `kind: pretrained`.")],
    data: Annotated[list[Path], typer.Option(help="Accepted traces. Repeatable.")],
    output: Annotated[Path, typer.Option(help="Folder of the fine-tuned model.")],
    model: Annotated[
        str | None, typer.Option(help="Instead of model.path: hub id, folder, or earlier stage.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Overrides a value: --set sft.batch=16.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the recipe and estimates, and end.")
    ] = False,
) -> None:
    """Fine-tune a pretrained model on accepted traces; started again, it goes on.

    On several GPUs: accelerate launch --config_file training/accelerate/fsdp2.yaml -m training sft
    --recipe …
    """
    # torch and transformers take seconds to import; `statewise --help` must not.
    from training.finetune.recipe import load  # noqa: PLC0415

    with explained():
        loaded = load(recipe, overrides or (), model=model)
        if dry_run:
            from training.commands.plan import plan  # noqa: PLC0415

            plan(loaded)
            return
        from training.finetune.loop import quiet  # noqa: PLC0415
        from training.finetune.sft import run  # noqa: PLC0415
        from training.progress import Report  # noqa: PLC0415

        console = Console(quiet=quiet())
        with Report(console) as report:
            run(loaded, data, output, report)
        kind = "checkpoint" if loaded.model.lora is None else "adapter"
        console.print(
            f"{output} is ready: statewise train export --{kind} {output} --output FOLDER, "
            f"or stage 2 from it with --model {output}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
