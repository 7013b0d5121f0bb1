"""What a server answers beside solutions: pages, models, files and batches."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, TypeAdapter

from statespace.solutions import Solution


class Answer(BaseModel):
    """Base of answers: immutable; what a newer server adds is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Page(Answer):
    """A page of solutions; `last_id` is where the next one begins."""

    data: list[Solution]
    last_id: str | None
    has_more: bool


class Model(Answer):
    """A name that requests may give."""

    id: str
    created: int
    owned_by: str


class Models(Answer):
    """All of them."""

    data: tuple[Model, ...]


class File(Answer):
    """A file that a batch reads or has written."""

    id: str
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: str


class Counts(Answer):
    """Lines of a batch; in the end `completed + failed = total`."""

    total: int
    completed: int
    failed: int


class Batch(Answer):
    """A file of requests that is being answered, or was."""

    id: str
    endpoint: str
    status: str
    errors: dict[str, Any] | None
    input_file_id: str
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    expires_at: int
    request_counts: Counts
    metadata: dict[str, str] | None

    @property
    def over(self) -> bool:
        """Whether nothing more will be answered."""
        return self.status in ENDS


class BatchPage(Answer):
    """A page of batches."""

    data: list[Batch]
    last_id: str | None
    has_more: bool


class LineResponse(Answer):
    """What the server said to a line."""

    status_code: int
    request_id: str
    body: dict[str, Any]


class LineError(Answer):
    """Why nothing was said to a line."""

    code: str | None
    message: str


class BatchResult(Answer):
    """What became of one line of a batch: `custom_id` says of which."""

    custom_id: str
    response: LineResponse | None
    error: LineError | None

    @cached_property
    def solution(self) -> Solution | None:
        """The solution; None if the line was refused or asked for something else."""
        response = self.response
        if response is None or response.body.get("object") != "solution":
            return None
        return _SOLUTION.validate_python(response.body, extra="ignore")

    @property
    def failure(self) -> str | None:
        """Why there is no answer, if there is none."""
        if self.error is not None:
            return self.error.message
        if self.response is None or self.response.status_code == OK:
            return None
        error = self.response.body.get("error")
        told = error.get("message") if isinstance(error, dict) else None
        return str(told or f"the server answered {self.response.status_code}")


OK: Final = 200
ENDS: Final = frozenset({"completed", "failed", "expired", "cancelled"})
_SOLUTION: Final = TypeAdapter(Solution)
