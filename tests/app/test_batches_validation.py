"""Input files of batches: what is told of wrong lines, however the file comes in."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.batches.validation import MAX_PROBLEMS, Checker, Good

LONGEST = 2_000


def line(custom_id: str = "a", url: str = "/v1/solutions", **other: Any) -> bytes:
    found = {"custom_id": custom_id, "method": "POST", "url": url, "body": {"question": "1 + 1?"}}
    return json.dumps({**found, **other}).encode()


def checked(content: bytes, size: int = 64, **options: Any) -> tuple[list[Good], Checker]:
    checker = Checker("/v1/solutions", LONGEST, **options)
    found = []
    for start in range(0, len(content), size):
        if not checker.given_up:
            found += checker.feed(content[start : start + size])
    if not checker.given_up:
        found += checker.end()
    return found, checker


WRONG = {
    "no JSON": (b"nonsense", "invalid_json_line", None),
    "binary": (b"\x00\xff\xfe\x80", "invalid_json_line", None),
    "half a surrogate": (line().replace(b"1 + 1", b"\\ud800"), "invalid_json_line", None),
    "a list": (b"[]", "invalid_json_line", None),
    "no id": (b'{"method":"POST"}', "missing_custom_id", "custom_id"),
    "empty id": (line(""), "invalid_custom_id", "custom_id"),
    "NUL in the id": (line("a\x00b"), "invalid_custom_id", "custom_id"),
    "long id": (line("a" * 513), "invalid_custom_id", "custom_id"),
    "number as id": (line(custom_id=7), "invalid_custom_id", "custom_id"),  # type: ignore[arg-type]
    "GET": (line(method="GET"), "invalid_method", "method"),
    "another route": (line(url="/v1/chat/completions"), "invalid_url", "url"),
    "no question": (line(body={}), "invalid_body", "body.question"),
    "text as body": (line(body="x"), "invalid_body", "body"),
    "unknown field": (line(body={"question": "x", "y": 1}), "invalid_body", "body.y"),
    "stream": (line(body={"question": "x", "stream": True}), "invalid_body", "body.stream"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_line_is_told_with_its_number(name: str) -> None:
    content, code, param = WRONG[name]
    found, checker = checked(line("first") + b"\n\n" + content + b"\n" + line("last") + b"\n")
    assert [good.custom_id for good in found] == ["first", "last"]
    (problem,) = checker.problems
    assert (problem.code, problem.param, problem.line) == (code, param, 3)
    assert problem.message


def test_an_id_stands_once() -> None:
    found, checker = checked(b"\n".join([line("a"), line("b"), line("a")]))
    assert [good.line for good in found] == [1, 2]
    assert [(p.code, p.line) for p in checker.problems] == [("duplicate_custom_id", 3)]


@pytest.mark.parametrize("content", [b"", b"\n \r\n\t\n", b"\xef\xbb\xbf"])
def test_a_file_without_lines_is_refused(content: bytes) -> None:
    _, checker = checked(content)
    assert [problem.code for problem in checker.problems] == ["empty_file"]


def test_a_file_with_too_many_lines_is_not_read_on() -> None:
    found, checker = checked(b"\n".join(line(str(n)) for n in range(9)), max_lines=5)
    assert len(found) == 5
    assert [(p.code, p.line) for p in checker.problems] == [("too_many_lines", 6)]
    assert checker.given_up


def test_a_wrong_file_is_not_read_to_its_end() -> None:
    _, checker = checked(b"x\n" * 10_000)
    assert len(checker.problems) == MAX_PROBLEMS


def test_an_endless_line_is_refused_before_it_is_in_the_memory() -> None:
    checker = Checker("/v1/solutions", LONGEST)
    piece = b"x" * 65_536
    fed = 0
    tracemalloc.start()
    while not checker.given_up and fed < 200_000_000:
        checker.feed(piece)
        fed += len(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert checker.problems[0].code == "line_too_long"
    assert fed == len(piece)
    assert peak < 1_000_000


@given(
    st.lists(st.sampled_from(["a", "b é", "c" * 40, ""]), max_size=12),
    st.integers(1, 90),
    st.sampled_from([b"\n", b"\r\n"]),
    st.booleans(),
    st.booleans(),
)
def test_lines_are_found_where_they_stand(
    kinds: list[str], size: int, ending: bytes, bom: bool, ended: bool
) -> None:
    """Whatever the pieces: offset and length of a good line cut out that line."""
    lines = [line(f"{number} {kind}") if kind else b"  " for number, kind in enumerate(kinds)]
    content = (b"\xef\xbb\xbf" if bom else b"") + ending.join(lines) + (ending if ended else b"")
    found, checker = checked(content, size)
    assert [good.line for good in found] == [n for n, kind in enumerate(kinds, 1) if kind]
    for good in found:
        cut = content[good.offset : good.offset + good.length]
        assert json.loads(cut)["custom_id"] == good.custom_id
        assert good.custom_id == f"{good.line - 1} {kinds[good.line - 1]}"
    assert bool(checker.problems) == (not any(kinds))
