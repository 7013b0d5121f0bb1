"""The TypeScript client: its types are current, it compiles, and a bad line costs it nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from scripts import typescript
from tests.conftest import skip
from tests.docs.snippets import snippets
from tests.support.cutting import bad_line
from tests.support.server import local_server
from tests.support.streams import check_order

QUESTIONS = load_recordings(RECORDINGS)
BACKTRACKING = next(question for question, text in QUESTIONS.items() if "Backtrack" in text)


def test_the_types_are_those_of_the_models() -> None:
    """`python -m scripts.typescript` writes them."""
    assert typescript.TARGET.read_text("utf-8") == typescript.generated()


@pytest.fixture(scope="module")
def dist(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client, type-checked and compiled."""
    compiler = repository / "tests" / "clients" / "node_modules" / ".bin" / "tsc"
    if not compiler.exists() or shutil.which("node") is None:
        skip("no TypeScript here; run `npm ci --prefix tests/clients`")
    folder = tmp_path_factory.mktemp("typescript")
    project = repository / "clients" / "typescript"
    run(str(compiler), "--project", str(project), "--outDir", str(folder))
    shutil.copy(project / "package.json", folder)
    return folder


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_reads_on_after_cuts_and_ends_what_it_leaves(repository: Path, dist: Path) -> None:
    script = str(repository / "tests" / "clients" / "typescript.mjs")
    quick = ScriptedEngine(Script(QUESTIONS, delay_s=0.001))
    slow = ScriptedEngine(Script(QUESTIONS, delay_s=0.05))
    with (
        local_server(quick) as server,
        local_server(slow) as other,
        bad_line(server.url, range(1_200, 20_000, 1_200)) as line,
    ):
        told = json.loads(run("node", script, str(dist), line.url, other.url, BACKTRACKING))
    assert line.cuts > 2
    check_order(told["events"], deltas_whole=False)
    assert told["events"][-1]["solution"]["answer"] == "72"
    assert told["left"] == told["aborted"] == "solution.cancelled"
    assert told["reason"] == "enough"
    # Of the second, the request and what asks for its solution to end it.
    assert told["silent"] == [[0, "Error", True], [2, "TimeoutError", True]]
    assert told["early"] == ["early", "solution.cancelled"]
    assert told["capped"] == ["solution.completed", "TypeError"]
    # The second asks for the solution that may have begun, to end it.
    assert told["gateway"] == [[2, "TimeoutError", True], 120_000] * 2
    assert told["refused"] == [True, 400, "strategy"]


def test_the_snippet_of_the_docs_runs(repository: Path, dist: Path) -> None:
    page = "docs/clients.md"
    (found,) = (one for one in snippets(repository / page, page) if one.language == "ts")
    source = dist / "snippet.mjs"  # it has no types of its own; those of what it uses are checked
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0))) as server:
        source.write_text(found.text.replace("http://127.0.0.1:8000", server.url), "utf-8")
        assert run("node", str(source)).endswith("84\n")


def test_the_example_runs(dist: Path) -> None:
    with local_server(ScriptedEngine(Script(QUESTIONS, delay_s=0))) as server:
        shown = run("node", str(dist / "example.js"), server.url)
    assert shown.splitlines()[0].split(maxsplit=3)[-1] == "12 * 7 = 84"
    assert shown.endswith("Answer: 84\n")
