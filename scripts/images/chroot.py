"""Runs a command in a root file system of its own: namespaces in place of a container engine."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty")
CONFINED: Final = ("--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")


@dataclass(frozen=True)
class Chroot:
    """A root file system, and how it is entered.

    `binds` are paths of this machine, read-only inside. With `read_only` so is all the rest but
    `writable` (paths here, and where they are inside), /tmp and /dev/shm.
    """

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0:0"
    binds: tuple[Path, ...] = ()
    writable: dict[Path, str] = field(default_factory=dict)
    read_only: bool = False

    def script(self, command: Sequence[str]) -> str:
        """What a shell in new namespaces has to do to become the command."""
        at = shlex.quote(str(self.root))
        lines = [
            "set -e",
            f"mount --bind {at} {at}",
            f"mount -t proc proc {at}/proc",
            f"mount --rbind /sys {at}/sys && mount -o remount,bind,ro {at}/sys",
            f"mount -t tmpfs -o mode=755 dev {at}/dev",
            f"mkdir {at}/dev/shm && mount -t tmpfs -o mode=1777,size=64m shm {at}/dev/shm",
            f"ln -s /proc/self/fd {at}/dev/fd",
            f"mount -t tmpfs -o mode=1777 tmp {at}/tmp",
        ]
        lines += [
            f"touch {at}/dev/{name} && mount --bind /dev/{name} {at}/dev/{name}" for name in DEVICES
        ]
        for source in (Path("/etc/resolv.conf"), *self.binds):
            lines += [self._bind(source, str(source)), self._fix(str(source))]
        lines += [self._bind(source, target) for source, target in self.writable.items()]
        if self.read_only:
            lines.append(self._fix(""))
        return "\n".join([*lines, f"exec {shlex.join([*self._enter(), *command])}"])

    def popen(self, command: Sequence[str]) -> subprocess.Popen[str]:
        """Start the command as process 1 of new namespaces; it ends with the one who started it."""
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        return subprocess.Popen([*unshare, "sh", "-c", self.script(command)], text=True)

    def run(self, command: Sequence[str]) -> None:
        """Run the command. Raises `CalledProcessError` if it fails."""
        if code := self.popen(command).wait():
            raise subprocess.CalledProcessError(code, list(command))

    def _bind(self, source: Path, target: str) -> str:
        inside = shlex.quote(f"{self.root}{target}")
        make = "mkdir -p" if source.is_dir() else "touch"
        return f"{make} {inside} && mount --bind {shlex.quote(str(source))} {inside}"

    def _fix(self, target: str) -> str:
        return f"mount -o remount,bind,ro {shlex.quote(f'{self.root}{target}')}"

    def _enter(self) -> list[str]:
        settings = [f"{name}={value}" for name, value in self.env.items()]
        number, group = self.user.split(":")
        confined = CONFINED if number != "0" else ()
        return [
            *("chroot", str(self.root), "env", "-i", f"--chdir={self.workdir}", *settings),
            # Of the root file system: it belongs to util-linux, which every Debian has.
            *("setpriv", f"--reuid={number}", f"--regid={group}", "--clear-groups", *confined),
        ]
