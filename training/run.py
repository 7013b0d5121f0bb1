"""A run of a recipe: tokenizer → base → fine-tuning → stage 2 → scores → checkpoint.

Every step works in a folder of its own under the work directory and leaves `done.json` when it has
finished. A run that was killed, at any point, goes on where it was when it is started again:
finished steps are skipped, training resumes from its newest complete checkpoint.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import torch
from filelock import FileLock, Timeout
from transformers import AutoModelForCausalLM, GenerationConfig
from transformers.utils import logging

import training
from statespace.actions import Action
from statespace.card import NAME, Card, RecipeReference, Score
from statespace.prompts import Prompt
from training import base, card, data, evaluate, manifest, precision, sft, tokenizer, trainer
from training.curriculum import repair, stage
from training.curriculum.collect import Collection
from training.curriculum.pairs import AdvancedRow
from training.curriculum.sampler import Sampler
from training.curriculum.settings import Curriculum
from training.errors import TrainingError
from training.progress import Report
from training.recipe import PLACES, Recipe
from training.steps import Steps

_SOURCES: Final = Path(training.__file__).parent
_GENERATOR: Final = (
    "distractors generator graph layout names nouns numbers prices scenes sentences verbs wording"
)
_DATA_SOURCES: Final = (
    _SOURCES / "data.py",
    *(
        _SOURCES / "traces" / f"{name}.py"
        for name in ("annotated", "arithmetic", "generated", "graph")
    ),
    *(_SOURCES / "problems" / f"{name}.py" for name in _GENERATOR.split()),
    _SOURCES / "problems" / "relations",
)
"""What decides the data's every token; other sources of problems may come without a new run."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step's folder and, once it has finished, what it recorded."""

    folder: Path
    key: str

    @property
    def record(self) -> Any:
        """What the finished step recorded; None before."""
        return manifest.read(self.folder / "done.json")

    def finish(self, **record: Any) -> Any:
        """Records the step as finished."""
        manifest.write(self.folder / "done.json", {"key": self.key, **record})
        return self.record


class Run:
    """One recipe in one work directory."""

    def __init__(self, recipe: Recipe, work: Path, output: Path, report: Report) -> None:
        self.recipe = recipe
        self.work = work
        self.output = output
        self.report = report
        self.inputs = _inputs(recipe)

    def execute(self) -> Card:
        """Does what is left to do and writes the checkpoint. Raises TrainingError."""
        _check_output(self.output)
        self.work.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.work / ".lock", timeout=0):
                return self._steps()
        except Timeout as error:
            raise TrainingError(
                f"another run works in {self.work}; wait for it, or give this one --work"
            ) from error

    def _steps(self) -> Card:
        recipe = self.recipe
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        vocabulary, start, trained = self._started()
        key = trained["base"].key if trained else manifest.key(str(recipe.seed), str(self.inputs))
        second = self._step("sft", key, recipe.sft)
        self._sft(second, start, vocabulary)
        trained |= {"sft": second, **self._stage_2(second, vocabulary)}
        last = list(trained.values())[-1]
        scored = self._step("evaluation", last.key, recipe.evaluation)
        scores = self._scores(scored, last, vocabulary)
        return self._package(trained, vocabulary, scores)

    def _started(self) -> tuple[Any, Path, dict[str, Step]]:
        """The tokenizer, the folder of the model to fine-tune, and the steps that made them."""
        recipe = self.recipe
        if recipe.start is not None:
            self.report.say(f"base: {recipe.start}")
            return tokenizer.load(recipe.start), recipe.start, {}
        share = recipe.gsm8k and recipe.gsm8k.share
        tokens = self._step("tokenizer", recipe.seed, recipe.tokenizer, share, self.inputs)
        self._tokenizer(tokens)
        vocabulary = tokenizer.load(tokens.folder)
        tested = recipe.evaluation.problems
        first = self._step("base", tokens.key, recipe.model, recipe.base, tested)
        self._base(first, vocabulary)
        return vocabulary, first.folder / "model", {"base": first}

    def _step(self, name: str, *parts: Any) -> Step:
        key = manifest.key(*(str(part) for part in parts))
        folder = self.work / f"{name}-{key[:8]}"
        folder.mkdir(exist_ok=True)
        step = Step(folder, key)
        self.report.say(f"{name}: {'finished before' if step.record else folder}")
        return step

    def _tokenizer(self, step: Step) -> None:
        if step.record:
            return
        texts = data.tokenizer_texts(self.recipe)
        made = tokenizer.train(texts, self.recipe.tokenizer.vocabulary)
        made.model_max_length = self.recipe.model.positions
        made.save_pretrained(step.folder)
        step.finish(tokens=len(made))

    def _base(self, step: Step, vocabulary: Any) -> None:
        if step.record:
            return
        rows = data.base_rows(self.recipe, vocabulary)
        run = base.build(self.recipe, vocabulary, rows, step.folder)
        record = trainer.fit(run, self.recipe.base, Steps(self.report, "base model"))
        run.model.save_pretrained(step.folder / "model")
        step.finish(data=data.digest(rows), **record)
        _discard_checkpoints(step.folder)

    def _sft(self, step: Step, start: Path, vocabulary: Any) -> None:
        if step.record:
            return
        rows = data.sft_rows(self.recipe, vocabulary)
        model = stage.load(start)
        run = sft.build(self.recipe, model, vocabulary, rows, step.folder)
        record = trainer.fit(run, self.recipe.sft, Steps(self.report, "fine-tuning"))
        model.to(torch.bfloat16).save_pretrained(step.folder / "model")
        step.finish(data=data.digest(rows), **record)
        _discard_checkpoints(step.folder)

    def _stage_2(self, fundamental: Step, vocabulary: Any) -> dict[str, Step]:
        """The curriculum's second stage, if the recipe has one: its finished steps, by name."""
        settings = self.recipe.advanced
        if settings is None:
            return {}
        run = stage.Run(self.recipe.seed, self.recipe.compile, self.report)
        made = None
        # Own answers are drawn in batches of this size.
        drawn = self.recipe.evaluation.batch
        steps = {
            "advanced": self._step("advanced", fundamental.key, settings.pairs, settings.sft, drawn)
        }
        if settings.dpo is not None:
            before = steps["advanced"].key
            steps["preferences"] = self._step("preferences", before, settings.dpo)
        branch = start = fundamental.folder / "model"
        for name, step in steps.items():
            if not step.record:
                made = made or self._curriculum(run, settings, branch, vocabulary)
                if name == "advanced":
                    examples = made.examples(settings.sft, run.seed)
                    model, record = stage.finetuned(
                        run, settings.sft, start, vocabulary, examples, step.folder
                    )
                else:
                    assert settings.dpo is not None
                    rows = made.rows(settings.pairs.anchor, run.seed)
                    model, record = stage.preferred(
                        run, settings.dpo, start, vocabulary, rows, step.folder
                    )
                model.to(torch.bfloat16).save_pretrained(step.folder / "model")
                step.finish(**record, wrong_traces=made.counts)
                _discard_checkpoints(step.folder)
            start = step.folder / "model"
        return steps

    def _curriculum(
        self, run: stage.Run, settings: Curriculum, branch: Path, vocabulary: Any
    ) -> Collection:
        """Wrong traces, those of the model in `branch` among them, repaired from their graphs."""
        sampler = None
        if settings.pairs.samples:
            model = _load(branch)
            sampler = Sampler(
                model,
                vocabulary,
                settings.pairs.temperature,
                batch=self.recipe.evaluation.batch,
                seed=run.seed,
            )
        tested = data.test_questions(self.recipe)
        made = stage.collected(
            run,
            settings.pairs,
            repair.by_graph,
            tested=tested,
            sampler=sampler,
            folder=branch.parent,
        )
        clean = min(settings.sft.clean, 0.99)
        wanted = (len(made.advanced) + len(made.confirmed)) * clean / (1 - clean)
        made.clean = list(islice(_more_traces(self.recipe, tested), math.ceil(wanted)))
        return made

    def _scores(self, step: Step, last: Step, vocabulary: Any) -> tuple[Score, ...]:
        sets = evaluate.sets(self.recipe)
        model = _load(last.folder / "model")
        solver = evaluate.Solver(model, vocabulary, self.recipe.evaluation)
        scores = []
        for number, (name, problems) in enumerate(sets, 1):
            path = step.folder / f"set-{number}.json"
            if not (known := manifest.read(path)):
                task = self.report.begin(name, len(problems))
                known = solver.score(
                    name, problems, partial(self.report.advance, task)
                ).model_dump()
                manifest.write(path, known)
            scores.append(Score.model_validate(known))
            self.report.say(f"{name}: {100 * scores[-1].accuracy:.1f} %")
        if not step.record:
            step.finish()
        return tuple(scores)

    def _package(
        self, trained: dict[str, Step], vocabulary: Any, scores: tuple[Score, ...]
    ) -> Card:
        last = list(trained.values())[-1]
        rows = {name: step.record["data"] for name, step in trained.items()}
        made = Card(
            stage="advanced" if self.recipe.advanced else "fundamental",
            prompt=Prompt.from_tokenizer(vocabulary).fingerprint(),
            base_model=self._origin(),
            recipe=RecipeReference(name=self.recipe.name, hash=self.recipe.digest()),
            data={**rows, **self.inputs},
            scores=scores,
            opening=Action.FORMALIZE,
        )
        folder = self.output.with_name(self.output.name + ".part")
        shutil.rmtree(folder, ignore_errors=True)
        model = _load(last.folder / "model").to(torch.bfloat16)
        model.config.use_cache = True  # trainers turn it off
        parameters = model.num_parameters()
        model.save_pretrained(folder)
        vocabulary.save_pretrained(folder)
        GenerationConfig(
            do_sample=False,
            bos_token_id=vocabulary.convert_tokens_to_ids(tokenizer.USER),
            eos_token_id=vocabulary.eos_token_id,
            pad_token_id=vocabulary.pad_token_id,
        ).save_pretrained(folder)
        steps = {name: step.record["steps"] for name, step in trained.items()}
        text = card.readme(made, self.recipe, parameters, steps)
        made.save(folder)
        (folder / "README.md").write_text(text, encoding="utf-8")
        page = card.generated(self.recipe, self.inputs, rows)
        (folder / "DATA.md").write_text(page, encoding="utf-8")
        for path in folder.iterdir():
            path.chmod(0o644)  # safetensors writes for the owner only; servers run as another user
        manifest.write(folder / "manifest.json", self._manifest(trained, folder))
        manifest.put(folder, self.output)
        return made

    def _origin(self) -> str:
        """What the model grew from, as its card says it."""
        if self.recipe.start is None:
            return "from scratch"
        return "an earlier reasoner of this shape, itself from scratch"

    def _manifest(self, trained: dict[str, Step], folder: Path) -> dict[str, Any]:
        return {
            # Where data files lie is this machine's affair; `inputs` says what they held.
            "recipe": self.recipe.model_dump(mode="json", exclude=PLACES),
            "recipe_hash": self.recipe.digest(),
            "seed": self.recipe.seed,
            "versions": manifest.versions(),
            "inputs": self.inputs,
            "stages": {
                name: {
                    "steps": step.record["steps"],
                    "data": step.record["data"],
                    "final_loss": step.record["log"][-1]["loss"] if step.record["log"] else None,
                }
                for name, step in trained.items()
            },
            "outputs": {path.name: manifest.file_digest(path) for path in sorted(folder.iterdir())},
        }


def _inputs(recipe: Recipe) -> dict[str, str]:
    """Digests of what the training data come from: the sources and GSM8K. Raises DataError."""
    data.check_files(recipe)
    found = {"generator": manifest.source_digest(_DATA_SOURCES)}
    if recipe.start:
        found["start"] = manifest.file_digest(recipe.start / "model.safetensors")
    if recipe.gsm8k:
        found["gsm8k-train"] = manifest.file_digest(recipe.gsm8k.path)
    return found


def _more_traces(recipe: Recipe, tested: frozenset[str]) -> Iterator[AdvancedRow]:
    """Correct traces as in stage 1, endlessly, of other generated problems."""
    for question, trace in data.examples(recipe.model_copy(update={"seed": recipe.seed + 1})):
        if question in tested:
            continue
        key = manifest.key(question, trace)
        yield AdvancedRow(key=key, problem=key, question=question, completion=trace)


def _load(folder: Path) -> Any:
    """The model in a folder, to be asked."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=precision.fast())
    return model.to(precision.device())


def _check_output(output: Path) -> None:
    """An output folder may be replaced only if it is a checkpoint."""
    if output.exists() and any(output.iterdir()) and not (output / NAME).is_file():
        raise TrainingError(
            f"{output} holds files but no {NAME}, so it is not overwritten; give another --output"
        )


def _discard_checkpoints(folder: Path) -> None:
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)
