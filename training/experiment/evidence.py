"""The whole experiment: problems, a plan, then seed by seed and arm by arm.

OUTPUT/plan.json            what the budget allowed; kept when the run is resumed
OUTPUT/a-plain-seed1.json   one result for each arm and seed, as soon as it is there
OUTPUT/results.json         the summary of the seeds that are whole, with the manifest
OUTPUT/results.md, .png     the same as tables and as a plot
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from filelock import FileLock, Timeout
from transformers.utils import logging

from training import manifest, tokenizer
from training.errors import DataError, TrainingError
from training.experiment import plan as plans, problems, results, texts
from training.experiment.answers import Answering, Ask, Local, Served, Serving
from training.experiment.plan import Plan
from training.experiment.plot import plot
from training.experiment.results import Arm, Result
from training.experiment.settings import Experiment
from training.experiment.stages import Seed
from training.experiment.summary import Summary, summarized
from training.experiment.table import accounts, markdown
from training.problems import jsonl
from training.problems.problem import Problem
from training.progress import Report

CODE: Final = (Path(__file__).parents[1],)
"""What decides the results: everything in `training`."""


class Evidence:
    """One experiment, in a work directory and an output folder."""

    def __init__(  # noqa: PLR0913
        self,
        recipe: Experiment,
        *,
        work: Path,
        output: Path,
        report: Report,
        budget: float | None = None,
        serving: Serving | None = None,
    ) -> None:
        """`budget` is in minutes, for all seeds and arms together."""
        self.recipe = recipe
        self.work = work
        self.output = output
        self.report = report
        self.budget = budget
        self.answered_by: Literal["server", "transformers"] = (
            "server" if serving else "transformers"
        )
        self.answering: Answering = self._answering(serving)

    def execute(self) -> Summary | None:
        """Does what is left to do. Raises TrainingError."""
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            self.work.mkdir(parents=True, exist_ok=True)
            self.output.mkdir(parents=True, exist_ok=True)
            with FileLock(self.work / ".lock", timeout=0):
                return self._arms()
        except Timeout as error:
            raise TrainingError(
                f"another run works in {self.work}; wait for it, or give this one --work"
            ) from error
        except OSError as error:
            raise TrainingError(f"{error}; free space or name other folders, run again") from error

    def _answering(self, serving: Serving | None) -> Answering:
        asked = self.recipe.evaluation
        if serving is None:
            return Local(self.report, asked.max_new_tokens, asked.batch)
        return Served(serving, self.report, asked.max_new_tokens, asked.concurrency)

    def _arms(self) -> Summary | None:
        plan = self._plan()
        # Not of the recipe: what another one trained alike in this work directory is used again.
        key = manifest.key(plan.problems, plan.scale, self._vocabulary_key)
        summary = None
        for number in self.recipe.seeds:
            seed = Seed(
                self.recipe.scaled(plan.scale),
                number,
                pool=self.pool,
                vocabulary=self._vocabulary,
                key=key,
                work=self.work,
                report=self.report,
            )
            for arm in self.recipe.arms:
                if results.read(self.output, arm, number) is None:
                    self._arm(seed, arm, plan)
            summary = self._summary(plan)
        return summary or self._summary(plan)

    def _arm(self, seed: Seed, arm: Arm, plan: Plan) -> None:
        trained = seed.arm(arm, self.answering)
        asked = self.recipe.evaluation
        names = list(self.sets)
        everything = [one for found in self.sets.values() for one in found]
        asks = [Ask(everything)]
        if arm == "plain":
            limit = asked.max_chain_tokens
            asks = [
                Ask(everything, limit=limit),
                Ask(everything, asked.votes, asked.temperature, seed.seed, limit),
            ]
        answers, *voted = self.answering(trained.folder, asks, trained.folder.parent / "answers")
        result = Result(
            arm=arm,
            seed=seed.seed,
            plan=manifest.key(plan.model_dump(mode="json")),
            trained=trained.record,
            answered_by=self.answered_by,
            greedy={name: results.greedy(self._of(name, answers)) for name in names},
            majority=(
                {name: results.majority(self._of(name, voted[0])) for name in names}
                if voted
                else None
            ),
        )
        manifest.write(results.path(self.output, arm, seed.seed), result.model_dump(mode="json"))
        right = {name: f"{100 * _share(one.right):.1f} %" for name, one in result.greedy.items()}
        self.report.say(f"{results.path(self.output, arm, seed.seed)}: {right}")

    def _of(self, name: str, answers: Sequence[Any]) -> list[Any]:
        ids = {one.id for one in self.sets[name]}
        return [one for one in answers if one.problem.id in ids]

    def _summary(self, plan: Plan) -> Summary | None:
        found = [
            result
            for number in self.recipe.seeds
            for arm in self.recipe.arms
            if (result := results.read(self.output, arm, number)) is not None
        ]
        if {one.plan for one in found} - {manifest.key(plan.model_dump(mode="json"))}:
            raise DataError(f"{self.output} holds results of another plan; give another --output")
        summary = summarized(found, self.recipe.evaluation.votes, self.recipe.arms)
        if summary is not None:
            content = {
                "manifest": {
                    "recipe": self.recipe.model_dump(mode="json"),
                    "plan": plan.model_dump(mode="json"),
                    "code": manifest.source_digest(CODE),
                    "versions": manifest.versions(),
                    "results": {
                        path.name: manifest.file_digest(path)
                        for path in sorted(self.output.glob("?-*-seed*.json"))
                    },
                },
                "summary": summary.model_dump(mode="json"),
            }
            manifest.write(self.output / "results.json", content)
            part = self.output / "results.md.part"
            first = [one for one in found if one.seed == summary.seeds[0]]
            part.write_text(f"{markdown(summary)}\n{accounts(first)}", encoding="utf-8")
            part.replace(self.output / "results.md")
            plot(self.output / "results.png", summary)
        return summary

    def _plan(self) -> Plan:
        """The plan that stands in the output folder, else a new one."""
        digest = "sha256:" + manifest.key(
            [
                (one.question, one.answer)
                for found in (self.pool, *self.sets.values())
                for one in found
            ]
        )
        known = plans.read(self.output, self.recipe, digest)
        if known is not None:
            self.report.say(f"{self.output / plans.NAME}: {known.scale:.3f} of the recipe's tokens")
            return known
        speed = self._speed() if self.budget is not None else None
        made = plans.made(self.recipe, digest, self.budget, speed)
        manifest.write(self.output / plans.NAME, made.model_dump(mode="json"))
        self.report.say(
            f"{self.output / plans.NAME}: {made.scale:.3f} of the recipe's tokens"
            + (f", at {speed:.0f} tokens/s" if speed else "")
        )
        return made

    def _speed(self) -> float:
        """Measured on a model that is thrown away."""
        steps, base = self.recipe.budget.steps, self.recipe.base
        tokens = 2 * steps * base.batch * base.length
        few = self.recipe.model_copy(update={"base": base.model_copy(update={"tokens": tokens})})
        recipe = few.recipe(self.recipe.seeds[0])
        found = tokenizer.load(self._vocabulary)
        rows = texts.base_rows(few, recipe.seed, self.pool, found)
        folder = self.work / "speed"
        try:
            return plans.measured(recipe, found, rows, steps, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @cached_property
    def sets(self) -> dict[str, list[Problem]]:
        """The problems to test on, by the name of their set."""
        folder = self._problems
        return {name: list(jsonl.read(folder / _file(name))) for name in problems.SETS}

    @cached_property
    def pool(self) -> list[Problem]:
        """The problems to learn from."""
        return list(jsonl.read(self._problems / "pool.jsonl"))

    @cached_property
    def _problems(self) -> Path:
        """The folder of all problems: made once, so that no later change of code changes them."""
        key = manifest.key(
            self.recipe.problems.model_dump(mode="json"), self.recipe.evaluation.problems
        )
        folder = self.work / f"problems-{key[:8]}"
        folder.mkdir(exist_ok=True)
        if not (folder / "pool.jsonl").is_file():
            self.report.say(f"problems: {folder}")
            sets = problems.sets(self.recipe)
            for name, found in sets.items():
                jsonl.write(folder / _file(name), found)
            tested = frozenset(one.question for found in sets.values() for one in found)
            jsonl.write(folder / "pool.jsonl", problems.pool(self.recipe, tested))
        return folder

    @cached_property
    def _vocabulary_key(self) -> str:
        return manifest.key(
            self._problems.name, self.recipe.tokenizer.model_dump(), self.recipe.model.positions
        )

    @cached_property
    def _vocabulary(self) -> Path:
        folder = self.work / f"tokenizer-{self._vocabulary_key[:8]}"
        if not folder.is_dir():
            part = folder.with_name(folder.name + ".part")
            shutil.rmtree(part, ignore_errors=True)
            made = tokenizer.train(
                texts.tokenizer_texts(self.recipe, self.pool), self.recipe.tokenizer.vocabulary
            )
            made.model_max_length = self.recipe.model.positions
            made.save_pretrained(part)
            part.replace(folder)
        return folder


def _file(name: str) -> str:
    return f"{name.replace(' ', '-')}.jsonl"


def _share(bits: str) -> float:
    return bits.count("1") / len(bits)
