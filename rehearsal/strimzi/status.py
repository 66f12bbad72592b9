# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Conditions and status of Strimzi's resources, as plain data. Reasons are the names of the operator's exceptions."""

from __future__ import annotations

import base64
import datetime
import secrets
import uuid

from rehearsal.strimzi import names
from rehearsal.strimzi.broker_pods import Pool
from rehearsal.strimzi.names import Cluster
from rehearsal.strimzi.versions import Generation


class Refused(Exception):  # noqa: N818  (it is no error of ours: its subclasses bear the operator's names)
    """What the resources ask for cannot be done; `reason` is what the condition says."""

    reason = "InternalError"


class UnsupportedKafkaVersionException(Refused):
    """The operator has no image for that Kafka version."""

    reason = "UnsupportedKafkaVersionException"


class InvalidResourceException(Refused):
    """The resources contradict each other or the operator's rules."""

    reason = "InvalidResourceException"


class InvalidConfigurationException(Refused):
    """Something that the resources refer to is missing or wrong."""

    reason = "InvalidConfigurationException"


class FatalProblem(Refused):
    """A pod that will not start however long one waits."""

    reason = "FatalProblem"


class TimeoutException(Refused):
    """Something did not become ready within the operation timeout."""

    reason = "TimeoutException"


def condition(kind: str, status: str = "True", reason: str | None = None, message: str | None = None) -> dict:
    """One condition, its transition set to now."""
    made = {"type": kind, "status": status, "lastTransitionTime": _now()}
    if reason:
        made["reason"] = reason
    if message:
        made["message"] = message
    return made


def ready() -> dict:
    """The condition of a resource that is as it should be."""
    return condition("Ready")


def not_ready(refused: Refused) -> dict:
    """A Kafka that failed says `NotReady` with status True, not `Ready` with status False."""
    return condition("NotReady", "True", refused.reason, str(refused))


def paused() -> dict:
    """The condition while `strimzi.io/pause-reconciliation` is true."""
    return condition("ReconciliationPaused")


def creating() -> dict:
    """The condition of a Kafka that the operator has seen for the first time."""
    return condition("NotReady", "True", "Creating", "Kafka cluster is being deployed")


def settled(old: dict | None, new: dict) -> dict | None:
    """The new status with the transition times of conditions that did not change; None when nothing did."""
    before = {_content(each): each for each in (old or {}).get("conditions") or []}
    conditions = [before.get(_content(each), each) for each in new.get("conditions") or []]
    status = {**new, **({"conditions": conditions} if "conditions" in new else {})}
    return None if status == old else status


def kafka_ready(
    cluster: Cluster,
    generation: Generation,
    kafka: dict,
    pools: list[Pool],
    cluster_id: str,
    *,
    ca: str,
    versions: tuple[str, str],
) -> dict:
    """The status of a Kafka that is up. `versions` is the Kafka version and its metadata version, `ca` PEM."""
    version, metadata_version = versions
    status = {
        "conditions": [ready()],
        "observedGeneration": kafka["metadata"]["generation"],
        "clusterId": cluster_id,
        "kafkaVersion": version,
        "kafkaMetadataVersion": metadata_version,
        "operatorLastSuccessfulVersion": generation.version,
        "kafkaNodePools": [{"name": pool.name} for pool in pools],
        "listeners": [
            listener_status(cluster, listener, ca) for listener in kafka["spec"]["kafka"].get("listeners") or []
        ],
    }
    if generation.api == "v1beta2":
        status["kafkaMetadataState"] = "KRaft"
        status["registeredNodeIds"] = sorted(node.id for pool in pools for node in pool.nodes if node.broker)
    return status


def listener_status(cluster: Cluster, listener: dict, ca: str) -> dict:
    """How clients reach an internal listener."""
    host, port = f"{cluster.bootstrap_service}.{cluster.namespace}.svc", listener["port"]
    status: dict = {
        "name": listener["name"],
        "addresses": [{"host": host, "port": port}],
        "bootstrapServers": f"{host}:{port}",
    }
    if listener.get("tls"):
        status["certificates"] = [ca]
    return status


def kafka_not_ready(kafka: dict, conditions: list[dict], pools: list[Pool], cluster_id: str | None) -> dict:
    """The status of a Kafka that failed or is paused: what was true before is kept, but nothing of its listeners."""
    old = kafka.get("status") or {}
    kept = ("kafkaVersion", "kafkaMetadataVersion", "kafkaMetadataState", "operatorLastSuccessfulVersion")
    status = {key: old[key] for key in kept if key in old}
    status["conditions"] = conditions
    status["observedGeneration"] = kafka["metadata"]["generation"]
    if cluster_id:
        status["clusterId"] = cluster_id
    if pools:
        status["kafkaNodePools"] = [{"name": pool.name} for pool in pools]
    return status


def node_pool(cluster: Cluster, pool: Pool, cluster_id: str) -> dict:
    """The status of a KafkaNodePool."""
    selector = {names.POOL: pool.name, **cluster.kafka_selector()}
    return {
        "clusterId": cluster_id,
        "conditions": [],
        "labelSelector": ",".join(f"{key}={value}" for key, value in sorted(selector.items())),
        "nodeIds": [node.id for node in pool.nodes],
        "observedGeneration": pool.resource["metadata"]["generation"],
        "replicas": len(pool.nodes),
        "roles": list(pool.spec["roles"]),
    }


def new_cluster_id() -> str:
    """A random id as Kafka's own Uuid writes it: 22 characters, not starting with a dash."""
    while True:
        made = base64.urlsafe_b64encode(uuid.UUID(bytes=secrets.token_bytes(16), version=4).bytes).decode().rstrip("=")
        if not made.startswith("-"):
            return made


def _content(each: dict) -> tuple:
    return tuple(each.get(key) for key in ("type", "status", "reason", "message"))


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
