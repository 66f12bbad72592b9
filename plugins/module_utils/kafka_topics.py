# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topics compared: what is expected, what the brokers have, what the KafkaTopics say. Plain data in, plain data out.

A drift row is ``{topic, key, expected, broker, cr, aspect}``: the topic, what of it differs, the three values as text
(None: it says nothing about this), and which aspect of the check it belongs to. Values are compared as Kafka stores
them, so 604800000 and "604800000" are equal, and so are the lists "compact,delete" and "delete,compact".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import ClusterError

MIN_ISR = "min.insync.replicas"
#: a configuration entry's source when it is set on the topic itself (KIP-226)
SET_ON_TOPIC = "DYNAMIC_TOPIC_CONFIG"
#: topics that Kafka, Strimzi and Cruise Control make for themselves, and the schema registry's store
INTERNAL = (
    "__consumer_offsets",
    "__transaction_state",
    "__share_group_state",
    "__strimzi*",
    "__CruiseControl*",
    "strimzi.cruisecontrol.*",
    "_schemas",
)
PRESENT, MISSING, ABSENT = "present", "missing", "absent"
#: the aspects of the check, one evidence record each
EXISTENCE, PARTITIONS, REPLICAS, CONFIGURATION = "present", "partitions", "replication_factor", "configuration"
IN_SYNC, UNEXPECTED, RESOURCES = "in_sync", "unexpected", "kafka_topics"


class TopicsError(ClusterError):
    """The expected topics contradict themselves: a sentence for the user."""


@dataclass
class Broker:
    """One topic as the brokers have it. Partitions are numbers, ascending."""

    name: str
    partitions: int
    #: replicas of each partition; more than one figure after a half-done reassignment
    replicas: list[int]
    #: effective values of all keys
    config: dict[str, str | None] = field(default_factory=dict)
    #: the keys that are set on the topic itself
    own: set[str] = field(default_factory=set)
    types: dict[str, str] = field(default_factory=dict)
    under_replicated: list[int] = field(default_factory=list)
    under_min_isr: list[int] = field(default_factory=list)
    offline: list[int] = field(default_factory=list)
    #: false when the brokers gave no configuration for it (no permission)
    configured: bool = True


@dataclass
class Resource:
    """One KafkaTopic. `state` is in Strimzi's words: Ready, NotReady <reason>, Unmanaged, ReconciliationPaused …"""

    name: str
    topic: str
    partitions: int | None
    replicas: int | None
    config: dict[str, Any]
    state: str
    message: str = ""
    #: false when the operator leaves the topic alone on purpose
    managed: bool = True


@dataclass
class Comparison:
    """What came out: a record per topic, the drift, and the topics nobody asked for."""

    topics: list[dict[str, Any]]
    drift: list[dict[str, Any]]
    unexpected: list[str]


# -- the three sides


def expected_topics(topics: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The expected topics by name; refused when one is named twice or has a key without a value."""
    found: dict[str, dict[str, Any]] = {}
    for topic in topics:
        name = topic["name"]
        if name in found:
            raise TopicsError(f"topics: {name} is listed twice; list each topic once.")
        for key in ("partitions", "replicas"):
            if topic.get(key) is not None and topic[key] < 1:
                raise TopicsError(f"topics: {key} of {name} is {topic[key]}; it must be at least 1.")
        config = topic.get("config") or {}
        empty = [key for key, value in config.items() if value is None]
        if empty:
            raise TopicsError(f"topics: {empty[0]} of {name} has no value; give one or leave the key out.")
        found[name] = {**topic, "config": {str(key): stored(value) for key, value in config.items()}}
    return found


def broker_topics(
    described: Iterable[Mapping[str, Any]], configs: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> dict[str, Broker]:
    """Topics by name from a metadata answer and a DescribeConfigs answer, both as kafka-python gives them."""
    found = {}
    for topic in described:
        if topic.get("error_code") and not topic.get("partitions"):
            continue
        name = topic["name"]
        entries = configs.get(name) or {}
        partitions = sorted(topic["partitions"], key=lambda partition: partition["partition_index"])
        min_isr = int((entries.get(MIN_ISR) or {}).get("value") or 1)

        def those(is_so: Any, partitions: list[Mapping[str, Any]] = partitions) -> list[int]:
            return [partition["partition_index"] for partition in partitions if is_so(partition)]

        found[name] = Broker(
            name=name,
            partitions=len(partitions),
            replicas=sorted({len(partition["replica_nodes"]) for partition in partitions}),
            config={key: entry["value"] for key, entry in entries.items()},
            own={key for key, entry in entries.items() if entry.get("config_source") == SET_ON_TOPIC},
            types={key: entry.get("config_type", "") for key, entry in entries.items()},
            under_replicated=those(lambda p: len(p["isr_nodes"]) < len(p["replica_nodes"])),
            under_min_isr=those(lambda p, least=min_isr: len(p["isr_nodes"]) < least),
            offline=those(lambda p: p["leader_id"] < 0),
            configured=bool(entries),
        )
    return found


def topic_resources(items: Iterable[Mapping[str, Any]]) -> dict[str, Resource]:
    """KafkaTopics by the name of their topic. Of two for one topic the Ready one counts, as for the operator."""
    found: dict[str, Resource] = {}
    for item in items:
        resource = _resource(item)
        other = found.get(resource.topic)
        if other is None or (resource.state == "Ready" and other.state != "Ready"):
            found[resource.topic] = resource
    return found


def _resource(item: Mapping[str, Any]) -> Resource:
    metadata, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    conditions = {c["type"]: c for c in status.get("conditions") or [] if c.get("status") == "True"}
    # KafkaTopic says Ready=False where Kafka and KafkaUser say NotReady=True (upstream's api, TopicOperator)
    failed = [c for c in status.get("conditions") or [] if c["type"] == "Ready" and c.get("status") == "False"]
    annotations = metadata.get("annotations") or {}
    state, message, managed = "not reconciled yet", "", True
    if str(annotations.get("strimzi.io/managed", "true")).lower() == "false":
        state, managed = "Unmanaged", False
    elif str(annotations.get("strimzi.io/pause-reconciliation", "false")).lower() == "true":
        state, managed = "ReconciliationPaused", False
    elif metadata.get("deletionTimestamp"):
        state = "being deleted"
    elif failed or "NotReady" in conditions:
        condition = failed[0] if failed else conditions["NotReady"]
        state = f"NotReady {condition.get('reason', '')}".rstrip()
        message = condition.get("message") or ""
    elif "Ready" in conditions and status.get("observedGeneration") == metadata.get("generation"):
        state = "Ready"
    return Resource(
        name=metadata["name"],
        topic=spec.get("topicName") or metadata["name"],
        partitions=spec.get("partitions"),
        replicas=spec.get("replicas"),
        config=dict(spec.get("config") or {}),
        state=state,
        message=message,
        managed=managed,
    )


# -- values


def stored(value: Any) -> str:
    """A value as Kafka stores it: text; a list is joined by commas."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (list, tuple)):
        return ",".join(stored(item) for item in value)
    return str(value)


def same(one: str | None, other: str | None, kind: str = "") -> bool:
    """Whether two stored values mean the same to Kafka. `kind` is DescribeConfigs' config_type."""
    if one is None or other is None:
        return one is other
    if kind == "LIST":
        return sorted(_items(one)) == sorted(_items(other))
    if kind in ("INT", "LONG", "SHORT", "DOUBLE"):
        try:
            return float(one) == float(other)
        except ValueError:
            return False
    one, other = one.strip(), other.strip()
    return one.lower() == other.lower() if kind == "BOOLEAN" else one == other


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def numbers(values: Sequence[int]) -> str:
    """Ascending numbers in few words: `0-3, 7`."""
    groups: list[list[int]] = []
    for value in values:
        if groups and value == groups[-1][-1] + 1:
            groups[-1].append(value)
        else:
            groups.append([value])
    return ", ".join(str(g[0]) if len(g) == 1 else f"{g[0]}-{g[-1]}" for g in groups)


def is_internal(name: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern fits the name; the only wildcard is a star at the end."""
    return any(name.startswith(p[:-1]) if p.endswith("*") else name == p for p in patterns)


# -- comparing


def compare(
    expected: Mapping[str, Mapping[str, Any]],
    brokers: Mapping[str, Broker],
    resources: Mapping[str, Resource] | None,
    *,
    unexpected: str = "report",
    internal: Iterable[str] = INTERNAL,
    hidden: Iterable[str] = (),
) -> Comparison:
    """Compare all topics.

    `resources` is None when the KafkaTopics are not to be compared; `hidden` are topics that exist but may not be
    described. Partitions out of sync are drift on every topic, Kafka's own too: they tell of the brokers.
    """
    topics, drift = [], []
    hidden = set(hidden)
    for name, wanted in expected.items():
        broker = brokers.get(name)
        resource = (resources or {}).get(name)
        if name in hidden:
            rows = [_row(EXISTENCE, name, "topic", (PRESENT, "not allowed (needs the ACL Describe)", None))]
        else:
            rows = _topic_rows(name, wanted, broker, resource, compared=resources is not None)
        drift += rows
        state = "hidden" if name in hidden else MISSING if broker is None else "drifted" if rows else "as expected"
        topics.append(_record(name, state, broker, resource))
    internal = tuple(internal)
    extra = sorted(name for name in brokers if name not in expected and not is_internal(name, internal))
    if unexpected == "ignore":
        extra = []
    for name in extra:
        topics.append(_record(name, "unexpected", brokers[name], (resources or {}).get(name)))
    if unexpected == "fail":
        drift += unexpected_rows(extra, resources)
    for name in sorted(set(brokers) - set(expected)):
        drift += _sync_rows(brokers[name])
    return Comparison(topics, drift, extra)


def unexpected_rows(names: Iterable[str], resources: Mapping[str, Resource] | None) -> list[dict[str, Any]]:
    """The rows that say which topics nobody asked for."""
    return [
        _row(
            UNEXPECTED, name, "topic", (ABSENT, PRESENT, _presence((resources or {}).get(name), resources is not None))
        )
        for name in names
    ]


def _row(aspect: str, topic: str, key: str, values: tuple[Any, Any, Any]) -> dict[str, Any]:
    """`values` are what is expected, what the brokers and what the KafkaTopic have."""
    expected, broker, cr = (None if value is None else str(value) for value in values)
    return {"topic": topic, "key": key, "expected": expected, "broker": broker, "cr": cr, "aspect": aspect}


def _presence(resource: Resource | None, compared: bool) -> str | None:
    if not compared:
        return None
    return PRESENT if resource else MISSING


def _topic_rows(
    name: str, wanted: Mapping[str, Any], broker: Broker | None, resource: Resource | None, compared: bool
) -> list[dict[str, Any]]:
    presence = _presence(resource, compared)
    rows = []
    if presence == MISSING and broker is not None:
        rows.append(_row(RESOURCES, name, "KafkaTopic", (PRESENT, None, MISSING)))
    elif resource and resource.managed and resource.state != "Ready":
        state = f"{resource.state}: {resource.message}" if resource.message else resource.state
        rows.append(_row(RESOURCES, name, "KafkaTopic", ("Ready", None, state)))
    if broker is None:
        return [_row(EXISTENCE, name, "topic", (PRESENT, MISSING, presence)), *rows]
    return [
        *rows,
        *_shape_rows(wanted, broker, resource),
        *_config_rows(wanted["config"], broker, resource),
        *_sync_rows(broker),
    ]


def _shape_rows(wanted: Mapping[str, Any], broker: Broker, resource: Resource | None) -> Iterable[dict[str, Any]]:
    """Partitions and replication factor. What is not expected is still compared between broker and KafkaTopic."""
    for aspect, key, there, cr in (
        (PARTITIONS, "partitions", [broker.partitions], resource.partitions if resource else None),
        (REPLICAS, "replicas", broker.replicas, resource.replicas if resource else None),
    ):
        standard = wanted.get(key) if wanted.get(key) is not None else cr
        if standard is not None and (there != [standard] or cr not in (None, standard)):
            seen = " and ".join(str(value) for value in there)
            yield _row(aspect, broker.name, key, (wanted.get(key), seen, cr))


def _config_rows(wanted: Mapping[str, str], broker: Broker, resource: Resource | None) -> Iterable[dict[str, Any]]:
    cr_config = {key: stored(value) for key, value in (resource.config if resource else {}).items()}
    if not broker.configured:
        if wanted or cr_config:
            denied = "not allowed (needs the ACL DescribeConfigs)"
            yield _row(CONFIGURATION, broker.name, "configuration", ("readable", denied, None))
        return
    for key in sorted({*wanted, *cr_config, *broker.own}):
        kind, there, cr = broker.types.get(key, ""), broker.config.get(key), cr_config.get(key)
        if key in wanted:
            # a KafkaTopic that leaves the key out is fine while the broker has the value anyway
            good = same(wanted[key], there, kind) and (cr is None or same(wanted[key], cr, kind))
        elif cr is None:
            # set on the topic by hand: drift where an operator should have undone it, else nobody says anything of it
            good = resource is None or not resource.managed
        else:
            good = same(cr, there, kind)
        if not good:
            there = there if key in broker.config else "(no such key)"
            yield _row(CONFIGURATION, broker.name, key, (wanted.get(key), there, cr))


def _sync_rows(broker: Broker) -> Iterable[dict[str, Any]]:
    for key, partitions in (
        ("partitions offline", broker.offline),
        ("partitions under min ISR", broker.under_min_isr),
        ("partitions under-replicated", broker.under_replicated),
    ):
        if partitions:
            yield _row(IN_SYNC, broker.name, key, ("none", numbers(partitions), None))


def _record(name: str, state: str, broker: Broker | None, resource: Resource | None) -> dict[str, Any]:
    """What is returned of a topic; of its configuration only what is set on the topic itself."""
    record: dict[str, Any] = {"name": name, "state": state, "partitions": None, "replicas": None, "config": {}}
    record["resource"] = {"name": resource.name, "state": resource.state} if resource else None
    if broker:
        record |= {
            "partitions": broker.partitions,
            "replicas": max(broker.replicas, default=0),
            "config": {key: broker.config[key] for key in sorted(broker.own)},
        }
    for key in ("under_replicated", "under_min_isr", "offline"):
        record[key] = list(getattr(broker, key)) if broker else []
    return record
