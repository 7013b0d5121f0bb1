"""`statewise train pairs`: wrong traces → pairs.jsonl and pairs.advanced.jsonl."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console

from training.commands.explained import explained

if TYPE_CHECKING:
    from training.curriculum.sampler import Sampler


def pairs(  # noqa: PLR0913, PLR0917 - one parameter an option
    problems: Annotated[
        list[Path], typer.Option(help="Problems files, of `train problems`. Repeatable.")
    ],
    output: Annotated[Path, typer.Option(help="The file of pairs; others stand beside it.")],
    wrong: Annotated[
        list[Path] | None,
        typer.Option(help="Traces, of which the wrong ones are used: rejected.jsonl. Repeatable."),
    ] = None,
    corrupt: Annotated[
        int, typer.Option(min=0, help="Wrong traces to make from each problem's graph.")
    ] = 1,
    mode: Annotated[
        Literal["step", "trajectory"], typer.Option(help="Pairs of states, or of whole traces.")
    ] = "step",
    repair: Annotated[
        Literal["graph", "self", "teacher"], typer.Option(help="Who puts wrong traces right.")
    ] = "graph",
    reviews: Annotated[
        list[Path] | None,
        typer.Option(help="For --repair teacher: repaired.jsonl, of `train review`. Repeatable."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="For --repair self: the checkpoint of stage 1.")
    ] = None,
    tries: Annotated[
        int, typer.Option(min=1, help="For --repair self: continuations of each wrong trace.")
    ] = 4,
    temperature: Annotated[float, typer.Option(min=0.01, max=2, help="Of --repair self.")] = 1.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Of --repair self.")] = 400,
    anchor: Annotated[
        float, typer.Option(min=0, max=1, help="Share of pairs that prefer a clean trace.")
    ] = 0.3,
    noticing: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Share of wrong states that the model learns to notice itself."
        ),
    ] = 0.2,
    seed: Annotated[int, typer.Option(help="Decides mistakes, samples and order.")] = 0,
) -> None:
    """Make stage 2's preference pairs, and traces to fine-tune on, from wrong traces."""
    with explained():
        from training.curriculum.files import Inputs, make  # noqa: PLC0415
        from training.curriculum.settings import Pairs  # noqa: PLC0415
        from training.progress import Report  # noqa: PLC0415

        settings = Pairs(
            mode=mode,
            repair=repair,
            anchor=anchor,
            noticing=noticing,
            sampled=tries,
            temperature=temperature,
        )
        inputs = Inputs(problems, wrong or (), reviews or (), corrupt)
        with Report(Console()) as report:
            record = make(
                inputs,
                settings,
                output,
                seed=seed,
                sampler=(lambda: _sampler(model, temperature, max_tokens, seed)) if model else None,
                model=f"{_digest(model)}/{max_tokens}" if model else "",
                report=report,
            )
            report.console.print(_table(record))
            report.say(f"{output} is ready: statewise train dpo --pairs {output}")


def _sampler(folder: Path, temperature: float, max_tokens: int, seed: int) -> Sampler:
    import torch  # noqa: PLC0415
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

    from training.curriculum.sampler import Sampler  # noqa: PLC0415
    from training.errors import DataError  # noqa: PLC0415

    try:
        model = AutoModelForCausalLM.from_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise DataError(f"--model {folder}: {error}") from error
    if torch.cuda.is_available():
        model.to("cuda")
    return Sampler(model, tokenizer, temperature=temperature, max_new_tokens=max_tokens, seed=seed)


def _digest(folder: Path) -> str:
    from training import manifest  # noqa: PLC0415

    return manifest.key(
        [manifest.file_digest(path) for path in sorted(folder.glob("*.safetensors"))]
    )


def _table(record: dict[str, Any]) -> Any:
    from rich.table import Table  # noqa: PLC0415

    table = Table("wrong traces", "", title=f"{record['settings']['mode']} pairs")
    for name, count in sorted(record["counts"].items()):
        table.add_row(name, str(count))
    table.add_section()
    for name, noted in record["outputs"].items():
        table.add_row(name, str(noted["rows"]))
    table.add_row("of them anchors", str(record["anchors"]))
    return table
