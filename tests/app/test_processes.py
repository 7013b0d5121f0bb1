"""Server records: an orphan is ended, and nothing that only looks like one."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from app.processes import Process, Registration, ServerRecord, end, end_orphans, running

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); "
    "time.sleep(60)",
]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEP) as process:
        yield process
        process.kill()


def named(process: subprocess.Popen[bytes]) -> Process:
    return Process.of(psutil.Process(process.pid))


def write(folder: Path, server: Process, *children: Process) -> Path:
    record = ServerRecord(server=server, url="http://x", model="m", engine="e", children=children)
    path = folder / f"{server.pid}.json"
    path.write_text(record.model_dump_json())
    return path


def dead() -> Process:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return named(process)


def test_what_a_dead_server_left_is_ended(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    orphan = named(sleeper)
    path = write(tmp_path, dead(), orphan)
    assert end_orphans(tmp_path) == 1
    assert orphan.find() is None
    assert not path.exists()


def test_a_live_servers_children_are_left_alone(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    path = write(tmp_path, Process.of(psutil.Process()), named(sleeper))
    assert end_orphans(tmp_path) == 0
    assert sleeper.poll() is None
    assert path.exists()
    assert [record.model for record in running(tmp_path)] == ["m"]


def test_a_reused_process_id_is_not_taken_for_an_orphan(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    """Killing by id alone would end a stranger's process."""
    impostor = Process(pid=sleeper.pid, started=named(sleeper).started - 100)
    write(tmp_path, dead(), impostor)
    assert end_orphans(tmp_path) == 0
    assert sleeper.poll() is None


def test_a_process_that_ignores_the_signal_is_killed() -> None:
    with subprocess.Popen(STUBBORN, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        stubborn = named(process)
        assert end((stubborn,)) == 1
        assert stubborn.find() is None


def test_a_registration_records_children_and_takes_them_along(tmp_path: Path) -> None:
    registration = Registration(tmp_path, url="http://x", model="m", engine="e")
    registration.write()
    with subprocess.Popen(SLEEP) as process:
        registration.record_children()
        (record,) = running(tmp_path)
        assert process.pid in {child.pid for child in record.children}
        # Only this child is meant to be ended, not what the test runner itself has started.
        kept = tuple(child for child in record.children if child.pid == process.pid)
        end(kept)
        assert kept[0].find() is None


def test_what_a_full_disk_did_not_take_is_recorded_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a server that is killed would leave an engine behind that nobody knows of."""
    registration = Registration(tmp_path, url="http://x", model="m", engine="e")
    registration.write()

    def full(**_: object) -> tuple[int, str]:
        raise OSError(errno.ENOSPC, "no space")

    with subprocess.Popen(SLEEP) as process, monkeypatch.context() as disk:
        disk.setattr("app.processes.tempfile.mkstemp", full)
        with pytest.raises(OSError, match="no space"):
            registration.record_children()
        disk.undo()
        registration.record_children()
        (record,) = running(tmp_path)
        assert process.pid in {child.pid for child in record.children}
        process.kill()


def test_a_foreign_file_is_left_where_it_is(tmp_path: Path) -> None:
    stranger = tmp_path / "1.json"
    stranger.write_text('{"a": 1}')
    assert end_orphans(tmp_path) == 0
    assert list(running(tmp_path)) == []
    assert stranger.exists()


def test_a_set_clock_does_not_hide_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sleeper: subprocess.Popen[bytes]
) -> None:
    """Dates move with the clock: a server would be taken for dead, an orphan missed."""
    orphan = named(sleeper)
    moved = psutil.boot_time() + 3600
    monkeypatch.setattr(psutil._psplatform, "boot_time", lambda: moved)  # type: ignore[attr-defined]
    assert orphan.find() is not None
    monkeypatch.setattr(psutil, "boot_time", lambda: moved)
    write(tmp_path, orphan)
    assert [record.server.pid for record in running(tmp_path)] == [sleeper.pid]


def test_another_boots_process_is_not_taken_for_ours(sleeper: subprocess.Popen[bytes]) -> None:
    assert named(sleeper).model_copy(update={"boot": "earlier"}).find() is None


def test_a_record_that_is_not_ours_is_not_obeyed(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    """In a shared folder anybody could have us end any process of ours."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    planted = write(elsewhere, dead(), named(sleeper))
    (tmp_path / "7.json").symlink_to(planted)
    assert end_orphans(tmp_path) == 0
    assert sleeper.poll() is None


def test_records_written_at_the_same_time_stay_whole(tmp_path: Path) -> None:
    """The watch during start and the stop write from two threads."""
    registration = Registration(tmp_path, url="http://x", model="m", engine="e")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: registration.write(), range(100)))
    assert [record.model for record in running(tmp_path)] == ["m"]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_removed_record_does_not_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registration = Registration(tmp_path, url="http://x", model="m", engine="e")
    monkeypatch.setattr(registration, "end_children", lambda: None)  # the test runner's own
    registration.write()
    registration.remove()
    with subprocess.Popen(SLEEP) as process:
        registration.record_children()
        process.kill()
    assert list(tmp_path.iterdir()) == []
