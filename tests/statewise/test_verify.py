"""`statewise verify` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from statewise.cli import cli

RUN = CliRunner()
TRACE = "State 1:\nAction: Solve Subquestion\nOutput: 48 / 2 = 26\n"


@pytest.mark.parametrize(("line", "code"), [("2 + 2 = 4", 0), ("2 + 2 = 5", 1), ("nothing", 0)])
def test_the_exit_code_tells(line: str, code: int) -> None:
    assert RUN.invoke(cli, ["verify", line]).exit_code == code


def test_a_trace_in_a_file_or_on_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "trace.txt"
    path.write_text(TRACE)
    for arguments, given in ((["--file", str(path)], None), (["--file", "-"], TRACE)):
        found = RUN.invoke(cli, ["verify", *arguments], input=given)
        assert found.exit_code == 1
        assert "it is 24, not 26" in found.output


def test_json_is_the_apis(tmp_path: Path) -> None:
    found = json.loads(RUN.invoke(cli, ["verify", "--json", "2 + 2 = 5"]).output)
    assert found["checks"][0]["computed"] == "4"


@pytest.mark.parametrize("arguments", [[], ["1 = 1", "--file", "-"], ["--file", "/nowhere"]])
def test_wrong_usage_says_what_to_give(arguments: list[str]) -> None:
    found = RUN.invoke(cli, ["verify", *arguments])
    assert found.exit_code == 2
    assert "error:" in found.output
