"""`statewise train`: a whole recipe, or one step of the pipeline.

A step's module imports nothing heavy until it is called: `statewise --help` loads them all.
"""

from __future__ import annotations

import typer

from training.commands.decontaminate import decontaminate
from training.commands.dpo import dpo
from training.commands.experiment import experiment
from training.commands.export import export
from training.commands.filter import filter_traces
from training.commands.grpo import grpo
from training.commands.pairs import pairs
from training.commands.problems import problems
from training.commands.review import review
from training.commands.run import run
from training.commands.sft import sft
from training.commands.traces import traces

train = typer.Typer(pretty_exceptions_enable=False)
train.callback(invoke_without_command=True)(run)
train.command("sft")(sft)
train.command("dpo")(dpo)
train.command("pairs")(pairs)
train.command("grpo")(grpo)
train.command("export")(export)
train.command("problems")(problems)
train.command("decontaminate")(decontaminate)
train.command("traces")(traces)
train.command("review")(review)
train.command("filter")(filter_traces)
train.command("experiment")(experiment)
