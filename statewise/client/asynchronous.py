"""The client for programs with an event loop: the same methods, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, aclosing, asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx2

from statespace.checking import CheckResult
from statespace.events import Event
from statespace.solutions import Solution, SolutionRequest, Status
from statewise.client import calls, http
from statewise.client.asynchronous_batches import AsyncBatches
from statewise.client.attempts import PATIENCE_S, Attempts, Pulse
from statewise.client.calls import Call, Options, SolveOptions
from statewise.client.errors import ServerError
from statewise.client.following import Following
from statewise.client.objects import Model

Value = TypeVar("Value")


class AsyncEventStream:
    """The events of a solution, to be read once. Leaving the block ends the solution.

        async with client.stream("What is 12 * 7?") as stream:
            async for event in stream: …

    As `EventStream`; a loop without the block ends the solution too when it is left, but later.
    """

    def __init__(self, client: AsyncClient, following: Following, *, owned: bool) -> None:
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

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._events()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def result(self) -> Solution:
        """The solution at its end, the events before it left unread."""
        async for _ in self:
            pass
        if self._following.solution is not None:
            return self._following.solution
        assert self._following.solution_id is not None
        return await self._client.get(self._following.solution_id)

    async def aclose(self) -> None:
        """Read no more; a solution that was begun here and has not ended is cancelled."""
        if self._left or self._following.over:
            return
        self._left = True
        if self._owned:
            # A reader that is cancelled must not leave its solution running.
            await asyncio.shield(self._leave())

    async def _leave(self) -> None:
        following = self._following
        with suppress(ServerError):
            if following.in_doubt and following.resumable:
                await self._find()
            if following.solution_id is not None:
                cancel = calls.cancel(following.solution_id)
                await self._client.send(cancel, hurry_s=http.LEAVE_S)

    async def _events(self) -> AsyncGenerator[Event]:
        following = self._following
        attempts = self._client.attempts()
        self._client.streams.add(self)
        try:
            while not (following.over or self._left):
                try:
                    async with aclosing(self._connected(attempts)) as events:
                        async for event in events:
                            attempts.heard()
                            yield event
                except ServerError as error:
                    following.failed(error)
                    await asyncio.sleep(attempts.wait_s(error))
        finally:
            self._client.streams.discard(self)
            await self.aclose()

    async def _connected(
        self, attempts: Attempts, hurry_s: float | None = None
    ) -> AsyncGenerator[Event]:
        """The events of one connection. Raises `ServerError` if it ends before the solution."""
        following = self._following
        async with self._client.opened(following.call(), hurry_s) as response:
            kind = response.headers.get("content-type", "")
            if not following.answered(response.status_code, kind):
                return
            with attempts.listening(response):
                async for found in httpx2.EventSource(response, http.MAX_EVENT):
                    event = following.take(found.data)
                    if event is not None:
                        yield event
                    if following.over:
                        return
            following.cut()

    async def _find(self) -> None:
        """Learn the id of a solution whose first event was not seen: the same request again."""
        async with aclosing(self._connected(self._client.attempts(), http.LEAVE_S)) as events:
            await anext(events, None)


class AsyncClient:
    """Talks to one server, as `Client` does, for any number of tasks. All methods raise
    `ServerError`."""

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
        self.streams: set[AsyncEventStream] = set()
        """Streams that are being read; they are left when the client is closed."""
        try:
            self._http = httpx2.AsyncClient(**http.settings(url, api_key, connections))
        except httpx2.InvalidURL as error:
            raise http.no_address(url, error) from error
        self.batches = AsyncBatches(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Leave the streams that are being read, and close the connections."""
        for stream in list(self.streams):
            await stream.aclose()
        await self._http.aclose()

    async def solve(
        self, question: str | SolutionRequest, **options: Unpack[SolveOptions]
    ) -> Solution:
        """The solution of a problem at its end, however it ends: see its `status`.

        Raises `ValueError` for options that are none.
        """
        async with self.stream(question, **options) as stream:
            return await stream.result()

    def stream(
        self, question: str | SolutionRequest, **options: Unpack[SolveOptions]
    ) -> AsyncEventStream:
        """The events of a new solution, as they happen; with `deltas` also growing outputs."""
        begun = calls.begin(question, options, stream=True)
        return AsyncEventStream(self, Following(begun, None, -1), owned=True)

    async def start(
        self, question: str | SolutionRequest, **options: Unpack[SolveOptions]
    ) -> Solution:
        """Begin a solution that goes on by itself; `follow` reads it, `get` says how it stands.

        With `store=False` there would be nothing to come back to: it is waited for.
        """
        return await self.send(calls.begin(question, options, stream=False))

    def follow(self, solution_id: str, *, after: int = -1) -> AsyncEventStream:
        """Events of a solution after number `after`, and those to come; leaving ends nothing."""
        return AsyncEventStream(self, Following(None, solution_id, after), owned=False)

    async def fork(
        self,
        solution_id: str,
        state: int,
        output: str | None = None,
        **options: Unpack[Options],
    ) -> Solution:
        """A new solution from a state of another, which may say something else; at its end."""
        async with self.stream_fork(solution_id, state, output, **options) as stream:
            return await stream.result()

    def stream_fork(
        self,
        solution_id: str,
        state: int,
        output: str | None = None,
        **options: Unpack[Options],
    ) -> AsyncEventStream:
        """The events of a fork."""
        begun = calls.fork(solution_id, state, output, options, stream=True)
        return AsyncEventStream(self, Following(begun, None, -1), owned=True)

    async def get(self, solution_id: str) -> Solution:
        """A solution as it stands."""
        return await self.send(calls.get(solution_id))

    async def list(
        self,
        *,
        limit: int | None = None,
        ascending: bool = False,
        status: Status | str | None = None,
        model: str | None = None,
        strategy: str | None = None,
    ) -> AsyncGenerator[Solution]:
        """Kept solutions, newest first, up to `limit`; pages are fetched as they are needed."""
        left = limit
        after = None
        while left is None or left > 0:
            page = await self.send(
                calls.solutions(
                    limit=http.PAGE if left is None else min(left, http.PAGE),
                    after=after,
                    ascending=ascending,
                    status=status,
                    model=model,
                    strategy=strategy,
                )
            )
            for solution in page.data:
                yield solution
            if not page.has_more:
                return
            after = page.last_id
            left = None if left is None else left - len(page.data)

    async def cancel(self, solution_id: str) -> Solution:
        """End a solution; one that has ended stays as it is."""
        return await self.send(calls.cancel(solution_id))

    async def delete(self, solution_id: str) -> None:
        """Delete a solution and its events; one that is being made is cancelled first."""
        await self.send(calls.delete("solutions", solution_id))

    async def verify(self, line: str | None = None, *, trace: str | None = None) -> CheckResult:
        """Check a line or a trace, without a model. Raises `ValueError` for neither or both."""
        return await self.send(calls.verify(line, trace))

    # Not `list[…]`: in this class that is the method.
    async def models(self) -> tuple[Model, ...]:
        """The names that requests may give, with their strategies."""
        return (await self.send(calls.models())).data

    async def version(self) -> dict[str, Any]:
        """What runs there."""
        return await self.send(calls.described("/version"))

    def attempts(self) -> Attempts:
        """The attempts of a call that begins now."""
        return Attempts(self._patience_s, self._pulse)

    async def send(self, call: Call[Value], *, hurry_s: float | None = None) -> Value:
        """What the server answers to `call`, tried again while that may help.

        With `hurry_s` neither an answer nor a server is waited for longer than that.
        """
        content, _ = await self.exchange(call, hurry_s)
        return call.read(content)

    async def exchange(self, call: Call[Any], hurry_s: float | None = None) -> tuple[bytes, str]:
        """The same as bytes, and the request's id."""
        attempts = Attempts(self._patience_s if hurry_s is None else hurry_s, self._pulse)
        while True:
            try:
                async with self.opened(call, hurry_s) as response:
                    content = await response.aread()
                attempts.heard()
                return content, response.headers.get("x-request-id", "")
            except ServerError as error:
                if call.gone_is_done and attempts.failed_before and error.status == http.GONE:
                    return b"", ""
                if not http.may_repeat(call, error):
                    raise
                await asyncio.sleep(attempts.wait_s(error))

    @asynccontextmanager
    async def opened(
        self, call: Call[Any], hurry_s: float | None = None
    ) -> AsyncGenerator[httpx2.Response]:
        """A response that is read while it comes. Raises `ServerError`, also in the block."""
        try:
            with ExitStack() as stack:
                arguments = http.arguments(call, stack, hurry_s)
                async with self._http.stream(call.method, call.path, **arguments) as response:
                    if not response.is_success:
                        await response.aread()
                    http.check(response)
                    yield response
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise http.meaning(self.url, error) from error
