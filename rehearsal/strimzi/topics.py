# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What is to be done about KafkaTopics, as plain data. Source: BatchingTopicController of Strimzi's topic operator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rehearsal.strimzi import names, status

FINALIZER = "strimzi.io/topic-operator"

KAFKA_ERROR = "KafkaError"
NOT_SUPPORTED = "NotSupported"
RESOURCE_CONFLICT = "ResourceConflict"


@dataclass(frozen=True)
class Topic:
    """A topic as the brokers have it; `config` holds only what was set on the topic itself."""

    id: str
    partitions: int
    replicas: dict[int, int]  # partition -> number of replicas
    config: dict[str, str]


@dataclass
class Plan:
    """One batch of work; every list holds KafkaTopics or pairs of one and what is to change."""

    delete: list[dict] = field(default_factory=list)  # topic and finalizer
    release: list[dict] = field(default_factory=list)  # finalizer only
    hold: list[dict] = field(default_factory=list)  # to get the finalizer
    create: list[dict] = field(default_factory=list)
    add_partitions: list[tuple[dict, int]] = field(default_factory=list)
    alter: list[tuple[dict, dict[str, str | None]]] = field(default_factory=list)  # value None: back to the default
    refused: list[tuple[dict, str, str]] = field(default_factory=list)  # reason, message
    set_aside: list[tuple[dict, str]] = field(default_factory=list)  # condition type: Unmanaged, ReconciliationPaused
    settled: list[dict] = field(default_factory=list)  # as they should be, once the rest is done


def topic_name(resource: dict) -> str:
    """The topic's name in Kafka."""
    return (resource.get("spec") or {}).get("topicName") or resource["metadata"]["name"]


def is_managed(resource: dict) -> bool:
    """Whether the operator may touch the topic."""
    return (names.annotation(resource, names.MANAGED) or "true").lower() != "false"


def wanted_config(resource: dict) -> dict[str, str]:
    """`.spec.config` as Kafka writes it."""
    config = (resource.get("spec") or {}).get("config") or {}
    return {key: _text(value) for key, value in config.items()}


def plan(resources: Iterable[dict], there: dict[str, Topic], use_finalizers: bool = True) -> Plan:
    """Compare the custom resources with the topics that the brokers have."""
    made = Plan()
    owners: dict[str, dict] = {}
    for resource in sorted(resources, key=_age):
        name = topic_name(resource)
        finalizers = resource["metadata"].get("finalizers") or []
        first = owners.get(name, resource)
        if resource["metadata"].get("deletionTimestamp"):
            if FINALIZER in finalizers:
                (made.delete if is_managed(resource) and first is resource else made.release).append(resource)
            continue
        if not is_managed(resource):
            made.set_aside.append((resource, "Unmanaged"))
            if FINALIZER in finalizers:
                made.release.append(resource)
            continue
        if first is not resource:
            other = first["metadata"]
            message = f"Managed by Ref{{namespace='{other['namespace']}', name='{other['name']}'}}"
            made.refused.append((resource, RESOURCE_CONFLICT, message))
            continue
        owners[name] = resource
        if names.is_true(resource, names.PAUSE):
            made.set_aside.append((resource, "ReconciliationPaused"))
            continue
        if use_finalizers and FINALIZER not in finalizers:
            made.hold.append(resource)
        _compare(made, resource, there.get(name))
    return made


def _compare(made: Plan, resource: dict, topic: Topic | None) -> None:
    spec = resource.get("spec") or {}
    named_before = (resource.get("status") or {}).get("topicName")
    if named_before and named_before != topic_name(resource):
        made.refused.append((resource, NOT_SUPPORTED, "Changing spec.topicName is not supported"))
        return
    if topic is None:
        made.create.append(resource)
        made.settled.append(resource)
        return
    problems = []
    partitions = spec.get("partitions")
    if partitions is not None and partitions < topic.partitions:
        problems.append("Decreasing partitions not supported")
    replicas = spec.get("replicas")
    wrong = sorted(number for number, count in topic.replicas.items() if replicas not in (None, count))
    if wrong:
        problems.append(f"Replication factor change not supported, but required for partitions {wrong}")
    if partitions is not None and partitions > topic.partitions:
        made.add_partitions.append((resource, partitions))
    wanted = wanted_config(resource)
    changes: dict[str, str | None] = {key: value for key, value in wanted.items() if topic.config.get(key) != value}
    changes |= dict.fromkeys(topic.config.keys() - wanted.keys())
    if changes:
        made.alter.append((resource, changes))
    if problems:
        made.refused.append((resource, NOT_SUPPORTED, "; ".join(problems)))
    else:
        made.settled.append(resource)


def ready_status(resource: dict, topic_id: str | None) -> dict:
    """The status of a topic that is as its resource says."""
    made = _status(resource, status.condition("Ready"))
    made["topicName"] = topic_name(resource)
    if topic_id:
        made["topicId"] = topic_id
    return made


def refused_status(resource: dict, reason: str, message: str) -> dict:
    """The status of a topic that cannot be had so. Unlike a Kafka it says `Ready` with status False."""
    made = _status(resource, status.condition("Ready", "False", reason, message))
    before = resource.get("status") or {}
    return made | {key: before[key] for key in ("topicName", "topicId") if key in before}


def set_aside_status(resource: dict, kind: str) -> dict:
    """The status of a topic that is left alone: Unmanaged or ReconciliationPaused."""
    made = _status(resource, status.condition(kind))
    if kind == "Unmanaged":
        return made
    before = resource.get("status") or {}
    return made | {key: before[key] for key in ("topicName", "topicId") if key in before}


def _status(resource: dict, condition: dict) -> dict:
    return {"observedGeneration": resource["metadata"]["generation"], "conditions": [condition]}


def _age(resource: dict) -> tuple[str, str]:
    metadata = resource["metadata"]
    return metadata.get("creationTimestamp") or "", metadata["name"]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(_text(each) for each in value)
    return str(value)
