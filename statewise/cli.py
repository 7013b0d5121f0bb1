"""The command line. Every command's module is imported only when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

app = typer.Typer(
    help="Serve and train State-Transition Reasoners.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)

Port = Annotated[Optional[int], typer.Option(help="Port; 0 takes a free one.")]  # noqa: UP045
