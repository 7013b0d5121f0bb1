"""The command line. A command's module is imported only when it is called.

Exit codes: 0 done (for `solve`: solved), 1 not solved or something is wrong, 2 wrong usage or bad
input, 3 no server could be reached or started.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from statewise.commands.keys import keys
from statewise.terminal import tolerate_encodings
from training.commands import train

cli = typer.Typer(
    help="Serve and train State-Transition Reasoners.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Url = Annotated[str | None, typer.Option(help="A running server; default: the one found here.")]
Strategy = Annotated[
    str,
    typer.Option(
        help="How to solve it: single, guided, vote-8, beam-4.",
        autocompletion=lambda: ["single", "guided", "vote", "vote-16", "beam"],
    ),
]
Model = Annotated[str | None, typer.Option(help="Checkpoint folder or hub id.")]
Engine = Annotated[
    str | None,
    typer.Option(help="vllm; remote: servers elsewhere; or scripted: replays recorded traces."),
]


@cli.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": False})
def serve(  # noqa: PLR0913, PLR0917
    context: typer.Context,
    engine: Engine = None,
    model: Model = None,
    model_name: Annotated[str | None, typer.Option(help="Name that clients use.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    upstream: Annotated[
        str | None, typer.Option(help="vLLM servers of the remote engine, by commas.")
    ] = None,
    adapter: Annotated[
        list[str] | None, typer.Option(help="A LoRA adapter, NAME=FOLDER; repeat it for more.")
    ] = None,
) -> None:
    """Serve a checkpoint. What stands after -- goes to the engine's own parser."""
    from statewise.commands.serve import serve_command  # noqa: PLC0415

    flags = {
        "engine": engine,
        "model": model,
        "model_name": model_name,
        "host": host,
        "port": port,
        "upstream": upstream,
        "adapters": ",".join(adapter) if adapter else None,
    }
    serve_command({name: value for name, value in flags.items() if value is not None}, context.args)


@cli.command()
def solve(  # noqa: PLR0913, PLR0917
    question: Annotated[str, typer.Argument(help="The problem, in plain words.")],
    url: Url = None,
    model: Annotated[
        str | None, typer.Option(help="Start a server on this checkpoint for the call.")
    ] = None,
    strategy: Strategy = "single",
    temperature: Annotated[float, typer.Option(help="0 is greedy.")] = 0.0,
    seed: Annotated[int | None, typer.Option(help="Seed for sampling.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Limit on generated tokens.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print events, one JSON a line.")] = False,
) -> None:
    """Solve a problem and show every state transition as it happens."""
    from statespace.solutions import SolutionRequest  # noqa: PLC0415
    from statewise.commands.solve import solve_command  # noqa: PLC0415
    from statewise.failures import checked  # noqa: PLC0415

    request = checked(
        SolutionRequest,
        question=question,
        strategy=strategy,
        temperature=temperature,
        seed=seed,
        max_tokens=max_tokens,
        deltas=not json,
    )
    raise typer.Exit(solve_command(request, url=url, model=model, as_json=json))


@cli.command()
def chat(
    url: Url = None,
    model: Annotated[
        str | None, typer.Option(help="Start a server on this checkpoint for the session.")
    ] = None,
    strategy: Strategy = "single",
) -> None:
    """Solve one problem after the other: each line is one; /help lists the commands."""
    from statewise.commands.chat import chat_command  # noqa: PLC0415

    raise typer.Exit(chat_command(url=url, model=model, strategy=strategy))


@cli.command()
def watch(
    solution_id: Annotated[str, typer.Argument(metavar="ID", help="The solution: sol_…")],
    url: Url = None,
    json: Annotated[bool, typer.Option("--json", help="Print events, one JSON a line.")] = False,
) -> None:
    """Follow a solution that is being made, or show one that was; leaving does not end it."""
    from statewise.commands.watch import watch_command  # noqa: PLC0415

    raise typer.Exit(watch_command(solution_id, url=url, as_json=json))


@cli.command()
def top(
    url: Url = None,
    interval: Annotated[
        float, typer.Option(min=0.1, max=3600.0, help="Seconds between two looks.")
    ] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Print one snapshot and end.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print snapshots as JSON.")] = False,
) -> None:
    """Show what a server does: queue, running solutions, tokens a second."""
    from statewise.commands.top import top_command  # noqa: PLC0415

    raise typer.Exit(top_command(url=url, interval_s=interval, once=once, as_json=json))


@cli.command()
def verify(
    text: Annotated[str | None, typer.Argument(help="A line: 48 / 2 = 26")] = None,
    file: Annotated[
        Path | None, typer.Option(help="A file with a trace or a line; - is standard input.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check a trace or a line of arithmetic, without a model; exit code 1 if it is refuted."""
    from statewise.commands.verify import verify_command  # noqa: PLC0415

    raise typer.Exit(verify_command(text, file, as_json=json))


@cli.command()
def batch(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="Lines as for /v1/batches, one request each.")
    ],
    output: Annotated[
        Path, typer.Argument(metavar="OUT", help="Gets the answers; the same one goes on.")
    ],
    url: Url = None,
    model: Annotated[
        str | None, typer.Option(help="Start a server on this checkpoint for the call.")
    ] = None,
    window: Annotated[int, typer.Option(min=1, max=1024, help="Lines at a time.")] = 32,
) -> None:
    """Answer a file of requests; what was answered by an earlier run is not asked again."""
    from statewise.commands.batch import batch_command  # noqa: PLC0415

    raise typer.Exit(batch_command(source, output, url=url, model=model, window=window))


@cli.command("eval")
def evaluate(  # noqa: PLR0913, PLR0917
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "--source",
            help="[NAME=]SOURCE[:PATH][,key=value]: procedural,operations=1-3 or "
            "gsm8k:test.jsonl,limit=200. Repeatable.",
        ),
    ] = None,
    url: Url = None,
    model: Annotated[
        str | None, typer.Option(help="Start a server on this checkpoint for the call.")
    ] = None,
    output: Annotated[
        Path, typer.Option(help="Folder of answers and results; the same one goes on.")
    ] = Path("runs/eval"),
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            help="How to solve, single by default: guided, vote-8,stop=never. Repeatable: the "
            "others are compared with the first."
        ),
    ] = None,
    samples: Annotated[int, typer.Option(help="Per problem: majority vote and pass@k.")] = 1,
    temperature: Annotated[float, typer.Option(help="0 is greedy.")] = 0.0,
    top_p: Annotated[float, typer.Option(help="Share of probability sampled from.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed for sampling.")] = 0,
    max_tokens: Annotated[int | None, typer.Option(help="Limit on generated tokens.")] = None,
    timeout_s: Annotated[float, typer.Option(help="Deadline of a problem, in seconds.")] = 600.0,
    limit: Annotated[int | None, typer.Option(help="Problems of sets that name no limit.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Problems at a time.")] = 16,
    patience_s: Annotated[
        float, typer.Option(help="How long to wait for a server that is full or gone.")
    ] = 60.0,
    count_failures: Annotated[
        bool, typer.Option(help="Count problems the server failed on as wrong.")
    ] = False,
) -> None:
    """Measure a reasoner on sets of problems: accuracy, cost, corrections."""
    from statewise.commands.eval import eval_command  # noqa: PLC0415
    from statewise.failures import BAD_INPUT, checked, fail  # noqa: PLC0415
    from training.evaluation.options import Options, strategy_fields  # noqa: PLC0415

    try:
        strategies = [strategy_fields(text) for text in strategy or ["single"]]
    except ValueError as error:
        fail(f"strategy: {error}", BAD_INPUT)
    options = [
        checked(
            Options,
            **fields,
            samples=samples,
            temperature=temperature,
            top_p=top_p,
            seed=seed,
            max_tokens=max_tokens,
            timeout_s=timeout_s,
        )
        for fields in strategies
    ]
    code = eval_command(
        sets or ["procedural"],
        options,
        url=url,
        model=model,
        output=output,
        limit=limit,
        concurrency=concurrency,
        patience_s=patience_s,
        failed_count_as_wrong=count_failures,
    )
    raise typer.Exit(code)


@cli.command()
def demo(
    port: Annotated[int, typer.Option(help="Port of the server that is started.")] = 8000,
) -> None:
    """Start a server on the shipped checkpoint, if none runs, and solve a problem."""
    from statewise.commands.demo import demo_command  # noqa: PLC0415

    raise typer.Exit(demo_command(port))


@cli.command()
def stop() -> None:
    """Stop the servers that run on this machine."""
    from statewise.commands.stop import stop_command  # noqa: PLC0415

    raise typer.Exit(stop_command())


@cli.command()
def doctor(model: Model = None) -> None:
    """Say what was found on this machine, and what is wrong."""
    from statewise.commands.doctor import doctor_command  # noqa: PLC0415

    raise typer.Exit(doctor_command(model))


# Import nothing heavy until they are called.
cli.add_typer(train, name="train")
cli.add_typer(keys, name="keys")


@contextmanager
def served(checkpoint: Path) -> Iterator[str]:
    """Serves a checkpoint folder while the context lasts; gives the server's URL."""
    from statewise.servers import for_one_call  # noqa: PLC0415

    with for_one_call(None, str(checkpoint), lambda _: None) as url:
        yield url


def main() -> None:
    """The entry point."""
    tolerate_encodings()
    # `training` starts no server itself: commands that need one take this from their context.
    cli(obj=served)
