"""Carries out the steps of docker/Dockerfile.cpu without Docker, and tries what comes out.

    sudo .venv/bin/python -m scripts.images.rootfs build FOLDER     the image as FOLDER/final
    sudo .venv/bin/python -m scripts.images.rootfs try FOLDER       start it, solve, stop it

The steps are read from the Dockerfile itself. Only its base image is another: Debian bookworm with
Debian's Python 3.11, made by mmdebstrap. Needed are Linux, root, unshare, chroot and mmdebstrap.
`--bind` and `--pip` let pip inside use what it has outside: certificates, folders of wheels.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from scripts.images import trial
from scripts.images.chroot import Chroot
from scripts.images.context import ROOT, export
from scripts.images.dockerfile import Stage, fill, pairs, stages

DOCKERFILE: Final = ROOT / "docker" / "Dockerfile.cpu"
PACKAGES: Final = "ca-certificates,python3.11,python3.11-venv"
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
STATE: Final = "/var/lib/statewise"

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Folder = Annotated[Path, typer.Argument(help="Where root file systems lie; some 8 GB.")]


@cli.command()
def build(
    folder: Folder,
    build_arg: Annotated[list[str], typer.Option(help="NAME=VALUE, as for docker build.")] = [],  # noqa: B006
    bind: Annotated[list[Path], typer.Option(help="A path of this machine, read-only.")] = [],  # noqa: B006
    pip: Annotated[list[str], typer.Option(help="PIP_… variables for RUN steps.")] = [],  # noqa: B006
    mirror: str = "http://deb.debian.org/debian",
) -> None:
    """Run every step; says what each stage took and weighs."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / "base.tar"
    if not base.exists():
        command = ["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm"]
        subprocess.run([*command, str(base), mirror], check=True)
    context = folder / "context"
    shutil.rmtree(context, ignore_errors=True)
    print(f"context: {export(context)} files, {megabytes(context)} MB", flush=True)
    outside = _Outside(pairs(" ".join(build_arg)), pairs(" ".join(pip)), tuple(bind))
    roots: dict[str, Path] = {}
    keys: dict[str, str] = {}
    found = stages(DOCKERFILE, outside.arguments)
    for stage in found:
        began = time.monotonic()
        root = roots[stage.name] = folder / ("final" if stage is found[-1] else stage.name)
        key = keys[stage.name] = stage_key(stage, context, keys, outside.arguments)
        done = root.with_suffix(".key")
        if done.exists() and done.read_text() == key:
            print(f"{root.name}: as before, {megabytes(root)} MB", flush=True)
            continue
        done.unlink(missing_ok=True)
        _start(root, roots.get(stage.base), base)
        above = next((other for other in found if other.name == stage.base), None)
        _Builder(root, context, roots, outside).build(stage, above)
        done.write_text(key)
        print(f"{root.name}: {time.monotonic() - began:.0f} s, {megabytes(root)} MB", flush=True)


@cli.command(name="try")
def try_(folder: Folder, port: int = 18080) -> None:
    """Start the image as its user on a read-only root, solve a problem, stop it with SIGTERM."""
    folder = folder.resolve()
    stage = stages(DOCKERFILE)[-1]
    state = folder / "state"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir()
    number, group = stage.last("USER").text.split(":")
    os.chown(state, int(number), int(group))
    command = stage.last("CMD").words
    # There is no network of its own: this machine's must not see it.
    command[command.index("--host") + 1] = "127.0.0.1"
    command[command.index("--port") + 1] = str(port)
    image = Chroot(
        folder / "final",
        env={**_environment(stage), "STATEWISE_SHUTDOWN_GRACE_S": "30"},
        workdir=stage.last("WORKDIR").text,
        user=stage.last("USER").text,
        writable={state: STATE},
        read_only=True,
    )
    trial.run(image, [*stage.last("ENTRYPOINT").words, *command], f"http://127.0.0.1:{port}")


@dataclass(frozen=True)
class _Outside:
    """What the caller lets in: build arguments, settings of pip, paths of this machine."""

    arguments: dict[str, str]
    pip: dict[str, str]
    binds: tuple[Path, ...]


class _Builder:
    """Carries out one stage in its root file system."""

    def __init__(
        self, root: Path, context: Path, roots: dict[str, Path], outside: _Outside
    ) -> None:
        self._root = root
        self._context = context
        self._roots = roots
        self._outside = outside
        self._args: dict[str, str] = {}
        self._env = {"PATH": PATH}
        self._workdir = "/"
        self._user = "0:0"

    def build(self, stage: Stage, above: Stage | None) -> None:
        """Every step of the stage, which may go on from another one."""
        if above is not None:
            self._env = _environment(above)
            self._workdir = above.last("WORKDIR").text
        for instruction in stage.instructions:
            if instruction.name == "ARG":
                name, _, default = instruction.text.partition("=")
                self._args[name] = self._outside.arguments.get(name, default)
            elif instruction.name == "ENV":
                self._env |= pairs(fill(instruction.text, self._args | self._env))
            elif instruction.name == "WORKDIR":
                self._workdir = instruction.text
                (self._root / instruction.text[1:]).mkdir(parents=True, exist_ok=True)
            elif instruction.name == "COPY":
                self._copy(instruction.words)
            elif instruction.name == "USER":
                self._user = instruction.text
            elif instruction.name == "RUN":
                self._run(instruction.text)

    def _run(self, text: str) -> None:
        print(f"RUN {text[:100]}", flush=True)
        env = {**self._args, **self._outside.pip, **self._env}
        binds = self._outside.binds
        Chroot(self._root, env, self._workdir, self._user, binds).run(["sh", "-c", text])

    def _copy(self, words: list[str]) -> None:
        origin = self._context
        if words[0].startswith("--from="):
            origin = self._roots[words.pop(0).removeprefix("--from=")]
        *sources, target = words
        inside = self._root / (Path(self._workdir) / target).relative_to("/")
        for source in sources:
            matches = sorted(origin.glob(source.removeprefix("/")))
            if not matches:
                raise FileNotFoundError(f"COPY {source}: no such file in {origin}")
            for match in matches:
                if match.is_dir():
                    shutil.copytree(match, inside, symlinks=True, dirs_exist_ok=True)
                else:
                    folder = inside if target.endswith("/") else inside.parent
                    folder.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(match, inside)


def stage_key(stage: Stage, context: Path, keys: dict[str, str], arguments: dict[str, str]) -> str:
    """What the stage is made of: it need not be made again while this stays the same."""
    parts = [keys.get(stage.base, stage.base), repr(sorted(arguments.items()))]
    for instruction in stage.instructions:
        parts.append(f"{instruction.name} {instruction.text}")
        if instruction.name == "COPY" and instruction.words[0].startswith("--from="):
            parts.append(keys[instruction.words[0].removeprefix("--from=")])
        elif instruction.name == "COPY":
            for source in instruction.words[:-1]:
                for match in sorted(context.glob(source)):
                    parts += [_digest(file) for file in sorted([match, *match.rglob("*")])]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _digest(path: Path) -> str:
    content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    return f"{path} {content}"


def _start(root: Path, above: Path | None, base: Path) -> None:
    """A new root file system: another stage's, or the base image's."""
    shutil.rmtree(root, ignore_errors=True)
    if above is not None:
        subprocess.run(["cp", "-a", str(above), str(root)], check=True)
        return
    root.mkdir()
    subprocess.run(["tar", "xf", str(base), "-C", str(root)], check=True)
    # Where the official image has it.
    for name in ("python", "python3"):
        (root / "usr/local/bin" / name).symlink_to("/usr/bin/python3.11")


def _environment(stage: Stage) -> dict[str, str]:
    """What ENV sets in the stage."""
    env = {"PATH": PATH}
    for instruction in stage.instructions:
        if instruction.name == "ENV":
            env |= pairs(fill(instruction.text, env))
    return env


def megabytes(folder: Path) -> int:
    """What lies under the folder, in MB."""
    command = ["du", "--summarize", "--bytes", str(folder)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return round(int(output.split()[0]) / 1e6)


if __name__ == "__main__":
    cli()
