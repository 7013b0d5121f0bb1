"""`statewise train`: a whole recipe, or one step of the pipeline.

A step's module imports nothing heavy until it is called: `statewise --help` loads them all.
"""

from __future__ import annotations

import typer

from training.commands.export import export
from training.commands.run import run
from training.commands.sft import sft

train = typer.Typer(pretty_exceptions_enable=False)
train.callback(invoke_without_command=True)(run)
train.command("sft")(sft)
train.command("export")(export)
