"""Writes the alert rules of monitoring/rules.yml as a resource of the Prometheus operator.

.venv/bin/python -m scripts.prometheus_rule
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = ROOT / "k8s" / "components" / "monitoring" / "prometheusrule.yaml"
HEAD: Final = "# Written by scripts/prometheus_rule.py from monitoring/rules.yml; change that.\n"


def text() -> str:
    """The manifest."""
    rules: dict[str, Any] = yaml.safe_load((ROOT / "monitoring" / "rules.yml").read_text("utf-8"))
    manifest = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "statewise", "labels": {"app.kubernetes.io/name": "statewise"}},
        "spec": rules,
    }
    return HEAD + yaml.safe_dump(manifest, sort_keys=False, width=100)


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
