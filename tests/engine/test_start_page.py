"""The first page that a newcomer reads does what it says, on the reasoner that is shipped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.docs.running import checkout, run
from tests.docs.snippets import is_run, snippets
from tests.support.server_process import ServerProcess

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1200)]


def test_the_start_page(server: ServerProcess, repository: Path, tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    found = [
        each for each in snippets(repository / "docs" / "start.md", "docs/start.md") if is_run(each)
    ]
    assert len(found) >= 9
    for snippet in found:
        run(snippet, folder, server, timeout_s=300)
    answers = [json.loads(line) for line in (folder / "out.jsonl").read_text("utf-8").splitlines()]
    assert {each["custom_id"]: each["response"]["body"]["answer"] for each in answers} == {
        "a": "8",
        "b": "8",
    }
