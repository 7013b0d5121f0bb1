"""A real PostgreSQL, started by the tests as an ordinary user, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tests.support.ports import free_port

NOBODY = 65534
_names = count()


def binaries() -> Path | None:
    """The folder with PostgreSQL's programs, if it is installed."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return folders[-1].parent if folders else None


@dataclass
class Postgres:
    """A running server."""

    folder: Path
    port: int
    programs: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again."""
        self.process = subprocess.Popen(
            [self.programs / "postgres", "-D", self.folder / "data", "-p", str(self.port), "-h",
             "127.0.0.1", "-k", self.folder, "-F", "-c", "max_connections=200"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **_ordinary(),
        )  # fmt: skip
        _wait(self.programs, self.port, self.process)

    def stop(self) -> None:
        """Shut it down at once: connections are cut, what is committed is kept."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        name = f"test_{os.getpid()}_{next(_names)}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "statewise", name)
        return f"postgresql://statewise@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self.programs / program, *arguments], check=True, capture_output=True, **_ordinary()
        )


@contextmanager
def postgres(programs: Path) -> Iterator[Postgres]:
    """A server on a free port of the loopback interface, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="statewise-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.getuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        data = folder / "data"
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "statewise", "--auth=trust", "--no-sync", "-E",
             "UTF8"],
            check=True,
            capture_output=True,
            **_ordinary(),
        )  # fmt: skip
        server = Postgres(folder, free_port(), programs)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _wait(programs: Path, port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        ready = subprocess.run(
            [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False
        )
        if ready.returncode == 0:
            return
        assert process.poll() is None, "PostgreSQL has ended"
        time.sleep(0.1)
    raise AssertionError("PostgreSQL did not become ready")


def _ordinary() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/"}
