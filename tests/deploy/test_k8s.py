"""The manifests: valid by Kubernetes' own schemas, and true to the application."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from prometheus_client import CollectorRegistry

from app.engines.launch import build
from app.engines.vllm import SHUTDOWN_S
from app.host import Host
from app.main import create_app
from app.metrics import Metrics
from app.processes import KILL_AFTER_S
from app.settings import Settings
from tests.conftest import REPOSITORY, skip

K8S = REPOSITORY / "k8s"
NAMES = ("base", "cpu", "gpu")
Manifest = dict[str, Any]


@pytest.fixture(scope="module", params=NAMES)
def rendered(request: pytest.FixtureRequest) -> tuple[str, list[Manifest]]:
    """The base as its files stand, and each overlay as kustomize renders it."""
    name: str = request.param
    return name, base() if name == "base" else overlay(name)


@pytest.fixture
def pod(rendered: tuple[str, list[Manifest]]) -> Manifest:
    """The pod's specification."""
    spec: Manifest = one(rendered[1], "Deployment")["spec"]["template"]["spec"]
    return spec


@pytest.fixture
def container(pod: Manifest) -> Manifest:
    """The only container of the pod."""
    (only,) = pod["containers"]
    found: Manifest = only
    return found


def base() -> list[Manifest]:
    folder = K8S / "base"
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))["resources"]
    return [yaml.safe_load((folder / path).read_text("utf-8")) for path in listed]


def overlay(name: str) -> list[Manifest]:
    program = shutil.which("kubectl")
    if program is None:
        skip("kubectl, to render the overlays")
    command = [str(program), "kustomize", str(K8S / "overlays" / name)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return list(yaml.safe_load_all(output))


def one(manifests: list[Manifest], kind: str) -> Manifest:
    (found,) = (manifest for manifest in manifests if manifest["kind"] == kind)
    return found


def values(container: Manifest) -> dict[str, str]:
    return {item["name"]: item["value"] for item in container.get("env", [])}


def probes(container: Manifest) -> dict[str, Manifest]:
    return {name: container[f"{name}Probe"] for name in ("startup", "liveness", "readiness")}


def test_base_lists_every_file() -> None:
    """A manifest that the kustomization forgets is never applied."""
    files = {path.name for path in (K8S / "base").glob("*.yaml")} - {"kustomization.yaml"}
    text = (K8S / "base" / "kustomization.yaml").read_text("utf-8")
    assert set(yaml.safe_load(text)["resources"]) == files


def test_every_document_fits_the_schema(rendered: tuple[str, list[Manifest]]) -> None:
    """A misspelt field is dropped by the API server without a word."""
    for manifest in rendered[1]:
        kubernetes_validate.validate(manifest, "1.37", strict=True)


def test_probes_ask_routes_of_the_application(container: Manifest, tmp_path: Path) -> None:
    """A probe on a missing route keeps every pod from becoming ready, or restarts it for ever."""
    settings = Settings(engine="scripted", state_dir=tmp_path)
    metrics = Metrics(CollectorRegistry())
    routes = create_app(settings, Host(build(settings)), metrics).openapi()["paths"]
    asked = {name: probe["httpGet"]["path"] for name, probe in probes(container).items()}
    assert asked == {"startup": "/startupz", "liveness": "/livez", "readiness": "/readyz"}
    assert set(asked.values()) <= set(routes)


def test_ports_agree(rendered: tuple[str, list[Manifest]], container: Manifest) -> None:
    """Traffic, probes and scrapes would go to a port where nobody listens."""
    (port,) = container["ports"]
    assert port == {"name": "http", "containerPort": 8000}
    assert {probe["httpGet"]["port"] for probe in probes(container).values()} == {"http"}
    (exposed,) = one(rendered[1], "Service")["spec"]["ports"]
    assert exposed["targetPort"] == "http"
    pod = one(rendered[1], "Deployment")["spec"]["template"]
    assert pod["metadata"]["annotations"]["prometheus.io/port"] == "8000"
    assert '"--port", "8000"' in (REPOSITORY / "docker" / "Dockerfile.cpu").read_text("utf-8")


def test_selectors_find_the_pod(rendered: tuple[str, list[Manifest]]) -> None:
    """A Service or budget whose selector matches nothing does nothing."""
    deployment = one(rendered[1], "Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"].items()
    assert deployment["selector"]["matchLabels"].items() <= labels
    assert one(rendered[1], "Service")["spec"]["selector"].items() <= labels
    budget = one(rendered[1], "PodDisruptionBudget")["spec"]
    assert budget["selector"]["matchLabels"].items() <= labels
    assert budget["maxUnavailable"] == 1


def test_pod_gets_no_variables_of_services(
    rendered: tuple[str, list[Manifest]], pod: Manifest
) -> None:
    """STATEWISE_PORT=tcp://... of a Service named so is no port; VLLM_PORT breaks vLLM."""
    assert pod["enableServiceLinks"] is False
    assert one(rendered[1], "Service")["metadata"]["name"] != "vllm"


def test_variables_are_settings_with_valid_values(
    container: Manifest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The server ignores a variable that it does not know, and does not start on a bad value."""
    monkeypatch.setenv("HOME", str(tmp_path))
    ours = {name: value for name, value in values(container).items() if "STATEWISE_" in name}
    fields = {name.removeprefix("STATEWISE_").lower() for name in ours}
    assert fields <= set(Settings.model_fields)
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    assert fields <= Settings().model_fields_set


def test_pod_is_given_time_to_drain(pod: Manifest, container: Manifest) -> None:
    """The kubelet would kill the server before its streams have ended and its engine is gone."""
    drain = float(values(container)["STATEWISE_SHUTDOWN_GRACE_S"])
    wait = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    ending = SHUTDOWN_S + 2 * KILL_AFTER_S
    assert pod["terminationGracePeriodSeconds"] > wait + drain + ending


def test_start_is_given_longer_than_the_engine_takes_to_give_up(
    rendered: tuple[str, list[Manifest]], container: Manifest
) -> None:
    """The kubelet would kill a server that still loads a big model, and so for ever."""
    probe = container["startupProbe"]
    budget = probe["periodSeconds"] * probe["failureThreshold"]
    assert budget >= 300
    if rendered[0] == "gpu":
        assert budget >= 1800
        assert 600 < float(values(container)["VLLM_ENGINE_READY_TIMEOUT_S"]) < budget


def test_pod_is_confined(
    rendered: tuple[str, list[Manifest]], pod: Manifest, container: Manifest
) -> None:
    """A hole in the service would reach further than it needs to."""
    user = pod["securityContext"]
    assert user["runAsNonRoot"] is True
    assert user["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        # The exception is NVIDIA's container hook, which writes into the root file system.
        "readOnlyRootFilesystem": rendered[0] != "gpu",
    }
    assert pod["automountServiceAccountToken"] is False
    assert one(rendered[1], "ServiceAccount")["automountServiceAccountToken"] is False
    for suffix in ("cpu", "gpu"):
        text = (REPOSITORY / "docker" / f"Dockerfile.{suffix}").read_text("utf-8")
        assert f"USER {user['runAsUser']}:{user['runAsGroup']}" in text
    assert user["fsGroup"] == user["runAsGroup"]


def test_writable_folders_are_mounted(
    rendered: tuple[str, list[Manifest]], pod: Manifest, container: Manifest
) -> None:
    """With a read-only root file system the server could not write its record, nor vLLM sockets."""
    volumes = {volume["name"]: volume["emptyDir"] for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
    assert {"/var/lib/statewise", "/tmp"} <= set(mounts)
    assert all("sizeLimit" in volume for volume in volumes.values())
    if rendered[0] == "gpu":
        assert mounts["/dev/shm"]["medium"] == "Memory"


def test_resources_are_asked_for(rendered: tuple[str, list[Manifest]], container: Manifest) -> None:
    """Without requests the scheduler packs pods until they are killed for memory."""
    resources = container["resources"]
    assert {"cpu", "memory"} <= set(resources["requests"])
    assert "memory" in resources["limits"]
    assert ("nvidia.com/gpu" in resources["limits"]) is (rendered[0] == "gpu")


def test_image_is_this_version(rendered: tuple[str, list[Manifest]], container: Manifest) -> None:
    """A floating or forgotten tag would run another version than the manifests are for."""
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"][
        "version"
    ]
    suffix = "" if rendered[0] == "base" else f"-{rendered[0]}"
    assert container["image"] == f"statewise:{version}{suffix}"
