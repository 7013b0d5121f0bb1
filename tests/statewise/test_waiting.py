"""What is told while a server starts."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from statewise.waiting import Waiting


def shown(*, terminal: bool) -> tuple[Waiting, io.StringIO]:
    output = io.StringIO()
    return Waiting(Console(file=output, force_terminal=terminal, _environ={})), output


def test_without_a_terminal_each_phase_is_told_once() -> None:
    waiting, output = shown(terminal=False)
    with waiting:
        for said in ("importing (1 s)", "importing (2 s)", "warming (some) (3 s)", "ready (4 s)"):
            waiting(said)
    assert output.getvalue() == "server: importing\nserver: warming (some)\n"


def test_of_a_server_that_is_ready_nothing_is_told() -> None:
    waiting, output = shown(terminal=False)
    waiting("ready (400 s)")
    waiting.stop()  # it was never begun
    assert output.getvalue() == ""


@pytest.mark.parametrize("phase", ["loading (2 s)", "\x1b[3Jloading"])
def test_a_terminal_shows_it_live_and_obeys_no_phase(phase: str) -> None:
    waiting, output = shown(terminal=True)
    with waiting:
        waiting(phase)
    assert "loading" in output.getvalue()
    assert "\x1b[3J" not in output.getvalue()
