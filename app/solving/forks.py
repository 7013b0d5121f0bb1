"""Forks: solutions that go on from a state of another one, as it was or put right by a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from pydantic import BaseModel

from app.errors import RequestError
from statespace import text
from statespace.reader import TraceReader
from statespace.solutions import ForkRequest, Solution, SolutionRequest, Source
from statespace.trace import Origin, Transition


class Fork(BaseModel, frozen=True):
    """What a solution has from another one."""

    source: Source
    given: tuple[Transition, ...]
    """The path up to the state, oldest first; it costs nothing here."""

    @classmethod
    def kept(cls, extra: dict[str, Any] | None) -> Self | None:
        """The fork that was kept beside a solution, if it is one."""
        found = (extra or {}).get("fork")
        return None if found is None else cls.model_validate(found)

    @classmethod
    def source_of(cls, extra: dict[str, Any] | None) -> Source | None:
        """The state that a solution was forked from, if it was."""
        found = cls.kept(extra)
        return None if found is None else found.source

    def extra(self) -> dict[str, Any]:
        """As it is kept beside a solution."""
        return {"fork": self.model_dump(mode="json")}

    @property
    def written(self) -> str:
        """The path as the model would have written it, ready to be gone on with."""
        return written(self.given)


def written(transitions: Sequence[Transition]) -> str:
    """Transitions as the model would have written them, ready to be gone on with."""
    states = (
        f"{text.labelled(given.number or given.id, given.label)} {given.output}{text.SEPARATOR}"
        for given in transitions
    )
    return "".join(states)


def fork(solution: Solution, request: ForkRequest) -> Fork:
    """Where the new solution begins. Raises `RequestError` naming the field."""
    source = Source(solution_id=solution.id, state=request.state)
    path = _path(solution.transitions, request.state)
    if request.output is not None:
        if not path:
            raise RequestError(
                "output: state 0 is the question; to ask another one, POST it to /v1/solutions",
                param="output",
            )
        path[-1] = _corrected(path, request.output)
    costless = {"path": 0, "tokens": 0, "seconds": 0.0}
    return Fork(source=source, given=tuple(given.model_copy(update=costless) for given in path))


def request_of(solution: Solution, request: ForkRequest) -> SolutionRequest:
    """What is to be solved: the same question, in the manner that is asked for."""
    told = request.model_fields_set - {"state", "output"}
    return SolutionRequest(
        question=solution.question,
        model=solution.model,
        plain=solution.text is not None,
        **{name: getattr(request, name) for name in told},
    )


def _path(transitions: Sequence[Transition], state: int) -> list[Transition]:
    known = {transition.id: transition for transition in transitions}
    if state and state not in known:
        states = ", ".join(map(str, [0, *list(known)[:20]])) + (" …" if len(known) > 20 else "")
        raise RequestError(
            f"state: the solution has no state {state}; it has {states}", param="state"
        )
    path: list[Transition] = []
    while state:
        path.append(known[state])
        state = known[state].parent
    return path[::-1]


def _corrected(path: Sequence[Transition], output: str) -> Transition:
    """The newest transition of `path` as a person has put it, checked like any other."""
    reader = TraceReader()
    reader.adopt(path[:-1])
    return reader.correct(path[-1], output, Origin.USER)
