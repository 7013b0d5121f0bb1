"""The overlays as kustomize renders them, and what is in them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from tests.conftest import REPOSITORY
from tests.deploy.programs import program

K8S = REPOSITORY / "k8s"
OVERLAYS = tuple(sorted(path.name for path in (K8S / "overlays").iterdir()))
SERVING = tuple(name for name in OVERLAYS if name != "training-job")
Manifest = dict[str, Any]
KUBECTL = program("kubectl")


@dataclass(frozen=True)
class Pod:
    """A pod that a manifest makes."""

    kind: str
    name: str
    labels: dict[str, str]
    spec: Manifest

    @property
    def container(self) -> Manifest:
        """Its only container."""
        (only,) = self.spec["containers"]
        found: Manifest = only
        return found

    @property
    def values(self) -> dict[str, str]:
        """The variables whose values stand in the manifest."""
        env = self.container.get("env", [])
        return {item["name"]: item["value"] for item in env if "value" in item}


@cache
def rendered(overlay: str) -> tuple[Manifest, ...]:
    """What `kubectl apply -k` would apply; kubectl comes with the development packages."""
    command = [KUBECTL, "kustomize", str(K8S / "overlays" / overlay)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return tuple(yaml.safe_load_all(output))


def some(overlay: str, kind: str) -> list[Manifest]:
    return [manifest for manifest in rendered(overlay) if manifest["kind"] == kind]


def one(overlay: str, kind: str, name: str = "statewise") -> Manifest:
    (found,) = (item for item in some(overlay, kind) if item["metadata"]["name"] == name)
    return found


def pods(overlay: str) -> list[Pod]:
    """Every pod that the overlay makes."""
    return [pod for manifest in rendered(overlay) for pod in _pods(manifest)]


def app(overlay: str) -> Pod:
    """The pod of the server."""
    (pod,) = (pod for pod in pods(overlay) if pod.name == "statewise")
    return pod


def _pods(manifest: Manifest) -> Iterator[Pod]:
    kind, name, spec = manifest["kind"], manifest["metadata"]["name"], manifest.get("spec", {})
    templates = {}
    if kind in ("Deployment", "Job"):
        templates = {name: spec["template"]}
    elif kind == "LeaderWorkerSet":
        group = spec["leaderWorkerTemplate"]
        templates = {f"{name}-{role}": group[f"{role}Template"] for role in ("leader", "worker")}
    for label, template in templates.items():
        yield Pod(kind, label, template["metadata"]["labels"], template["spec"])
