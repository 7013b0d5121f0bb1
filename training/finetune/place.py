"""The output folder of one stage: what makes it resumable, and finished only once.

OUTPUT/                  weights or adapter, tokenizer, statewise.json, README.md, DATA.md
OUTPUT/manifest.json     written last: the stage has finished
OUTPUT/training/         key.json, checkpoints while it runs, the trackers' logs
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from training import manifest
from training.errors import TrainingError

MANIFEST: Final = "manifest.json"


def world() -> int:
    """Processes that train together, as `accelerate launch` or `torchrun` started them."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def main_process() -> bool:
    """Whether this process is the one that writes."""
    return int(os.environ.get("RANK", "0")) == 0


class Place:
    """A stage's output folder, made from inputs whose digest is `key`."""

    def __init__(self, output: Path, key: str) -> None:
        self.output = output
        self.key = key
        self.training = output / "training"

    @property
    def record(self) -> Any:
        """The manifest of the finished stage; None before."""
        return manifest.read(self.output / MANIFEST)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Holds the folder for this run. Raises TrainingError if it is not this run's to use."""
        if not main_process():
            yield
            return
        self._check()
        self.training.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.training / ".lock", timeout=0):
                if self.record:
                    self._discard_checkpoints()
                manifest.write(self.training / "key.json", {"key": self.key})
                yield
        except Timeout as error:
            raise TrainingError(
                f"another run works in {self.output}; wait for it, or give another --output"
            ) from error

    def _check(self) -> None:
        known = self.record or manifest.read(self.training / "key.json")
        if known is not None and known.get("key") != self.key:
            raise TrainingError(
                f"{self.output} holds a run of another recipe, other data or another model; give "
                "another --output, or delete the folder"
            )
        # A run that was killed at its very start leaves these.
        begun = {self.training / name for name in ("", ".lock", "key.json.part")}
        if known is None and any(path not in begun for path in self.output.rglob("*")):
            raise TrainingError(
                f"{self.output} holds files that no run has written; give another --output"
            )

    def finish(self, record: dict[str, Any]) -> None:
        """Marks the stage finished; its checkpoints are no longer needed."""
        # A pickle of arguments, of no use to others; it holds this machine's folders.
        (self.output / "training_args.bin").unlink(missing_ok=True)
        # DPO's frozen copy of stage 1's adapter.
        shutil.rmtree(self.output / "ref", ignore_errors=True)
        outputs = {
            path.name: manifest.file_digest(path)
            for path in sorted(self.output.iterdir())
            if path.is_file() and path.name != MANIFEST
        }
        manifest.write(self.output / MANIFEST, {"key": self.key, **record, "outputs": outputs})
        self._discard_checkpoints()

    def _discard_checkpoints(self) -> None:
        for checkpoint in self.training.glob("checkpoint-*"):
            shutil.rmtree(checkpoint)
