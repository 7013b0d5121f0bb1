"""`statewise keys`: who may use a server, and how much."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from statewise.failures import BAD_INPUT, fail

if TYPE_CHECKING:
    from app.access.keys import Key

keys = typer.Typer(
    help="API keys of a server; a running one takes changes over within seconds.",
    no_args_is_help=True,
)

File = Annotated[
    Path,
    typer.Option(
        "--file", envvar="STATEWISE_KEYS_FILE", help="The file that the server reads them from."
    ),
]
Name = Annotated[str, typer.Argument(help="Who uses the key, and owns what is made with it.")]


@keys.command()
def add(  # noqa: PLR0913, PLR0917
    name: Name,
    file: File,
    max_concurrent: Annotated[int | None, typer.Option(help="Requests at a time.")] = None,
    requests_per_minute: Annotated[int | None, typer.Option(help="Requests a minute.")] = None,
    tokens_per_minute: Annotated[int | None, typer.Option(help="Tokens a minute.")] = None,
    admin: Annotated[bool, typer.Option("--admin", help="It may load adapters.")] = False,
) -> None:
    """Make a key and print it. It is shown this once: the file keeps only its SHA-256."""
    from app.access.keys import ANONYMOUS, Key, digest, new_key  # noqa: PLC0415
    from statewise.failures import checked  # noqa: PLC0415

    secret = new_key()
    key = checked(
        Key,
        name=name,
        sha256=digest(secret),
        max_concurrent=max_concurrent,
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
        admin=admin,
    )
    if name == ANONYMOUS:
        fail(f"the name {ANONYMOUS} is taken by requests without a key", BAD_INPUT)
    known = _read(file) if file.exists() else []
    if any(other.name == name for other in known):
        fail(f"{file} has a key named {name}; remove it first, or take another name", BAD_INPUT)
    _write(file, [*known, key])
    print(secret)


@keys.command("list")
def list_keys(file: File) -> None:
    """Show names and limits."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table("name", "at a time", "requests/min", "tokens/min", box=None)
    for key in _read(file):
        limits = (key.max_concurrent, key.requests_per_minute, key.tokens_per_minute)
        table.add_row(key.name, *("–" if limit is None else str(limit) for limit in limits))
    Console().print(table)


@keys.command()
def remove(name: Name, file: File) -> None:
    """Take a key out; what it owns stays. Requests that run are not ended."""
    known = _read(file)
    if all(key.name != name for key in known):
        fail(f"{file} has no key named {name}", BAD_INPUT)
    _write(file, [key for key in known if key.name != name])


def _read(file: Path) -> list[Key]:
    from app.access.keys import read  # noqa: PLC0415
    from app.errors import KeysError  # noqa: PLC0415

    try:
        return read(file).keys
    except KeysError as error:
        fail(error.message, BAD_INPUT)


def _write(file: Path, known: list[Key]) -> None:
    from app.access.keys import write  # noqa: PLC0415
    from app.errors import KeysError  # noqa: PLC0415

    try:
        write(file, known)
    except KeysError as error:
        fail(error.message, BAD_INPUT)
