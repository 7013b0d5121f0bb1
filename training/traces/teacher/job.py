"""A job: units of work, their shards in a folder, and the merged files once all are done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from training import rows, shards
from training.problems import output as outputs
from training.shards import Outcome, Place, Shard, Writer
from training.traces.known import FAILED, TRACES
from training.traces.teacher.produce import Run, produce
from training.traces.teacher.sampling import Endpoint, Sampling, Unit

SHARDS: Final = "shards"


@dataclass(frozen=True, slots=True)
class Job:
    """What to ask for, and where the outcomes go.

    `units` begins the same sequence anew at each call; `record` goes into the manifest.
    """

    folder: Path
    units: Callable[[], Iterator[Unit]]
    endpoint: Endpoint
    sampling: Sampling
    record: Mapping[str, Any]
    shard: Shard = field(default_factory=Shard)
    retry_failed: bool = False

    @property
    def traces(self) -> Path:
        """The merged traces."""
        return self.folder / TRACES

    @property
    def failed(self) -> Path:
        """The merged failures."""
        return self.folder / FAILED

    def run(
        self,
        started: Callable[[int, int], None] = lambda *_: None,
        advance: Callable[[int], None] = lambda *_: None,
        run: Run = produce,
    ) -> bool:
        """Does what is left of this shard; then merges, if nothing is left in any shard.

        `started` is told how many units the shard has and how many of them are done, `advance` how
        many more are. Returns whether it merged. Raises DataError and TeacherError; what was
        written until then stays.
        """
        # Held while a shard is written too: what is read here must not be written meanwhile.
        with Writer(self.folder / SHARDS / self.shard.name) as writer:
            known = shards.places(self.folder / SHARDS)
            mine = left = 0
            for unit in self.units():
                mine += self.shard.holds(unit.row.key)
                left += self._is_left(unit, known)
            started(mine, mine - left)

            def write(outcomes: Sequence[Outcome]) -> None:
                writer.append(outcomes)
                advance(len(outcomes))

            if left:
                todo = (unit for unit in self.units() if self._is_left(unit, known))
                run(todo, self.endpoint, self.sampling, write)
        return self._merge()

    def _is_left(self, unit: Unit, known: Mapping[str, Place]) -> bool:
        place = known.get(unit.row.key)
        done = place is not None and not (self.retry_failed and place.failed)
        return not done and self.shard.holds(unit.row.key)

    def _merge(self) -> bool:
        with shards.alone(self.folder):
            known = shards.places(self.folder / SHARDS)
            wanted = {unit.row.key for unit in self.units()}
            if not wanted <= known.keys():
                return False
            found = {key: known[key] for key in wanted}
            counts = {
                name: rows.write(self.folder / name, shards.merged(found, failed=failed))
                for name, failed in ((TRACES, False), (FAILED, True))
            }
            outputs.finish(
                self.traces,
                {self.folder / name: count for name, count in counts.items()},
                **self.record,
                sampling=self.sampling.model_dump(),
                recipe=self.sampling.digest,
            )
        return True
