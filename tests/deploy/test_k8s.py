"""The manifests: valid by strict schemas, and whole: nothing is named that is not there."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from scripts.images.dockerfile import stages
from tests.conftest import REPOSITORY
from tests.deploy.manifests import K8S, OVERLAYS, Manifest, Pod, one, pods, rendered, some
from tests.deploy.schemas import SCHEMAS

DEPLOY = (REPOSITORY / "docs" / "deploy.md").read_text("utf-8")
VERSION = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]["version"]
GATEWAY_PODS = "gateway.networking.k8s.io/gateway-name"
"""The label of pods that a controller makes for a Gateway."""
EACH_POD = [(name, pod) for name in OVERLAYS for pod in pods(name)]
each_pod = pytest.mark.parametrize(
    ("overlay", "pod"), EACH_POD, ids=[f"{name}-{pod.name}" for name, pod in EACH_POD]
)


def check(manifest: Manifest) -> None:
    """Raises if a field is not known, missing, or of the wrong kind."""
    _check(json.dumps(manifest, sort_keys=True))


@cache
def _check(document: str) -> None:
    """As above; overlays have much in common."""
    manifest = json.loads(document)
    if schema := SCHEMAS.get(manifest["kind"]):
        jsonschema.validate(manifest, schema)
    else:
        kubernetes_validate.validate(manifest, "1.37", strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_document_fits_the_schema(overlay: str) -> None:
    """A misspelt field is dropped by the API server without a word."""
    for manifest in rendered(overlay):
        check(manifest)


@each_pod
def test_every_pod_fits_the_schema(overlay: str, pod: Pod) -> None:
    """Templates in custom resources are not looked into otherwise."""
    metadata = {"name": pod.name, "labels": pod.labels}
    check({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod.spec})


def test_own_schemas_refuse_what_they_do_not_know() -> None:
    """A schema that lets everything through would check nothing."""
    seen = set()
    for overlay in OVERLAYS:
        for manifest in rendered(overlay):
            if manifest["kind"] in SCHEMAS:
                seen.add(manifest["kind"])
                with pytest.raises(jsonschema.ValidationError):
                    check({**manifest, "spec": {**manifest["spec"], "misspelt": 1}})
    assert seen == set(SCHEMAS)


def test_every_file_is_used() -> None:
    """A manifest that no kustomization names is never applied."""
    for listing in K8S.rglob("kustomization.yaml"):
        content = yaml.safe_load(listing.read_text("utf-8"))
        named = {item for item in content.get("resources", []) if item.endswith(".yaml")}
        named |= {item["path"] for item in content.get("patches", []) if "path" in item}
        files = {path.name for path in listing.parent.glob("*.yaml")} - {"kustomization.yaml"}
        assert named == files, listing.parent


@each_pod
def test_images_are_of_this_version_and_have_a_dockerfile(overlay: str, pod: Pod) -> None:
    """A floating or forgotten tag would run another version than the manifests are for."""
    name, _, tag = pod.container["image"].partition(":")
    version, _, kind = tag.partition("-")
    assert (name, version) == ("statewise", VERSION)
    assert kind in ("cpu", "gpu", "train")
    file = REPOSITORY / "docker" / f"Dockerfile.{'cpu' if kind == 'train' else kind}"
    security = pod.spec["securityContext"]
    user = f"{security['runAsUser']}:{security['runAsGroup']}"
    assert stages(file)[-1].last("USER").text == user
    assert (kind == "gpu") is ("nvidia.com/gpu" in pod.container["resources"]["limits"])


@each_pod
def test_pods_are_confined(overlay: str, pod: Pod) -> None:
    """A hole in a service would reach further than it needs to."""
    security = pod.spec["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert security["fsGroup"] == security["runAsGroup"]
    assert pod.container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        # The exception is NVIDIA's container hook, which writes into the root file system.
        "readOnlyRootFilesystem": not pod.container["image"].endswith("-gpu"),
    }
    assert pod.spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod.spec)


@each_pod
def test_pods_get_no_variables_of_services(overlay: str, pod: Pod) -> None:
    """STATEWISE_PORT=tcp://... of a Service named so is no port; VLLM_PORT breaks vLLM."""
    assert pod.spec["enableServiceLinks"] is False


@each_pod
def test_writable_folders_are_mounted_and_bounded(overlay: str, pod: Pod) -> None:
    """On a read-only root file system the server could not write its record, nor vLLM sockets."""
    volumes = {volume["name"]: volume for volume in pod.spec["volumes"]}
    mounts = {mount["mountPath"]: mount["name"] for mount in pod.container["volumeMounts"]}
    assert set(mounts.values()) == set(volumes)
    assert {"/var/lib/statewise", "/tmp"} <= set(mounts)
    assert all("sizeLimit" in v["emptyDir"] for v in volumes.values() if "emptyDir" in v)
    if pod.container["image"].endswith("-gpu"):
        assert volumes[mounts["/dev/shm"]]["emptyDir"]["medium"] == "Memory"


@each_pod
def test_resources_are_asked_for(overlay: str, pod: Pod) -> None:
    """Without requests the scheduler packs pods until they are killed for memory."""
    resources = pod.container["resources"]
    assert {"cpu", "memory"} <= set(resources["requests"])
    assert "memory" in resources["limits"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_has_a_network_policy_of_both_ways(overlay: str) -> None:
    """A pod that no policy selects may be reached by, and reach, everything."""
    for pod in pods(overlay):
        ways: set[str] = set()
        for policy in some(overlay, "NetworkPolicy"):
            if policy["spec"]["podSelector"]["matchLabels"].items() <= pod.labels.items():
                ways |= set(policy["spec"]["policyTypes"])
        assert ways == {"Ingress", "Egress"}, pod.name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_selectors_find_pods(overlay: str) -> None:
    """A Service, budget, policy or pool whose selector matches nothing does nothing."""
    labels = [pod.labels.items() for pod in pods(overlay)]
    for manifest in rendered(overlay):
        spec = manifest.get("spec", {})
        selector = spec.get("podSelector", spec.get("selector"))
        if selector is not None and GATEWAY_PODS in selector.get("matchLabels", {}):
            assert one(overlay, "Gateway", selector["matchLabels"][GATEWAY_PODS])
            continue
        if manifest["kind"] == "ServiceMonitor":
            wanted = [item["metadata"]["labels"].items() for item in some(overlay, "Service")]
        else:
            wanted = labels
        if selector is not None:
            match = selector.get("matchLabels", selector).items()
            assert any(match <= each for each in wanted), manifest["metadata"]["name"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_is_referred_to_is_there_or_documented(overlay: str) -> None:
    """A pod that names a missing Secret, claim or account never starts."""
    there = {(item["kind"], item["metadata"]["name"]) for item in rendered(overlay)}
    for kind, name in references(list(rendered(overlay))):
        if kind in ("Secret", "Service of the endpoint picker"):
            assert f"`{name}`" in DEPLOY, f"docs/deploy.md does not say how to make {kind} {name}"
        else:
            assert (kind, name) in there, (kind, name)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_secret_is_in_a_manifest(overlay: str) -> None:
    """Whoever reads the repository would have it."""
    assert not some(overlay, "Secret")
    for pod in pods(overlay):
        for name in pod.values:
            assert not any(
                word in name for word in ("KEY", "TOKEN", "PASSWORD", "DATABASE_URL")
            ) or (name == "STATEWISE_KEYS_FILE"), name


def test_every_overlay_is_documented() -> None:
    """Nobody would know when to use it, or what it needs."""
    for overlay in OVERLAYS:
        assert f"k8s/overlays/{overlay}" in DEPLOY


def references(node: Any) -> set[tuple[str, str]]:
    """The other objects that a manifest names."""
    found: set[tuple[str, str]] = set()
    if isinstance(node, list):
        for item in node:
            found |= references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            found |= references(value) if key not in _NAMED else {_NAMED[key](value)}
    return found


_NAMED = {
    "secretKeyRef": lambda value: ("Secret", value["name"]),
    "configMapRef": lambda value: ("ConfigMap", value["name"]),
    "configMapKeyRef": lambda value: ("ConfigMap", value["name"]),
    "secret": lambda value: ("Secret", value["secretName"]),
    "persistentVolumeClaim": lambda value: ("PersistentVolumeClaim", value["claimName"]),
    "serviceAccountName": lambda value: ("ServiceAccount", value),
    "priorityClassName": lambda value: ("PriorityClass", value),
    "scaleTargetRef": lambda value: ("Deployment", value["name"]),
    "endpointPickerRef": lambda value: ("Service of the endpoint picker", value["name"]),
    "parentRefs": lambda value: ("Gateway", value[0]["name"]),
    "backendRefs": lambda value: (value[0].get("kind", "Service"), value[0]["name"]),
}
