"""Pairs from files; a model's own answers and repairs, batch by batch."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from statespace.actions import Action
from statespace.prompts import Prompt
from statespace.text import SEPARATOR, render
from training import base, data, evaluate, rows, tokenizer
from training.commands import train
from training.curriculum import collect, repair, stage
from training.curriculum.own import OwnRepairs
from training.curriculum.pairs import AdvancedRow, is_anchor
from training.curriculum.sampler import Sampler, Start
from training.curriculum.tokens import continued
from training.curriculum.wrong import Kind, corrupt
from training.problems import jsonl
from training.problems.generator import generate
from training.problems.problem import Problem
from training.recipe import Recipe
from training.rows import PairRow, Reason, RejectedRow, TraceRow
from training.traces import graph
from training.traces.graph import Pairs as States
from training.traces.teacher.review import RepairRow

from .conftest import MINIATURE

RECIPE = Recipe.model_validate(MINIATURE)
PROBLEMS = [generate(45, index, operations=(1, 2)) for index in range(12)]


def slipped(problem: Problem) -> States:
    wrong = corrupt(problem, Random(1), [Kind.SLIP])
    assert wrong is not None
    return wrong.states


def written(problem: Problem, trace: str, **changes: Any) -> dict[str, Any]:
    return {
        "key": problem.id,
        "problem": problem.id,
        "question": problem.question,
        "gold": problem.answer,
        "trace": trace,
        "origin": "self",
        "source": problem.source,
        "split": problem.split,
        "licence": problem.licence,
        **changes,
    }


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    path = tmp_path / "problems.jsonl"
    jsonl.write(path, PROBLEMS)
    return path


def run(*arguments: object, fails: bool = False) -> str:
    result = CliRunner().invoke(train, ["pairs", *map(str, arguments)], env={"COLUMNS": "200"})
    assert (result.exit_code != 0) is fails, result.output
    return result.output


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("pairs.*json*")}


def test_graphs_give_pairs_of_both_modes(problems: Path, tmp_path: Path) -> None:
    for mode, least in (("step", 12 * 3), ("trajectory", 12)):
        output = tmp_path / mode / "pairs.jsonl"
        options = ("--mode", mode, "--anchor", 0.2, "--noticing", 1)
        said = run("--problems", problems, "--output", output, *options)
        assert "refuted" in said
        made = list(rows.read(output, PairRow))
        assert {row.mode for row in made} == {mode}
        assert len(made) >= least
        assert sum(map(is_anchor, made)) == pytest.approx(0.2 * len(made), abs=1)
        advanced = list(rows.read(output.with_suffix(".advanced.jsonl"), AdvancedRow))
        assert len(advanced) == 3 * 12
        record = json.loads((tmp_path / mode / "pairs.manifest.json").read_text())
        assert record["outputs"]["pairs.jsonl"]["rows"] == len(made)
        assert record["counts"]["refuted"] + record["counts"]["contradicted"] == 12


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_as_many_mistakes_are_noticed_as_asked_for(share: float) -> None:
    """A model that cannot tell right from wrong raises as many false alarms as there are."""
    made = collect.Collection("step", "graph", share)
    for index in range(100):
        problem = generate(45, index)
        made.add(problem, slipped(problem), repair.by_graph, origin="graph", sample=0)
    noticed = sum("Action: Verify" in row.chosen for row in made.preferences)
    calm = sum("Action: Verify" in row.rejected for row in made.preferences)
    assert noticed == pytest.approx(100 * share, abs=15 if share == 0.5 else 0)
    assert calm == 100


def test_a_finished_step_is_left_alone_and_a_killed_one_ends_the_same(
    problems: Path, tmp_path: Path
) -> None:
    """The manifest is written last: without it, everything is made again, byte for byte."""
    output = tmp_path / "out" / "pairs.jsonl"
    run("--problems", problems, "--output", output)
    before = content(output.parent)
    stamp = output.stat().st_mtime_ns
    run("--problems", problems, "--output", output)
    assert output.stat().st_mtime_ns == stamp
    output.with_suffix(".manifest.json").unlink()
    output.write_bytes(before["pairs.jsonl"][:1000])
    run("--problems", problems, "--output", output)
    assert content(output.parent) == before
    run("--problems", problems, "--output", output, "--seed", 5)
    assert content(output.parent) != before


def test_the_models_own_wrong_traces_are_used_and_right_ones_are_not(
    problems: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "rejected.jsonl"
    first, second, third, *_ = PROBLEMS
    rows.write(
        wrong,
        [
            RejectedRow(**written(first, render(slipped(first))), reason=Reason.REFUTED),
            TraceRow(**written(second, graph.text(second))),
            TraceRow(**written(third, "It is seven.")),
        ],
    )
    output = tmp_path / "pairs.jsonl"
    run("--problems", problems, "--wrong", wrong, "--corrupt", 0, "--output", output)
    made = list(rows.read(output, PairRow))
    assert {(row.problem, row.wrong, row.repair) for row in made} == {(first.id, "self", "graph")}
    record = json.loads(output.with_suffix(".manifest.json").read_text())
    assert record["counts"] == {"right": 1, "unparsed": 1, "refuted": 1}


def test_a_reviewers_repair_is_preferred(problems: Path, tmp_path: Path) -> None:
    problem = PROBLEMS[0]
    states = slipped(problem)
    mended = repair.by_graph(problem, states)
    assert mended is not None
    repaired = mended.prefix(wrong=True) + mended.correction()
    before = RejectedRow(**written(problem, render(states)), reason=Reason.REFUTED)
    row = RepairRow(
        **written(problem, repaired, origin="teacher"),
        wrong=before,
        first_wrong=len(mended.good) + 1,
    )
    reviews = tmp_path / "repaired.jsonl"
    rows.write(reviews, [row])
    output = tmp_path / "pairs.jsonl"
    asked = ("--problems", problems, "--repair", "teacher", "--mode", "trajectory", "--anchor", 0)
    run(*asked, "--reviews", reviews, "--output", output)
    (made,) = rows.read(output, PairRow)
    assert (made.repair, made.wrong, made.prefix + made.chosen) == ("teacher", "self", repaired)
    assert "--reviews" in run(*asked, "--output", tmp_path / "other.jsonl", fails=True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"split": "test"}, "test"), ({"source": "svamp"}, "evaluation")],
)
def test_evaluation_sets_give_no_pairs(changes: dict[str, str], said: str, tmp_path: Path) -> None:
    path = tmp_path / "problems.jsonl"
    jsonl.write(path, [replace(PROBLEMS[0], **changes)])  # type: ignore[arg-type]
    output = run("--problems", path, "--output", tmp_path / "pairs.jsonl", fails=True)
    assert said in output


def test_what_is_read_is_not_overwritten(problems: Path, tmp_path: Path) -> None:
    before = problems.read_bytes()
    assert "replace" in run("--problems", problems, "--output", problems, fails=True)
    assert problems.read_bytes() == before


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    """A model with random weights: noise, but greedily always the same noise."""
    vocabulary: Any = tokenizer.train(data.tokenizer_texts(RECIPE), 420)
    model = base.create(RECIPE, vocabulary)
    return Sampler(model, vocabulary, temperature=0, batch=4, max_new_tokens=6, seed=1)


def test_samples_are_what_the_solver_answers(sampler: Sampler) -> None:
    """Greedy, both are the same model on the same prompts."""
    solver = evaluate.Solver(sampler.model, sampler.tokenizer, RECIPE.evaluation)
    expected = {problem.id: text for problem, text in solver.solve(PROBLEMS[:5])}
    made = list(sampler.rows(PROBLEMS[:5], 1))
    assert {row.problem: row.trace for row in made} == expected
    assert {(row.origin, row.sample) for row in made} == {("self", 0)}


def test_rows_that_have_ended_leave_the_others_as_they_were(sampler: Sampler) -> None:
    """Among them rows of other lengths, padded; each ends behind its own end token."""
    ids = torch.randint(10, 200, (6, 12), generator=torch.manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, :5] = mask[4, :9] = 0
    long = replace(sampler, max_new_tokens=16)
    endless = replace(long, tokenizer=SimpleNamespace(eos_token_id=-1))._written(ids, mask)
    end = Counter(token for row in endless for token in set(row)).most_common(1)[0][0]
    ended = replace(long, tokenizer=SimpleNamespace(eos_token_id=end))._written(ids, mask)
    cut = [row[: row.index(end) + 1] if end in row else row for row in endless]
    assert ended == cut
    assert len({len(row) for row in ended}) > 1


def test_a_model_goes_on_from_states_as_it_met_them(sampler: Sampler) -> None:
    """At the same token ids as in the middle of a trace, not at those of a text that ends."""
    problem = PROBLEMS[0]
    prompt = Prompt.from_tokenizer(sampler.tokenizer)
    prefix = render(graph.trace(problem)[:2]) + SEPARATOR
    whole = [*prompt.ids(problem.question), *prompt.data(graph.text(problem))]
    ids = continued(prompt, problem.question, prefix)
    assert ids == whole[: len(ids)]
    assert sampler.tokenizer.decode(ids).endswith(prefix.rstrip("\n"))


def test_hot_samples_differ_and_are_drawn_again_alike(sampler: Sampler) -> None:
    hot = replace(sampler, temperature=1.0)
    once, again = ([row.trace for row in hot.rows(PROBLEMS[:2], 3)] for _ in range(2))
    assert once == again
    assert len(set(once)) > 2


def test_a_killed_run_keeps_its_samples(
    sampler: Sampler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunk by chunk: what was written is read, what was not is drawn as it would have been."""
    monkeypatch.setattr(stage, "_CHUNK", 5)
    hot = replace(sampler, temperature=1.0)

    class Report:
        def begin(self, *_: object) -> int:
            return 0

        def advance(self, *_: object) -> None:
            pass

    quiet: Any = Report()
    shared = stage.Run(1, False, quiet)
    whole = list(stage.sampled(shared, hot, PROBLEMS, 2, tmp_path / "a"))
    assert len(whole) == 24
    killed: Iterator[TraceRow] = stage.sampled(shared, hot, PROBLEMS, 2, tmp_path / "b")
    for _ in range(12):
        next(killed)
    assert len(list((tmp_path / "b").iterdir())) == 2
    assert list(stage.sampled(shared, hot, PROBLEMS, 2, tmp_path / "b")) == whole


class Ghost(Sampler):
    """Goes on as it is told: right at the second try."""

    def write(self, starts: Any, advance: Any = None) -> Iterator[tuple[Start, str]]:
        for start in starts:
            states = repair.states(start.prefix) or ()
            correct = graph.trace(start.problem)
            rest = correct[len(states) :] if start.sample == 1 else slipped(start.problem)[-1:]
            yield start, render(rest, first=len(states) + 1)


def test_the_first_right_continuation_repairs(sampler: Sampler, tmp_path: Path) -> None:
    """What the model wrote is kept, and asked for once only."""
    cases = [(problem, slipped(problem)) for problem in PROBLEMS]
    ghost = Ghost(sampler.model, sampler.tokenizer)
    told: list[int] = []
    mend = OwnRepairs(ghost, cases, tries=3, folder=tmp_path, advance=told.append)
    assert sum(told) == 36
    for problem, states in cases:
        mended = mend(problem, states)
        assert mended is not None
        assert mended.right == graph.trace(problem)[len(mended.good) :]
        assert mended.verify[0][0] is Action.VERIFY
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    OwnRepairs(ghost, cases, tries=3, folder=tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files
    failing = OwnRepairs(ghost, cases, tries=1, folder=tmp_path / "one")
    assert failing(*cases[0]) is None


def test_problems_in_a_test_set_are_left_out() -> None:
    weights = {1: 1.0}
    first = [problem.question for problem in collect.generated(5, 1, weights, frozenset())]
    tested = frozenset(first[:2])
    assert tested.isdisjoint(p.question for p in collect.generated(5, 1, weights, tested))
    assert set(first).isdisjoint(p.question for p in collect.asked(5, 1, weights, frozenset()))
