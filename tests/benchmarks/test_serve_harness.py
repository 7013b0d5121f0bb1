"""The benchmark of serving keeps its rounds, compares them rightly and asks all for the same."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from app.settings import Settings
from benchmarks import dummy, flame, profile, report, result, sampler
from benchmarks.compare import changes
from benchmarks.contestants import _together
from benchmarks.load import answer
from benchmarks.pairs import interval
from benchmarks.rounds import Guesses, Journal, JournalError, Round, percentile
from statespace.actions import Action
from statespace.parser import parse
from statespace.trace import Verdict
from statespace.verifier import verify_output

ROUND = Round(
    contestant="statewise",
    width=4,
    number=1,
    requests=8,
    tokens=100,
    prompt_tokens=10,
    bytes=1000,
    seconds=1.0,
    tokens_per_s=100.0,
    answers_per_s=8.0,
    solved_per_s=4.0,
    first_p50_s=0.1,
    first_p99_s=0.2,
    service_us=20.0,
    engine_us=100.0,
    client_us=5.0,
    rss_begin_mib=500.0,
    rss_end_mib=501.0,
)


def rounds(speed: float = 1.0) -> list[Round]:
    """Five rounds in which ours is `speed` times as fast as theirs, the machine ever slower."""
    found = []
    for number in range(1, 6):
        theirs = replace(ROUND, contestant="vllm", number=number, tokens_per_s=1000.0 / number)
        found += [theirs, replace(theirs, contestant="statewise")]
        found[-1] = replace(found[-1], tokens_per_s=theirs.tokens_per_s * speed + number / 100)
    return found


def test_interval_is_all_values_until_there_are_enough() -> None:
    """An interval narrower than its confidence would call noise a regression."""
    five = interval([3, 1, 2, 5, 4])
    assert (five.median, five.low, five.high, five.confidence) == (3, 1, 5, 0.938)
    nine = interval(list(range(9)))
    assert (nine.median, nine.low, nine.high, nine.confidence) == (4, 1, 7, 0.961)
    assert interval([7]).confidence == 0.0
    with pytest.raises(ValueError, match="value"):
        interval([])


def test_servers_that_come_up_while_it_is_asked_to_end_are_ended() -> None:
    ended: set[int] = set()

    @contextmanager
    def server(number: int) -> Iterator[int]:
        time.sleep(0.3)
        try:
            yield number
        finally:
            ended.add(number)

    def end(*_: object) -> None:
        raise SystemExit

    before = signal.signal(signal.SIGUSR1, end)
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
    try:
        with pytest.raises(SystemExit), ExitStack() as stack:
            _together(stack, {str(number): server(number) for number in range(2)})
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert ended == {0, 1}


def test_journal_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    """Hours of rounds must survive a kill, and half a round must not count."""
    path = tmp_path / "rounds.jsonl"
    journal = Journal(path, {"seed": 1}, about={"date": "then"})
    journal.add([ROUND, replace(ROUND, contestant="vllm")])
    with path.open("a") as file:
        file.write(json.dumps(asdict(ROUND))[:50])  # killed while it wrote
    again = Journal(path, {"seed": 1}, about={"date": "now"})
    assert again.about == {"date": "then"}
    assert len(again.rounds) == 2
    assert again.has(("statewise", "vllm"), 4, 1)
    assert not again.has(("statewise", "bare"), 4, 1)
    again.add([replace(ROUND, number=2)])
    assert len(Journal(path, {"seed": 1}, about={}).rounds) == 3


def test_journal_refuses_another_runs_rounds(tmp_path: Path) -> None:
    """Rounds of other code or other lengths must not be mixed into one median."""
    path = tmp_path / "rounds.jsonl"
    Journal(path, {"seed": 1, "code": "a"}, about={})
    with pytest.raises(JournalError, match=r"another code.*--fresh"):
        Journal(path, {"seed": 1, "code": "b"}, about={})


def test_ratios_are_taken_within_rounds(tmp_path: Path) -> None:
    """A round that only one of two has ended must shift nobody's pairs."""
    found = result.of([*rounds(0.9)[:-1], replace(ROUND, contestant="bare", number=9)], {})
    ratio = found["widths"]["4"]["ratios"]["tokens_per_s: statewise / vllm"]
    assert ratio["count"] == 4
    assert ratio["median"] == pytest.approx(0.9, abs=0.001)
    assert "tokens_per_s: statewise / bare" not in found["widths"]["4"]["ratios"]
    goals = {str(goal): goal.met(value) for goal, _, value in result.goals(found)}
    assert goals["tokens_per_s: statewise / vllm ≥ 1.0"] is False
    assert goals["first_p50_s: statewise / vllm ≤ 1.0"] is True
    result.write(found, tmp_path)
    assert json.loads((tmp_path / result.RESULT).read_text()) == found
    assert "| 4 | vllm |" in (tmp_path / result.TABLE).read_text()
    ElementTree.fromstring((tmp_path / result.PLOT).read_text())


def _compared(baseline: dict[str, Any], now: dict[str, Any]) -> dict[str, str]:
    return {change.name: change.verdict for change in changes(baseline, now)}


def test_changes_beyond_the_intervals_are_told_apart() -> None:
    """Slower is worse for tokens/s; what overlaps is neither."""
    before = result.of(rounds(1.0), {})
    name = "tokens_per_s: statewise / vllm"
    assert _compared(before, before)[name] == "same"
    assert _compared(before, result.of(rounds(0.9), {}))[name] == "worse"
    assert _compared(before, result.of(rounds(1.1), {}))[name] == "better"
    dearer = [
        replace(each, service_us=30.0) if each.contestant == "statewise" else each
        for each in rounds()
    ]
    assert _compared(before, result.of(dearer, {}))["service_us: statewise / vllm"] == "worse"


def test_regression_ends_with_one(repository: Path, tmp_path: Path) -> None:
    """Who runs the comparison in a script looks at its exit status."""
    for name, speed in (("before", 1.0), ("after", 0.9)):
        found = json.dumps(result.of(rounds(speed), {}))
        (tmp_path / f"{name}.json").write_text(found)
    command = [sys.executable, "-m", "benchmarks.compare", str(tmp_path / "before.json")]
    worse = subprocess.run(
        [*command, str(tmp_path / "after.json")],
        cwd=repository, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert worse.returncode == 1
    assert "1 worse" in worse.stdout


def test_report_writes_between_its_markers_only() -> None:
    """What people wrote stays; what is not measured says so."""
    before = "Before\n<!-- test: parse -->\n```bash\nmake bench\n```\n"  # a mark for tests/docs
    page = f"{before}<!-- serve-x: table -->\nold\n<!-- end -->\nAfter\n"
    filled = report.filled(page, lambda name: result.of(rounds(), {}))
    assert filled.startswith(f"{before}<!-- serve-x: table -->\n\n| streams |")
    assert filled.endswith("<!-- end -->\nAfter\n")
    assert "old" not in filled
    assert report.filled(filled, lambda name: result.of(rounds(), {})) == filled
    assert "Not measured yet" in report.filled(page, lambda name: None)


def test_page_is_what_the_results_say(repository: Path) -> None:
    """No figure in the tables of the page was written or left by hand."""
    page = (repository / "docs" / "performance.md").read_text("utf-8")
    assert report.filled(page, report.read) == page


def test_percentile_is_none_without_values() -> None:
    """A model that writes no state has no first transition; that is no time of zero."""
    assert percentile([], 0.5) is None
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3.0


def test_answers_are_read_from_both_streams() -> None:
    """Solved problems of both servers are counted by the same rule."""
    trace = "State 1:\nAction: Summarize\nOutput: The final answer is \\boxed{7}."
    halves = [trace[:30], trace[30:]]
    chat = [json.dumps({"choices": [{"delta": {"content": half}}]}) for half in halves]
    stream = "HTTP/1.1 200 OK\r\n\r\n" + "".join(f"5f\r\ndata: {each}\n\n\r\n" for each in chat)
    assert answer(f"{stream}data: [DONE]\n\n".encode()) == "7"
    ours = {"type": "solution.completed", "solution": {"answer": "7", "usage": {}}}
    assert answer(f"event: x\nid: 3\ndata: {json.dumps(ours)}\n\n".encode()) == "7"


def test_guesses_are_read_from_metrics() -> None:
    page = (
        "# HELP vllm:spec_decode_num_draft_tokens_total x\n"
        'vllm:spec_decode_num_draft_tokens_total{engine="0"} 10.0\n'
        'vllm:spec_decode_num_accepted_tokens_total{engine="0"} 4.0\n'
    )
    assert Guesses.read(page) == Guesses(drafted=10, accepted=4)


def test_pieces_are_states_whose_sums_hold() -> None:
    """A stress test whose text is no trace would spare our parser and verifier their work."""
    pieces = list(islice(dummy.pieces(), 4 * dummy.LINE))
    assert len(set(pieces)) == len(pieces)
    states = parse("".join(pieces)).states
    assert [state.action for state in states] == [Action.SOLVE_SUBQUESTION] * 4
    for state in states:
        found = verify_output(state.output)
        assert (found.verdict, len(found.checks)) == (Verdict.VERIFIED, dummy.CLAIMS)


@pytest.mark.parametrize("size", ["one-layer", "tiny"])
def test_made_checkpoints_encode_like_the_starter(size: str, tmp_path: Path) -> None:
    """All are asked the same prompts, and the card says so."""
    from tokenizers import Tokenizer  # noqa: PLC0415

    made = dummy.make(tmp_path, dummy.SIZES[size])
    config = json.loads((made / "config.json").read_text())
    theirs = Tokenizer.from_file(str(made / "tokenizer.json"))
    starter = Tokenizer.from_file(f"{Settings().model}/tokenizer.json")
    text = "State 7:\nAction: Solve Subquestion\nOutput:, 13 + 14 = 27 bc"
    assert theirs.encode(text).ids == starter.encode(text).ids
    assert theirs.get_vocab_size() == config["vocab_size"] == dummy.SIZES[size].vocabulary
    assert theirs.decode([starter.get_vocab_size()]).startswith("\n\nState 1:")
    assert (made / "model.safetensors").exists() is dummy.SIZES[size].weights


def test_8b_has_the_shape_of_llama_3() -> None:
    config = dummy.config(dummy.SIZES["8b"])
    attention = config["hidden_size"] ** 2 * 2 + config["hidden_size"] * 2 * 8 * config["head_dim"]
    layer = attention + 3 * config["hidden_size"] * config["intermediate_size"]
    total = 32 * layer + 2 * config["vocab_size"] * config["hidden_size"]
    assert total == pytest.approx(8.03e9, rel=0.001)


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="there is a GPU")
def test_gpu_script_says_what_is_missing(repository: Path) -> None:
    """Without a GPU it must not begin to load 16 GB into a CPU's memory."""
    script = [str(repository / "benchmarks" / "gpu.sh")]
    ended = subprocess.run(
        script, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "GPU" in ended.stderr


@pytest.mark.parametrize(
    ("memory", "given", "widths"),
    [("81559", [], "1 16 64 128"), ("143771", [], None), ("81559", ["--widths", "512"], "512")],
)
def test_gpu_script_asks_for_streams_that_the_card_can_hold(
    repository: Path, tmp_path: Path, memory: str, given: list[str], widths: str | None
) -> None:
    """More would measure how requests wait for room in the cache."""
    for name, text in (
        ("nvidia-smi", f"case $* in *memory*) echo {memory};; *) echo GPU 0;; esac"),
        ("python", '[ "$1" = -c ] || echo "$@"'),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o700)
    said = subprocess.run(
        [str(repository / "benchmarks" / "gpu.sh"), *given, "--", "--seed=1"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHON": str(tmp_path / "python")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    asked, _, engine = said.partition(" -- ")
    found = re.search(r"--widths ([\d ]+)", asked)
    assert (found[1].strip() if found else None) == widths
    assert engine == "--dtype=bfloat16 --gpu-memory-utilization=0.3 --seed=1\n"


def test_samples_are_counted_alone_and_whole() -> None:
    """A function that calls itself counts once; lines of a function are one."""
    text = (
        "main (app/serve.py:3);f (/x/site-packages/a/b.py:1);f (/x/site-packages/a/b.py:9) 3\n"
        f"main ({profile.ROOT}/app/serve.py:4) 1\n"
    )
    samples = profile.Samples.read(text)
    assert samples.total == 4
    assert samples.alone() == Counter({"f (a/b.py)": 3, "main (app/serve.py)": 1})
    assert samples.whole() == Counter({"main (app/serve.py)": 4, "f (a/b.py)": 3})


def test_a_process_samples_itself_while_it_works(tmp_path: Path) -> None:
    """Only what takes processor time is seen, and only between the two signals."""
    out = tmp_path / "stacks.txt"
    before = {number: signal.getsignal(number) for number in (signal.SIGPROF, sampler.TOGGLE)}
    try:
        sampler.install(str(out))
        sampler.record(os.getpid())
        time.sleep(0.2)
        until = time.process_time() + 0.1
        while time.process_time() < until:
            pass
        sampler.record(os.getpid())
        assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    found = profile.Samples.read(out.read_text("utf-8"))
    here = "test_a_process_samples_itself_while_it_works (tests/benchmarks/test_serve_harness.py)"
    assert found.whole()[here] == found.total
    assert 5 < found.total < 100


def test_flame_graph_is_a_picture() -> None:
    picture = flame.svg(Counter({("a", "<b>"): 3, ("a",): 1}))
    titles = [found.text for found in ElementTree.fromstring(picture).iter() if found.text]
    assert "<b>: 75.0%" in titles
    assert "a: 100.0%" in titles
