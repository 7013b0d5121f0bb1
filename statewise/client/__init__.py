"""A typed client of the solutions API, with and without an event loop.

Resumes cut streams, tries again what may pass, and needs httpx2, pydantic and `statespace` alone.
"""

from statewise.client.asynchronous import AsyncClient, AsyncEventStream
from statewise.client.calls import Options, SolveOptions
from statewise.client.errors import (
    KEY_VARIABLE,
    BadRequestError,
    ConflictError,
    ForbiddenError,
    InternalError,
    KeyRefusedError,
    LostError,
    NotFoundError,
    ProtocolError,
    RateLimitError,
    RefusedError,
    ServerError,
    UnavailableError,
    UnreachableError,
)
from statewise.client.objects import Batch, BatchResult, File, Model
from statewise.client.sync import Client, EventStream

__all__ = [
    "KEY_VARIABLE",
    "AsyncClient",
    "AsyncEventStream",
    "BadRequestError",
    "Batch",
    "BatchResult",
    "Client",
    "ConflictError",
    "EventStream",
    "File",
    "ForbiddenError",
    "InternalError",
    "KeyRefusedError",
    "LostError",
    "Model",
    "NotFoundError",
    "Options",
    "ProtocolError",
    "RateLimitError",
    "RefusedError",
    "ServerError",
    "SolveOptions",
    "UnavailableError",
    "UnreachableError",
]
