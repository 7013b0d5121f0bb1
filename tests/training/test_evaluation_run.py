"""Evaluations over real sockets: what is sent, what is waited for, what is kept."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.engines.scripted import Script, ScriptedEngine
from app.settings import Settings
from statespace.actions import Action
from statespace.solutions import Usage
from statespace.text import render
from tests.support.server import local_server
from tests.support.wire import Reply, faulty, tapped
from training import rows
from training.errors import EvaluationError
from training.evaluation.answers import NAME, AnswerRow
from training.evaluation.evaluation import Evaluation
from training.evaluation.judgement import read_solution
from training.evaluation.options import Options
from training.evaluation.results import JUDGEMENTS, PLOT, RESULTS, SetJudgement, SetResult
from training.evaluation.sets import ProblemSet
from training.problems import generator
from training.problems.problem import Problem
from training.traces import graph

PROBLEMS = tuple(generator.generate(11, index) for index in range(12))
TRACES = {problem.question: render(graph.trace(problem)) for problem in PROBLEMS}
SECRET = Problem(
    id="prob_known_only_here",
    question="A lorry carries 7 crates. How many?",
    answer="739184",
    source="own",
    split="test",
    operations=0,
    solution="the working that no one may see",
)
VERSION = Reply(200, {"model": "faulty", "data": [{"id": "faulty"}]})
RETRY = {"retry-after": "0"}


def solution(text: str = r"The answer is 1.", **known: Any) -> Any:
    found = read_solution(text, "What?", finished=True, usage=Usage()).model_dump(mode="json")
    return found | known


def evaluate(
    url: str, output: Path, problems: tuple[Problem, ...] = PROBLEMS, **known: Any
) -> list[SetResult]:
    options = Options(**known.pop("options", {}))
    sets = [ProblemSet("set", problems)]
    known = {"sets": sets, "concurrency": 4, "patience_s": 20.0} | known
    return asyncio.run(
        Evaluation(url=url, options=options, output=output, **known).run(lambda *_: None)
    )


def lines(folder: Path) -> list[AnswerRow]:
    return list(rows.read(folder / NAME, AnswerRow))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    wrong = "State 1:\nAction: Solve Subquestion\nOutput: 2 + 2 = 5\n\n"
    engine = ScriptedEngine(Script({"?": wrong, **TRACES}, delay_s=0))
    with local_server(engine, Settings(engine="scripted", max_in_flight=2)) as server:
        yield server.url


def test_everything_is_written(url: str, tmp_path: Path) -> None:
    wrong = replace(PROBLEMS[0], id="wrong", answer="-5")
    stray = replace(PROBLEMS[1], id="stray", question="Not recorded?")
    sets = [ProblemSet("good", PROBLEMS), ProblemSet("bad", (wrong, stray, PROBLEMS[2]))]
    found = evaluate(url, tmp_path, sets=sets)
    assert [one.report.accuracy.count for one in found] == [12, 1]
    assert found[1].report.refuted == 1
    assert found[1].report.ended == {"completed": 2, "no_answer": 1}
    # Three of the second set's questions are also in the first, or asked once only.
    assert len(lines(tmp_path)) == 13
    judged = list(rows.read(tmp_path / JUDGEMENTS, SetJudgement))
    assert [one.set for one in judged] == ["good"] * 12 + ["bad"] * 3
    written = json.loads((tmp_path / RESULTS).read_text())
    manifest = written["manifest"]
    assert manifest["complete"] is True
    assert manifest["samples"] == {"wanted": 13, "answered": 13}
    assert manifest["model"] == "scripted"
    assert manifest["server"]["version"]["engine"] == "scripted"
    assert manifest["code"].startswith("sha256:")
    assert written["sets"][0]["report"] == found[0].report.model_dump(mode="json")
    assert written["sets"][0]["problems"].startswith("sha256:")
    assert (tmp_path / PLOT).read_bytes().startswith(b"\x89PNG")


def test_no_gold_answer_leaves_the_process(url: str, tmp_path: Path) -> None:
    """Only questions are sent: every byte is looked at."""
    with tapped(url) as tap:
        evaluate(tap.url, tmp_path, (SECRET, *PROBLEMS), concurrency=1)
    sent = bytes(tap.sent)
    bodies = [json.loads(part) for part in _bodies(sent)]
    assert {body["question"] for body in bodies} == {one.question for one in (SECRET, *PROBLEMS)}
    assert all(
        body.keys()
        == {"question", "strategy", "temperature", "top_p", "max_transitions", "timeout_s", "seed"}
        for body in bodies
    )
    for told in (SECRET.answer, SECRET.solution, SECRET.id, SECRET.id.encode().hex()):
        assert told.encode() not in sent
    for problem in PROBLEMS:
        assert problem.id.encode() not in sent


def test_the_seed_tells_nothing_of_the_answer() -> None:
    """An id is made from question and answer; a seed made from an id would carry it."""
    bodies = [Options().body(SECRET.question, sample) for sample in range(3)]
    assert len({body["seed"] for body in bodies}) == 3
    other = Options(seed=1).body(SECRET.question, 0)
    assert other["seed"] != bodies[0]["seed"]
    assert other["question"] == SECRET.question


def _bodies(sent: bytes) -> Iterator[bytes]:
    """The bodies of all requests in a recording of several connections."""
    decoder = json.JSONDecoder()
    text = sent.decode()
    for start in (at for at in range(len(text)) if text.startswith('{"question"', at)):
        yield json.dumps(decoder.raw_decode(text, start)[0]).encode()


def test_what_is_answered_is_not_asked_again(tmp_path: Path) -> None:
    problems = PROBLEMS[:3]
    with faulty(itertools.repeat(Reply(200, solution())), VERSION) as server:
        evaluate(server.url, tmp_path, problems)
        assert len(server.posted) == 3
        evaluate(server.url, tmp_path, (*problems, PROBLEMS[5]))
        assert len(server.posted) == 4
        several = {"temperature": 0.7, "samples": 2}
        evaluate(server.url, tmp_path, problems, options=several)
        assert len(server.posted) == 10
        evaluate(server.url, tmp_path, problems, options=several | {"samples": 3})
        assert len(server.posted) == 13
        # A gold answer put right is judged anew without asking.
        right = tuple(replace(one, answer="1") for one in problems)
        found = evaluate(server.url, tmp_path, right)
        assert len(server.posted) == 13
    assert found[0].report.accuracy.value == 1
    assert len({row.key for row in lines(tmp_path)}) == len(lines(tmp_path)) == 13


def test_another_checkpoint_of_the_same_name_is_asked_anew(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    (checkpoint / "statewise.json").write_text('{"stage": "advanced"}')
    with faulty(itertools.repeat(Reply(200, solution())), VERSION) as server:
        for weights in ("one", "one", "two"):
            (checkpoint / "model.safetensors").write_text(weights)
            evaluate(server.url, tmp_path / "out", PROBLEMS[:1], checkpoint=checkpoint)
        assert len(server.posted) == 2
    manifest = json.loads((tmp_path / "out" / RESULTS).read_text())["manifest"]
    assert manifest["checkpoint"].startswith("sha256:")
    assert manifest["card"] == {"stage": "advanced"}


def test_a_server_that_asks_to_wait_is_waited_for(tmp_path: Path) -> None:
    busy = {"error": {"message": "full"}}
    replies = [
        Reply(503, busy, RETRY),
        Reply(429, busy, RETRY),
        Reply(503, busy),
        Reply(0),
        Reply(200, solution()),
    ]
    with faulty(iter(replies), VERSION) as server:
        found = evaluate(server.url, tmp_path, PROBLEMS[:1])
        assert len(server.posted) == 5
    assert found[0].report.failed == 0


def test_a_full_server_is_not_overrun(url: str, tmp_path: Path) -> None:
    """It takes two at a time; eight are offered."""
    found = evaluate(url, tmp_path, concurrency=8)
    assert (found[0].report.failed, found[0].report.accuracy.count) == (0, 12)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(500, {"error": {"message": "the engine broke"}}), "the engine broke"),
        (Reply(502, b"<html>"), "it answered 502"),
        (
            Reply(200, solution(status="failed", error={"message": "no luck", "type": "x"})),
            "no luck",
        ),
        (
            Reply(200, solution(status="incomplete", incomplete_reason="shutdown")),
            "the server was shut down",
        ),
    ],
)
def test_failures_are_reported_apart_and_tried_again(
    tmp_path: Path, reply: Reply, reason: str
) -> None:
    replies = iter([reply] * 3 + [Reply(200, solution())])
    with faulty(replies, VERSION) as server:
        found = evaluate(server.url, tmp_path, PROBLEMS[:2], concurrency=1)
        report = found[0].report
        assert (report.failed, report.solutions, report.accuracy.total) == (1, 1, 1)
        failures = json.loads((tmp_path / RESULTS).read_text())["sets"][0]["failures"]
        assert failures == [{"problem": PROBLEMS[0].id, "sample": 0, "reason": reason}]
    with faulty(itertools.repeat(Reply(200, solution())), VERSION) as server:
        found = evaluate(server.url, tmp_path, PROBLEMS[:2])
        assert [body["question"] for body in server.posted] == [PROBLEMS[0].question]
    assert found[0].report.failed == 0


def test_a_question_that_is_too_long_is_one_failure_only(tmp_path: Path) -> None:
    told = {"error": {"message": "question: shorten it", "param": "question"}}
    replies = iter([Reply(400, told), Reply(200, solution())])
    with faulty(replies, VERSION) as server:
        found = evaluate(
            server.url, tmp_path, PROBLEMS[:2], concurrency=1, failed_count_as_wrong=True
        )
    assert (found[0].report.failed, found[0].report.accuracy.total) == (1, 2)


def test_a_dead_server_ends_the_evaluation_and_keeps_what_there_is(tmp_path: Path) -> None:
    replies = itertools.chain([Reply(200, solution())] * 3, itertools.repeat(Reply(0)))
    with faulty(replies, VERSION) as server:
        with pytest.raises(EvaluationError, match="3 of 12 samples are answered") as caught:
            evaluate(server.url, tmp_path, concurrency=1, patience_s=0.5)
        assert server.url in str(caught.value)
    assert len(lines(tmp_path)) == 3
    written = json.loads((tmp_path / RESULTS).read_text())
    assert written["manifest"]["complete"] is False
    assert written["sets"][0]["report"]["problems"] == 3
    assert written["sets"][0]["report"]["failed"] == 0
    with faulty(itertools.repeat(Reply(200, solution())), VERSION) as server:
        evaluate(server.url, tmp_path)
        assert len(server.posted) == 9


@pytest.mark.parametrize(
    ("post", "get", "told"),
    [
        (Reply(400, {"error": {"message": "strategy: unknown"}}), VERSION, "strategy: unknown"),
        (Reply(404, b"no"), VERSION, "it answered 404"),
        (Reply(200, {"id": "x"}), VERSION, "no solution that this version knows"),
        (Reply(200, b"hello"), VERSION, "no solution that this version knows"),
        (Reply(200, solution()), Reply(200, b"<html>"), "no Statewise server"),
        (Reply(200, solution()), Reply(404, b"no"), "no Statewise server"),
        (Reply(200, solution()), Reply(200, {"data": ["odd"]}), "no Statewise server"),
    ],
)
def test_what_is_wrong_with_every_problem_ends_it_at_once(
    tmp_path: Path, post: Reply, get: Reply, told: str
) -> None:
    with faulty(itertools.repeat(post), get) as server:
        with pytest.raises(EvaluationError, match=told):
            evaluate(server.url, tmp_path, concurrency=1)
        assert len(server.posted) <= 1


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:1", "no answer from http://127"),
        ("ftp://127.0.0.1", "no address"),
        ("http://127.0.0.1:port", "no address"),
        ("127.0.0.1", "no address"),
    ],
)
def test_an_address_of_nothing_is_named(tmp_path: Path, url: str, told: str) -> None:
    with pytest.raises(EvaluationError, match=told):
        evaluate(url, tmp_path, patience_s=0.1)


def test_samples_vote_and_are_seeded_apart(tmp_path: Path) -> None:
    problem = replace(PROBLEMS[0], answer="7")
    texts = ["The answer is 7.", "The answer is 8.", "The answer is 7.0.", "no idea"]
    replies = iter([Reply(200, solution(text)) for text in texts])
    with faulty(replies, VERSION) as server:
        found = evaluate(
            server.url,
            tmp_path,
            (problem,),
            concurrency=1,
            options={"samples": 4, "temperature": 0.8},
        )
        assert len({body["seed"] for body in server.posted}) == 4
    report = found[0].report
    assert report.majority is not None
    assert (report.accuracy.value, report.majority.value) == (0.5, 1.0)
    assert report.pass_at == pytest.approx({1: 0.5, 2: 5 / 6, 4: 1.0})


@pytest.mark.slow
def test_formulas_are_judged_by_value(tmp_path: Path) -> None:
    formula = replace(PROBLEMS[0], answer=r"\frac{\sqrt{2}}{2}")
    text = render([(Action.SUMMARIZE, r"The final answer is \boxed{\frac{1}{\sqrt{2}}}.")])
    with faulty(itertools.repeat(Reply(200, solution(text))), VERSION) as server:
        found = evaluate(server.url, tmp_path, (formula, PROBLEMS[1]))
    assert found[0].report.accuracy.count == 1


def test_several_samples_need_a_temperature() -> None:
    with pytest.raises(ValueError, match="temperature"):
        Options(samples=2)
