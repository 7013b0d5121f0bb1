"""`statewise eval`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from statewise.failures import BAD_INPUT, NO_SERVER, fail
from statewise.waiting import found_server
from training.errors import EvaluationError, TrainingError
from training.evaluation import comparison
from training.evaluation.evaluation import Evaluation
from training.evaluation.options import Options
from training.evaluation.results import PLOT, RESULTS, SetResult
from training.evaluation.sets import load_sets
from training.evaluation.table import table

SOME_FAILED = 1
PIPE_WIDTH = 160


def eval_command(  # noqa: PLR0913
    texts: Sequence[str],
    options: Sequence[Options],
    *,
    url: str | None,
    model: str | None,
    output: Path,
    limit: int | None,
    concurrency: int,
    patience_s: float,
    failed_count_as_wrong: bool,
) -> int:
    """Evaluate a server on sets of problems; 0 only if every sample got a solution.

    Several `options` are compared; each has a folder of its own inside `output`.
    """
    errors = Console(stderr=True)
    try:
        sets = load_sets(texts, limit)
        with found_server(url, model, errors) as found:
            checkpoint = Path(model) if url is None and model and Path(model).is_dir() else None
            done: list[tuple[str, list[SetResult]]] = []
            for one in options:
                evaluation = Evaluation(
                    found,
                    sets,
                    one,
                    _folder(output, one.name, options),
                    concurrency=concurrency,
                    patience_s=patience_s,
                    failed_count_as_wrong=failed_count_as_wrong,
                    checkpoint=checkpoint,
                )
                done.append((one.name, _run(evaluation, errors)))
                if len(done) > 1:  # after each: those that follow may take hours
                    comparison.write(output, done)
    except EvaluationError as error:
        fail(str(error), NO_SERVER if error.status is None else BAD_INPUT)
    except TrainingError as error:
        fail(str(error), BAD_INPUT)
    for name, results in done:
        if len(done) > 1:
            Console().rule(name)
        _show(results, _folder(output, name, options))
    failed = any(one.report.failed for _, results in done for one in results)
    return SOME_FAILED if failed else 0


def _folder(output: Path, name: str, options: Sequence[Options]) -> Path:
    """Where the results of one of `options` go."""
    return output / name if len(options) > 1 else output


def _run(evaluation: Evaluation, console: Console) -> list[SetResult]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("solving", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            # A log file gets a line for every tenth.
            if done and not console.is_terminal and 10 * done // total > 10 * (done - 1) // total:
                console.print(f"{done} of {total} solved", highlight=False)

        return asyncio.run(evaluation.run(progress))


def _show(results: Sequence[SetResult], output: Path) -> None:
    console = Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)
    console.print(table([(one.set.name, one.report) for one in results], console.width))
    for one in results:
        if loosest := max(one.tolerances):
            told = (
                f"{one.set.name}: right within a relative {loosest:g} where a problem asks for it"
            )
            console.print(Text(told), soft_wrap=True)
        reasons = {judgement.failed for judgement in one.judgements} - {None}
        for reason in sorted(map(str, reasons))[:3]:
            console.print(Text(f"{one.set.name}: no solution: {reason}"), soft_wrap=True)
    told = f"{output / RESULTS} and {output / PLOT}"
    console.print(Text(told), soft_wrap=True)
