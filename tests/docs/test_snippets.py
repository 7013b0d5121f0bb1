"""Every command and snippet of README and docs/ does what it says, as far as this machine can."""

from __future__ import annotations

import importlib.util
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from unittest.mock import patch

import httpx2
import pytest
import typer
from typer.core import TyperGroup

from statewise.cli import cli
from tests.docs.running import QUESTION, checkout, run
from tests.docs.snippets import COMMANDS, Snippet, commands, is_run, snippets
from tests.support.server_process import REPOSITORY, ServerProcess, start

PAGES: Final = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
NAMES: Final = [str(page.relative_to(REPOSITORY)) for page in PAGES]
TARGETS: Final = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text("utf-8"), re.M))
ENGINE: Final = {"docs/start.md"}
"""Pages that tests/engine runs, on the reasoner that their readers have."""
LASTING: Final = {"demo", "serve", "stop", "top"}
"""Commands of ours that start or end a server, or go on until somebody leaves."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that replays recordings under the name of the shipped reasoner."""
    state = tmp_path_factory.mktemp("state")
    server = start(state, "--engine", "scripted", "--model-name", "starter")
    try:
        server.wait_ready()
        yield server
    finally:
        server.process.terminate()
        server.process.wait(30)


@pytest.fixture(scope="module")
def solution_id(server: ServerProcess) -> str:
    body = {"question": QUESTION}
    found: str = httpx2.post(f"{server.url}/v1/solutions", json=body).json()["id"]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_snippets(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Blocks of a page that can be run are run; commands of all others exist."""
    found = list(snippets(REPOSITORY / name, name))
    for snippet in found:
        check(snippet)
    todo = [each for each in found if is_run(each)]
    if not todo or name in ENGINE:
        return
    server: ServerProcess = request.getfixturevalue("server")
    solution_id: str = request.getfixturevalue("solution_id")
    folder = checkout(tmp_path)
    for snippet in todo:
        run(snippet, folder, server, solution_id)


def check(snippet: Snippet) -> None:
    """What can be said of a block without running it."""
    mark, _, told = snippet.mark.partition(" ")
    assert mark in {"", "skip", "parse", "fails"}, f"{snippet.where}: unknown mark {mark}"
    assert mark != "skip" or told, f"{snippet.where}: say why it is skipped"
    if snippet.kind == "json" and not mark:
        json.loads(snippet.text)
    if snippet.kind == "python":
        compile(snippet.text, snippet.where, "exec")
    if snippet.kind == "bash":
        with patch.dict(os.environ):  # options may come from what an earlier line exports
            for words in commands(snippet.text):
                if words[0] == "export":
                    os.environ.update(word.split("=", 1) for word in words[1:])
                check_command(words, snippet)


def check_command(words: list[str], snippet: Snippet) -> None:
    """A command of ours exists, with its options; another one is known, or the block skipped."""
    program = Path(words[0]).name
    where = f"{snippet.where}: {' '.join(words)}"
    runs = is_run(snippet)
    if program == "statewise":
        lasts = (
            words[1:2] and words[1] in LASTING and not {"--once", "--show-completion"} & {*words}
        )
        starts = "--model" in words and snippet.page not in ENGINE
        assert not runs or not (lasts or starts), f"{where}: mark it `parse`"
        parse(words[1:], where)
    elif program == "make":
        assert not runs, f"{where}: mark it `parse`"
        targets = [word for word in words[1:] if "=" not in word]
        assert set(targets) <= TARGETS, f"{where}: no such target"
    elif program.startswith("python") and words[1:2] == ["-m"]:
        assert importlib.util.find_spec(words[2]), f"{where}: no such module"
    elif snippet.mark == "parse":
        assert program in COMMANDS, f"{where}: nothing is known of {program}; mark it `skip REASON`"


def parse(arguments: list[str], where: str) -> None:
    """Parse a command of ours as the command line would, without calling it."""
    if ">" in arguments:
        arguments = arguments[: arguments.index(">")]
    if "STEP" in arguments or arguments[0] == "--show-completion":  # every step; answers at once
        return
    command: object = typer.main.get_command(cli)
    name, parent = "statewise", None
    try:
        while isinstance(command, TyperGroup):
            context = command.make_context(name, list(arguments), parent=parent)
            arguments = [*context._protected_args, *context.args]
            if not arguments:
                return
            found, command, arguments = command.resolve_command(context, arguments)
            name, parent = found or name, context
        command.make_context(name, list(arguments), parent=parent)  # type: ignore[attr-defined]
    except (typer.Exit, SystemExit):
        return  # --help, --show-completion
    except Exception as error:
        pytest.fail(f"{where}: {error}")


def test_marks_and_commands_are_read(tmp_path: Path) -> None:
    """Otherwise a block could pass by not being seen."""
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- test: fails 1 -->\n```bash\nA=1 statewise verify \\\n  '1 = 2' | cat > x; ls\n```\n"
        '=== "Tab"\n\n    ```python\n    print(1)\n    ```\n```\nState 1:\n```\n'
        "```\n.venv/bin/statewise solve x\n```\n"
    )
    found = list(snippets(page, "page.md"))
    assert [(each.kind, each.mark, each.line) for each in found] == [
        ("bash", "fails 1", 2),
        ("python", "", 8),
        ("", "", 11),
        ("bash", "", 14),
    ]
    assert found[1].text == "print(1)\n"
    assert [words[0] for words in commands(found[0].text)] == ["statewise", "cat", "ls"]
    heredoc = "cat > x <<'END'\nstatewise nonsense\nEND\nstatewise doctor\n"
    assert [words[0] for words in commands(heredoc)] == ["cat", "statewise"]
    page.write_text("```bash\nstatewise solve\n")
    with pytest.raises(ValueError, match="the block has no end"):
        list(snippets(page, "page.md"))


@pytest.mark.parametrize(
    "text",
    ["statewise nonsense", "statewise solve x --nonsense", "statewise solve", "make nonsense"],
)
def test_a_command_that_does_not_exist_is_found(text: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(Snippet("page.md", 1, "bash", text, "parse"))
