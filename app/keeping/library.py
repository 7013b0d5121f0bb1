"""The kept solutions: what clients ask of them, wherever they are made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Any, Final

from app.errors import NotFoundError, StoreError
from app.keeping.commits import Commits
from app.keeping.journal import Journal
from app.keeping.replica import Lease
from app.solving.record import verification
from app.store.solutions import ConflictError, Kept, Query, SolutionStore
from app.web import sse
from statespace.solutions import Solution
from statespace.trace import Transition

POLL_S: Final = 0.25
"""How often a reader looks for events of a solution that another replica makes."""
_PAGE: Final = 500
MAX_WAITING: Final = 50_000
"""Events that may wait to be written."""
_MOST: Final = 10_000
"""Events of a solution: a few for each of at most 1,000 transitions on a path."""


class Library:
    """Solutions in the store, and the journals of those that are made here."""

    def __init__(
        self, store: SolutionStore, commits: Commits, lease: Lease, retention_s: float
    ) -> None:
        self.store = store
        self._commits = commits
        self._lease = lease
        self._retention_s = retention_s
        self._journals: dict[str, Journal] = {}
        self.settled: Callable[[str], None] = lambda _: None
        """Told ids of solutions of which all is in the store."""

    def journal(self, solution_id: str, first: int = 0) -> Journal:
        """A journal for a solution that is made here, from event number `first` on."""
        journal = Journal(solution_id, self._commits.append, self._forget, first)
        self._journals[solution_id] = journal
        return journal

    def keep(self, **values: Any) -> Kept:
        """A new row, leased by this process."""
        now = time.time()
        return Kept(
            **values,
            created_at=now,
            expires_at=now + self._retention_s,
            leased_by=self._lease.name,
            leased_until=self._lease.until(),
        )

    async def insert(self, kept: Kept) -> Kept | None:
        """Keep `kept` before its run begins; the earlier one if its idempotency key was used."""
        try:
            await self.store.insert(kept)
        except ConflictError:
            self._forget(kept.id)
            return await self.store.by_key(kept.owner, kept.idempotency_key or "")
        except BaseException:
            self._forget(kept.id)
            raise
        return None

    def is_settled(self, solution_id: str) -> bool:
        """Whether the store has all that this process has to write of it."""
        return solution_id not in self._journals

    def insert_behind(self, kept: Kept) -> None:
        """Keep `kept` soon, without waiting."""
        self._commits.insert(kept)

    async def get(self, solution_id: str, owner: str, kind: str = "solution") -> Kept:
        """Raises `NotFoundError` for another owner's as for none."""
        kept = await self.store.get(solution_id, owner)
        if kept is None or kept.kind != kind:
            raise not_found(solution_id)
        return kept

    async def solution(self, kept: Kept) -> Solution:
        """The solution as it stands; one that is not over is put together from its events."""
        solution = Solution.model_validate_json(kept.body)
        if kept.over:
            return solution
        transitions: list[Transition] = []
        for _, frame in await self.store.frames(kept.id, -1, _MOST):
            payload = sse.payload(frame)
            if payload["type"] == "solution.in_progress":  # it began, began anew, or goes on
                standing = payload["solution"]["transitions"]
                transitions = [Transition.model_validate(one) for one in standing]
            elif payload["type"] == "transition.completed":
                transitions.append(Transition.model_validate(payload["transition"]))
        verdicts = [transition.verdict for transition in transitions]
        return solution.model_copy(
            update={
                "status": kept.status,
                "transitions": tuple(transitions),
                "verification": verification(verdicts),
            }
        )

    async def page(self, query: Query) -> tuple[list[Kept], bool]:
        """A page, and whether there is more. Raises `NotFoundError` for an unknown `after`."""
        if query.after is not None and await self.store.get(query.after, query.owner) is None:
            raise not_found(query.after)
        return await self.store.page(query)

    async def ended(self, kept: Kept, patience_s: float) -> Kept:
        """It, once it is over; as it stands if that takes longer than `patience_s`."""
        deadline = time.monotonic() + patience_s
        while not kept.over and time.monotonic() < deadline:
            await asyncio.sleep(POLL_S)
            kept = await self.store.get(kept.id) or kept
        return kept

    async def written(self, solution_id: str, patience_s: float) -> None:
        """Returns once the store has all that this process had to write of it.

        Raises `StoreError` if that takes longer than `patience_s`.
        """
        if (journal := self._journals.get(solution_id)) is not None:
            try:
                await asyncio.wait_for(journal.over(), patience_s)
            except TimeoutError:
                raise StoreError("the store does not keep up; try again soon") from None

    async def hand_over(self, ids: Sequence[str], *, died: bool = False) -> None:
        """Let go of solutions that have not ended, so that any server can go on with them at once.

        If something has `died` over them it counts as an attempt. If the store cannot be reached
        their leases run out by themselves.
        """
        if not ids:
            return
        await self._commits.settle()
        for solution_id in ids:
            if (journal := self._journals.get(solution_id)) is not None:
                journal.end()
        with suppress(StoreError):
            await self.store.release(ids, self._lease.name, died=died)

    def check_room(self) -> None:
        """Raises `StoreError` while more waits to be written than memory should hold."""
        if self._commits.waiting > MAX_WAITING:
            raise StoreError("the store does not keep up; try again soon, or with store: false")

    async def follow(
        self, solution_id: str, after: int, heartbeat_s: float
    ) -> AsyncGenerator[bytes, None]:
        """Frames after event number `after`, and what follows, to the end event.

        It ends without one only if the solution is deleted meanwhile.
        """
        silent_since = time.monotonic()
        while True:
            journal = self._journals.get(solution_id)
            if journal is not None and after >= journal.first - 1:
                async with aclosing(journal.read(after, heartbeat_s)) as pieces:
                    async for piece in pieces:
                        yield piece
                # Unless another replica has taken it over, that was all.
                after = max(after, journal.newest)
            with suppress(StoreError):  # a reader waits until the store comes back
                frames = await self.store.frames(solution_id, after, _PAGE)
                if frames:
                    after, last = frames[-1]
                    yield b"".join(frame for _, frame in frames)
                    silent_since = time.monotonic()
                    if sse.is_end(last):
                        return
                    continue
                kept = await self.store.get(solution_id)
                if kept is None or (kept.over and after >= kept.last_sequence):
                    return
            if time.monotonic() - silent_since > heartbeat_s:
                silent_since = time.monotonic()
                yield sse.HEARTBEAT
            await asyncio.sleep(POLL_S)

    def _forget(self, solution_id: str) -> None:
        """The journal is of no use any more: everything is in the store."""
        self._journals.pop(solution_id, None)
        self.settled(solution_id)


def not_found(solution_id: str) -> NotFoundError:
    """The error for what does not exist, or not for this owner."""
    return NotFoundError(
        f"there is no {solution_id[:100]!r} here; it may have been deleted or have expired",
        code="not_found",
    )
