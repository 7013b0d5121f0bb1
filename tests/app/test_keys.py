"""API keys: what is kept of them, how they are checked, and files that change or break."""

from __future__ import annotations

import hmac
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.access import keys as keys_module
from app.access.keys import ANONYMOUS, NOBODY, Key, KeyRing, digest, new_key, read, write
from app.errors import KeysError


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def key(name: str, secret: str, **limits: int) -> Key:
    return Key(name=name, sha256=digest(secret), **limits)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    write(path, [key("ann", "a"), key("bob", "b", max_concurrent=2), key("cy", "c")])
    return path


def test_a_key_is_found_by_its_secret_alone(file: Path) -> None:
    ring = KeyRing(file)
    found = ring.find("b")
    assert found is not None
    assert (found.name, found.max_concurrent) == ("bob", 2)
    for wrong in ("", "B", "b ", digest("b"), "\udcff", "é"):
        assert ring.find(wrong) is None


@pytest.mark.parametrize("secret", ["a", "c", "unknown"])
def test_every_entry_is_compared(file: Path, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """To stop at the first match would tell, by the time it takes, where in the file a key is."""
    compared = []

    def counted(one: str, other: str) -> bool:
        compared.append(one)
        return one == other

    ring = KeyRing(file)
    monkeypatch.setattr(hmac, "compare_digest", counted)
    ring.find(secret)
    assert len(compared) == 3


def test_the_file_holds_no_secret_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keys.json"
    secret = new_key()
    write(path, [key("ann", secret)])
    assert secret not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_replaced_keeps_its_mode(file: Path) -> None:
    """The server may read it as another user than the one who edits it."""
    file.chmod(0o640)
    write(file, [])
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_new_keys_differ() -> None:
    assert len({new_key() for _ in range(100)}) == 100
    assert len(new_key()) >= 43


def test_a_changed_file_is_read_again(file: Path) -> None:
    clock = Clock()
    ring = KeyRing(file, clock)
    write(file, [key("dee", "d")])
    assert ring.find("d") is None  # not looked at yet
    clock.now += 1
    assert ring.find("d") is not None
    assert ring.find("a") is None
    assert ring.named("dee") is not None
    assert ring.named("ann") is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"keys": [{"name": "ann"}]}', None])
def test_a_broken_file_keeps_the_old_keys_and_says_so_once(file: Path, content: str | None) -> None:
    clock = Clock()
    ring = KeyRing(file, clock)
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    with capture_logs() as logs:
        for _ in range(3):
            clock.now += 1
            assert ring.find("a") is not None
    (said,) = logs
    assert (said["event"], said["log_level"], said["kept"]) == ("keys_not_read", "error", 3)
    assert str(file) in said["error"]
    write(file, [key("dee", "d")])
    clock.now += 1
    assert ring.find("d") is not None


def test_a_file_is_not_looked_at_for_every_request(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    ring = KeyRing(file, clock)
    looks: list[Path] = []
    monkeypatch.setattr(Path, "stat", lambda self: looks.append(self) or os.stat(self))
    for _ in range(10):
        clock.now += 0.25
        ring.find("a")
    assert len(looks) == 2


def test_without_a_file_no_key_is_needed() -> None:
    ring = KeyRing(None)
    assert not ring.required
    assert ring.named(ANONYMOUS) is NOBODY


def test_a_file_without_keys_lets_nobody_in(tmp_path: Path) -> None:
    """It is what is left when the last key was removed."""
    write(tmp_path / "keys.json", [])
    ring = KeyRing(tmp_path / "keys.json")
    assert ring.required
    assert ring.find("") is None
    assert ring.named(ANONYMOUS) is None


GOOD: dict[str, Any] = {"name": "ann", "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"keys": [{**GOOD, "sha256": "sw-secret"}]}, r"keys\.0\.sha256: .*hexadecimal"),
        ({"keys": [{**GOOD, "name": "a b"}]}, r"keys\.0\.name: .*letters"),
        ({"keys": [{**GOOD, "max_concurent": 1}]}, r"keys\.0\.max_concurent: Extra"),
        ({"keys": [{**GOOD, "tokens_per_minute": 0}]}, r"keys\.0\.tokens_per_minute: .*than"),
        ({"keys": [{**GOOD, "tokens_per_minute": "9"}]}, r"keys\.0\.tokens_per_minute: .*integer"),
        ({"keys": [GOOD, {**GOOD, "sha256": "1" * 64}]}, "two keys are named 'ann'"),
        ({"keys": [{**GOOD, "name": ANONYMOUS}]}, "taken by requests without a key"),
        ({}, "keys: Field required"),
        ([], "file: .*object"),
    ],
)
def test_a_wrong_file_is_said_with_its_field(tmp_path: Path, content: Any, told: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(content))
    with pytest.raises(KeysError, match=rf"keys\.json: .*{told}") as wrong:
        KeyRing(path)
    assert "sw-secret" not in wrong.value.message


def test_a_missing_or_huge_file_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeysError, match="No such file"):
        KeyRing(tmp_path / "keys.json")
    write(tmp_path / "keys.json", [key("ann", "a")])
    monkeypatch.setattr(keys_module, "MAX_FILE_BYTES", 20)
    with pytest.raises(KeysError, match="over 20 bytes"):
        read(tmp_path / "keys.json")
