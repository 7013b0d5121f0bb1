"""API keys: who may ask, and how much. They live in a JSON file that `statewise keys` writes.

At rest there is only a key's SHA-256. A slow hash protects passwords, which can be guessed. A key
is 32 random bytes, which cannot, and with a slow hash anyone could keep the server busy.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import structlog
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from app.errors import KeysError

logger = structlog.get_logger(__name__)

ANONYMOUS: Final = "anonymous"
"""Who owns what is asked for while no key is needed."""
PREFIX: Final = "sw-"
"""Begins every key, so that one that was published by mistake can be searched for."""
KEY_BYTES: Final = 32
MAX_FILE_BYTES: Final = 4_000_000
RELOAD_S: Final = 1.0
"""The file is looked at no more often than this."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")

Limit = Annotated[int | None, Field(ge=1, le=10**12)]


class Limits(BaseModel):
    """What a key may have at most; None is no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    max_concurrent: Limit = None
    requests_per_minute: Limit = None
    tokens_per_minute: Limit = None


class Key(Limits):
    """A key as it is kept. Its name is the owner of all that is made with it."""

    name: str
    sha256: str
    admin: bool = False
    """Whether it may change what is served."""

    @field_validator("name")
    @classmethod
    def _name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("must be up to 64 letters, digits, dots, dashes and underscores")
        return name

    @field_validator("sha256")
    @classmethod
    def _digest(cls, value: str) -> str:
        if not _DIGEST.fullmatch(value):
            raise ValueError("must be the key's SHA-256, 64 digits of lower-case hexadecimal")
        return value


NOBODY: Final = Key(name=ANONYMOUS, sha256="0" * 64)
"""The key of requests that need none. It is in no file, so no one can present it."""


class Keys(BaseModel):
    """The content of a file of keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    keys: list[Key]

    @model_validator(mode="after")
    def _distinct(self) -> Keys:
        names = [key.name for key in self.keys]
        if ANONYMOUS in names:
            raise ValueError(f"the name {ANONYMOUS!r} is taken by requests without a key")
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"two keys are named {twice!r}; what they make would have one owner")
        return self


def new_key() -> str:
    """A key that nobody can guess."""
    return PREFIX + secrets.token_urlsafe(KEY_BYTES)


def digest(secret: str) -> str:
    """What is kept of a key."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def read(path: Path) -> Keys:
    """The keys in the file `path`. Raises `KeysError`."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise KeysError(f"{path}: {error.strerror or error}") from error
    if len(content) > MAX_FILE_BYTES:
        raise KeysError(f"{path}: is over {MAX_FILE_BYTES} bytes")
    try:
        return Keys.model_validate_json(content)
    except ValidationError as error:
        # Without the input: somebody may have written a key itself where its hash belongs.
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"])) or "file"
        raise KeysError(f"{path}: {field}: {first['msg']}") from error


def write(path: Path, keys: Sequence[Key]) -> None:
    """Replace the file `path` as a whole; a server reads the old one or the new one.

    Raises `KeysError`.
    """
    path = path.resolve()
    content = Keys(keys=list(keys)).model_dump_json(indent=2, exclude_none=True) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileNotFoundError):  # the server may run as another user
                Path(name).chmod(path.stat().st_mode & 0o777)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink()
            raise
    except OSError as error:
        raise KeysError(f"{path}: {error.strerror or error}") from error


class KeyRing:
    """The keys of a file, read again when it changes. Without a file no key is needed."""

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises `KeysError`: a server whose keys cannot be read must not start."""
        self._path = path
        self._clock = clock
        self._seen = self._signature()
        self._keys: tuple[Key, ...] = () if path is None else tuple(read(path).keys)
        self._looked_at = clock()

    @property
    def required(self) -> bool:
        """Whether requests need a key; also with a file that holds none."""
        return self._path is not None

    def find(self, secret: str) -> Key | None:
        """The key that `secret` is.

        Every entry is compared, each in constant time, so that nothing can be learnt from the time.
        """
        self._reload()
        presented = digest(secret)
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.sha256, presented):
                found = key
        return found

    def named(self, name: str) -> Key | None:
        """The key of an owner; None if it was removed."""
        self._reload()
        if not self.required:
            return NOBODY
        return next((key for key in self._keys if key.name == name), None)

    def _reload(self) -> None:
        now = self._clock()
        if self._path is None or now - self._looked_at < RELOAD_S:
            return
        self._looked_at = now
        seen = self._signature()
        if seen == self._seen:
            return
        self._seen = seen  # before it is read: a change in between is noticed the next time
        try:
            self._keys = tuple(read(self._path).keys)
        except KeysError as error:
            logger.error("keys_not_read", error=str(error), kept=len(self._keys))
        else:
            logger.info("keys_read", keys=len(self._keys))

    def _signature(self) -> tuple[int, ...] | None:
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino)
