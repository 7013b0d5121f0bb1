"""`statewise verify`: check a trace or a line, without a server or a model."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from statespace.checking import CheckRequest, CheckResult, check
from statespace.trace import Check, Verdict
from statewise.failures import BAD_INPUT, NOT_SOLVED, checked, fail
from statewise.terminal import print_utf8, visible
from statewise.view_style import VERDICTS


def verify_command(text: str | None, file: Path | None, *, as_json: bool) -> int:
    """Check `text`, or what is in `file` (`-`: standard input); 0 if nothing is refuted."""
    if (text is None) == (file is None):
        fail("give a line, or --file FILE with a trace (- for standard input)", BAD_INPUT)
    content = text if text is not None else _read(file or Path("-"))
    is_trace = "Action:" in content
    request = checked(CheckRequest, **{"trace" if is_trace else "line": content})
    result = check(request)
    if as_json:
        print_utf8()
        print(result.model_dump_json())
    else:
        _show(result)
    return NOT_SOLVED if result.verdict is Verdict.REFUTED else 0


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"cannot read {file}: {error}", BAD_INPUT)


def _show(result: CheckResult) -> None:
    console = Console()
    for transition in result.transitions:
        mark, colour = VERDICTS[transition.verdict]
        number = f"State {transition.number or transition.id}  {transition.label}  "
        console.print(Text(visible(number), "bold"), Text(mark, colour), sep="")
        for one in transition.checks:
            _show_check(console, one)
    for one in result.checks:
        _show_check(console, one)
    mark, colour = VERDICTS[result.verdict]
    console.print(Text(mark or "– nothing to check", colour))
    if result.answer is not None:
        console.print(Text(visible(f"Answer: {result.answer}"), "bold"))


def _show_check(console: Console, one: Check) -> None:
    if one.verdict is Verdict.VERIFIED:
        return
    reason = one.reason or "cannot be checked"
    if one.computed is not None and one.stated is not None:
        reason = f"it is {one.computed}, not {one.stated}"
    console.print(Text(visible(f"  {one.claim}: {reason}"), VERDICTS[one.verdict][1]))
