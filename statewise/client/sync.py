"""The client for programs without an event loop."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx2

from statespace.checking import CheckResult
from statespace.events import Event
from statespace.solutions import Solution, SolutionRequest, Status
from statewise.client import calls, http
from statewise.client.attempts import PATIENCE_S, Attempts, Pulse
from statewise.client.batches import Batches
from statewise.client.calls import Call, Options, SolveOptions
from statewise.client.errors import ServerError
from statewise.client.following import Following
from statewise.client.objects import Model

Value = TypeVar("Value")


class EventStream:
    """The events of a solution, to be read once. Leaving the loop or the block ends the solution.

        with client.stream("What is 12 * 7?") as stream:
            for event in stream: …

    A cut connection is made again, and the stream goes on where it was. Reading raises
    `ServerError` when there is no going on.
    """

    def __init__(self, client: Client, following: Following, *, owned: bool) -> None:
        self._client = client
        self._following = following
        self._owned = owned
        self._left = False

    @property
    def solution_id(self) -> str | None:
        """The solution's id, from the first event on."""
        return self._following.solution_id

    @property
    def last(self) -> int:
        """The number of the newest event: where `follow` is to go on."""
        return self._following.last

    @property
    def solution(self) -> Solution | None:
        """The solution at its end; None before."""
        return self._following.solution

    def __iter__(self) -> Iterator[Event]:
        # The stream keeps no reference to it: a loop that is left closes it at once.
        return self._events()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def result(self) -> Solution:
        """The solution at its end, the events before it left unread."""
        for _ in self:
            pass
        if self._following.solution is not None:
            return self._following.solution
        assert self._following.solution_id is not None
        return self._client.get(self._following.solution_id)

    def close(self) -> None:
        """Read no more; a solution that was begun here and has not ended is cancelled."""
        following = self._following
        if self._left or following.over:
            return
        self._left = True
        if not self._owned:
            return
        with suppress(ServerError):
            if following.in_doubt and following.resumable:
                self._find()
            if following.solution_id is not None:
                self._client.send(calls.cancel(following.solution_id), hurry_s=http.LEAVE_S)

    def _events(self) -> Generator[Event]:
        following = self._following
        attempts = self._client.attempts()
        try:
            while not (following.over or self._left):
                try:
                    for event in self._connected(attempts):
                        attempts.heard()
                        yield event
                except ServerError as error:
                    following.failed(error)
                    time.sleep(attempts.wait_s(error))
        finally:
            self.close()

    def _connected(self, attempts: Attempts, hurry_s: float | None = None) -> Generator[Event]:
        """The events of one connection. Raises `ServerError` if it ends before the solution."""
        following = self._following
        with self._client.opened(following.call(), hurry_s) as response:
            kind = response.headers.get("content-type", "")
            if not following.answered(response.status_code, kind):
                return
            with attempts.listening(response):
                for found in httpx2.EventSource(response, http.MAX_EVENT):
                    event = following.take(found.data)
                    if event is not None:
                        yield event
                    if following.over:
                        return
            following.cut()

    def _find(self) -> None:
        """Learn the id of a solution whose first event was not seen: the same request again."""
        events = self._connected(self._client.attempts(), http.LEAVE_S)
        next(events, None)
        events.close()


class Client:
    """Talks to one server. Usable as a context manager, and by several threads at a time.

    Without an `api_key` the one in STATEWISE_API_KEY is sent, if there is one. What fails and may
    pass (no connection, 429, 503) is tried again, after as long as the server says, until nothing
    was heard of it for `patience_s`. All methods raise `ServerError`.
    """

    def __init__(
        self,
        url: str = http.URL,
        *,
        api_key: str | None = None,
        patience_s: float = PATIENCE_S,
        connections: int | None = None,
    ) -> None:
        """Raises `ServerError` for a URL that is none."""
        self.url = url.rstrip("/")
        self._patience_s = patience_s
        self._pulse = Pulse()
        try:
            self._http = httpx2.Client(**http.settings(url, api_key, connections))
        except httpx2.InvalidURL as error:
            raise http.no_address(url, error) from error
        self.batches = Batches(self)

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

    def solve(self, question: str | SolutionRequest, **options: Unpack[SolveOptions]) -> Solution:
        """The solution of a problem at its end, however it ends: see its `status`.

        Raises `ValueError` for options that are none.
        """
        with self.stream(question, **options) as stream:
            return stream.result()

    def stream(
        self, question: str | SolutionRequest, **options: Unpack[SolveOptions]
    ) -> EventStream:
        """The events of a new solution, as they happen; with `deltas` also growing outputs."""
        begun = calls.begin(question, options, stream=True)
        return EventStream(self, Following(begun, None, -1), owned=True)

    def start(self, question: str | SolutionRequest, **options: Unpack[SolveOptions]) -> Solution:
        """Begin a solution that goes on by itself; `follow` reads it, `get` says how it stands.

        With `store=False` there would be nothing to come back to: it is waited for.
        """
        return self.send(calls.begin(question, options, stream=False))

    def follow(self, solution_id: str, *, after: int = -1) -> EventStream:
        """Events of a solution after number `after`, and those to come; leaving ends nothing."""
        return EventStream(self, Following(None, solution_id, after), owned=False)

    def fork(
        self,
        solution_id: str,
        state: int,
        output: str | None = None,
        **options: Unpack[Options],
    ) -> Solution:
        """A new solution from a state of another, which may say something else; at its end."""
        with self.stream_fork(solution_id, state, output, **options) as stream:
            return stream.result()

    def stream_fork(
        self,
        solution_id: str,
        state: int,
        output: str | None = None,
        **options: Unpack[Options],
    ) -> EventStream:
        """The events of a fork."""
        begun = calls.fork(solution_id, state, output, options, stream=True)
        return EventStream(self, Following(begun, None, -1), owned=True)

    def get(self, solution_id: str) -> Solution:
        """A solution as it stands."""
        return self.send(calls.get(solution_id))

    def list(
        self,
        *,
        limit: int | None = None,
        ascending: bool = False,
        status: Status | str | None = None,
        model: str | None = None,
        strategy: str | None = None,
    ) -> Iterator[Solution]:
        """Kept solutions, newest first, up to `limit`; pages are fetched as they are needed."""
        left = limit
        after = None
        while left is None or left > 0:
            page = self.send(
                calls.solutions(
                    limit=http.PAGE if left is None else min(left, http.PAGE),
                    after=after,
                    ascending=ascending,
                    status=status,
                    model=model,
                    strategy=strategy,
                )
            )
            yield from page.data
            if not page.has_more:
                return
            after = page.last_id
            left = None if left is None else left - len(page.data)

    def cancel(self, solution_id: str) -> Solution:
        """End a solution; one that has ended stays as it is."""
        return self.send(calls.cancel(solution_id))

    def delete(self, solution_id: str) -> None:
        """Delete a solution and its events; one that is being made is cancelled first."""
        self.send(calls.delete("solutions", solution_id))

    def verify(self, line: str | None = None, *, trace: str | None = None) -> CheckResult:
        """Check a line or a trace, without a model. Raises `ValueError` for neither or both."""
        return self.send(calls.verify(line, trace))

    # Not `list[…]`: in this class that is the method.
    def models(self) -> tuple[Model, ...]:
        """The names that requests may give, with their strategies."""
        return self.send(calls.models()).data

    def version(self) -> dict[str, Any]:
        """What runs there."""
        return self.send(calls.described("/version"))

    def startup(self) -> dict[str, Any]:
        """The phase that the server is in; not tried again."""
        call = calls.described("/startupz")
        try:
            response = self._http.request(call.method, call.path)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise http.meaning(self.url, error) from error
        return call.read(response.content)

    def metrics(self) -> str:
        """The server's metrics, in Prometheus' text format."""
        return self.send(Call("GET", "/metrics", bytes.decode))

    def attempts(self) -> Attempts:
        """The attempts of a call that begins now."""
        return Attempts(self._patience_s, self._pulse)

    def send(self, call: Call[Value], *, hurry_s: float | None = None) -> Value:
        """What the server answers to `call`, tried again while that may help.

        With `hurry_s` neither an answer nor a server is waited for longer than that.
        """
        content, _ = self.exchange(call, hurry_s)
        return call.read(content)

    def exchange(self, call: Call[Any], hurry_s: float | None = None) -> tuple[bytes, str]:
        """The same as bytes, and the request's id."""
        attempts = Attempts(self._patience_s if hurry_s is None else hurry_s, self._pulse)
        while True:
            try:
                with self.opened(call, hurry_s) as response:
                    content = response.read()
                attempts.heard()
                return content, response.headers.get("x-request-id", "")
            except ServerError as error:
                if call.gone_is_done and attempts.failed_before and error.status == http.GONE:
                    return b"", ""
                if not http.may_repeat(call, error):
                    raise
                time.sleep(attempts.wait_s(error))

    @contextmanager
    def opened(self, call: Call[Any], hurry_s: float | None = None) -> Generator[httpx2.Response]:
        """A response that is read while it comes. Raises `ServerError`, also in the block."""
        try:
            with ExitStack() as stack:
                arguments = http.arguments(call, stack, hurry_s)
                with self._http.stream(call.method, call.path, **arguments) as response:
                    if not response.is_success:
                        response.read()
                    http.check(response)
                    yield response
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise http.meaning(self.url, error) from error
