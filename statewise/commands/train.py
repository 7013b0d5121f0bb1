"""`statewise train`. The command is the training package's own; importing it stays light."""

from __future__ import annotations

from training.command import train

__all__ = ["train"]
