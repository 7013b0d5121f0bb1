"""Log lines: one form for the service, the libraries under it, and the engine's own process.

A line is a JSON object, or text for a person at a terminal. What others have sent is data in it:
escaped, of bounded length, and without questions, answers and keys. Messages of unforeseen errors
may repeat what they failed on, so they are left out, too, unless `log_content` is on.
"""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import structlog

from app.errors import AppError, RequestError
from app.settings import Settings
from app.tracing.current import Current

MAX_TEXT: Final = 2_000
"""Characters of a value."""
MAX_EXCEPTION: Final = 16_000
MAX_FRAMES: Final = 30
MAX_ERRORS: Final = 8
"""Errors of a chain or group that are told."""
MAX_ITEMS: Final = 50
MAX_DEPTH: Final = 3
LEFT_OUT: Final = "(left out; STATEWISE_LOG_CONTENT shows it)"
FORMAT: Final = "STATEWISE_LOG_FORMAT"
EXCEPTION: Final = "exception"
_CONFIG: Final = Path(__file__).with_name("logs_engine.json")
"""What vLLM is told of logging, in each of its processes."""
_TOLD_ALREADY: Final = "Exception in ASGI application"
"""uvicorn's line for what the service has logged as `internal_error`."""

Fields = MutableMapping[str, Any]
Render = Callable[[Fields], str]


class Content:
    """What clients or the model have written: in lines only where `log_content` is on."""

    def __init__(self, text: str | None) -> None:
        self.text = text

    def __repr__(self) -> str:
        return LEFT_OUT


def configure(settings: Settings) -> None:
    """Have all lines of this process written to standard output in one form."""
    level = getattr(logging, settings.log_level.upper())
    formatter = Formatter(settings)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            formatter.processor,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(),
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    handler.addFilter(lambda record: not str(record.msg).startswith(_TOLD_ALREADY))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO if level == logging.DEBUG else logging.WARNING)
    logging.captureWarnings(True)


def form(settings: Settings) -> str:
    """`console` or `json`."""
    if settings.log_format != "auto":
        return settings.log_format
    return "console" if sys.stdout.isatty() else "json"


def for_engine(settings: Settings) -> dict[str, str]:
    """Variables that have vLLM, also in its own processes, write the same lines."""
    return {"VLLM_LOGGING_CONFIG_PATH": str(_CONFIG), FORMAT: form(settings)}


def engine_handler() -> logging.Handler:
    """Writes the lines of vLLM's loggers, in whichever of its processes it is asked for."""
    settings = Settings()
    logging.getLogger("vllm").setLevel(os.environ.get("VLLM_LOGGING_LEVEL", "INFO").upper())
    if not logging.getLogger().handlers:  # a process that vLLM has started
        configure(settings)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Formatter(settings))
    return handler


class Formatter(logging.Formatter):
    """Writes the lines of the service and those of libraries."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._content = settings.log_content
        self._render = _console() if form(settings) == "console" else as_json

    def processor(self, _: Any, __: str, fields: Fields) -> str:
        """The last of structlog's processors."""
        if found := _exception_of(fields.pop("exc_info", None)):
            fields[EXCEPTION] = told(found, whole=self._content)
        for name in [name for name, value in fields.items() if isinstance(value, Content)]:
            content = fields.pop(name)
            if self._content:
                fields[name] = content.text
        return self._line(datetime.now(UTC), fields.pop("level", "info"), fields)

    def format(self, record: logging.LogRecord) -> str:
        """A line of a library."""
        fields: dict[str, Any] = {"event": _message(record), "logger": record.name}
        if process := getattr(record, "vllm_process_name", None):
            fields["process"] = process
        fields |= structlog.contextvars.get_contextvars()
        if found := _exception_of(record.exc_info):
            # What fails in the engine is known by its message; vLLM keeps prompts out of them.
            whole = self._content or record.name.partition(".")[0] == "vllm"
            fields[EXCEPTION] = told(found, whole=whole)
        return self._line(
            datetime.fromtimestamp(record.created, UTC), record.levelname.lower(), fields
        )

    def _line(self, at: datetime, level: str, fields: Fields) -> str:
        head = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": level,
            "event": fields.pop("event", ""),
        }
        return self._render(bounded({**head, **fields, **Current.ids()}))


def as_json(fields: Fields) -> str:
    """A JSON object in ASCII: neither a line break nor an escape of a terminal is in it."""
    try:
        return json.dumps(fields, allow_nan=False, default=repr)
    except (ValueError, TypeError, RecursionError) as error:
        return json.dumps({"level": "error", "event": "log_line", "error": type(error).__name__})


def _console() -> Render:
    colors = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    renderer = structlog.dev.ConsoleRenderer(colors=colors, timestamp_key="time", sort_keys=False)

    def render(fields: Fields) -> str:
        told = {key: _harmless(value, "\n" * (key == EXCEPTION)) for key, value in fields.items()}
        return renderer(None, "", told)

    return render


def _harmless(value: Any, kept: str) -> Any:
    """Without what a terminal would obey, but for what is `kept`."""
    if value is None or isinstance(value, (int, float)):
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    return "".join(
        one if one.isprintable() or one in kept else one.encode("unicode_escape").decode()
        for one in text
    )


def bounded(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values of bounded size."""
    limits = {EXCEPTION: MAX_EXCEPTION}
    return {key: _bounded(value, limits.get(key, MAX_TEXT)) for key, value in fields.items()}


def _bounded(value: Any, limit: int, depth: int = 0) -> Any:
    if isinstance(value, str):
        return value if len(value) <= limit else f"{value[: limit - 1]}…"
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth < MAX_DEPTH and isinstance(value, Mapping):
        items = islice(value.items(), MAX_ITEMS)
        return {_bounded(str(key), limit): _bounded(one, limit, depth + 1) for key, one in items}
    if depth < MAX_DEPTH and isinstance(value, (list, tuple, set, frozenset)):
        return [_bounded(one, limit, depth + 1) for one in islice(value, MAX_ITEMS)]
    return _bounded(repr(value), limit)


def told(error: BaseException, *, whole: bool) -> str:
    """An error and what it came from, newest first: types and places, and messages if `whole`."""
    return "\n".join(
        line
        for one in islice(_chain(error), MAX_ERRORS)
        for line in (_named(one, whole=whole), *_places(one))
    )


def _named(error: BaseException, *, whole: bool) -> str:
    kind = type(error).__qualname__
    if not whole and not _says_nothing_of_users(error):
        return f"{kind}: {LEFT_OUT}"
    try:
        return f"{kind}: {str(error)[:MAX_TEXT]}"
    except Exception:  # a message that cannot be made must not end the line
        return kind


def _says_nothing_of_users(error: BaseException) -> bool:
    """Whether its message is of the service's own words, or the system's."""
    return isinstance(error, (AppError, OSError)) and not isinstance(error, RequestError)


def _places(error: BaseException) -> Iterator[str]:
    for frame in traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]:
        where = "/".join(Path(frame.filename).parts[-3:])
        yield f"  at {where}:{frame.lineno} {frame.name}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
        waiting.append(one.__cause__)
        if not one.__suppress_context__:
            waiting.append(one.__context__)


def _exception_of(info: Any) -> BaseException | None:
    """The error that `exc_info` means, in all the forms that it may have."""
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple):
        return info[1] if isinstance(info[1], BaseException) else None
    return sys.exc_info()[1] if info else None


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage().strip()
    except Exception:  # a library's own mistake
        return str(record.msg)
