"""What goes wrong on the command line, said in one line and with an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.text import Text

from statewise.terminal import visible

if TYPE_CHECKING:
    from pydantic import BaseModel

NOT_SOLVED: Final = 1
BAD_INPUT: Final = 2
NO_SERVER: Final = 3

Model = TypeVar("Model", bound="BaseModel")


def fail(message: str, code: int) -> NoReturn:
    """Say what is wrong on standard error, and leave with `code`."""
    console = Console(stderr=True)
    told = Text.assemble(("error:", "bold red"), " ", visible(message))
    console.print(told, highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def checked(model: type[Model], /, **values: Any) -> Model:
    """Build `model`; invalid values end the command, naming the option."""
    from pydantic import ValidationError  # noqa: PLC0415 - `--help` must not load it

    try:
        return model(**values)
    except ValidationError as error:
        told = (
            f"{'.'.join(map(str, problem['loc'])).replace('_', '-')}: {problem['msg']}"
            for problem in error.errors()
        )
        fail("; ".join(told), BAD_INPUT)
