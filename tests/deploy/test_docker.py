"""The Dockerfiles and compose.yaml, read as text: no Docker engine is needed.

scripts/images/rootfs.py carries out the CPU image's steps; docs/deploy.md says what was run.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from app.routes import ops
from app.settings import Settings
from scripts.images.context import kept, rules
from scripts.images.dockerfile import Stage, instructions, pairs, stages
from statewise.cli import cli
from tests.conftest import REPOSITORY as ROOT
from tests.deploy.programs import program

CPU, GPU = ROOT / "docker" / "Dockerfile.cpu", ROOT / "docker" / "Dockerfile.gpu"
SERVE = ["serve", "--host", "0.0.0.0", "--port", "8000"]
TAG = r"[\w./-]+:v?\d+[\w.-]*"


@pytest.fixture(params=[CPU, GPU], ids=lambda path: path.suffix[1:])
def path(request: pytest.FixtureRequest) -> Path:
    """Each Dockerfile."""
    found: Path = request.param
    return found


@pytest.fixture
def last(path: Path) -> Stage:
    """Its last stage: the image."""
    return stages(path)[-1]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The services."""
    services: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    return services


def texts(stage: Stage, name: str) -> list[str]:
    return [item.text for item in stage.instructions if item.name == name]


def environment(stage: Stage) -> dict[str, str]:
    """What ENV sets in the stage."""
    return pairs(" ".join(texts(stage, "ENV")))


def runs(path: Path) -> str:
    return "\n".join(item.text for item in instructions(path) if item.name == "RUN")


def test_hadolint_has_nothing_to_say(path: Path) -> None:
    """It knows what makes an image fragile or large; exceptions stand in the file with a reason."""
    command = [program("hadolint"), "--no-color", str(path)]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_bases_are_pinned_to_a_release(path: Path) -> None:
    """A floating base would change vLLM or Python under a tag that stays the same."""
    own = {stage.name for stage in stages(path)}
    for stage in stages(path):
        assert stage.base in own or re.fullmatch(TAG, stage.base), stage.base


def test_bases_can_be_pinned_by_digest(path: Path) -> None:
    """What was tried could not be built again."""
    (argument,) = (item for item in instructions(path)[:1] if item.name == "ARG")
    name = argument.text.partition("=")[0]
    pinned = f"registry.example/base:1.0@sha256:{'0' * 64}"
    assert pinned in {stage.base for stage in stages(path, {name: pinned})}


def test_gpu_base_is_within_the_bounds_of_the_gpu_extra() -> None:
    """The image would serve with a vLLM that the project does not support."""
    version = re.search(r"vllm-openai:v(\d+)\.(\d+)", stages(GPU)[0].base)
    bounds = re.search(r'"vllm>=(\d+)\.(\d+),<(\d+)\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    assert version is not None
    assert bounds is not None
    low, high = bounds.group(1, 2), bounds.group(3, 4)
    assert tuple(map(int, low)) <= tuple(map(int, version.groups())) < tuple(map(int, high))


def test_cpu_image_is_a_locked_environment() -> None:
    """Without a lock and --no-deps pip brings CUDA builds that break transformers."""
    installs = re.findall(r"pip[^&\n]* (?:install|wheel) [^&\n]*", runs(CPU))
    assert len(installs) == 5
    assert all("--no-deps" in text for text in installs)
    (torch,) = re.findall(r"^ARG TORCH=(.*)", CPU.read_text("utf-8"), re.MULTILINE)
    for name in ("cpu", "serve"):
        assert f"torch=={torch}" in (ROOT / "requirements" / f"{name}.lock").read_text().split()


def test_serving_lock_is_what_serving_needs() -> None:
    """The image would lack a package, or carry what only training needs."""
    command = [sys.executable, str(ROOT / "scripts" / "serving_lock.py"), "--check"]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
    lock = (ROOT / "requirements" / "serve.lock").read_text("utf-8")
    assert not re.search(r"^(trl|datasets|pytest|ruff|ray)==", lock, re.MULTILINE)


def test_gpu_image_names_no_engine_to_install() -> None:
    """Naming vLLM or torch, or the gpu extra, would replace what the base image was built with."""
    assert re.search(r'uv pip install --system --no-cache "\.\[\$EXTRAS\]" +&&', runs(GPU))
    assert texts(stages(GPU)[-1], "ARG")[0] == "EXTRAS=remote"
    assert "cmp /tmp/before /tmp/after" in runs(GPU)


def test_only_the_pytorch_index_is_named(path: Path) -> None:
    """Any other address would tie a build to one network."""
    named = [item.text for item in instructions(path) if item.name in ("RUN", "ARG", "COPY")]
    addresses = set(re.findall(r"https?://[^\s'\"]+", "\n".join(named)))
    assert addresses <= {"https://download.pytorch.org/whl/cpu"}


def test_runs_as_a_numeric_user_that_is_not_root(last: Stage) -> None:
    """Kubernetes refuses runAsNonRoot for a user that it cannot tell from root."""
    assert last.last("USER").text == "10001:10001"
    assert last.instructions[-1].name == "CMD"
    assert any("useradd --uid 10001 " in text for text in texts(last, "RUN"))


def test_signals_reach_the_server(last: Stage) -> None:
    """Under a shell SIGTERM would not reach the server, and every stop would cut streams."""
    assert last.last("ENTRYPOINT").words == ["tini", "--", "statewise"]
    assert any(
        "install -y --no-install-recommends" in t and "tini" in t for t in texts(last, "RUN")
    )


def test_command_is_one_that_the_command_line_takes(last: Stage) -> None:
    """A renamed flag would leave an image that does not start."""
    name, *arguments = last.last("CMD").words
    command = typer.main.get_command(cli)
    serve = command.commands[name]  # type: ignore[attr-defined]
    flags = {flag for parameter in serve.params for flag in parameter.opts}
    assert {argument for argument in arguments if argument.startswith("--")} <= flags
    assert [name, *arguments] == SERVE
    assert last.last("EXPOSE").text == SERVE[-1]


def test_health_check_asks_the_live_probe(last: Stage) -> None:
    """A health check on a route that is not there would restart a healthy server for ever."""
    path = re.search(r"127\.0\.0\.1:8000(/\w+)", last.last("HEALTHCHECK").text)
    assert path is not None
    assert path.group(1) == "/livez"
    assert path.group(1) in {getattr(route, "path", None) for route in ops.router.routes}


def test_image_says_what_it_is(last: Stage) -> None:
    """Nobody could tell which commit an image was built from."""
    labels = pairs(" ".join(texts(last, "LABEL")))
    prefix = "org.opencontainers.image."
    assert {name.removeprefix(prefix) for name in labels} == {
        *("title", "description", "licenses", "version", "revision")
    }
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    version = re.search(r'^version = "(.*)"', project, re.MULTILINE)
    assert version is not None
    assert f"VERSION={version[1]}" in texts(last, "ARG")


def test_settings_exist_and_hold_no_secret(path: Path, last: Stage) -> None:
    """A misspelt variable is silently ignored by the server; a secret would be in every copy."""
    named = {name for name in environment(last) if name.startswith("STATEWISE_")}
    assert {name.removeprefix("STATEWISE_").lower() for name in named} <= set(Settings.model_fields)
    declared = " ".join(i.text for i in instructions(path) if i.name in ("ARG", "ENV"))
    assert not re.search(r"TOKEN|PASSWORD|SECRET|API_?KEY", declared, re.IGNORECASE)


def test_everything_written_lies_in_the_state_folder(last: Stage) -> None:
    """With a read-only root file system a cache elsewhere ends the engine's start."""
    values = environment(last)
    state = "/var/lib/statewise"
    assert values["HOME"] == state
    for name in ("STATEWISE_STATE_DIR", "XDG_CACHE_HOME", "VLLM_CACHE_ROOT", "HF_HOME"):
        assert values[name].startswith(f"{state}/"), name


def test_cpu_image_asks_torch_for_no_compiler() -> None:
    """The image has none: a request for log-probabilities would kill the engine."""
    assert environment(stages(CPU)[-1])["TORCH_COMPILE_DISABLE"] == "1"


def test_build_context_holds_what_is_copied(path: Path) -> None:
    """`COPY` fails on a path that .dockerignore leaves out."""
    copies = [i.words for stage in stages(path) for i in stage.instructions if i.name == "COPY"]
    sources = {word for words in copies if not words[0].startswith("--") for word in words[:-1]}
    packages = re.search(r"^packages = (\[.*\])", (ROOT / "pyproject.toml").read_text(), re.M)
    assert packages is not None
    assert set(json.loads(packages.group(1))) <= sources
    for source in sources:
        matches = list(ROOT.glob(source))
        assert matches, source
        assert all(kept(str(match.relative_to(ROOT)), rules()) for match in matches), source


def test_build_context_holds_nothing_else() -> None:
    """Keys, runs and caches of a working tree would be sent along."""
    for name in (".env", ".git/config", ".venv/bin/python", "runs/a", "app/__pycache__/a.pyc"):
        assert not kept(name, rules()), name
    assert kept("app/main.py", rules())
    build = (ROOT / "scripts" / "images" / "build").read_text("utf-8")
    assert "git archive" in build
    assert build.rstrip().endswith('"$@" -')


def test_compose_has_no_password(compose: dict[str, Any]) -> None:
    """A default would be everybody's."""
    text = (ROOT / "compose.yaml").read_text("utf-8")
    secrets = re.findall(r"\$\{(\w*PASSWORD)(:\?set \w+)?", text)
    assert {name for name, _ in secrets} == {"POSTGRES_PASSWORD", "GRAFANA_PASSWORD"}
    assert all(message for _, message in secrets)
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD" not in name or value.startswith("${"), name
    assert ".env" in (ROOT / ".gitignore").read_text("utf-8").split()


def test_compose_is_pinned_checked_and_kept(compose: dict[str, Any]) -> None:
    """A service would change by itself, be waited for in vain, or lose what it has."""
    for name, service in compose["services"].items():
        image = re.sub(r"\$\{\w+:-(.*)\}", r"\1", service["image"])
        assert re.fullmatch(TAG, image), image
        assert "test" in service["healthcheck"], name
        named = {volume.partition(":")[0] for volume in service["volumes"]}
        assert named & set(compose["volumes"]), name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), port
        for volume in named:
            if volume.startswith("./"):
                assert (ROOT / volume).exists(), volume


def test_compose_server_agrees_with_the_image_and_the_settings(compose: dict[str, Any]) -> None:
    """It would not start, be taken for ill, or be killed before its streams have ended."""
    server = compose["services"]["statewise"]
    env = server["environment"]
    fields = {name.removeprefix("STATEWISE_").lower() for name in env}
    assert fields <= set(Settings.model_fields)
    assert f"127.0.0.1:{env['STATEWISE_OPS_PORT']}/readyz" in shlex.join(
        server["healthcheck"]["test"]
    )
    assert server["read_only"] is True
    assert server["ports"][0].endswith(f":{SERVE[-1]}")
    assert int(server["stop_grace_period"][:-1]) > int(env["STATEWISE_SHUTDOWN_GRACE_S"]) + 13


def test_compose_prometheus_asks_the_server(compose: dict[str, Any]) -> None:
    """It would watch over nothing, or by other rules and another name than elsewhere."""
    mine, other = (
        yaml.safe_load((ROOT / folder / "prometheus.yml").read_text("utf-8"))
        for folder in ("docker", "monitoring")
    )
    (job,), (example,) = mine.pop("scrape_configs"), other.pop("scrape_configs")
    assert mine == other
    assert job["job_name"] == example["job_name"]
    port = compose["services"]["statewise"]["environment"]["STATEWISE_OPS_PORT"]
    assert job["static_configs"] == [{"targets": [f"statewise:{port}"]}]


def test_compose_grafana_finds_source_and_dashboard(compose: dict[str, Any]) -> None:
    """An empty Grafana says nothing."""
    service = compose["services"]["grafana"]
    folder = ROOT / "monitoring" / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    (provider,) = yaml.safe_load((folder / "dashboards" / "statewise.yml").read_text())["providers"]
    assert source["url"] == "http://prometheus:9090"
    inside = provider["options"]["path"]
    assert f"./monitoring:{inside}:ro" in service["volumes"]
    provisioning = service["environment"]["GF_PATHS_PROVISIONING"]
    assert ROOT / "monitoring" / Path(provisioning).relative_to(inside) == folder
    assert json.loads((ROOT / "monitoring" / "dashboard.json").read_text("utf-8"))["panels"]
