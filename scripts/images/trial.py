"""What a started image must do: answer probes, solve, let a stream end when it is stopped."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from scripts.images.chroot import Chroot

QUESTION = "Sara has 12 stickers. She gives 4 of them to Ben. How many are left?"
START_S = 300
STOP_S = 60


def run(image: Chroot, command: Sequence[str], url: str) -> None:
    """Start the server, try it, stop it; prints figures. Raises `AssertionError` if it fails."""
    began = time.monotonic()
    process = image.popen(command)
    try:
        while _status(f"{url}/startupz") != 200:
            assert process.poll() is None, "the server ended before it had started"
            assert time.monotonic() - began < START_S, "not started in time"
            time.sleep(0.5)
        print(f"started: {time.monotonic() - began:.1f} s")
        server = _inner(process.pid, "statewise")
        _confined(server)
        for probe in ("/livez", "/readyz", "/metrics"):
            assert _status(url + probe) == 200, probe
        solve(url)
        stream = Stream(url)
        stream.first.wait(30)
        began = time.monotonic()
        # As an engine does it: to the first process of the container, which is tini.
        os.kill(_inner(process.pid, "tini"), signal.SIGTERM)
        code = process.wait(STOP_S)
        stream.thread.join(5)
        assert stream.ended, "the stream was cut"
        seconds = time.monotonic() - began
        print(f"stopped: exit {code}, {seconds:.1f} s, the stream's last event: {stream.ended}")
        assert code in (0, 143), code
    finally:
        if process.poll() is None:
            process.kill()


def solve(url: str) -> None:
    """The features that load something at their first use: log-probabilities, grammars, samples."""
    for more in ({}, {"strategy": "vote-4"}, {"strategy": "guided"}, {"strategy": "beam"}):
        began = time.monotonic()
        solution = _post(f"{url}/v1/solutions", {"question": QUESTION, "max_tokens": 400, **more})
        print(
            f"solved: {more or 'single'}: {solution['status']}, answer {solution['answer']}, "
            f"{len(solution['transitions'])} transitions, {time.monotonic() - began:.2f} s"
        )
        assert solution["status"] == "completed", solution


class Stream:
    """A stream that is read while the server is stopped."""

    def __init__(self, url: str) -> None:
        self.first = threading.Event()
        self.ended: str | None = None
        self._url = url
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        body = {"question": QUESTION, "stream": True}
        with urllib.request.urlopen(
            _request(f"{self._url}/v1/solutions", body), timeout=60
        ) as answer:
            for line in answer:
                self.first.set()
                name = line.decode().removeprefix("event: ").strip()
                if name.startswith("solution.") and name not in (
                    "solution.created",
                    "solution.in_progress",
                ):
                    self.ended = name


def _inner(parent: int, name: str) -> int:
    """The process of that name below the parent."""
    for child in psutil.Process(parent).children(recursive=True):
        if child.name() == name:
            return child.pid
    raise LookupError(name)


def _confined(pid: int) -> None:
    """Not root, no capability, nothing writable but the two folders."""
    status = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if ":" in line
    )
    assert status["Uid"].split() == ["10001"] * 4, status["Uid"]
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"
    mounts = [line.split() for line in Path(f"/proc/{pid}/mounts").read_text().splitlines()]
    root = next(item for item in mounts if item[1] == "/")
    assert root[3].split(",")[0] == "ro", root
    print("confined: user 10001, no capabilities, no new privileges, root read-only")


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _request(url: str, body: dict[str, Any]) -> urllib.request.Request:
    return urllib.request.Request(
        url, json.dumps(body).encode(), {"content-type": "application/json"}
    )


def _post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    with urllib.request.urlopen(_request(url, body), timeout=120) as answer:
        result: dict[str, Any] = json.load(answer)
        return result
