"""Strategies beside each other: pairs, ceilings, costs, and what the command writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.engines.scripted import Script, ScriptedEngine
from app.settings import Settings
from statespace.options import VoteOptions
from statespace.text import render
from statewise.commands.eval import eval_command
from tests.support.server import local_server
from training.evaluation.comparison import compare, table
from training.evaluation.judgement import Judgement
from training.evaluation.options import Options, strategy_fields
from training.evaluation.report import summarize
from training.evaluation.results import SetResult
from training.evaluation.sets import ProblemSet
from training.problems import generator
from training.traces import graph


def result(*rights: bool, refuted: tuple[int, ...] = (), tokens: int = 10) -> SetResult:
    judgements = tuple(
        Judgement(
            problem=str(index),
            gold="1",
            answer="1" if right else "2",
            right=right,
            refuted_on_path=int(index in refuted),
            completion_tokens=tokens,
            seconds=2.0,
        )
        for index, right in enumerate(rights)
    )
    return SetResult(
        ProblemSet("set", (generator.generate(1, 1),)), summarize(judgements), judgements
    )


def test_problems_are_compared_one_by_one() -> None:
    first = result(True, True, False, False, False, refuted=(0, 2, 3))
    other = result(True, False, True, False, True, refuted=(3,), tokens=13)
    alone, beside = compare([("single", first), ("guided", other)])
    assert alone.against is None
    against = beside.against
    assert against is not None
    assert (against.wrong_to_right, against.right_to_wrong) == (2, 1)
    assert (against.pairs, against.first_right) == (5, 2)
    assert (against.refuted, against.recovered) == (2, 1)
    assert against.tokens == pytest.approx(1.3)
    assert against.difference == pytest.approx(0.2)
    assert against.low < 0 < against.high
    told = table([alone, beside])
    assert "| guided | 60.0 (23.1–88.2) | +20.0" in told
    assert "| 2 / 1 | 1 of 2 | 13 | 1.30 | 2.00 |" in told


def test_what_the_server_failed_on_is_no_pair() -> None:
    first, other = result(True, False), result(True, True)
    failed = other.judgements[1].model_copy(update={"failed": "gone"})
    other = SetResult(other.set, other.report, (other.judgements[0], failed))
    against = compare([("a", first), ("b", other)])[1].against
    assert against is not None
    assert (against.pairs, against.wrong_to_right) == (1, 0)


def test_options_are_told_by_name() -> None:
    fields = strategy_fields("vote-8,stop=never,waves=3+2,confidence=0.9")
    options = Options(**fields)
    assert options.vote == VoteOptions(stop="never", waves=(3, 2), confidence=0.9)
    assert options.body("?", 0)["vote"] == {"stop": "never", "waves": [3, 2], "confidence": 0.9}
    assert Options(**strategy_fields(options.name)) == options
    assert Options(strategy="guided").body("?", 0).keys().isdisjoint({"guided", "vote", "beam"})
    assert options.digest() != Options(strategy="vote-8").digest()
    for text in ("vote,stop", "single,stop=never"):
        with pytest.raises(ValueError, match="is no option"):
            strategy_fields(text)


def test_several_strategies_write_one_comparison(tmp_path: Path) -> None:
    problem = generator.generate(11, 0)
    good = render(graph.trace(problem))
    wrong = "State 1:\nAction: Solve Subquestion\nOutput: 2 + 2 = 5\n\nState 2:\nAction: So"
    script = Script({problem.question: wrong}, 0.0, continuations={"Backtrack to State 0.": [good]})
    with local_server(ScriptedEngine(script), Settings(engine="scripted")) as server:
        code = eval_command(
            ["procedural,seed=11,limit=1"],
            [Options(), Options(strategy="guided")],
            url=server.url,
            model=None,
            output=tmp_path,
            limit=None,
            concurrency=2,
            patience_s=10.0,
            failed_count_as_wrong=False,
        )
    assert code == 0
    (found,) = json.loads((tmp_path / "comparison.json").read_text())["sets"].values()
    assert [one["strategy"] for one in found] == ["single", "guided"]
    assert "guided" in (tmp_path / "comparison.md").read_text()
    assert (tmp_path / "comparison.png").read_bytes().startswith(b"\x89PNG")
    for name in ("single", "guided"):
        assert (tmp_path / name / "results.json").is_file()
