"""The connection to the database: its settings, its migrations, and what each kind of it needs."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import structlog
from alembic import command
from alembic.config import Config
from filelock import AsyncFileLock
from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    IntegrityError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from app.errors import StoreError, StoreFullError

logger = structlog.get_logger(__name__)

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_POOL: Final = 10
"""Connections that stay open; as many again for a rush."""
_TIME_LIMITS: Final = {"timeout": 10.0, "command_timeout": 30.0}
"""Seconds for a connection and for a statement: a database that is cut off answers neither, and TCP
notices that after a quarter of an hour."""
_SQLITE_FULL: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)
"""The second where a quota or a limit on the size of files is what is reached."""
_POSTGRES_FULL: Final = "53100"
_MIGRATION_LOCK: Final = 0x57A7E  # replicas that start together migrate one after another


class Database:
    """An open database whose schema is up to date."""

    def __init__(self, url: str) -> None:
        """Raises `StoreError` for an address that is none."""
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise StoreError(
                "database_url: not an address; write sqlite:///FILE or "
                "postgresql://USER:PASSWORD@HOST/NAME"
            ) from error
        kind = parsed.get_backend_name()
        if kind not in _DRIVERS:
            raise StoreError(f"database_url: {kind} is not supported; use sqlite or postgresql")
        self.is_sqlite = kind == "sqlite"
        self._file = Path(parsed.database) if self.is_sqlite and parsed.database else None
        self._shown = parsed.render_as_string(hide_password=True)
        self._place = (
            "folder in STATEWISE_STATE_DIR, or another database in STATEWISE_DATABASE_URL"
            if self._file
            else "in STATEWISE_DATABASE_URL"
        )
        # Questions are among the parameters: no error may repeat them.
        options: dict[str, Any] = {"hide_parameters": True, "pool_pre_ping": not self.is_sqlite}
        if self._file is not None or not self.is_sqlite:
            options["pool_size"] = _POOL
        self._address = parsed.set(drivername=_DRIVERS[kind])
        self._engine = create_async_engine(
            self._address, **options, connect_args={} if self.is_sqlite else _TIME_LIMITS
        )
        if self.is_sqlite:
            event.listen(self._engine.sync_engine, "connect", _configure_sqlite)
        self.failed: Callable[[], None] = lambda: None
        """Called when it cannot be reached."""
        self._offset: float | None = None
        # SQLite has one writer; to wait here is cheaper than to be refused there.
        self._writing = asyncio.Lock() if self.is_sqlite else None

    async def open(self) -> None:
        """Bring the schema up to date. Raises `StoreError` with what to do."""
        try:
            async with self._alone(), self._migrating() as engine, engine.connect() as connection:
                await connection.run_sync(_upgrade)
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(
                f"the database {self._shown} cannot be used: {cause(error)}; "
                f"name another {self._place}"
            ) from error
        await self.set_clock()

    @asynccontextmanager
    async def _migrating(self) -> AsyncGenerator[AsyncEngine, None]:
        """Without time limits: a migration of many rows, or of another server, takes a while."""
        if self.is_sqlite:
            yield self._engine
            return
        engine = create_async_engine(self._address, hide_parameters=True, poolclass=NullPool)
        try:
            yield engine
        finally:
            await engine.dispose()

    def _alone(self) -> AbstractAsyncContextManager[Any]:
        """Servers that start together migrate SQLite one after another."""
        if self._file is None:
            return nullcontext()
        self._file.parent.mkdir(parents=True, exist_ok=True)
        return AsyncFileLock(self._file.with_name(self._file.name + ".migrating"))

    def _failure(self, error: Exception) -> Exception:
        """What callers get for a failure: a statement's own fault as it is, else `StoreError`."""
        if isinstance(error, (IntegrityError, DataError, ProgrammingError)):
            return error
        logger.warning("store", error=cause(error))
        self.failed()
        if _is_full(error):
            return StoreFullError()
        return StoreError("the store cannot be reached; try again soon")

    def now(self) -> float:
        """The time of leases in Unix seconds: the database's, on which all that share it agree.

        Servers that share SQLite share the machine's clock.
        """
        return time.time() if self._offset is None else time.monotonic() + self._offset

    async def set_clock(self) -> None:
        """Ask the database for the time. Raises `StoreError`."""
        if not self.is_sqlite:
            async with self.reading() as connection:
                told = await connection.execute(
                    text("SELECT extract(epoch FROM clock_timestamp())")
                )
                self._offset = float(told.scalar_one()) - time.monotonic()

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncConnection, None]:
        """A connection to read from. Raises `StoreError`."""
        try:
            async with self._engine.connect() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise self._failure(error) from error

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[AsyncConnection, None]:
        """A transaction, committed at the end of the block. Raises `StoreError`."""
        if self._writing is not None:
            await self._writing.acquire()
        try:
            async with self._engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise self._failure(error) from error
        finally:
            if self._writing is not None:
                self._writing.release()


def _is_full(error: Exception) -> bool:
    """Whether the database could not be written because its disk takes nothing more."""
    found = getattr(error, "orig", None)
    return (
        getattr(found, "sqlite_errorcode", None) in _SQLITE_FULL
        or getattr(found, "sqlstate", None) == _POSTGRES_FULL
    )


def _configure_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    # WAL: readers and the writer don't wait for each other. A commit survives the process's death
    # at NORMAL; only a power cut may undo the last ones.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "busy_timeout=10000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
        connection.commit()
    try:
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    finally:
        if connection.dialect.name == "postgresql":
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _MIGRATION_LOCK})
            connection.commit()


def cause(error: Exception) -> str:
    """The driver's own words, in one line and without the statement."""
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0][:300]
