"""The tables. A change here needs a migration in `app/store/migrations`; a test compares both.

Everything has an `owner`, the name of the key it belongs to. Times are Unix seconds.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

solutions: Final = Table(
    "solutions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("kind", String(16), nullable=False),  # solution, response
    Column("status", String(16), nullable=False),
    Column("model", String(256), nullable=False),
    Column("strategy", String(64), nullable=False),
    Column("background", Boolean, nullable=False),
    Column("retry", Boolean, nullable=False),  # run again after the death of its process
    Column("attempt", Integer, nullable=False),
    Column("request", Text, nullable=False),  # JSON of the SolutionRequest
    Column("extra", JSON),  # what a route keeps beside it: a response's own fields
    Column("body", Text, nullable=False),  # JSON of the Solution as it last stood
    Column("last_sequence", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("completed_at", Float),
    Column("expires_at", Float),
    Column("idempotency_key", String(256)),
    Column("request_hash", String(64)),
    Column("leased_by", String(128)),
    Column("leased_until", Float),
    Column("cancel_requested", Boolean, nullable=False),
    UniqueConstraint("owner", "idempotency_key"),
    Index(None, "owner", "created_at", "id"),
    Index(None, "leased_until"),
    Index(None, "expires_at"),
)

events: Final = Table(
    "events",
    metadata,
    Column(
        "solution_id",
        String(64),
        ForeignKey("solutions.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("sequence", Integer, primary_key=True),
    Column("frame", LargeBinary, nullable=False),  # as it was sent
)

files: Final = Table(
    "files",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("filename", String(512), nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Index(None, "owner", "created_at", "id"),
    Index(None, "expires_at"),
)

batches: Final = Table(
    "batches",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("status", String(16), nullable=False),
    Column("model", String(256), nullable=False),  # of the server that took it in
    Column("endpoint", String(64), nullable=False),
    Column("completion_window", String(16), nullable=False),
    Column("input_file_id", String(64), nullable=False),
    Column("output_file_id", String(64)),
    Column("error_file_id", String(64)),
    Column("errors", JSON),
    Column("metadata", JSON),
    Column("total", Integer, nullable=False),  # lines; 0 until they are checked
    Column("completed", Integer, nullable=False),  # of them at the end; before, lines are counted
    Column("failed", Integer, nullable=False),
    Column("usage", JSON),
    Column("times", JSON, nullable=False),  # `in_progress_at` and the like
    Column("output_expires_s", Integer),
    Column("traceparent", String(64)),  # of the request that made it
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("leased_by", String(128)),
    Column("leased_until", Float),
    Index(None, "owner", "created_at", "id"),
    Index(None, "status"),
)

batch_lines: Final = Table(
    "batch_lines",
    metadata,
    Column("batch_id", String(64), ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("custom_id", String(512), nullable=False),
    Column("offset", BigInteger, nullable=False),  # of the line in the input file, in bytes
    Column("length", Integer, nullable=False),
    Column("state", String(16), nullable=False),  # pending, completed, failed, unanswered
    Column("result", LargeBinary),  # the line of the output or error file, once it is answered
    Column("usage", JSON),
    Column("attempt", Integer, nullable=False),  # how often a server has taken it
    Column("leased_by", String(128)),
    Column("leased_until", Float),
    UniqueConstraint("batch_id", "custom_id"),
    Index(None, "batch_id", "state", "line"),
)
