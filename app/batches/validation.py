"""Checks the lines of an input file: every wrong one is told with its number.

    {"custom_id": "1", "method": "POST", "url": "/v1/solutions", "body": {"question": "2 + 2?"}}

The file comes in pieces and is never held as a whole; nor is a line that is too long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from app.batches.endpoints import ENDPOINTS, check
from app.errors import RequestError
from app.web.failures import from_validation

MAX_LINES: Final = 50_000
MAX_PROBLEMS: Final = 100
"""Wrong lines after which a file is not read on."""
MAX_ID: Final = 512

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BOM: Final = b"\xef\xbb\xbf"
_BLANKS: Final = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a line, or with the file if `line` is None."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None

    def told(self) -> dict[str, Any]:
        """As it stands in a batch's `errors`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Cut:
    """A line of the file. `data` is None if it is too long to be looked at."""

    number: int
    offset: int
    length: int
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Good:
    """A line that can be asked."""

    line: int
    custom_id: str
    offset: int
    length: int


class Cutter:
    """Cuts pieces of a file into lines of at most `longest` bytes; blank ones are left out."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._rest = b""
        self._number = 0
        self._offset = 0

    def feed(self, piece: bytes) -> Iterator[Cut]:
        """The lines that end in `piece`. Nothing may be fed after one that is too long."""
        *complete, rest = (self._rest + piece).split(b"\n")
        for data in complete:
            yield from self._cut(data, 1)
        self._rest = rest
        if len(rest) > self._longest:
            yield from self._cut(rest, 0)
            self._rest = b""

    def end(self) -> Iterator[Cut]:
        """The last line, if no line end follows it."""
        rest, self._rest = self._rest, b""
        if rest:
            yield from self._cut(rest, 0)

    def _cut(self, data: bytes, ending: int) -> Iterator[Cut]:
        self._number += 1
        offset, self._offset = self._offset, self._offset + len(data) + ending
        if self._number == 1 and data.startswith(_BOM):
            offset, data = offset + len(_BOM), data[len(_BOM) :]
        if len(data) > self._longest:
            yield Cut(self._number, offset, len(data), None)
        elif data.strip(_BLANKS):
            yield Cut(self._number, offset, len(data), data)


class Checker:
    """Checks the lines of one file; remembers their ids."""

    def __init__(self, endpoint: str | None, longest: int, max_lines: int = MAX_LINES) -> None:
        """All lines must be for `endpoint`; if it is None, for that of the first one."""
        self._url = endpoint
        self._cutter = Cutter(longest)
        self._longest = longest
        self._max_lines = max_lines
        self._ids: set[bytes] = set()
        self.lines = 0
        self.problems: list[Problem] = []

    @property
    def given_up(self) -> bool:
        """Whether it is of no use to read on."""
        return bool(self.problems) and (
            len(self.problems) >= MAX_PROBLEMS or self.problems[-1].code in _FATAL
        )

    def feed(self, piece: bytes) -> list[Good]:
        """The good lines that end in `piece`."""
        return list(self._check_all(self._cutter.feed(piece)))

    def end(self) -> list[Good]:
        """The last line, and what is wrong with the file as a whole."""
        found = list(self._check_all(self._cutter.end()))
        if not self.lines and not self.problems:
            self.problems.append(Problem("empty_file", "the file holds no line; write one each"))
        return found

    def _check_all(self, cuts: Iterator[Cut]) -> Iterator[Good]:
        for cut in cuts:
            if self.given_up:
                return
            found = self._check(cut)
            if isinstance(found, Problem):
                self.problems.append(found)
            else:
                yield found

    def _check(self, cut: Cut) -> Good | Problem:
        number = cut.number
        self.lines += 1
        if self.lines > self._max_lines:
            told = f"a batch has at most {self._max_lines} lines; divide the file"
            return Problem("too_many_lines", told, number)
        if cut.data is None:
            told = f"the line is over {self._longest} bytes; the file is not read on"
            return Problem("line_too_long", told, number)
        try:
            line = parse(cut.data, self._url)
        except RequestError as error:
            return Problem(error.code or "invalid_line", error.message, number, error.param)
        self._url = line.url
        digest = blake2b(line.custom_id.encode(), digest_size=16).digest()
        if digest in self._ids:
            told = "custom_id: another line has the same; answers could not be told apart"
            return Problem("duplicate_custom_id", told, number, "custom_id")
        self._ids.add(digest)
        return Good(number, line.custom_id, cut.offset, cut.length)


_FATAL: Final = frozenset({"too_many_lines", "line_too_long"})


class InputLine(BaseModel):
    """A line of an input file, whatever its endpoint."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    custom_id: Annotated[str, Field(min_length=1, max_length=MAX_ID)]
    method: Literal["POST"]
    url: str
    body: Any


_LINES: Final[dict[str, type[InputLine]]] = {
    url: create_model("InputLine", __base__=InputLine, body=(endpoint.request, ...))
    for url, endpoint in ENDPOINTS.items()
}


def parse(data: bytes, url: str | None) -> InputLine:
    """A line whose `body` is the request of its endpoint. Raises `RequestError` with a code."""
    try:
        if url is None:  # the first line says which
            url = _known(InputLine.model_validate_json(data).url)
        line = _LINES[url].model_validate_json(data)
    except ValidationError as error:
        found = from_validation(error.errors(include_url=False)[:10], skipped=0)
        if found.param is None:  # not a JSON object: what is told of bodies would mislead
            raise RequestError(_unreadable(error), code="invalid_json_line") from error
        found.code = _code(data, found.param)
        raise found from error
    if _holds_no_number(data):
        raise RequestError(
            "the line holds NaN or Infinity, which JSON does not know; write null or leave it out",
            code="invalid_json_line",
        )
    if line.url != url:
        told = f"url: must be {url}, as in the whole batch"
        raise RequestError(told, param="url", code="invalid_url")
    if _CONTROLS.search(line.custom_id):
        told = "custom_id: must not hold control characters"
        raise RequestError(told, param="custom_id", code="invalid_custom_id")
    try:
        check(ENDPOINTS[url], line.body)
    except RequestError as error:
        told = f"body.{error.message}"
        raise RequestError(told, param=f"body.{error.param}", code="invalid_body") from error
    return line


def _holds_no_number(data: bytes) -> bool:
    """Whether only a lenient parser reads it, for its NaN or Infinity."""
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return True
    return False


def _known(url: str) -> str:
    if url not in ENDPOINTS:
        known = " or ".join(ENDPOINTS)
        raise RequestError(f"url: must be {known}", param="url", code="invalid_url")
    return url


def _unreadable(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    if first["type"] != "json_invalid":
        return "the line must be a JSON object"
    return f"the line is not valid JSON: {first.get('ctx', {}).get('error', first['msg'])}"


def _code(data: bytes, param: str) -> str:
    """A word for what is wrong, by the field that is."""
    name = param.partition(".")[0]
    if name == "custom_id" and b'"custom_id"' not in data:
        return "missing_custom_id"
    return f"invalid_{name}"
