"""What is sent: one value for each request, the same for both clients."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, TypedDict, TypeVar
from urllib.parse import quote
from uuid import uuid4

from pydantic import BaseModel, ValidationError

from statespace.checking import CheckRequest, CheckResult
from statespace.options import BeamOptions, GuidedOptions, VoteOptions
from statespace.solutions import ForkRequest, Manner, Solution, SolutionRequest, Status
from statewise.client.errors import ProtocolError
from statewise.client.objects import Batch, BatchPage, File, Models, Page

JSON: Final = {"content-type": "application/json"}

Value = TypeVar("Value")
Parsed = TypeVar("Parsed", bound=BaseModel)


class Options(TypedDict, total=False):
    """How something is to be solved: the fields of a request, without the question."""

    strategy: str
    guided: GuidedOptions
    vote: VoteOptions
    beam: BeamOptions
    max_tokens: int
    max_transitions: int
    temperature: float
    top_p: float
    seed: int
    timeout_s: float
    deltas: bool
    store: bool
    retry: bool
    metadata: dict[str, str]


class SolveOptions(Options, total=False):
    """The same with what only a new problem has."""

    model: str
    plain: bool


@dataclass(frozen=True, slots=True)
class Call(Generic[Value]):
    """A request and how its answer is read."""

    method: str
    path: str
    read: Callable[[bytes], Value]
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str | int] = field(default_factory=dict)
    upload: tuple[str, bytes | Path] | None = None
    """The name and content of a file that is sent as a form."""
    silence_s: float | None = None
    """How long an answer may take, if longer than usual."""
    repeatable: bool = True
    """Whether it may be sent again if it is not known whether it was served."""
    gone_is_done: bool = False
    """Whether "there is no such thing" is what a second attempt should be told."""


def begin(
    question: str | SolutionRequest, options: SolveOptions, *, stream: bool
) -> Call[Solution]:
    """A new problem. Raises `ValueError` for options that no server would take."""
    if isinstance(question, SolutionRequest):
        wanted = question
        if options:
            given = {name: getattr(question, name) for name in question.model_fields_set}
            wanted = SolutionRequest(**(given | dict(options)))
    else:
        wanted = SolutionRequest(question=question, **options)
    return _begin("/v1/solutions", wanted, stream=stream)


def fork(
    solution_id: str, state: int, output: str | None, options: Options, *, stream: bool
) -> Call[Solution]:
    """A new solution that goes on from a state of another."""
    wanted = ForkRequest(state=state, output=output, **options)
    return _begin(f"/v1/solutions/{_quoted(solution_id)}/fork", wanted, stream=stream)


def _begin(path: str, wanted: Manner, *, stream: bool) -> Call[Solution]:
    """In the background and under a key of its own, so that a cut connection costs nothing.

    What is not to be stored can have neither, and is lost with its connection.
    """
    body = wanted.model_dump(mode="json", exclude_unset=True)
    body |= {"stream": stream, "background": wanted.store}
    key = {"idempotency-key": uuid4().hex} if wanted.store else {}
    return Call(
        "POST",
        path,
        reading(Solution),
        json.dumps(body).encode(),
        JSON | key,
        repeatable=wanted.store,
    )


def events(solution_id: str, after: int) -> Call[None]:
    """A solution's events after number `after`."""
    path = f"/v1/solutions/{_quoted(solution_id)}/events"
    return Call("GET", path, lambda _: None, params={"starting_after": after})


def get(solution_id: str) -> Call[Solution]:
    """A solution as it stands."""
    return Call("GET", f"/v1/solutions/{_quoted(solution_id)}", reading(Solution))


def cancel(solution_id: str) -> Call[Solution]:
    """End a solution."""
    return Call("POST", f"/v1/solutions/{_quoted(solution_id)}/cancel", reading(Solution))


def delete(kind: str, thing_id: str) -> Call[None]:
    """Delete a solution or a file."""
    path = f"/v1/{kind}/{_quoted(thing_id)}"
    return Call("DELETE", path, lambda _: None, gone_is_done=True)


def solutions(  # noqa: PLR0913
    *,
    limit: int,
    after: str | None = None,
    ascending: bool = False,
    status: Status | str | None = None,
    model: str | None = None,
    strategy: str | None = None,
) -> Call[Page]:
    """A page of solutions."""
    wanted = {
        "limit": limit,
        "after": after,
        "order": "asc" if ascending else None,
        "status": None if status is None else Status(status).value,
        "model": model,
        "strategy": strategy,
    }
    return Call("GET", "/v1/solutions", reading(Page), params=_given(wanted))


def verify(line: str | None, trace: str | None) -> Call[CheckResult]:
    """Check a line or a trace. Raises `ValueError` unless it is one of both."""
    body = CheckRequest(line=line, trace=trace).model_dump_json(exclude_none=True)
    return Call("POST", "/v1/verify", reading(CheckResult), body.encode(), JSON)


def models() -> Call[Models]:
    """What can be asked."""
    return Call("GET", "/v1/models", reading(Models))


def described(path: str) -> Call[dict[str, Any]]:
    """An object that operators read."""
    return Call("GET", path, _object)


def upload(source: bytes | Path, name: str) -> Call[File]:
    """A file of requests; sent twice, it is there twice."""
    return Call("POST", "/v1/files", reading(File), upload=(name, source))


def create_batch(file_id: str, endpoint: str, metadata: Mapping[str, str] | None) -> Call[Batch]:
    """Answer a file; sent twice, everything would be answered twice."""
    body: dict[str, Any] = {
        "input_file_id": file_id,
        "endpoint": endpoint,
        "completion_window": "24h",
    }
    if metadata is not None:
        body["metadata"] = dict(metadata)
    content = json.dumps(body).encode()
    return Call("POST", "/v1/batches", reading(Batch), content, JSON, repeatable=False)


def get_batch(batch_id: str) -> Call[Batch]:
    """A batch as it stands."""
    return Call("GET", f"/v1/batches/{_quoted(batch_id)}", reading(Batch))


def cancel_batch(batch_id: str) -> Call[Batch]:
    """End a batch."""
    return Call("POST", f"/v1/batches/{_quoted(batch_id)}/cancel", reading(Batch))


def batches(limit: int, after: str | None = None) -> Call[BatchPage]:
    """A page of batches, newest first."""
    return Call(
        "GET", "/v1/batches", reading(BatchPage), params=_given({"limit": limit, "after": after})
    )


def content(file_id: str) -> Call[None]:
    """A file's lines."""
    return Call("GET", f"/v1/files/{_quoted(file_id)}/content", lambda _: None)


def reading(model: type[Parsed]) -> Callable[[bytes], Parsed]:
    """Reads an answer as `model`; fields that a newer server adds are left out."""

    def read(data: bytes) -> Parsed:
        try:
            return model.model_validate_json(data, extra="ignore")
        except ValidationError as error:
            raise unknown(model.__name__.lower(), error) from error

    return read


def unknown(what: str, error: ValidationError) -> ProtocolError:
    """What was sent is nothing that this version knows."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or "the body"
    return ProtocolError(
        f"the server sent no {what} that this version knows ({where}: {first['msg']}); "
        "is it a Statewise server, and this client as new as it is?"
    )


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError as error:
        raise ProtocolError(f"no Statewise server answers there: {error}") from error
    if not isinstance(found, dict):
        raise ProtocolError("no Statewise server answers there: it sent no object")
    return found


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _given(params: Mapping[str, str | int | None]) -> dict[str, str | int]:
    return {name: value for name, value in params.items() if value is not None}
