"""`statewise batch`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from statewise.batches.ledger import Ledger, LedgerError
from statewise.batches.work import Input, InputError, Outcome, Work
from statewise.client import AsyncClient, ServerError
from statewise.failures import BAD_INPUT, NO_SERVER, fail
from statewise.terminal import visible
from statewise.waiting import found_server

SOME_FAILED: Final = 1
MAX_SHOWN: Final = 20
PATIENCE_S: Final = 60.0
"""How long a line waits for a server that is full or gone."""


def batch_command(
    source: Path, output: Path, *, url: str | None, model: str | None, window: int
) -> int:
    """Answer all lines of `source`; 0 only if none was refused."""
    console = Console(stderr=True)
    errors = output.with_name(output.name.removesuffix(".jsonl") + ".errors.jsonl")
    try:
        lines = Input.read(source)
        if source.resolve() in (output.resolve(), errors.resolve()):
            raise InputError("the answers cannot be written into the input; name another file")
        with Ledger(output) as good, Ledger(errors) as bad:
            outcome = _answer(lines, good, bad, url, model, window, console)
    except InputError as error:
        _show(console, error)
        fail(str(error), BAD_INPUT)
    except LedgerError as error:
        fail(str(error), BAD_INPUT)
    except ServerError as error:
        told = f"{error}\nwhat was answered is in {output}; the same command goes on from there"
        fail(told, NO_SERVER if error.status is None else BAD_INPUT)
    told = f"{outcome.answered} answered in {output}"
    if outcome.refused:
        told += f", {outcome.refused} refused in {errors}"
    console.print(Text(told), soft_wrap=True)
    return SOME_FAILED if outcome.refused else 0


def _answer(  # noqa: PLR0913, PLR0917
    lines: Input,
    good: Ledger,
    bad: Ledger,
    url: str | None,
    model: str | None,
    window: int,
    console: Console,
) -> Outcome:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("answering", total=None)
        told = 0

        def progress(done: int, total: int) -> None:
            nonlocal told
            bar.update(task, completed=done, total=total)
            # A log file gets a line for every tenth.
            if not console.is_terminal and 10 * done // total > told:
                told = 10 * done // total
                console.print(f"{done} of {total} answered", highlight=False)

        work = Work(lines, good, bad, progress)
        if not work.left:
            return Outcome(len(good.answered), len(bad.answered))
        bar.stop()
        with found_server(url, model, console) as found:
            bar.start()

            async def run() -> Outcome:
                client = AsyncClient(found, patience_s=PATIENCE_S, connections=window)
                async with client:
                    return await work.run(client, window)

            return asyncio.run(run())


def _show(console: Console, error: InputError) -> None:
    for problem in error.problems[:MAX_SHOWN]:
        where = f"line {problem.line}: " if problem.line else ""
        console.print(Text(visible(f"{where}{problem.message}")), soft_wrap=True)
    if (more := len(error.problems) - MAX_SHOWN) > 0:
        console.print(f"and {more} more", highlight=False)
