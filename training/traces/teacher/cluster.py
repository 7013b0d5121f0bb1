"""The same production, spread over a Ray cluster (extra `ray`); this process is the one writer.

Each worker is an ordinary client with its part of the limits. A worker's machine needs statewise
installed, and the key in the environment variable of the same name.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from pydantic import TypeAdapter

from training.errors import DataError, TeacherError, TrainingError
from training.rows import RejectedRow, TraceRow
from training.shards import Outcome
from training.traces.teacher.produce import Write, produce
from training.traces.teacher.sampling import Endpoint, Sampling, Unit

_OUTCOME: Final[TypeAdapter[Outcome]] = TypeAdapter(RejectedRow | TraceRow)
_ROUNDS: Final = 4
"""Requests that each of a worker's slots gets per block; a killed run loses at most one block."""
_WINDOW: Final = 10_000
"""Units that are handed to Ray at once: their prompts are held in this machine's memory."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A `produce` for many machines. `address` is Ray's; None starts Ray on this machine."""

    workers: int
    address: str | None = None

    def __call__(
        self, units: Iterable[Unit], endpoint: Endpoint, sampling: Sampling, write: Write
    ) -> None:
        """Asks for all units and writes outcomes, block by block, as they come.

        Raises TeacherError where the endpoint refuses them all, what `write` raises, and DataError
        if Ray is not installed or no cluster answers.
        """
        # Ray reports its use to its makers unless told not to.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray = _ray()
        logging.getLogger("ray").setLevel(logging.ERROR)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        try:
            ray.init(
                address=self.address,
                configure_logging=False,
                log_to_driver=False,
                include_dashboard=False if self.address is None else None,
            )
        except ConnectionError as error:
            raise DataError(
                f"--ray-address {self.address}: no Ray cluster answers: {error}"
            ) from error
        try:
            source = iter(units)
            while window := list(islice(source, _WINDOW)):
                self._run(ray, window, endpoint.share(self.workers), sampling, write)
        finally:
            ray.shutdown()

    def _run(
        self, ray: Any, units: Sequence[Unit], share: Endpoint, sampling: Sampling, write: Write
    ) -> None:
        size = share.concurrency * _ROUNDS
        dataset = ray.data.from_items(
            [{"unit": unit.model_dump_json()} for unit in units],
            override_num_blocks=max(-(-len(units) // size), min(self.workers, len(units))),
        ).map_batches(
            completed,
            fn_args=(share, sampling),
            batch_size=None,
            num_cpus=0.25,  # it waits for the network
            compute=ray.data.TaskPoolStrategy(size=self.workers),
        )
        for batch in dataset.iter_batches(batch_size=None, batch_format="pyarrow"):
            texts = batch["outcome"].to_pylist()
            if outcomes := [_OUTCOME.validate_json(text) for text in texts if text]:
                write(outcomes)
            if error := next(filter(None, batch["error"].to_pylist()), None):
                raise TeacherError(error)


def completed(batch: Any, endpoint: Endpoint, sampling: Sampling) -> dict[str, list[str]]:
    """Outcomes of a batch's units, as JSON, and the error that ended them, if there was one."""
    units = [Unit.model_validate_json(text) for text in batch["unit"]]
    outcomes: list[Outcome] = []
    found = {"outcome": [""], "error": [""]}
    try:
        produce(units, endpoint, sampling, outcomes.extend)
    except TrainingError as error:
        found["error"] = [str(error)]
    found["outcome"] += [outcome.model_dump_json() for outcome in outcomes]
    found["error"] += [""] * len(outcomes)
    return found


def _ray() -> Any:
    try:
        import ray  # noqa: PLC0415
        import ray.data  # noqa: PLC0415
    except ImportError as error:
        raise DataError(
            "--runner ray needs Ray; install it: pip install '.[ray]' in a checkout"
        ) from error
    return ray
