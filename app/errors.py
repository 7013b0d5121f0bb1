"""The errors of the service, and what a client sees of them.

    AppError
    ├── RequestError         400  the request cannot be served as it is; `param` names the field
    │   ├── UnknownModelError    404
    │   ├── NotFoundError        404  or another key's
    │   ├── ConflictError        409
    │   ├── ForbiddenError       403  the key may not do this
    ├── UnavailableError     503  not ready, draining or full; carries `Retry-After`
    ├── KeysError                a file of API keys cannot be read or written
    └── EngineError          500  the engine failed while it served
        ├── EngineStartError     it did not start; the message says what to change
        ├── EngineDeadError  503  its process is gone
        └── EngineAwayError  503  its servers cannot be reached now; they may come back

    StoreError           503  the store cannot be reached, or not used as it is set
    └── StoreFullError   507  there is no room in it
    RewardError               the reward model gave no score; a beam goes on without

Every one becomes an OpenAI error object: `{"error": {message, type, param, code}}`.
"""

from __future__ import annotations

from typing import Any, ClassVar


class AppError(Exception):
    """Base of all errors raised by `app`; `status` is the HTTP status it answers with."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    retry_after: float | None = None
    """Seconds after which it is worth to try again."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code

    def body(self, request_id: str) -> dict[str, Any]:
        """The error object of the response."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            },
            "request_id": request_id,
        }


class RequestError(AppError):
    """The request cannot be served as it is."""

    status = 400
    type = "invalid_request_error"


class NotFoundError(RequestError):
    """What was asked for does not exist, or belongs to another key."""

    status = 404


class ConflictError(RequestError):
    """It cannot be done to what stands in the way."""

    status = 409


class UnknownModelError(RequestError):
    """No model of that name is served."""

    status = 404


class ForbiddenError(RequestError):
    """The key may not do this, or nobody may."""

    status = 403


class KeyRefusedError(RequestError):
    """There is no API key in the request, or one that is not known."""

    status = 401


class UnavailableError(AppError):
    """Not ready, draining or full: try again after `retry_after` seconds."""

    status = 503
    type = "service_unavailable"

    def __init__(self, message: str, *, retry_after: float, code: str) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class RateLimitError(AppError):
    """A limit of the client's key is reached: try again after `retry_after` seconds."""

    status = 429
    type = "rate_limit_error"

    def __init__(self, message: str, *, retry_after: float, limit: str) -> None:
        super().__init__(message, code="rate_limit_exceeded")
        self.retry_after = retry_after
        self.limit = limit
        """`concurrent`, `requests` or `tokens`."""


class KeysError(AppError):
    """A file of API keys cannot be read or written; the message names it and the remedy."""


class EngineError(AppError):
    """The engine failed."""

    type = "engine_error"


class EngineStartError(EngineError):
    """The engine did not start; the message says what to change."""


class EngineDeadError(EngineError):
    """The engine's process is gone; the server must be restarted."""

    status = 503
    retry_after = 30.0


class EngineAwayError(EngineError):
    """The servers that the engine works with cannot be reached, or one was lost at work."""

    CODE: ClassVar[str] = "engine_away"
    status = 503
    retry_after = 5.0

    def __init__(self, message: str) -> None:
        super().__init__(message, code=self.CODE)


class StoreError(AppError):
    """The store cannot be reached, or cannot be used as it is set."""

    status = 503
    type = "service_unavailable"
    retry_after = 5.0


class StoreFullError(StoreError):
    """The store has no room, or its disk takes nothing more."""

    status = 507
    retry_after = 30.0

    def __init__(self) -> None:
        super().__init__(
            "the store has no room left on its disk; nothing can be kept until it has: try again "
            "later, or solve with store: false",
            code="store_full",
        )


class RewardError(AppError):
    """The reward model gave no score; a beam goes on without."""
