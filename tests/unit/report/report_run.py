# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run on two clusters, as records, and the documents made of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.evidence import criteria
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.document import (
    completed,
    document,
    shortcomings,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import Record

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def record(identity: str, status: str = "passed", observed: Any = 1, expected: Any = 1, **more: Any) -> dict[str, Any]:
    return Record(identity, more.pop("title", f"Title of {identity}"), status, observed, expected, **more).plain()


FACTS: dict[str, Any] = {
    "cluster": {"server": "https://10.0.0.1:6443", "uid": "0c7a5f6e-7d3f", "kubernetes": "v1.34.1"},
    "kafka_cluster": {"namespace": "messaging", "name": "synergyflow"},
    "schema_registry": {"namespace": "messaging"},
    "topics": [
        {
            "name": "user-events", "state": "as expected", "partitions": 6, "replicas": 3,
            "config": {"retention.ms": "1000"}, "under_replicated": [2], "under_min_isr": [2], "offline": [],
        }
    ],
    "backups": [
        {"name": "daily", "phase": "completed", "error": None, "stopped": "2026-11-21T09:00:00+00:00", "seconds": 7.0},
    ],
    "volsync": {
        "sources": [
            {"name": "uploads/uploads", "claim": "uploads", "schedule": "", "last": None, "seconds": None,
             "result": "", "next": ""}
        ]
    },
    "flux": {
        "graph": [
            {"object": "GitRepository flux-system/flux-system", "wave": 1, "state": "ready", "reason": "",
             "revision": "main@sha1:1111", "source": "", "after": []},
            {"object": "Kustomization flux-system/apps", "wave": 2, "state": "failing", "reason": "no such path",
             "revision": "main@sha1:0000", "source": "GitRepository flux-system/flux-system",
             "after": ["Kustomization flux-system/platform"]},
        ]
    },
}  # fmt: skip


def whole_run() -> dict[str, list[dict[str, Any]]]:
    """Everything passed but for what stands in."""
    return {
        "apps": [
            record("strimzi.metrics", "blocked", None, None, stand_in=["process-node"], detail="they do not answer"),
            record("kafka_cluster.ready", observed="Ready", expected="Ready", commands=["kubectl get kafka -n a"]),
            record("kafka_topics.present", observed=11, expected=11, unit="topics"),
            record(
                "schema_registry_check.latency", observed=20.0, expected=100, unit="ms",
                figures={"p50": 9.0, "p95": 20.0, "p99": 41.3}, title="Registry is quick",
            ),
            record("AC2-backup", observed=9.6, expected="under 300 s", unit="s"),
            record("AC7-producer-rate", observed=15000, expected="> 10000", unit="messages/s"),
            record("DB-lag", "skipped", None, None, detail="there is to be no replica"),
        ],
        "infra": [record("AC11-instance", observed="ready", expected="ready", stand_in=["flux-operator"])],
    }  # fmt: skip


def made(records: dict[str, list[dict[str, Any]]], only: tuple[str, ...] = (), now: datetime = NOW) -> dict[str, Any]:
    """The document of a run."""
    selected = criteria.selected(only)
    facts: dict[str, Any] = {host: FACTS if host == "apps" else {} for host in records}
    found = {host: completed(each, facts[host], selected) for host, each in records.items()}
    short = shortcomings(found, {})
    return document(found, facts, short=short, selected=selected, started=None, now=now, collection="0.1.0")


def broken_run() -> dict[str, list[dict[str, Any]]]:
    """Kafka is down, and a NetworkPolicy of the registry is missing besides."""
    found = whole_run()
    found["apps"][1] = record("kafka_cluster.ready", "failed", "NotReady", "Ready", behind=["Kafka a/b: NotReady"])
    found["apps"] += [
        record("kafka_cluster.brokers", "failed", 0, 3, unit="pods"),
        record("schema_registry.pods", "failed", 0, 2, unit="pods", detail="not ready"),
        record("schema_registry_check.health", "failed", None, "200", detail="no answer"),
        record("schema_registry.network_policy", "failed", "none", "Ingress, Egress"),
    ]
    return found
