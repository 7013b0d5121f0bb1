"""Alerts and dashboard: every series they ask for exists, and each alert fires when it should."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import pytest
import yaml

from tests.conftest import REPOSITORY, skip
from tests.support.gauges import families, measured, solve_with_every_strategy

MONITORING: Final = REPOSITORY / "monitoring"
RUNBOOK: Final = re.compile(r"docs/operations\.md#([a-z0-9-]+)")
WORDS: Final = frozenset(
    {"and", "or", "unless", "offset", "bool", "group_left", "group_right", "inf", "nan"}
)
ADDED: Final = frozenset({"job", "instance"})
"""Labels that Prometheus adds to every series."""
OF_PROMETHEUS: Final = frozenset({"up", "ALERTS"})
"""Series that Prometheus makes itself."""


@dataclass(frozen=True)
class Used:
    """A series that a query asks for, and the labels that it asks it for."""

    name: str
    labels: frozenset[str]


def used(query: str) -> Iterator[Used]:
    """The series of a query."""
    bare = re.sub(r"\[[^\]]*\]", "", query)
    grouped: set[str] = set()
    for names in re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", bare):
        grouped |= {name.strip() for name in names.split(",") if name.strip()}
    bare = re.sub(r"\b(?:by|without|on|ignoring)\s*\([^)]*\)", " ", bare)
    pattern = r'(?<![\w:.$])([a-zA-Z_][\w:]*)\s*(\{(?:[^}"]|"[^"]*")*\}|\()?'
    for name, after in re.findall(pattern, bare):
        if after == "(" or name in WORDS:
            continue
        matched = re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', after)
        yield Used(name, frozenset(matched) | grouped)


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((MONITORING / "rules.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries() -> dict[str, list[str]]:
    """All queries, by the alert or panel that asks them."""
    dashboard = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))
    found = {rule["alert"]: [rule["expr"]] for rule in rules()}
    for panel in panels():
        found[panel["title"]] = [target["expr"] for target in panel["targets"]]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            assert asked is not None
            found[variable["name"]] = [asked[1]]
    return found


@pytest.fixture(scope="module")
def exported() -> dict[str, frozenset[str]]:
    """Series → labels: what a server gives that has used every strategy, and vLLM's."""
    found: dict[str, frozenset[str]] = {}
    with measured() as server:
        solve_with_every_strategy(server)
        scraped = families(server)
        for metric in server.metrics.registry.collect():
            scraped.setdefault(metric.name, metric)
    for family in scraped.values():
        labels = frozenset[str]().union(*(sample.labels for sample in family.samples))
        for name in {family.name, f"{family.name}_total"}:
            found[name] = labels
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, frozenset()) | frozenset(sample.labels)
    # Labels that have no value yet: nothing was refused, no server is remote, no batch was made.
    for name, labels in declared().items():
        found[name] = found.get(name, frozenset()) | labels
    for line in (REPOSITORY / "tests/engine/vllm_series.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            found[line] = frozenset({"engine", "model_name", "le"})
    return found


@cache
def declared() -> dict[str, frozenset[str]]:
    """Series → labels, as docs/metrics.md has them, which a test compares with the code."""
    page = (REPOSITORY / "docs" / "metrics.md").read_text("utf-8")
    rows = re.findall(r"^\| `(statewise_\w+)` \| (\w+) \| (.*?) \|", page, re.MULTILINE)
    found = {}
    for name, kind, labels in rows:
        names = [name]
        if kind == "histogram":
            names = [f"{name}_{part}" for part in ("bucket", "sum", "count")]
        for one in names:
            found[one] = frozenset(re.findall(r"`(\w+)`", labels)) | (
                {"le"} if one.endswith("_bucket") else frozenset()
            )
    return found


def test_the_parser_of_queries_sees_what_is_asked() -> None:
    query = (
        'histogram_quantile(0.95, sum by (le, x) (rate(a_bucket{job="$job",y=~"b|c{2}"}[5m])))'
        " / on (job) b:c > 2 and absent(up) * 3.5e2"
    )
    assert {one.name: one.labels for one in used(query)} == {
        "a_bucket": {"job", "y", "le", "x"},
        "b:c": {"le", "x", "job"},
        "up": {"le", "x", "job"},
    }


@pytest.mark.parametrize("asker", queries())
def test_every_series_exists(asker: str, exported: dict[str, frozenset[str]]) -> None:
    """A query of a series that nobody exports is an empty panel, or an alert that never fires."""
    found = [one for query in queries()[asker] for one in used(query)]
    assert found
    for one in found:
        if one.name in OF_PROMETHEUS:
            continue
        assert one.name in exported, f"{asker}: nobody exports {one.name}"
        missing = one.labels - exported[one.name] - ADDED
        assert not missing, f"{asker}: {one.name} has no label {missing}"


def test_every_alert_says_what_to_do_and_has_a_test() -> None:
    tests = yaml.safe_load((MONITORING / "rules_test.yml").read_text("utf-8"))["tests"]
    fired = {
        case["alertname"]
        for test in tests
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    quiet = {case["alertname"] for case in tests[-1]["alert_rule_test"]}
    names = [rule["alert"] for rule in rules()]
    assert sorted(names) == sorted(set(names)) == sorted(fired) == sorted(quiet)
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "description", "runbook"}
        assert RUNBOOK.fullmatch(rule["annotations"]["runbook"])


def test_every_alert_has_its_section() -> None:
    page = REPOSITORY / "docs" / "operations.md"
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
    wanted = {RUNBOOK.fullmatch(rule["annotations"]["runbook"]) for rule in rules()}
    assert {one[1] for one in wanted if one is not None} <= anchors


def test_promtool_finds_rules_and_configuration_valid_and_the_alerts_fire() -> None:
    program = shutil.which("promtool")
    if program is None:
        skip("promtool is not installed; `apt-get install prometheus` or the like")
    for arguments in (
        ["check", "rules", "rules.yml"],
        ["check", "config", "prometheus.yml"],
        ["test", "rules", "rules_test.yml"],
    ):
        done = subprocess.run(
            [str(program), *arguments], cwd=MONITORING, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_panels_do_not_overlap_and_ask_the_chosen_servers() -> None:
    """Grafana draws one panel over the other, or every server's where one was chosen."""
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        columns = range(place["x"], place["x"] + place["w"])
        cells = {(x, y) for x in columns for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, panel["title"]
        assert max(columns) < 24
        taken |= cells
        for target in panel["targets"]:
            selectors = re.findall(r"\{([^}]*)\}", target["expr"])
            assert selectors
            for selector in selectors:
                assert 'job="$job",instance=~"$instance"' in selector
