"""The stages of one seed: plain chains, traces, and stage 2 with two kinds of pairs.

All start from one base model.

Each works in a folder of its own and leaves `done.json`; killed anywhere, it goes on there.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

import torch
from transformers import GenerationConfig, TrainerCallback

from statespace.actions import LABELS, Action
from statespace.card import Card, RecipeReference, Stage
from statespace.prompts import Prompt
from training import base, data, manifest, rows, sft, tokenizer, trainer
from training.curriculum import collect, pairs, repair, stage, tokens
from training.curriculum.collect import Collection
from training.experiment import texts
from training.experiment.answers import Answering, Ask
from training.experiment.results import Arm
from training.experiment.settings import Experiment
from training.problems.problem import Problem
from training.progress import Report
from training.rows import PairMode, TraceRow, row_key
from training.run import Step
from training.steps import Steps


class Branch(TrainerCallback):  # type: ignore[misc]
    """Keeps the model of one step, where the learning rate has not yet begun to decay."""

    def __init__(self, step: int, folder: Path) -> None:
        self.step = step
        self.folder = folder

    def on_step_end(self, _args: Any, state: Any, *_: Any, model: Any, **__: Any) -> None:
        # Before a checkpoint of this step is written: a resumed run comes by here again, or has it.
        if state.global_step == self.step and not self.folder.exists():
            part = self.folder.with_name(self.folder.name + ".part")
            shutil.rmtree(part, ignore_errors=True)
            model.save_pretrained(part)
            part.replace(self.folder)


@dataclass(frozen=True, slots=True)
class Trained:
    """A checkpoint that can be served, and what its training read."""

    folder: Path
    record: dict[str, Any]


class Seed:
    """One seed of the experiment; `recipe` has the plan's tokens."""

    def __init__(  # noqa: PLR0913
        self,
        recipe: Experiment,
        seed: int,
        *,
        pool: Sequence[Problem],
        vocabulary: Path,
        key: str,
        work: Path,
        report: Report,
    ) -> None:
        self.recipe = recipe
        self.seed = seed
        self.pool = pool
        self.vocabulary = vocabulary
        self.key = key
        self.work = work / f"seed-{seed}"
        self.report = report
        self.single = recipe.recipe(seed)
        self._collected: dict[PairMode, Collection] = {}

    def base(self) -> Step:
        """The base model, which saw questions and arithmetic: one for all seeds, by the first."""
        seed = self.recipe.seeds[0]
        recipe = self.recipe.recipe(seed)
        key = manifest.key(seed, self.key, str(recipe.model), str(recipe.base), recipe.compile)
        step = _opened(self.work.parent, "base", key)
        if step.record is None:
            found = tokenizer.load(self.vocabulary)
            read = texts.base_rows(self.recipe, seed, self.pool, found)
            made = base.build(recipe, found, read, step.folder)
            record = trainer.fit(made, recipe.base, Steps(self.report, "base"))
            made.model.save_pretrained(step.folder / "model")
            self._finish(
                step, record, data.digest(read), {"tokens": len(read) * recipe.base.length}
            )
        return step

    def fundamental(self, arm: Literal["plain", "traces"]) -> Step:
        """(a) or (b): the base model, fine-tuned to the end. (b) leaves `branch` beside it."""
        writer = self.recipe.trace if arm == "traces" else texts.PLAIN
        first = self.base()
        step = self._step(writer, first.key, self.recipe.sft)
        if step.record is None:
            found = tokenizer.load(self.vocabulary)
            settings = self.recipe.sft
            solved = texts.solved(self.pool, texts.WRITERS[writer])
            packed = tokens.packed(
                solved, found, tokens=settings.tokens, length=settings.length, seed=self.seed
            )
            made = sft.build(
                self.single, stage.load(first.folder / "model"), found, packed, step.folder
            )
            steps = made.args.max_steps
            before = steps - int(settings.decay * steps)
            if arm == "traces":
                made.add_callback(Branch(before, step.folder / "branch"))
            record = trainer.fit(made, settings, Steps(self.report, self._say(writer)))
            shown = packed.select(range(steps * settings.batch))
            opening = None if writer == texts.PLAIN else Action.FORMALIZE
            self._package(step, made.model, "fundamental", opening)
            earlier = texts.account(shown.select(range(before * settings.batch)))
            self._finish(step, record, data.digest(packed), texts.account(shown), branch=earlier)
        return step

    def wrong(self, answering: Answering) -> Path:
        """The stage-1 model's own answers to problems of the pool, right and wrong."""
        first = self.fundamental("traces")
        wanted = self.recipe.curriculum
        step = self._step("own", first.key, wanted.samples, wanted.temperature)
        path = step.folder / "traces.jsonl"
        if step.record is None:
            branch = step.folder / "checkpoint"
            model = stage.load(first.folder / "branch")
            self._served(model, branch, "fundamental", Action.FORMALIZE)
            chosen = Random(self.seed).sample(self.pool, min(wanted.samples, len(self.pool)))
            ask = Ask(chosen, 1, wanted.temperature, self.seed)
            (answers,) = answering(branch, [ask], step.folder / "answers") if chosen else ([],)
            rows.write(
                path, (_row(one.problem, one.text) for one in answers if not one.judgement.failed)
            )
            step.finish(asked=len(chosen))
        return path

    def advanced(self, answering: Answering) -> Step:
        """What (c) and (d) share: traces that verify, go back and repair, from the branch on."""
        settings = self.recipe.advanced
        first = self.fundamental("traces")
        step = self._step("advanced", first.key, settings, self.recipe.curriculum)
        if step.record is None:
            found = tokenizer.load(self.vocabulary)
            made = self._collection("step", answering)
            mixed = made.examples(settings, self.seed)
            # The trainer's data are made again here only to be counted.
            packed = tokens.packed(
                mixed, found, tokens=settings.tokens, length=settings.length, seed=self.seed
            )
            run = stage.Run(self.seed, self.recipe.compile, self.report)
            model, record = stage.finetuned(
                run, settings, first.folder / "branch", found, mixed, step.folder
            )
            model.save_pretrained(step.folder / "model")
            shown = packed.select(range(record["steps"] * settings.batch))
            counts = {"counts": dict(sorted(made.counts.items())), "mixture": _mixture(mixed)}
            self._finish(step, record, record.pop("data"), texts.account(shown), **counts)
        return step

    def preferred(self, mode: PairMode, answering: Answering) -> Step:
        """(c) or (d): preferences between whole traces, or between steps."""
        settings = self.recipe.dpo
        first = self.advanced(answering)
        step = self._step(mode, first.key, settings, self.recipe.curriculum)
        if step.record is None:
            found = tokenizer.load(self.vocabulary)
            chosen = self._collection(mode, answering).rows(
                self.recipe.curriculum.anchor, self.seed
            )
            # Pairs are of all lengths: to compile for each would take longer than it saves.
            run = stage.Run(self.seed, False, self.report)
            model, record = stage.preferred(
                run, settings, first.folder / "model", found, chosen, step.folder
            )
            encoded = tokens.pairs(chosen, found, settings.length)
            used = tokens.budgeted(encoded, settings.tokens, self.seed)
            # An incomplete last batch is left out; which pairs it held, the trainer drew.
            share = min(1.0, record["steps"] * settings.batch / len(used))
            read = round(share * sum(map(tokens.size, used)))
            self._package(step, model, "advanced", Action.FORMALIZE)
            self._finish(step, record, record.pop("data"), {"tokens": read})
        return step

    def arm(self, arm: Arm, answering: Answering) -> Trained:
        """An arm's checkpoint, and what it read stage by stage; trained first where it is not."""
        base_step = self.base()
        if arm == "plain" or arm == "traces":  # noqa: PLR1714 - mypy narrows it so
            last = self.fundamental(arm)
            read = last.record["read"]["tokens"]
            stages = {"base": base_step.record, "sft": last.record}
        else:
            last = self.preferred(arm, answering)
            first = self.fundamental("traces").record
            second = self.advanced(answering).record
            stages = {
                "base": base_step.record,
                # Its losses went on to the end, where this arm no longer was.
                "sft": {**first, "read": first["branch"], "log": []},
                "advanced": second,
                "dpo": last.record,
            }
            read = sum(stages[name]["read"]["tokens"] for name in ("sft", "advanced", "dpo"))
        shown = {name: _shown(record) for name, record in stages.items()}
        return Trained(served(last), {**shown, "tokens": read})

    def _collection(self, mode: PairMode, answering: Answering) -> Collection:
        if mode in self._collected:
            return self._collected[mode]
        settings = self.recipe.curriculum
        made = Collection(mode, "graph", settings.noticing)
        corrupted = self.pool[: settings.generated]
        for problem, states, sample in collect.corrupted(corrupted, self.seed):
            made.add(problem, states, repair.by_graph, origin="graph", sample=sample)
        known = {problem.id: problem for problem in self.pool}
        own = rows.read(self.wrong(answering), TraceRow)
        for problem, states, sample in collect.written(own, known, made.counts):
            made.add(problem, states, repair.by_graph, origin="self", sample=sample)
        # Clean traces of further problems: one for each wrong trace is too few for a large share.
        rest = itertools.islice(self.pool, settings.generated, None)
        made.clean += [row for problem in rest if (row := pairs.clean(problem)) is not None]
        self._collected[mode] = made
        return made

    def _step(self, name: str, *parts: Any) -> Step:
        return _opened(self.work, name, manifest.key(self.seed, *(str(part) for part in parts)))

    def _say(self, what: str) -> str:
        return f"seed {self.seed}, {what}"

    def _finish(
        self, step: Step, record: dict[str, Any], digest: str, read: dict[str, int], **more: Any
    ) -> None:
        step.finish(data=digest, read=read, **more, **record)
        for checkpoint in step.folder.glob("checkpoint-*"):
            shutil.rmtree(checkpoint)

    def _package(self, step: Step, model: Any, kind: Stage, opening: Action | None) -> None:
        # Named so that answers of different checkpoints are never taken for each other.
        self._served(model, step.folder / f"served-{step.key[:12]}", kind, opening)

    def _served(self, model: Any, folder: Path, kind: Stage, opening: Action | None) -> None:
        """A folder that an engine can serve; each text of its training began with `opening`."""
        part = folder.with_name(folder.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        vocabulary = tokenizer.load(self.vocabulary)
        model.to(torch.bfloat16)
        model.config.use_cache = True  # trainers turn it off
        model.save_pretrained(part)
        vocabulary.save_pretrained(part)
        GenerationConfig(
            do_sample=False,
            bos_token_id=vocabulary.convert_tokens_to_ids(tokenizer.USER),
            eos_token_id=vocabulary.eos_token_id,
            pad_token_id=vocabulary.pad_token_id,
        ).save_pretrained(part)
        Card(
            stage=kind,
            prompt=Prompt.from_tokenizer(vocabulary).fingerprint(),
            base_model="from scratch",
            recipe=RecipeReference(name=self.recipe.name, hash=self.recipe.digest()),
            data={},
            opening=opening,
        ).save(part)
        shutil.rmtree(folder, ignore_errors=True)
        part.replace(folder)


def _opened(work: Path, name: str, key: str) -> Step:
    folder = work / f"{name}-{key[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    return Step(folder, key)


def served(step: Step) -> Path:
    """The checkpoint folder of a finished arm."""
    return step.folder / f"served-{step.key[:12]}"


def _row(problem: Problem, text: str) -> TraceRow:
    return TraceRow(
        key=row_key(problem.id, 0, "own"),
        problem=problem.id,
        question=problem.question,
        gold=problem.answer,
        trace=text,
        origin="self",
        source=problem.source,
        split=problem.split,
        licence=problem.licence,
    )


def _mixture(mixed: Sequence[pairs.AdvancedRow]) -> dict[str, int]:
    """How many examples show what."""
    repaired = sum(row.wrong is not None for row in mixed)
    confirmed = sum(row.wrong is None and bool(row.prefix) for row in mixed)
    own = sum(row.wrong == "self" for row in mixed)
    verifies = f"Action: {LABELS[Action.VERIFY]}\n"
    return {
        "repaired": repaired,
        "repaired_own": own,
        "noticing": sum(verifies in row.completion for row in mixed),
        "confirmed": confirmed,
        "clean": len(mixed) - repaired - confirmed,
    }


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    """A stage's record for a result: what it read, and its losses in short."""
    log = record.get("log", [])
    losses = [round(float(entry["loss"]), 4) for entry in log if "loss" in entry]
    hidden = ("key", "log", "branch")
    kept = {name: value for name, value in record.items() if name not in hidden}
    return {**kept, "final_loss": losses[-1] if losses else None}
