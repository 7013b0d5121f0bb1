"""Every step of the pipeline on a few problems, and a teacher who answers them, not always well."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from app.engines.scripted import Script, ScriptedEngine
from statespace.actions import Action
from statespace.text import SEPARATOR, render
from tests.conftest import REPOSITORY
from tests.support.killing import Mortal
from tests.support.server import local_server
from tests.support.teacher import Body, Teacher, asked, teacher
from tests.training.finetune import command
from training import manifest, rows
from training.curriculum import repair
from training.curriculum.wrong import REFUTABLE, corrupt
from training.problems import generator, jsonl
from training.problems.problem import Problem
from training.rows import TraceRow, row_key
from training.traces import graph
from training.traces.filters import Rejected, filtered
from training.traces.graph import Pairs

STARTER = REPOSITORY / "checkpoints" / "starter"
WIDTH = 3
"""Requests at a time."""
LIE = r"The final answer is \boxed{987654}."


@dataclass(frozen=True, slots=True)
class Tutor:
    """Solves and reviews, by the problems' graphs: a teacher's answers.

    Of every four problems the first is solved with a slip in its arithmetic, and the second is
    solved well up to its answer, which is a lie. As a reviewer it puts slips right, but for those
    of every second such problem it rewrites the first state; lies it does not find.
    """

    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> Tutor:
        """One for the problems, in their order."""
        return cls(tuple(problems))

    def __call__(self, body: Body) -> str:
        number, problem = next(
            (number, one) for number, one in enumerate(self.problems) if one.question in asked(body)
        )
        wrong = self.wrong(number)
        if "[solution " not in asked(body):
            return render(wrong or graph.trace(problem))
        if wrong is None or self.lies(number):
            return "I cannot find a mistake in it."
        return self._review(problem, wrong, meddles=self.meddles(number))

    def wrong(self, number: int) -> Pairs | None:
        """The wrong trace of a problem; None if it is solved well."""
        problem = self.problems[number]
        if self.lies(number):
            return (*graph.trace(problem)[:-1], (Action.SUMMARIZE, LIE))
        if number % 4 == 0:
            found = corrupt(problem, Random(number), tuple(REFUTABLE))
            return found.states if found else None
        return None

    def lies(self, number: int) -> bool:
        """Whether the answer to a problem is a lie."""
        return number % 4 == 1

    def meddles(self, number: int) -> bool:
        """Whether the review of a problem changes what was there before."""
        return number % 8 == 4

    def _review(self, problem: Problem, wrong: Pairs, *, meddles: bool) -> str:
        mended = repair.by_graph(problem, wrong)
        assert mended is not None, problem
        if not meddles:
            return mended.correction()
        (action, output), *rest = (*mended.good, *mended.wrong)
        changed = render(((action, f"{output} Or so it seems."), *rest))
        return changed + SEPARATOR + mended.correction()


PROBLEMS = [generator.generate(7, index, operations=(1, 2)) for index in range(12)]
TUTOR = Tutor.of(PROBLEMS)


def content(folder: Path, *besides: str) -> dict[str, bytes]:
    """What the files of a folder hold, by name, but for locks and those whose names match."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock" and not any(map(path.match, besides))
    }


@dataclass(frozen=True)
class Inputs:
    """What stands before a step: files of the steps before it, and servers."""

    folder: Path
    teacher: Teacher
    url: str

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


def trace(number: int) -> TraceRow:
    problem = PROBLEMS[number]
    return TraceRow(
        key=row_key(problem.id, 0, "test"),
        problem=problem.id,
        question=problem.question,
        gold=problem.answer,
        trace=render(TUTOR.wrong(number) or graph.trace(problem)),
        origin="teacher",
        source=problem.source,
        split=problem.split,
        licence=problem.licence,
    )


@contextmanager
def prepared(folder: Path) -> Iterator[Inputs]:
    """The inputs of every step that takes no model, in a folder, until the block ends."""
    jsonl.write(folder / "problems.jsonl", PROBLEMS)
    jsonl.write(folder / "test.jsonl", [*PROBLEMS[:2], generator.generate(8, 1)])
    traces = [trace(number) for number in range(len(PROBLEMS))]
    rows.write(folder / "traces.jsonl", traces)
    rejected = [one.kept for one in filtered(traces) if isinstance(one, Rejected)]
    assert len(rejected) == len(PROBLEMS) // 2
    rows.write(folder / "rejected.jsonl", rejected)
    script = Script({one.question: graph.text(one) for one in PROBLEMS}, delay_s=0)
    with teacher(TUTOR) as asked, local_server(ScriptedEngine(script)) as server:
        yield Inputs(folder, asked, server.url)


Step = Callable[[Inputs, Path], list[object]]
"""What is typed behind `statewise`, given what there is and the folder to write to."""


def problems(given: Inputs, out: Path) -> list[object]:
    source = ["train", "problems", "procedural", "--count", 12, "--seed", 3]
    return [*source, "--operations", "1-2", "--output", out / "problems.jsonl"]


def decontaminate(given: Inputs, out: Path) -> list[object]:
    against = ["--against", given / "test.jsonl", "--threshold", 1, "--no-masked"]
    train = ["train", "decontaminate", given / "problems.jsonl"]
    return [*train, *against, "--output", out / "clean.jsonl"]


def known(given: Inputs, out: Path) -> list[object]:
    return ["train", "traces", given / "problems.jsonl", "--origin", "graph", "--output", out]


def asking(given: Inputs) -> list[object]:
    return ["--url", given.teacher.url, "--model", "tutor", "--concurrency", WIDTH]


def taught(given: Inputs, out: Path) -> list[object]:
    origin = ["--origin", "teacher", *asking(given)]
    return ["train", "traces", given / "problems.jsonl", *origin, "--output", out]


def review(given: Inputs, out: Path) -> list[object]:
    return ["train", "review", given / "rejected.jsonl", *asking(given), "--output", out]


def filters(given: Inputs, out: Path) -> list[object]:
    return ["train", "filter", given / "traces.jsonl", "--output", out]


def evaluation(given: Inputs, out: Path) -> list[object]:
    which = ["--set", f"mine=problems:{given / 'problems.jsonl'}", "--concurrency", WIDTH]
    return ["eval", "--url", given.url, *which, "--output", out]


def sft(given: Inputs, out: Path) -> list[object]:
    options = command("sft", "llama-3-8b", given / "model", out, f"--data={given / 'good.jsonl'}")
    return ["train", *options[1:], "--set=report_to=[]"]


def dpo(given: Inputs, out: Path) -> list[object]:
    options = command("dpo", "llama-3-8b", given / "one", out, f"--pairs={given / 'pairs.jsonl'}")
    return ["train", *options[1:], "--set=report_to=[]"]


def pairs(given: Inputs, out: Path) -> list[object]:
    inputs = ["--problems", given / "problems.jsonl", "--wrong", given / "rejected.jsonl"]
    return ["train", "pairs", *inputs, "--output", out / "pairs.jsonl"]


def own_pairs(given: Inputs, out: Path) -> list[object]:
    own = ["--repair", "self", "--model", STARTER, "--tries", 2, "--max-tokens", 150]
    return [*pairs(given, out), *own, "--corrupt", 0]


def export(given: Inputs, out: Path) -> list[object]:
    return ["train", "export", "--adapter", given / "one", "--output", out]


def grpo(given: Inputs, out: Path) -> list[object]:
    sizes = ["--prompts", 4, "--group", 2, "--batch", 4, "--max-tokens", 6, "--save-steps", 1]
    start = ["--model", given / "model", "--problems", given / "problems.jsonl"]
    return ["train", "grpo", *start, *sizes, "--output", out]


def learnt(given: Inputs, process: Mortal) -> None:
    """Adds a model, its stage 1, and the files that both stages are trained on."""
    from tests.support.tiny_models import make  # noqa: PLC0415 - torch, which most do without

    make("llama", given / "model")
    good = [trace(number) for number in range(len(PROBLEMS)) if TUTOR.wrong(number) is None]
    rows.write(given / "good.jsonl", good)
    whole(process, sft, given, given / "one")
    whole(process, pairs, given, given.folder)


def whole(process: Mortal, step: Step, given: Inputs, out: Path) -> list[str]:
    """Runs a step to its end; returns its moments."""
    ended = process.run(*step(given, out), watch=out)
    assert ended.status == 0, ended.said
    return ended.moments


def comparable(folder: Path, *besides: str) -> dict[str, Any]:
    """What the files hold; manifests as values without seconds, in whichever order of fields."""
    # TRL's own page about a run that is going on lists its tags in any order.
    found: dict[str, Any] = content(folder, "training/README.md", *besides)
    for name in [name for name in found if name.endswith("manifest.json")]:
        record = manifest.read(folder / name)
        for entry in record.get("log", ()):
            entry.pop("step_time", None)
        found[name] = record
    return found
