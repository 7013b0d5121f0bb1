"""`statewise train grpo`: the optional stage 3, with the verifier and the answer as reward."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from training.commands.explained import explained


def grpo(  # noqa: PLR0913, PLR0917 - one parameter an option
    model: Annotated[Path, typer.Option(help="The checkpoint to start from.")],
    problems: Annotated[list[Path], typer.Option(help="Problems files. Repeatable.")],
    output: Annotated[Path, typer.Option(help="Folder of the trained model.")],
    prompts: Annotated[int, typer.Option(min=1, help="Problems to ask, in all.")] = 2000,
    group: Annotated[int, typer.Option(min=2, help="Completions to a problem.")] = 8,
    batch: Annotated[int, typer.Option(min=2, help="Completions in a step.")] = 64,
    max_tokens: Annotated[int, typer.Option(min=1, help="Of a completion.")] = 400,
    temperature: Annotated[float, typer.Option(min=0.01, max=2)] = 1.0,
    learning_rate: Annotated[float, typer.Option(min=0)] = 1e-5,
    beta: Annotated[float, typer.Option(min=0, help="Weight of the divergence.")] = 0.0,
    save_steps: Annotated[int, typer.Option(min=1, help="Between checkpoints.")] = 50,
    seed: Annotated[int, typer.Option(help="Decides problems and samples.")] = 0,
) -> None:
    """Reward right answers and true arithmetic; started again, it goes on where it was."""
    with explained():
        from training.curriculum.rewarded import run  # noqa: PLC0415
        from training.curriculum.settings import Grpo  # noqa: PLC0415
        from training.curriculum.stage import Run  # noqa: PLC0415
        from training.progress import Report  # noqa: PLC0415

        settings = Grpo(
            prompts=prompts,
            group=group,
            batch=batch,
            max_new_tokens=max_tokens,
            temperature=temperature,
            learning_rate=learning_rate,
            beta=beta,
            save_steps=save_steps,
        )
        with Report(Console()) as report:
            run(Run(seed, False, report), settings, model, problems, output)
            report.say(f"{output} is ready: statewise serve --model {output}")
