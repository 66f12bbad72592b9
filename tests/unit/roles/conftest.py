# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of the roles as an inventory without any setting gives them, and a cluster large enough for them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = Path(__file__).resolve().parents[3] / "roles"
GIB = 1024**3
NODE = {"ready": True, "schedulable": True, "allocatable": {"cpu": 16.0, "memory": 64 * GIB, "pods": 110}}


def defaults(role: str) -> dict[str, Any]:
    return yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text())


@pytest.fixture
def values() -> dict[str, Any]:
    """kafka_cluster's defaults, the templated ones resolved."""
    found = defaults("kafka_cluster")
    found["kafka_cluster_strimzi_version"] = "1.2.0"
    names = [topic["name"] for topic in found["kafka_cluster_topics"]]
    found["kafka_cluster_users"][0]["acls"][0]["resource"]["names"] = names
    return found


@pytest.fixture
def strimzi_values() -> dict[str, Any]:
    return defaults("strimzi")


@pytest.fixture
def flux_values() -> dict[str, Any]:
    """flux's defaults, with manifests and the path of a cluster."""
    return defaults("flux") | {"flux_git_path": "kubernetes/clusters/apps", "flux_manifests": ["somewhere"]}


@pytest.fixture
def registry_values() -> dict[str, Any]:
    """schema_registry's defaults, the templated ones resolved."""
    where = {"schema_registry_namespace": "messaging", "schema_registry_kafka_cluster": "synergyflow"}
    return {**defaults("schema_registry"), **where}


@pytest.fixture
def backend_values() -> dict[str, Any]:
    """synergyflow_backend's defaults with an image that may run."""
    return {
        **defaults("synergyflow_backend"),
        "synergyflow_backend_create_namespace": False,
        "synergyflow_backend_image": "monosense/synergyflow-backend:1.0.0",
    }


@pytest.fixture
def collectors_values() -> dict[str, Any]:
    """obs_collectors' defaults with stores to send to."""
    return {
        **defaults("obs_collectors"),
        "obs_collectors_cluster": "apps",
        "obs_collectors_metrics_url": "http://metrics.example.org:8428",
        "obs_collectors_logs_url": "https://logs.example.org/select",
    }


@pytest.fixture
def cluster() -> dict[str, Any]:
    """A cluster with Strimzi 1.2, Flux and three nodes in three zones."""
    return copy.deepcopy(
        {
            "version": {"git": "v1.36.3", "major": "1", "minor": "36", "emulation_major_present": True},
            "served": {
                **{
                    f"{kind}.kafka.strimzi.io": ["v1"] for kind in ("Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser")
                },
                "HelmRelease.helm.toolkit.fluxcd.io": ["v2"],
                "HelmRepository.source.toolkit.fluxcd.io": ["v1"],
            },
            "nodes": [{**NODE, "name": f"node-{zone}", "zone": f"zone-{zone}"} for zone in "abc"],
            "requested": {"cpu": 1.0, "memory": GIB},
            "storage_classes": [{"name": "rook-ceph-block", "default": True, "provisioner": "x"}],
            "unreadable": [],
        }
    )
