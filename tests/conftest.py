"""Fixtures that every test package shares."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.postgres import Postgres, binaries, postgres

REPOSITORY = Path(__file__).resolve().parent.parent


def skip(reason: str) -> None:
    """Skip, except in CI, where what a test needs must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"needed in CI: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder that holds `gsm8k/` and `gsm_hard/`; skips when there is none.

    These data sets are not part of the repository, so their absence is no failure in CI either.
    """
    candidates = [REPOSITORY / "data", REPOSITORY.parent / "shared" / "data"]
    if named := os.environ.get("STATEWISE_DATA"):
        candidates = [Path(named)]
    for folder in candidates:
        if (folder / "gsm8k" / "train.jsonl").is_file():
            return folder
    pytest.skip("no GSM8K here; put it in data/gsm8k or name its folder in STATEWISE_DATA")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A real PostgreSQL; skips without one."""
    programs = binaries()
    if programs is None:
        skip("PostgreSQL is not installed; `apt-get install postgresql` or the like")
        raise AssertionError
    with postgres(programs) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    server: Postgres = request.getfixturevalue("postgres_server")
    return server.fresh()


settings.register_profile("default", deadline=None)
settings.register_profile("long", deadline=None, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
