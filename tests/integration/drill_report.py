# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""For `make drill`: each component broken in turn. The report blames that one, and what needs it is blocked.

`make test` has one of them (test_report.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from site_runs import output, run
from test_report import report_of
from until import until

#: all but what takes brokers away, moves data or needs Flux
MEASURED = ["ac1", "ac4", "ac5", "ac8", "ac9", "ac10", "cnpg", "synergyflow_backend"]
PATIENCE = 240  # seconds until a part is gone, or is back


def pods(platform: Any, namespace: str, selector: str) -> list[dict[str, Any]]:
    return platform.get("apps", "pods", "-n", namespace, "-l", selector)["items"]


@contextmanager
def scaled_away(platform: Any, workload: str, namespace: str) -> Iterator[None]:
    """Nobody works for a Deployment or StatefulSet."""
    found = platform.get("apps", workload, "-n", namespace)
    selector = ",".join(f"{key}={value}" for key, value in found["spec"]["selector"]["matchLabels"].items())
    scale = ("scale", workload, "-n", namespace)
    platform.kubectl("apps", *scale, "--replicas=0")
    try:
        until(lambda: not pods(platform, namespace, selector), f"{workload} has no pod")
        yield
    finally:
        platform.kubectl("apps", *scale, f"--replicas={found['spec']['replicas']}")
        platform.kubectl("apps", "rollout", "status", workload, "-n", namespace, timeout=PATIENCE)


@contextmanager
def a_broker_without_a_node(platform: Any) -> Iterator[None]:
    """A broker's pod was deleted and finds no node."""
    nodes = [each["metadata"]["name"] for each in platform.get("apps", "nodes")["items"]]
    platform.kubectl("apps", "cordon", *nodes)
    try:
        platform.kubectl("apps", "delete", "pod", "synergyflow-broker-2", "-n", "messaging")
        yield
    finally:
        platform.kubectl("apps", "uncordon", *nodes)
        ready = ("wait", "pod/synergyflow-broker-2", "-n", "messaging", "--for=condition=Ready")
        until(lambda: not platform.kubectl("apps", *ready, "--timeout=1s", check=False).returncode, "broker 2 is back")


@contextmanager
def database_asleep(platform: Any) -> Iterator[None]:
    """The database's instances are shut down (CloudNativePG's hibernation)."""
    cluster = ("cluster.postgresql.cnpg.io/synergyflow-db", "-n", "synergyflow")
    instances = "cnpg.io/cluster=synergyflow-db,cnpg.io/podRole=instance"
    platform.kubectl("apps", "annotate", *cluster, "cnpg.io/hibernation=on")
    try:
        until(lambda: not pods(platform, "synergyflow", instances), "no instance runs")
        yield
    finally:
        platform.kubectl("apps", "annotate", *cluster, "cnpg.io/hibernation-")
        ready = ("wait", *cluster, "--for=condition=Ready")
        until(
            lambda: not platform.kubectl("apps", *ready, "--timeout=1s", check=False).returncode,
            "all instances are back",
        )


BREAKAGES: dict[str, Callable[[Any], Any]] = {
    "strimzi": lambda platform: scaled_away(platform, "deployment/strimzi-cluster-operator", "messaging"),
    "kafka_cluster": a_broker_without_a_node,
    "schema_registry": lambda platform: scaled_away(platform, "deployment/schema-registry", "messaging"),
    "cnpg": database_asleep,
    "synergyflow_backend": lambda platform: scaled_away(platform, "deployment/synergyflow-backend", "synergyflow"),
    "volsync": lambda platform: scaled_away(platform, "deployment/volsync", "volsync-system"),
    "obs_collectors": lambda platform: scaled_away(platform, "statefulset/vmagent", "observability"),
}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("component", BREAKAGES)
def test_only_what_is_broken_is_blamed(platform, tmp_path, component):
    # how fast the registry answers, on a machine where parts come and go, is not what this is about
    only = json.dumps({"validate_only": MEASURED, "schema_registry_latency_target": 5000})
    with BREAKAGES[component](platform):
        done = run(platform, "validate", "apps", "-e", only, report_dir=str(tmp_path))
    assert done.returncode == 2, output(done)
    records = report_of(tmp_path)["clusters"]["apps"]
    failed = {each["role"]: each["id"] for each in records if each["status"] == "failed"}
    assert set(failed) == {component}, failed
    waiting = [each for each in records if each["blocked_by"]]
    assert waiting, "nothing needs it"
    assert all(each["status"] == "blocked" and each["detail"] for each in waiting)
