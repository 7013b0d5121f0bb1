"""What one overlay has and the others have not."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client import CollectorRegistry
from typer.main import get_command

from app.metrics import Metrics
from app.settings import Settings
from scripts import prometheus_rule
from statewise.cli import cli
from tests.conftest import REPOSITORY
from tests.deploy.manifests import app, one, pods, some
from tests.deploy.test_k8s_serving import values


def width(arguments: list[str]) -> int:
    return int(re.search(r"--max-num-seqs=(\d+)", " ".join(arguments))[1])  # type: ignore[index]


def test_places_are_as_many_as_the_engine_works_on() -> None:
    """More would queue in vLLM, where neither the queue's metric nor its limit sees them."""
    for overlay in ("gpu", "gpu-autoscaled"):
        places = int(values(overlay)["STATEWISE_MAX_IN_FLIGHT"])
        assert places == width(app(overlay).container["args"])


def test_scaling_asks_for_series_that_the_server_has() -> None:
    """KEDA would fall back for ever, or take nothing for an idle service."""
    (trigger,) = one("gpu-autoscaled", "ScaledObject")["spec"]["triggers"]
    registry = CollectorRegistry()
    Metrics(registry)
    known = {sample.name for family in registry.collect() for sample in family.samples}
    asked = set(re.findall(r"statewise_\w+", trigger["metadata"]["query"]))
    assert asked == {"statewise_solutions_in_flight", "statewise_queued"}
    assert asked <= known
    namespace = one("gpu-autoscaled", "Deployment")["metadata"]["namespace"]
    assert trigger["metadata"]["query"].count(f'namespace="{namespace}"') == len(asked)


def test_scaling_begins_before_a_replica_is_full_and_not_for_batches() -> None:
    """A threshold over the width never scales out; one under what batches fill never stops."""
    (trigger,) = one("gpu-autoscaled", "ScaledObject")["spec"]["triggers"]
    places = int(values("gpu-autoscaled")["STATEWISE_MAX_IN_FLIGHT"])
    reserved = Settings.model_fields["batch_reserved_share"].default
    assert (1 - reserved) * places < float(trigger["metadata"]["threshold"]) < places


def test_scaling_owns_the_number_of_replicas() -> None:
    """Each `kubectl apply` would set it back."""
    spec = one("gpu-autoscaled", "Deployment")["spec"]
    assert "replicas" not in spec
    scaled = one("gpu-autoscaled", "ScaledObject")["spec"]
    assert scaled["minReplicaCount"] <= scaled["fallback"]["replicas"] < scaled["maxReplicaCount"]


def test_pool_and_routes_lead_to_the_servers_ports() -> None:
    """Requests would go to a port where nobody listens."""
    (reasoner,) = (pod for pod in pods("gateway") if pod.name == "reasoner")
    (port,) = reasoner.container["ports"]
    pool = one("gateway", "InferencePool", "reasoner")["spec"]
    assert pool["targetPorts"] == [{"number": port["containerPort"]}]
    assert pool["selector"]["matchLabels"].items() <= reasoner.labels.items()
    assert f"--port={port['containerPort']}" in reasoner.container["args"]
    service = {item["port"] for item in one("gateway", "Service")["spec"]["ports"]}
    (backend,) = one("gateway", "HTTPRoute")["spec"]["rules"][0]["backendRefs"]
    assert backend["port"] in service


def test_streams_are_not_cut_by_the_gateway() -> None:
    """Envoy's 15 seconds are shorter than most solutions."""
    for route in some("gateway", "HTTPRoute"):
        assert {rule["timeouts"]["request"] for rule in route["spec"]["rules"]} == {"0s"}


def test_clients_do_not_reach_the_model_past_the_app() -> None:
    """They would go around keys, limits and verification."""
    clients, model = some("gateway", "HTTPRoute")[1], one("gateway", "HTTPRoute", "reasoner")
    assert clients["spec"]["rules"][0]["backendRefs"][0]["name"] == "statewise"
    assert model["spec"]["parentRefs"] == [{"name": "reasoner"}]
    gateway = one("gateway", "Gateway", "reasoner")["spec"]
    assert "ClusterIP" in gateway["infrastructure"]["annotations"].values()
    assert admitted("reasoner-gateway") == [{"app.kubernetes.io/name": "statewise"}]
    picker = one("gateway", "InferencePool", "reasoner")["spec"]["endpointPickerRef"]["name"]
    assert admitted("reasoner") == [
        {"gateway.networking.k8s.io/gateway-name": "reasoner"},
        {"inferencepool": picker},
        {"epp": picker},
    ]


def admitted(policy: str) -> list[dict[str, str]]:
    """The pods of the namespace that a policy lets in."""
    return [
        peer["podSelector"]["matchLabels"]
        for rule in one("gateway", "NetworkPolicy", policy)["spec"]["ingress"]
        for peer in rule["from"]
        if "podSelector" in peer
    ]


def test_servers_that_are_not_ours_are_scraped_as_our_engine_is() -> None:
    """Panels and alerts of vLLM's series would be empty, and nobody would be told."""
    for overlay in ("gateway", "multi-node"):
        (monitor,) = some(overlay, "PodMonitor")
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        served = [pod for pod in pods(overlay) if "startupProbe" in pod.container]
        ports = {
            pod.name: {port["name"] for port in pod.container["ports"]}
            for pod in served
            if monitor["spec"]["selector"]["matchLabels"].items() <= pod.labels.items()
        }
        assert ports
        assert all(endpoint["port"] in names for names in ports.values())
        assert endpoint["relabelings"] == [{"targetLabel": "job", "replacement": "statewise"}]
        assert 'job="statewise"' in prometheus_rule.text()


def test_app_asks_for_the_model_that_the_servers_have() -> None:
    """It would read the tokenizer of another one, or find none of that name."""
    for overlay in ("gateway", "multi-node"):
        served = [pod for pod in pods(overlay) if "serve" in pod.container.get("command", [])]
        assert served
        assert {pod.container["args"][0] for pod in served} == {values(overlay)["STATEWISE_MODEL"]}
        assert values(overlay)["STATEWISE_ENGINE"] == "remote"
        replicas = (
            one(overlay, "Deployment", "reasoner")["spec"]["replicas"]
            if (overlay == "gateway")
            else 1
        )
        wide = replicas * width(served[0].container["args"])
        assert int(values(overlay)["STATEWISE_UPSTREAM_WIDTH"]) == wide


def test_group_serves_one_model_over_all_its_gpus() -> None:
    """vLLM refuses a group whose GPUs are not tensor times pipeline."""
    group = one("multi-node", "LeaderWorkerSet", "reasoner")
    leader, worker = (pod for pod in pods("multi-node") if pod.kind == "LeaderWorkerSet")
    gpus = int(leader.container["resources"]["limits"]["nvidia.com/gpu"])
    assert f"--tensor-parallel-size={gpus}" in leader.container["args"]
    assert "--pipeline-parallel-size=$(LWS_GROUP_SIZE)" in leader.container["args"]
    common = [a for a in leader.container["args"] if a in worker.container["args"]]
    assert set(worker.container["args"]) - set(common) == {"--headless"}
    assert "readinessProbe" not in worker.container
    upstream = values("multi-node")["STATEWISE_UPSTREAM"].split(",")
    name = group["metadata"]["name"]
    assert upstream == [f"http://{name}-{n}.{name}:8000" for n in range(group["spec"]["replicas"])]


def test_training_goes_on_where_it_was() -> None:
    """An evicted pod would begin anew, or its eviction would count as a failure."""
    (pod,) = pods("training-job")
    command = get_command(cli)
    train = command.commands["train"]  # type: ignore[attr-defined]
    options = dict(item.split("=", 1) for item in pod.container["args"][1:])
    known = {flag for parameter in train.params for flag in parameter.opts}
    assert pod.container["args"][0] == "train"
    assert set(options) <= known
    mounts = {mount["mountPath"]: mount["name"] for mount in pod.container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod.spec["volumes"]}
    assert Path(options["--work"]).parts[:2] == ("/", "runs")
    assert "persistentVolumeClaim" in volumes[mounts["/runs"]]
    recipe = options["--recipe"].partition("site-packages/")[2]
    assert (REPOSITORY / recipe).is_file()
    job = one("training-job", "Job", "statewise-training")["spec"]
    ignored = [rule for rule in job["podFailurePolicy"]["rules"] if rule["action"] == "Ignore"]
    assert ignored[0]["onPodConditions"][0]["type"] == "DisruptionTarget"


def test_serving_goes_before_training() -> None:
    """A training would keep a server from being scheduled."""
    serving = one("gpu", "PriorityClass", "statewise-serving")["value"]
    training = one("training-job", "PriorityClass", "statewise-training")
    assert serving > training["value"]
    assert training["preemptionPolicy"] == "Never"


def test_rules_are_those_of_the_repository() -> None:
    """Alerts of the operator and of a plain Prometheus would say different things."""
    assert prometheus_rule.TARGET.read_text("utf-8") == prometheus_rule.text(), (
        "out of date: .venv/bin/python -m scripts.prometheus_rule"
    )
