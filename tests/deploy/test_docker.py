"""The Dockerfiles, read as text: no Docker engine is needed, and none builds them here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer.main

from app.routes import ops
from app.settings import Settings
from statewise.cli import cli
from tests.conftest import REPOSITORY as ROOT

FILES = [ROOT / "docker" / "Dockerfile.cpu", ROOT / "docker" / "Dockerfile.gpu"]
SERVE = ["serve", "--host", "0.0.0.0", "--port", "8000"]


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile, its continuation lines joined."""

    name: str
    text: str


@pytest.fixture(params=FILES, ids=lambda path: path.suffix[1:])
def instructions(request: pytest.FixtureRequest) -> list[Instruction]:
    """The instructions of each Dockerfile."""
    return read(request.param)


def read(path: Path) -> list[Instruction]:
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line]


def last(instructions: list[Instruction], name: str) -> str:
    return [item.text for item in instructions if item.name == name][-1]


def environment(instructions: list[Instruction]) -> dict[str, str]:
    """What ENV sets in the last stage."""
    start = max(index for index, item in enumerate(instructions) if item.name == "FROM")
    text = " ".join(item.text for item in instructions[start:] if item.name == "ENV")
    return dict(pair.split("=", 1) for pair in text.split())


def test_bases_are_pinned_to_a_release(instructions: list[Instruction]) -> None:
    """A floating base would change vLLM or Python under a tag that stays the same."""
    for base in (item.text for item in instructions if item.name == "FROM"):
        assert re.match(r"\S+:v?\d+\.\d+\S*( AS \w+)?$", base), base


def test_gpu_base_is_within_the_bounds_of_the_gpu_extra() -> None:
    """The image would serve with a vLLM that the project does not support."""
    version = re.search(r"vllm-openai:v(\d+)\.(\d+)", last(read(FILES[1]), "FROM"))
    bounds = re.search(r'"vllm>=(\d+)\.(\d+),<(\d+)\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    assert version is not None
    assert bounds is not None
    low, high = bounds.group(1, 2), bounds.group(3, 4)
    assert tuple(map(int, low)) <= tuple(map(int, version.groups())) < tuple(map(int, high))


def test_cpu_image_is_the_locked_environment() -> None:
    """Without the lock and --no-deps pip brings CUDA builds that break transformers."""
    installs = [item.text for item in read(FILES[0]) if "pip install" in item.text]
    assert [("--no-deps" in text) for text in installs] == [True, True]
    assert "-r requirements/cpu.lock" in installs[0]
    assert (ROOT / "requirements" / "cpu.lock").is_file()


def test_gpu_image_names_no_engine_to_install() -> None:
    """Naming vLLM or torch, or the gpu extra, would replace what the base image was built with."""
    install = next(item.text for item in read(FILES[1]) if "pip install" in item.text)
    assert re.search(r"uv pip install --system --no-cache \. +&&", install)
    assert "cmp /tmp/before /tmp/after" in install


def test_only_the_pytorch_index_is_named(instructions: list[Instruction]) -> None:
    """Any other address would tie a build to one network."""
    addresses = {
        address
        for item in instructions
        if item.name == "RUN"
        for address in re.findall(r"https?://[^\s'\"]+", item.text)
    }
    assert addresses <= {"https://download.pytorch.org/whl/cpu"}


def test_runs_as_a_numeric_user_that_is_not_root(instructions: list[Instruction]) -> None:
    """Kubernetes refuses runAsNonRoot for a user that it cannot tell from root."""
    assert last(instructions, "USER") == "10001:10001"
    start = max(index for index, item in enumerate(instructions) if item.name == "FROM")
    assert instructions[-1].name == "CMD"
    assert "useradd --uid 10001 " in " ".join(item.text for item in instructions[start:])


def test_signals_reach_the_server(instructions: list[Instruction]) -> None:
    """Under a shell SIGTERM would not reach the server, and every stop would cut streams."""
    assert json.loads(last(instructions, "ENTRYPOINT")) == ["tini", "--", "statewise"]
    assert "tini" in " ".join(item.text for item in instructions if "apt-get" in item.text)


def test_command_is_one_that_the_command_line_takes(instructions: list[Instruction]) -> None:
    """A renamed flag would leave an image that does not start."""
    name, *arguments = json.loads(last(instructions, "CMD"))
    command = typer.main.get_command(cli)
    serve = command.commands[name]  # type: ignore[attr-defined]
    flags = {flag for parameter in serve.params for flag in parameter.opts}
    assert {argument for argument in arguments if argument.startswith("--")} <= flags
    assert [name, *arguments] == SERVE
    assert last(instructions, "EXPOSE") == SERVE[-1]


def test_health_check_asks_the_live_probe(instructions: list[Instruction]) -> None:
    """A health check on a route that is not there would restart a healthy server for ever."""
    path = re.search(r"127\.0\.0\.1:8000(/\w+)", last(instructions, "HEALTHCHECK"))
    assert path is not None
    assert path.group(1) == "/livez"
    assert path.group(1) in {getattr(route, "path", None) for route in ops.router.routes}


def test_settings_exist_and_hold_no_secret(instructions: list[Instruction]) -> None:
    """A misspelt variable is silently ignored by the server; a secret would be in every copy."""
    values = environment(instructions)
    named = {name for name in values if name.startswith("STATEWISE_")}
    assert {name.removeprefix("STATEWISE_").lower() for name in named} <= set(Settings.model_fields)
    declared = " ".join(item.text for item in instructions if item.name in ("ARG", "ENV"))
    assert not re.search(r"TOKEN|PASSWORD|SECRET|API_?KEY", declared, re.IGNORECASE)


def test_everything_written_lies_in_the_state_folder(instructions: list[Instruction]) -> None:
    """With a read-only root file system a cache elsewhere ends the engine's start."""
    values = environment(instructions)
    state = "/var/lib/statewise"
    assert values["HOME"] == state
    for name in ("STATEWISE_STATE_DIR", "XDG_CACHE_HOME", "VLLM_CACHE_ROOT", "HF_HOME"):
        assert values[name].startswith(f"{state}/"), name


def test_cpu_image_asks_torch_for_no_compiler() -> None:
    """The image has none: a request for log-probabilities would kill the engine."""
    assert environment(read(FILES[0]))["TORCH_COMPILE_DISABLE"] == "1"


def test_model_is_the_one_that_is_copied(instructions: list[Instruction]) -> None:
    """The server would look for the starter where it is not."""
    model = environment(instructions)["STATEWISE_MODEL"]
    assert f"checkpoints/starter {model}" in [i.text for i in instructions if i.name == "COPY"]


def test_build_context_holds_what_is_copied(instructions: list[Instruction]) -> None:
    """`COPY` fails on a path that .dockerignore leaves out."""
    rules = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in rules
    kept = {rule[1:] for rule in rules if rule.startswith("!")}
    copies = [i.text for i in instructions if i.name == "COPY" and not i.text.startswith("--from")]
    sources = {source for text in copies for source in text.split()[:-1]}
    assert sources <= kept
    packages = re.search(r"^packages = (\[.*\])", (ROOT / "pyproject.toml").read_text(), re.M)
    assert packages is not None
    assert set(json.loads(packages.group(1))) <= sources
