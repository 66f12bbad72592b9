# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AC8: the Schema Registry is deployed, as its objects tell. Its API is asked by the module schema_registry_check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..component_objects import Seen
from ..readiness import judge
from .pods import metrics_record, pods_record, serving
from .records import BLOCKED, SKIPPED, Record, judged, unmeasured, unread

METRICS_TITLE = "Schema Registry's metrics can be scraped (9404)"


def records(values: Mapping[str, Any], seen: Seen, metrics: Mapping[str, str | BaseException]) -> list[Record]:
    """The criteria in the order a reader asks. `metrics` are by pod; an exception stands for no answer."""
    replicas = values["schema_registry_replicas"]
    return [
        available(values, seen),
        pods_record("schema_registry.pods", "Schema Registry's pods run", seen["pods"], replicas),
        spread(values, seen),
        topic(values, seen),
        login(values, seen),
        budget(values, seen),
        policy(values, seen),
        service_monitor(values, seen),
        metrics_record("schema_registry.metrics", METRICS_TITLE, seen["pods"], metrics)
        if values["schema_registry_metrics"]
        else unmeasured("schema_registry.metrics", METRICS_TITLE, SKIPPED, "switched off"),
    ]


def available(values: Mapping[str, Any], seen: Seen) -> Record:
    """The Deployment has the release that was asked for, with every replica available."""
    identity, title = "schema_registry.deployment", "Schema Registry is available"
    expected = f"{values['schema_registry_version']}, ready"
    if not seen["deployments"]:
        reason = seen.unread.get("deployments") or f"no Deployment in {values['schema_registry_namespace']}"
        return judged(identity, title, ("nothing", expected), False, detail=reason)
    deployment = seen["deployments"][0]
    verdict = serving(deployment)
    version = container(deployment)["image"].rpartition(":")[2]
    good = verdict.done and version == values["schema_registry_version"]
    observed = f"{version}, {verdict.state}"
    objects = [*seen["deployments"], *seen["pods"]]
    return judged(identity, title, (observed, expected), good, objects=objects, detail=verdict.reason)


def container(deployment: Mapping[str, Any]) -> Mapping[str, Any]:
    """The registry's container of the Deployment."""
    containers = deployment["spec"]["template"]["spec"]["containers"]
    return next((each for each in containers if each["name"] == "schema-registry"), containers[0])


def spread(values: Mapping[str, Any], seen: Seen) -> Record:
    """One node down does not take all replicas with it, where there are several nodes."""
    identity, title = "schema_registry.spread", "Schema Registry is on several nodes"
    replicas = values["schema_registry_replicas"]
    if replicas == 1:
        return unmeasured(identity, title, SKIPPED, "there is one replica")
    if not seen["pods"]:
        return unmeasured(identity, title, BLOCKED, "there is no pod")
    # a pod that waits for a node is on none
    nodes = sorted({pod["spec"]["nodeName"] for pod in seen["pods"] if pod["spec"].get("nodeName")})
    wanted = min(2, len(seen["nodes"]) or 2)
    return judged(
        identity,
        title,
        (len(nodes), wanted),
        len(nodes) >= wanted,
        objects=seen["pods"],
        unit="nodes",
        detail=", ".join(nodes),
    )


def topic(values: Mapping[str, Any], seen: Seen) -> Record:
    """The topic of the schemas is there, compacted, with its replicas."""
    name = values["schema_registry_topic"]
    identity, title = "schema_registry.topic", f"Topic {name} is there"
    expected = f"Ready, 1 partition, {values['schema_registry_topic_replicas']} replicas, compact"
    if not seen["topics"]:
        reason = seen.unread.get("topics") or f"there is no KafkaTopic for {name}"
        return judged(identity, title, ("nothing", expected), False, detail=reason)
    found = seen["topics"][0]
    spec, verdict = found["spec"], judge(found)
    policy = (spec.get("config") or {}).get("cleanup.policy", "the brokers' cleanup.policy")
    partitions = f"{spec.get('partitions')} partition{'' if spec.get('partitions') == 1 else 's'}"
    state = "Ready" if verdict.done else verdict.state
    observed = f"{state}, {partitions}, {spec.get('replicas')} replicas, {policy}"
    return judged(identity, title, (observed, expected), observed == expected, objects=[found], detail=verdict.reason)


def login(values: Mapping[str, Any], seen: Seen) -> Record:
    """The registry comes to Kafka over TLS with SCRAM-SHA-512, as a user that is Ready."""
    identity, title = "schema_registry.login", "Schema Registry logs in to Kafka over TLS with SCRAM"
    expected = "SASL_SSL, SCRAM-SHA-512, user Ready"
    if not seen["deployments"]:
        return unmeasured(identity, title, BLOCKED, "there is no Deployment")
    prefix = "SCHEMA_REGISTRY_KAFKASTORE_"
    given = {each["name"]: each.get("value") for each in container(seen["deployments"][0]).get("env") or []}
    user = seen["users"][0] if seen["users"] else None
    verdict = judge(user) if user else None
    state = "user Ready" if verdict and verdict.done else f"user {verdict.state if verdict else 'not there'}"
    protocol, mechanism = given.get(f"{prefix}SECURITY_PROTOCOL"), given.get(f"{prefix}SASL_MECHANISM")
    observed = f"{protocol}, {mechanism}, {state}"
    return judged(
        identity,
        title,
        (observed, expected),
        observed == expected,
        objects=[each for each in (user,) if each],
        detail=(verdict.reason if verdict else seen.unread.get("users", "")) or "",
    )


def budget(values: Mapping[str, Any], seen: Seen) -> Record:
    """A drain takes one replica at a time."""
    identity, title = "schema_registry.budget", "Schema Registry has a disruption budget"
    if values["schema_registry_replicas"] == 1:
        return unmeasured(identity, title, SKIPPED, "there is one replica")
    if not seen["budgets"]:
        reason = seen.unread.get("budgets") or "there is no PodDisruptionBudget"
        return judged(identity, title, ("nothing", 1), False, detail=reason)
    allowed = (seen["budgets"][0].get("status") or {}).get("disruptionsAllowed", 0)
    ready = sum(judge(pod).done for pod in seen["pods"])
    if not allowed and ready < values["schema_registry_replicas"]:
        reason = f"with {ready} of {values['schema_registry_replicas']} pods ready no budget allows a disruption"
        return unmeasured(identity, title, BLOCKED, reason, seen["budgets"])
    return judged(identity, title, (allowed, 1), allowed == 1, objects=seen["budgets"], unit="disruptions allowed")


def policy(values: Mapping[str, Any], seen: Seen) -> Record:
    """A NetworkPolicy says who may come to the registry, and where it may go."""
    identity, title = "schema_registry.network_policy", "A NetworkPolicy guards Schema Registry"
    if not values["schema_registry_network_policy"]:
        return unmeasured(identity, title, SKIPPED, "switched off (schema_registry_network_policy)")
    if "policies" in seen.unread:
        return unmeasured(identity, title, BLOCKED, seen.unread["policies"])
    types = [kind for found in seen["policies"] for kind in found["spec"].get("policyTypes") or []]
    observed = ", ".join(types) or "none"
    return judged(identity, title, (observed, "Ingress, Egress"), sorted(set(types)) == ["Egress", "Ingress"])


def service_monitor(values: Mapping[str, Any], seen: Seen) -> Record:
    """Who scrapes by ServiceMonitors finds the registry's metrics."""
    identity, title = "schema_registry.service_monitor", "A ServiceMonitor names the metrics"
    if not values["schema_registry_metrics"]:
        return unmeasured(identity, title, SKIPPED, "switched off (schema_registry_metrics)")
    if "service_monitors" in seen.unread:
        return unread(identity, title, seen.unread["service_monitors"])
    ports = [str(end.get("port")) for found in seen["service_monitors"] for end in found["spec"].get("endpoints") or []]
    return judged(identity, title, (", ".join(ports) or "none", "metrics"), ports == ["metrics"])
