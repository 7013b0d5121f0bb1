"""The same production, spread over a Ray cluster (extra `ray`); this process is the one writer.

Each worker is an ordinary client with its part of the limits. A worker's machine needs statewise
installed, and the key in the environment variable of the same name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from training.errors import DataError, TrainingError
from training.rows import RejectedRow, TraceRow
from training.shards import Outcome
from training.traces.teacher.produce import Write, collected
from training.traces.teacher.sampling import Endpoint, Sampling, Unit

_OUTCOME: Final[TypeAdapter[Outcome]] = TypeAdapter(RejectedRow | TraceRow)
_ROUNDS: Final = 4
"""Requests that each of a worker's slots gets per block; a killed run loses at most one block."""


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
        ray = _ray()
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
            self._run(ray, units, endpoint.share(self.workers), sampling, write)
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise (cause if isinstance(cause, TrainingError) else error) from error
        finally:
            ray.shutdown()

    def _run(
        self, ray: Any, units: Iterable[Unit], share: Endpoint, sampling: Sampling, write: Write
    ) -> None:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.max_errored_blocks = 0
        texts = [unit.model_dump_json() for unit in units]
        size = share.concurrency * _ROUNDS
        outcomes = ray.data.from_items(
            [{"unit": text} for text in texts], override_num_blocks=-(-len(texts) // size)
        ).map_batches(
            Worker,
            fn_constructor_args=(share, sampling),
            batch_size=size,
            num_cpus=0.25,  # it waits for the network
            concurrency=self.workers,
        )
        for batch in outcomes.iter_batches(batch_size=None, batch_format="pyarrow"):
            write([_OUTCOME.validate_json(text) for text in batch["outcome"].to_pylist()])


class Worker:
    """One worker of the cluster."""

    def __init__(self, endpoint: Endpoint, sampling: Sampling) -> None:
        self._endpoint = endpoint
        self._sampling = sampling

    def __call__(self, batch: Any) -> dict[str, list[str]]:
        """Outcomes of a batch's units, as JSON."""
        units = [Unit.model_validate_json(text) for text in batch["unit"]]
        outcomes = collected(units, self._endpoint, self._sampling)
        return {"outcome": [outcome.model_dump_json() for outcome in outcomes]}


def _ray() -> Any:
    try:
        import ray  # noqa: PLC0415
        import ray.data  # noqa: PLC0415
    except ImportError as error:
        raise DataError("--runner ray needs Ray; install it: pip install statewise[ray]") from error
    return ray
