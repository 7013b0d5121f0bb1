"""The server's pods: true to the application's routes, settings and times."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from app.engines.launch import build
from app.engines.vllm import SHUTDOWN_S
from app.host import Host
from app.main import create_app
from app.metrics import Metrics
from app.processes import KILL_AFTER_S
from app.serve import LAST_WORDS_S
from app.settings import Settings
from tests.deploy.manifests import SERVING, Manifest, Pod, app, one, pods, some

PROBES = {"startupProbe": "/startupz", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
each = pytest.mark.parametrize("overlay", SERVING)


def values(overlay: str) -> dict[str, str]:
    """The server's variables, those of ConfigMaps too."""
    pod = app(overlay)
    maps = {item["metadata"]["name"]: item["data"] for item in some(overlay, "ConfigMap")}
    found = dict(pod.values)
    for source in pod.container.get("envFrom", []):
        found |= maps[source["configMapRef"]["name"]]
    return found


def budget(probe: Manifest) -> int:
    """Seconds until a probe that always fails has an effect."""
    seconds: int = probe["periodSeconds"] * probe["failureThreshold"]
    return seconds


def test_probes_ask_routes_of_the_application(tmp_path: Path) -> None:
    """A probe on a missing route keeps every pod from becoming ready, or restarts it for ever."""
    settings = Settings(engine="scripted", state_dir=tmp_path)
    metrics = Metrics(CollectorRegistry())
    routes = create_app(settings, Host(build(settings)), metrics).openapi()["paths"]
    assert set(PROBES.values()) <= set(routes)
    for overlay in SERVING:
        container = app(overlay).container
        assert {name: container[name]["httpGet"]["path"] for name in PROBES} == PROBES


@each
def test_ports_agree(overlay: str) -> None:
    """Traffic, probes and scrapes would go to a port where nobody listens."""
    container = app(overlay).container
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": 8000, "ops": int(values(overlay)["STATEWISE_OPS_PORT"])}
    assert {container[name]["httpGet"]["port"] for name in PROBES} == {"ops"}
    service = {item["name"]: item for item in one(overlay, "Service")["spec"]["ports"]}
    assert {name: item["targetPort"] for name, item in service.items()} == {n: n for n in ports}
    for monitor in some(overlay, "ServiceMonitor"):
        assert [(item["port"], item["path"]) for item in monitor["spec"]["endpoints"]] == [
            ("ops", "/metrics")
        ]
    named = {
        port["port"]
        for rule in one(overlay, "NetworkPolicy")["spec"]["ingress"]
        for port in rule["ports"]
    }
    assert named == set(ports)


@each
def test_variables_are_settings_with_valid_values(
    overlay: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The server ignores a variable that it does not know, and does not start on a bad value."""
    monkeypatch.setenv("HOME", str(tmp_path))
    ours = {k: v for k, v in values(overlay).items() if k.startswith("STATEWISE_")}
    secret = [item["name"] for item in app(overlay).container["env"] if "valueFrom" in item]
    fields = {name.removeprefix("STATEWISE_").lower() for name in (*ours, *secret)} - {"hf_token"}
    assert fields <= set(Settings.model_fields)
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    assert {name.removeprefix("STATEWISE_").lower() for name in ours} <= Settings().model_fields_set


@each
def test_pods_are_given_time_to_drain(overlay: str) -> None:
    """The kubelet would kill the server before its streams have ended and its engine is gone."""
    drain = float(values(overlay)["STATEWISE_SHUTDOWN_GRACE_S"]) + LAST_WORDS_S
    ending = SHUTDOWN_S + 2 * KILL_AFTER_S
    assert grace(app(overlay)) > wait(app(overlay)) + drain + ending


@each
def test_vllm_servers_are_given_time_to_drain(overlay: str) -> None:
    """As above, for the servers that are not ours."""
    for pod in pods(overlay):
        if found := re.search(r"--shutdown-timeout=(\d+)", " ".join(pod.container.get("args", []))):
            assert grace(pod) > wait(pod) + int(found[1])


@each
def test_start_is_given_longer_than_the_engine_takes_to_give_up(overlay: str) -> None:
    """The kubelet would kill a server that still loads a big model, and so for ever."""
    for pod in pods(overlay):
        if "startupProbe" in pod.container:
            gpu = pod.container["image"].endswith("-gpu")
            assert budget(pod.container["startupProbe"]) >= (1800 if gpu else 300)
    for pod in pods(overlay):
        if "startupProbe" in pod.container and pod.container["image"].endswith("-gpu"):
            limit = float(pod.values["VLLM_ENGINE_READY_TIMEOUT_S"])
            assert 600 < limit < budget(pod.container["startupProbe"])


@each
def test_pods_are_spread_and_not_all_drained_at_once(overlay: str) -> None:
    """The loss of one node, or its draining, would be that of the service."""
    names = {"statewise": app(overlay).labels["app.kubernetes.io/name"]}
    (host,) = (
        item
        for item in app(overlay).spec["topologySpreadConstraints"]
        if item["topologyKey"] == "kubernetes.io/hostname"
    )
    assert host["labelSelector"]["matchLabels"] == {"app.kubernetes.io/name": names["statewise"]}
    assert one(overlay, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    for deployment in some(overlay, "Deployment"):
        rolling = deployment["spec"]["strategy"]["rollingUpdate"]
        gpu = "-gpu" in deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        assert rolling["maxSurge"] == (0 if gpu else 1)


@each
def test_replicas_share_a_store(overlay: str) -> None:
    """A solution would be known to one of several replicas alone."""
    deployment = one(overlay, "Deployment")["spec"]
    if overlay == "cpu-demo":
        assert deployment["replicas"] == 1
        return
    env = {item["name"]: item for item in app(overlay).container["env"]}
    assert env["STATEWISE_DATABASE_URL"]["valueFrom"]["secretKeyRef"]["name"]
    mounts = {mount["mountPath"]: mount["name"] for mount in app(overlay).container["volumeMounts"]}
    assert values(overlay)["STATEWISE_FILES_URL"] in mounts
    assert str(Path(values(overlay)["STATEWISE_KEYS_FILE"]).parent) in mounts
    claims = {
        item["metadata"]["name"]: item["spec"] for item in some(overlay, "PersistentVolumeClaim")
    }
    assert claims["statewise-files"]["accessModes"] == ["ReadWriteMany"]


def grace(pod: Pod) -> float:
    return float(pod.spec["terminationGracePeriodSeconds"])


def wait(pod: Pod) -> float:
    return float(pod.container["lifecycle"]["preStop"]["sleep"]["seconds"])
