"""`python -m training --recipe FILE`: the same as `statewise train`."""

from __future__ import annotations

import typer

from training.command import train

if __name__ == "__main__":
    typer.run(train)
