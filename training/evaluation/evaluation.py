"""An evaluation: sets of problems put to a server, judged, and written to a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from statespace.card import NAME
from training import manifest
from training.errors import EvaluationError, TrainingError
from training.evaluation import results
from training.evaluation.answers import Answers
from training.evaluation.asking import Asking, Progress, Sample, samples
from training.evaluation.equality import is_plain, require
from training.evaluation.judgement import failure, judge
from training.evaluation.options import Options
from training.evaluation.report import summarize
from training.evaluation.results import SetResult
from training.evaluation.server import Served, Server
from training.evaluation.sets import ProblemSet


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is evaluated, how, and where results go."""

    url: str
    sets: Sequence[ProblemSet]
    options: Options
    output: Path
    concurrency: int = 16
    patience_s: float = 60.0
    failed_count_as_wrong: bool = False
    checkpoint: Path | None = None
    """The folder that is served at `url`, if known: the hash of its files identifies the model."""

    async def run(self, progress: Progress) -> list[SetResult]:
        """Ask, judge and write everything; the results in the order of the sets.

        Raises EvaluationError or DataError. What was answered until then is kept, reported as an
        incomplete evaluation, and not asked again.
        """
        if not all(is_plain(one.answer) for found in self.sets for one in found.problems):
            require()
        weights = _weights(self.checkpoint)
        server = Server(
            self.url, self.options, connections=self.concurrency, patience_s=self.patience_s
        )
        stopped: TrainingError | None = None
        with Answers(self.output) as answers:
            async with server:
                served = await server.served()
                identity = f"{served.model}/{weights}"
                wanted = [samples(one.problems, self.options, identity) for one in self.sets]
                asking = Asking([one for found in wanted for one in found], answers, progress)
                try:
                    await asking.run(server, self.concurrency)
                except TrainingError as error:
                    stopped = error
            judged = [
                self._result(one, found, answers, asking)
                for one, found in zip(self.sets, wanted, strict=True)
            ]
        if asking.answered or asking.unsolved:
            self._write(judged, asking, served, weights, complete=stopped is None)
        if stopped is not None:
            raise EvaluationError(
                f"{stopped}\n{asking.answered} of {asking.total} samples are answered and kept in "
                f"{self.output}; the same command goes on from there",
                getattr(stopped, "status", None),
            ) from stopped
        return judged

    def _result(
        self, problems: ProblemSet, wanted: Sequence[Sample], answers: Answers, asking: Asking
    ) -> SetResult:
        """Samples that were not asked, since the evaluation was stopped, are left out."""
        judgements = []
        for one in wanted:
            solution = answers.get(one.key)
            if solution is not None:
                judgements.append(
                    judge(solution, one.problem, sample=one.number, tolerance=problems.tolerance)
                )
            elif one.key in asking.unsolved:
                judgements.append(failure(one.problem, one.number, asking.unsolved[one.key]))
        report = summarize(judgements, failed_count_as_wrong=self.failed_count_as_wrong)
        return SetResult(problems, report, tuple(judgements))

    def _write(
        self,
        judged: Sequence[SetResult],
        asking: Asking,
        served: Served,
        weights: str | None,
        *,
        complete: bool,
    ) -> None:
        card = self.checkpoint / NAME if self.checkpoint else None
        results.write(
            self.output,
            judged,
            {
                "complete": complete,
                "samples": {"wanted": asking.total, "answered": asking.answered},
                "model": served.model,
                "checkpoint": weights,
                "card": manifest.read(card) if card else None,
                "server": {"models": served.entry, "version": served.version},
                "options": self.options.model_dump(),
            },
        )


def _weights(checkpoint: Path | None) -> str | None:
    """What tells two checkpoints of the same name apart; None if only a URL is known."""
    if checkpoint is None or not checkpoint.is_dir():
        return None
    files = sorted(path for path in checkpoint.iterdir() if path.is_file())
    return "sha256:" + manifest.key([(path.name, manifest.file_digest(path)) for path in files])
