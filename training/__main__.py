"""`python -m training --recipe FILE`: the same as `statewise train`."""

from __future__ import annotations

from training.commands import train

if __name__ == "__main__":
    train()
