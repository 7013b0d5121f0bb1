"""A client of the solutions API: events as typed values."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Final, Self

import httpx2
from pydantic import ValidationError

from statespace.events import Ended, Event, event_adapter
from statespace.solutions import SolutionRequest

KEY_VARIABLE: Final = "STATEWISE_API_KEY"
"""The environment variable that holds the API key, for servers that need one."""
CONNECT_S: Final = 5.0
SILENCE_S: Final = 60.0
"""Longest silence in a stream: servers send a comment well before that."""


class ServerError(Exception):
    """The server refused a request or cannot be reached; `status` is None in the latter case."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Client:
    """Talks to one server. Usable as a context manager. Raises `ServerError` for a bad URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        timeout = httpx2.Timeout(SILENCE_S, connect=CONNECT_S)
        # A proxy of the environment is not asked for: servers are named by the user.
        try:
            self._http = httpx2.Client(
                base_url=url, timeout=timeout, trust_env=False, headers=key_header()
            )
        except httpx2.InvalidURL as error:
            raise ServerError(f"{url} is no address of a server: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def lines(self, request: SolutionRequest) -> Iterator[str]:
        """The JSON of each event of a streamed request. Raises `ServerError`."""
        body = request.model_dump(mode="json", exclude_unset=True)
        try:
            with self._http.stream("POST", "/v1/solutions", json=body) as response:
                if response.status_code != httpx2.codes.OK:
                    raise _refusal(response)
                if not response.headers.get("content-type", "").startswith("text/event-stream"):
                    raise ServerError(f"no Statewise server answers at {self.url}")
                line = None
                for line in _data(response.iter_lines()):
                    yield line
                if line is None or not isinstance(parse(line), Ended):
                    raise ServerError(f"{self.url} went silent before the solution had ended")
        except httpx2.HTTPError as error:
            raise ServerError(
                f"no answer from {self.url}: {error or type(error).__name__}"
            ) from error

    def events(self, request: SolutionRequest) -> Iterator[Event]:
        """The events of a streamed request; the last one ends the solution."""
        for line in self.lines(request):
            yield parse(line)

    def startup(self) -> dict[str, Any]:
        """The phase that the server is in. Raises `ServerError` if it cannot be reached."""
        try:
            found: dict[str, Any] = self._http.get("/startupz").json()
        except (httpx2.HTTPError, ValueError) as error:
            raise ServerError(f"no Statewise server answers at {self.url}: {error}") from error
        return found


def key_header() -> dict[str, str]:
    """The header with the key of the environment, if there is one."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    return {"Authorization": f"Bearer {key}"} if key else {}


def parse(line: str) -> Event:
    """An event from its JSON. Raises `ServerError` for what this version does not know."""
    try:
        return event_adapter.validate_json(line)
    except ValidationError as error:
        raise ServerError(f"the server sent no known event: {error.errors()[0]['msg']}") from error


def _data(lines: Iterable[str]) -> Iterator[str]:
    """The data of server-sent events; ours are one line each."""
    for line in lines:
        if line.startswith("data: "):
            yield line[6:]


def _refusal(response: httpx2.Response) -> ServerError:
    content = response.read()
    try:
        message = json.loads(content)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = f"the server answered {response.status_code}"
    if response.status_code == httpx2.codes.UNAUTHORIZED:
        message += f"; this client takes the key from {KEY_VARIABLE}"
    return ServerError(message, response.status_code)
