"""`statewise train export`: a finished stage → a folder to serve."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from training.commands.explained import explained


class Form(StrEnum):
    """What is written."""

    MERGED = "merged"
    ADAPTER = "adapter"


def export(
    output: Annotated[Path, typer.Option(help="The folder to write.")],
    adapter: Annotated[Path | None, typer.Option(help="A finished stage with adapters.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="One with whole weights.")] = None,
    base: Annotated[
        str | None, typer.Option(help="The adapter's base model, where it has moved.")
    ] = None,
    form: Annotated[
        Form, typer.Option("--as", help="Merged weights to serve, or the adapter.")
    ] = Form.MERGED,
) -> None:
    """Write a folder that can be served or published, with its cards."""
    source = adapter or checkpoint
    if source is None or (adapter and checkpoint):
        raise typer.BadParameter("name one finished stage: --adapter FOLDER or --checkpoint FOLDER")
    with explained():
        from training.finetune.export import export as write  # noqa: PLC0415

        written = write(source, output, base=base, keep_adapter=form is Form.ADAPTER)
    ready = "" if form is Form.ADAPTER else f": statewise serve --model {written}"
    Console(soft_wrap=True).print(f"{written} is ready{ready}", markup=False, highlight=False)
