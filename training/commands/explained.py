"""How every training command ends when something is wrong: one message, exit status 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from training.errors import TrainingError


@contextmanager
def explained() -> Iterator[None]:
    """Turns a TrainingError into its message, in red on stderr, and exit status 1."""
    try:
        yield
    except TrainingError as error:
        Console(stderr=True).print(
            str(error), markup=False, highlight=False, style="red", soft_wrap=True
        )
        raise typer.Exit(1) from error
