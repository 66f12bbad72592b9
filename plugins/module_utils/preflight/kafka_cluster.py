# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold before the role kafka_cluster changes anything."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import strimzi_versions as versions
from ..quantity import quantity
from ..topics_and_users import DNS_SUBDOMAIN, topic_specs
from . import capacity, cluster_operator
from .cluster_operator import Operator
from .common import check_storage_class
from .findings import Findings

GROUP = "kafka.strimzi.io"
KINDS = ("Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser")
ZONE = "topology.kubernetes.io/zone"

# Kafka's own rule, org.apache.kafka.common.internals.Topic
TOPIC_NAME = re.compile(r"^[a-zA-Z0-9._-]{1,249}$")
# names of org.apache.kafka.common.config.TopicConfig, for spotting typing errors; others are passed on as they are
TOPIC_CONFIGS = (
    "cleanup.policy", "compression.gzip.level", "compression.lz4.level", "compression.type", "compression.zstd.level",
    "delete.retention.ms", "file.delete.delay.ms", "flush.messages", "flush.ms", "index.interval.bytes",
    "leader.replication.throttled.replicas", "local.retention.bytes", "local.retention.ms", "max.compaction.lag.ms",
    "max.message.bytes", "message.timestamp.after.max.ms", "message.timestamp.before.max.ms",
    "message.timestamp.type", "min.cleanable.dirty.ratio", "min.compaction.lag.ms", "min.insync.replicas",
    "preallocate", "remote.storage.enable", "retention.bytes", "retention.ms", "segment.bytes", "segment.index.bytes",
    "segment.jitter.ms", "segment.ms", "unclean.leader.election.enable",
)  # fmt: skip
# io.strimzi.api.kafka.model.user.acl
ACL_OPERATIONS = (
    "All", "Alter", "AlterConfigs", "ClusterAction", "Create", "Delete", "Describe", "DescribeConfigs",
    "IdempotentWrite", "Read", "Write",
)  # fmt: skip
ACL_RESOURCES = ("topic", "group", "cluster", "transactionalId")


@dataclass(frozen=True)
class Live:
    """What of this Kafka cluster exists already; every object as the API server gives it."""

    namespace_exists: bool = True
    kafka: Mapping[str, Any] | None = None
    node_pool: Mapping[str, Any] | None = None
    topics: list[Mapping[str, Any]] = field(default_factory=list)
    # pods of Strimzi's cluster operators, in any namespace; None if they may not be listed
    operators: list[Mapping[str, Any]] | None = None
    # (name, key) of each Secret that a user's password is to come from -> whether it is there
    password_secrets: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    # what this cluster's own pods request now: cores, bytes
    requested: Mapping[str, float] = field(default_factory=dict)


def check(
    values: Mapping[str, Any], cluster: Mapping[str, Any], live: Live, to_come: Operator | None = None
) -> Findings:
    """Everything that can be known before the first write.

    `to_come` is the operator that the role strimzi will bring, when that is part of the run and has not happened yet
    (check mode, or a preflight of the whole site): CRDs and namespace are then taken as given.
    """
    findings = Findings()
    check_versions(values, cluster, live, to_come is not None, findings)
    findings.facts["expected_namespaces"] = [to_come.namespace] if to_come else []
    operators = [to_come] if to_come else [cluster_operator.of_workload(pod) for pod in live.operators or []]
    if live.operators == [] and not to_come and cluster["served"].get(f"Kafka.{GROUP}"):
        findings.problem(
            "the cluster serves Kafka, but no cluster operator runs in any namespace (no pod with the label "
            f"{cluster_operator.LABEL}): nobody would act on the Kafka. Run the role strimzi (strimzi_enabled: true), "
            "or bring your operator up"
        )
    findings.problem(cluster_operator.unwatched(str(values["kafka_cluster_namespace"]), operators))
    if not live.namespace_exists and not (to_come and values["kafka_cluster_namespace"] == to_come.namespace):
        findings.problem(
            f"there is no namespace {values['kafka_cluster_namespace']} (kafka_cluster_namespace): "
            "create it, or let the role strimzi make it (strimzi_namespace)"
        )
    check_settings(values, findings)
    check_topics(values, live, findings)
    check_users(values, live, findings)
    check_vault_users(values, findings)
    check_existing(values, live, findings)
    check_storage_class("kafka_cluster", values, cluster, findings)
    check_zones(values, cluster, findings)
    check_capacity(values, cluster, live, findings)
    check_pod_monitor(values, cluster, findings)
    return findings


def check_versions(
    values: Mapping[str, Any], cluster: Mapping[str, Any], live: Live, crds_to_come: bool, findings: Findings
) -> None:
    """Strimzi with Kafka, with the served API, with the running operator."""
    strimzi, kafka = str(values["kafka_cluster_strimzi_version"]), str(values["kafka_cluster_kafka_version"])
    for name, version in (("kafka_cluster_strimzi_version", strimzi), ("kafka_cluster_kafka_version", kafka)):
        if not versions.is_version(version):
            findings.problem(
                f"{name} must be a release such as {'1.2.0' if 'strimzi' in name else '4.3.1'}, it is {version}"
            )
    if not (versions.is_version(strimzi) and versions.is_version(kafka)):
        return
    unlisted = versions.unlisted(strimzi)
    if unlisted and not values["kafka_cluster_allow_unlisted_version"]:
        findings.problem(f"{unlisted}: choose one of them, or set kafka_cluster_allow_unlisted_version")
    else:
        findings.warn(unlisted)
    pair = versions.pair_problem(strimzi, kafka)
    findings.problem(pair and f"{pair}. Set strimzi_version and kafka_cluster_kafka_version to one of them")

    findings.facts["expected_kinds"] = []
    served = list(cluster["served"].get(f"Kafka.{GROUP}", []))
    missing = [kind for kind in KINDS if not cluster["served"].get(f"{kind}.{GROUP}")]
    if missing and crds_to_come:
        findings.facts["expected_kinds"] = [f"{kind}.{GROUP}" for kind in missing]
    elif missing:
        findings.problem(
            f"the cluster does not serve {', '.join(missing)} of {GROUP}: install Strimzi first "
            "(strimzi_enabled: true, or by your own means)"
        )
    if served and not crds_to_come:
        problem = versions.api_problem(strimzi, served)
        findings.problem(problem and f"{problem}. Set strimzi_version to the release that the cluster runs")
    findings.facts["api_version"] = f"{GROUP}/{versions.api_version(strimzi, served)}"
    findings.facts["kraft_annotations"] = versions.needs_kraft_annotations(strimzi)
    check_operator(strimzi, str(values["kafka_cluster_namespace"]), live, crds_to_come, findings)


def check_operator(strimzi: str, namespace: str, live: Live, may_change: bool, findings: Findings) -> None:
    """The release of the operator that runs, if one is to be seen, against the one the variables name."""
    found = sorted({version for version in map(cluster_operator.release, live.operators or []) if version})
    findings.facts["operator_versions"] = found
    # with an image of one's own its tag may be another number than the operator's
    ours = [pod for pod in live.operators or [] if cluster_operator.release(pod) == strimzi]
    watching = any(cluster_operator.of_workload(pod).may_watch(namespace) for pod in ours)
    findings.facts["reconciled_by"] = strimzi if watching and versions.release_of(strimzi) else ""
    if found and strimzi not in found and not may_change:
        findings.problem(
            f"the cluster runs Strimzi {', '.join(found)}, kafka_cluster_strimzi_version is {strimzi}: "
            "set strimzi_version to what runs, or run the role strimzi first"
        )


def check_settings(values: Mapping[str, Any], findings: Findings) -> None:
    """Numbers and quantities on their own and against each other."""
    brokers, replicas = values["kafka_cluster_brokers"], values["kafka_cluster_replication_factor"]
    in_sync = values["kafka_cluster_min_insync_replicas"]
    if brokers < 1:
        findings.problem(f"kafka_cluster_brokers must be at least 1, it is {brokers}")
    if values["kafka_cluster_cruise_control"] and brokers == 1:
        findings.problem(
            "Cruise Control needs at least 2 brokers, kafka_cluster_brokers is 1: "
            "set kafka_cluster_cruise_control: false, or more brokers"
        )
    if replicas < 1 or replicas > brokers:
        findings.problem(
            "kafka_cluster_replication_factor must be between 1 and kafka_cluster_brokers "
            f"({brokers}), it is {replicas}"
        )
    if in_sync < 1 or in_sync > replicas:
        findings.problem(
            "kafka_cluster_min_insync_replicas must be between 1 and kafka_cluster_replication_factor "
            f"({replicas}), it is {in_sync}"
        )
    elif in_sync == replicas > 1:
        findings.warn("with min.insync.replicas equal to the replication factor one broker down stops all writes")
    if brokers > 1 and brokers % 2 == 0:
        findings.warn(f"{brokers} controllers tolerate no more failures than {brokers - 1}: an odd number is better")
    for name in ("kafka_cluster_name", "kafka_cluster_namespace", "kafka_cluster_node_pool"):
        if not DNS_SUBDOMAIN.match(str(values[name])):
            findings.problem(f"{name} must be a Kubernetes name (a-z, 0-9, - and .), it is {values[name]!r}")
    for name, value in quantity_variables(values):
        try:
            if quantity(value) <= 0:
                findings.problem(f"{name} must be more than 0, it is {value}")
        except ValueError as error:
            findings.problem(f"{name}: {error}")


def quantity_variables(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Every variable that is a Kubernetes quantity, by name."""
    names = ("kafka_cluster_cpu", "kafka_cluster_memory", "kafka_cluster_storage_size")
    found = [(name, values[name]) for name in names]
    for name in ("kafka_cluster_entity_operator_resources", "kafka_cluster_cruise_control_resources"):
        found += [(f"{name}.{resource}", values[name][resource]) for resource in ("cpu", "memory")]
    return found


def check_topics(values: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """Each topic by Kafka's rules, all of them together, and against what exists."""
    topics = values["kafka_cluster_topics"]
    names = [str(topic["name"]) for topic in topics]
    findings.problems_from(duplicates("kafka_cluster_topics", "topic", names))
    # Kafka's metrics put an underscore for a dot, and so it refuses the second of two such names
    alike = Counter(name.replace(".", "_") for name in set(names))
    findings.problems_from(
        f"topics {' and '.join(sorted(n for n in set(names) if n.replace('.', '_') == key))} differ only in . and _, "
        "which Kafka does not allow: rename one"
        for key, count in alike.items()
        if count > 1
    )
    for topic in topics:
        findings.problems_from(topic_problems(topic, values))
    existing = {topic_name(topic): topic for topic in live.topics}
    for spec in topic_specs(
        topics, values["kafka_cluster_replication_factor"], values["kafka_cluster_min_insync_replicas"]
    ):
        if spec["name"] in existing:
            findings.problems_from(topic_change_problems(spec, existing[spec["name"]]))


def topic_name(topic: Mapping[str, Any]) -> str:
    """The name in Kafka of a KafkaTopic."""
    return (topic.get("spec") or {}).get("topicName") or topic["metadata"]["name"]


def topic_problems(topic: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """What is wrong with one topic of the inventory."""
    name, config = str(topic["name"]), topic.get("config") or {}
    brokers = values["kafka_cluster_brokers"]
    replicas = topic.get("replicas") or values["kafka_cluster_replication_factor"]
    problems = []
    if not TOPIC_NAME.match(name) or name in (".", ".."):
        problems.append(f"topic {name!r}: a name has 1 to 249 of a-z, A-Z, 0-9, . _ and -")
    if topic["partitions"] < 1:
        problems.append(f"topic {name}: partitions must be at least 1, it is {topic['partitions']}")
    if topic.get("replicas") is not None and not 1 <= topic["replicas"] <= brokers:
        problems.append(
            f"topic {name}: replicas must be between 1 and {brokers} (kafka_cluster_brokers), it is {topic['replicas']}"
        )
    days = topic.get("retention_days")
    if days is not None and (days == 0 or days < -1):
        problems.append(f"topic {name}: retention_days must be a number of days, or -1 for ever; it is {days}")
    if days is not None and "retention.ms" in config:
        problems.append(f"topic {name}: both retention_days and config retention.ms are set: keep one")
    in_sync = config.get("min.insync.replicas", values["kafka_cluster_min_insync_replicas"])
    if str(in_sync).isdigit() and not 1 <= int(in_sync) <= replicas:
        problems.append(
            f"topic {name}: min.insync.replicas is {in_sync}, it must be between 1 and its {replicas} replicas"
        )
    for key in sorted(set(config) - set(TOPIC_CONFIGS)):
        near = difflib.get_close_matches(key, TOPIC_CONFIGS, n=1, cutoff=0.8)
        if near:
            problems.append(f"topic {name}: Kafka has no topic setting {key}, did you mean {near[0]}?".rstrip("?"))
    return problems


def topic_change_problems(spec: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """Why a topic cannot be changed to what the inventory asks for."""
    now, problems = live.get("spec") or {}, []
    name, partitions, replicas = spec["name"], now.get("partitions"), now.get("replicas")
    if partitions is not None and spec["partitions"] < partitions:
        problems.append(
            f"topic {name}: {spec['partitions']} partitions are asked for and it has {partitions}; Kafka cannot take "
            f"partitions away. Put {partitions} back, or delete the topic and its data first"
        )
    if replicas is not None and spec["replicas"] != replicas:
        problems.append(
            f"topic {name}: {spec['replicas']} replicas are asked for and it has {replicas}; replicas are moved by "
            "Cruise Control or kafka-reassign-partitions, not by this role. "
            f"Put {replicas} back (or replicas: {replicas})"
        )
    return problems


def check_users(values: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """Names, rules and password Secrets of the users."""
    users = values["kafka_cluster_users"]
    findings.problems_from(duplicates("kafka_cluster_users", "user", [str(user["name"]) for user in users]))
    for user in users:
        name = str(user["name"])
        if not DNS_SUBDOMAIN.match(name):
            findings.problem(f"user {name!r}: a KafkaUser's name has a-z, 0-9, - and . only")
        for acl in user.get("acls") or []:
            findings.problems_from(f"user {name}: {problem}" for problem in acl_problems(acl))
        secret = user.get("password_secret")
        if secret and not live.password_secrets.get((secret["name"], secret["key"]), True):
            findings.problem(
                f"user {name}: there is no Secret {secret['name']} with the key {secret['key']} in "
                f"{values['kafka_cluster_namespace']}: create it, or leave password_secret out for a generated password"
            )


def check_vault_users(values: Mapping[str, Any], findings: Findings) -> None:
    """Passwords from Vault are for users that there are."""
    users = {str(user["name"]): user for user in values["kafka_cluster_users"]}
    for name in values["kafka_cluster_vault_users"]:
        if name not in users:
            findings.problem(f"kafka_cluster_vault_users names {name}, who is not in kafka_cluster_users")
        elif users[name].get("password_secret"):
            findings.problem(f"user {name}: both password_secret and kafka_cluster_vault_users are set: keep one")


def acl_problems(acl: Mapping[str, Any]) -> list[str]:
    """What is wrong with one rule."""
    resource, problems = acl["resource"], []
    given = [key for key in ("name", "names") if resource.get(key) is not None]
    if resource["type"] == "cluster":
        if given:
            problems.append("an ACL on the cluster has no name")
    elif len(given) != 1:
        problems.append(f"an ACL on a {resource['type']} needs either name or names")
    wrong = sorted(set(acl["operations"]) - set(ACL_OPERATIONS))
    if wrong:
        problems.append(f"{', '.join(wrong)} is no Kafka operation; there are {', '.join(ACL_OPERATIONS)}")
    if not acl["operations"]:
        problems.append("an ACL without operations allows nothing")
    return problems


def check_existing(values: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """Changes that Strimzi ignores or refuses on a Kafka that exists already."""
    pool = (live.node_pool or {}).get("spec") or {}
    if pool.get("replicas") is not None and pool["replicas"] != values["kafka_cluster_brokers"]:
        findings.warn(
            f"kafka_cluster_brokers goes from {pool['replicas']} to {values['kafka_cluster_brokers']}: brokers of this "
            "pool are controllers too; Strimzi moves no partitions by itself, plan a KafkaRebalance"
        )
    for volume in (pool.get("storage") or {}).get("volumes") or []:
        size, wanted = volume.get("size"), values["kafka_cluster_storage_size"]
        try:
            if size and quantity(wanted) < quantity(size):
                findings.problem(
                    f"kafka_cluster_storage_size is {wanted}, the volumes have {size}: a volume cannot shrink"
                )
        except ValueError:
            continue  # said by check_settings
        if (volume.get("class") or "") != values["kafka_cluster_storage_class"]:
            findings.problem(
                f"kafka_cluster_storage_class is {values['kafka_cluster_storage_class'] or '(the default class)'}, the "
                f"volumes have {volume.get('class') or '(the default class)'}: Strimzi ignores such a change"
            )
    metadata = ((live.kafka or {}).get("status") or {}).get("kafkaMetadataVersion") or ""
    version = str(values["kafka_cluster_kafka_version"])
    if metadata and versions.is_version(version):
        now = versions.numbers(metadata.split("-")[0])
        if versions.numbers(version)[:2] < now[:2]:
            findings.problem(
                f"kafka_cluster_kafka_version is {version}, but the cluster's metadata is of {metadata}: "
                "Kafka cannot go back behind its metadata version"
            )


def check_zones(values: Mapping[str, Any], cluster: Mapping[str, Any], findings: Findings) -> None:
    """Enough zones to spread over. Only the well-known zone label can be seen here."""
    if values["kafka_cluster_rack_topology_key"] != ZONE or "nodes" in (cluster.get("unreadable") or []):
        return
    zones = sorted({node["zone"] for node in capacity.usable_nodes(cluster) if node["zone"]})
    if not zones:
        findings.problem(
            f"no ready node has the label {ZONE}, the brokers could not be placed: label the nodes, "
            "or set kafka_cluster_rack_topology_key to the label they have, or to '' for no rack awareness"
        )
    elif len(zones) < min(values["kafka_cluster_brokers"], values["kafka_cluster_replication_factor"]):
        findings.warn(
            f"{values['kafka_cluster_brokers']} brokers share {len(zones)} zone{'s' if len(zones) > 1 else ''} "
            f"({', '.join(zones)}): the loss of one takes several replicas with it"
        )


def requests(values: Mapping[str, Any]) -> list[capacity.Request]:
    """What the cluster's pods ask for."""
    entity, cruise = values["kafka_cluster_entity_operator_resources"], values["kafka_cluster_cruise_control_resources"]
    asked = [
        capacity.Request(
            "broker",
            values["kafka_cluster_brokers"],
            quantity(values["kafka_cluster_cpu"]),
            quantity(values["kafka_cluster_memory"]),
            quantity(values["kafka_cluster_storage_size"]),
        ),
        # the topic operator and the user operator, two containers of one pod
        capacity.Request("entity operator", 1, 2 * quantity(entity["cpu"]), 2 * quantity(entity["memory"])),
    ]
    if values["kafka_cluster_cruise_control"]:
        asked.append(capacity.Request("Cruise Control", 1, quantity(cruise["cpu"]), quantity(cruise["memory"])))
    return asked


def check_capacity(values: Mapping[str, Any], cluster: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """The sums of requests against what the nodes have left."""
    try:
        asked = requests(values)
    except ValueError:
        return  # said by check_settings
    capacity.check(capacity.Demand(tuple(asked), live.requested), cluster, findings)


def check_pod_monitor(values: Mapping[str, Any], cluster: Mapping[str, Any], findings: Findings) -> None:
    """A PodMonitor is made where somebody reads it."""
    served = bool(cluster["served"].get("PodMonitor.monitoring.coreos.com"))
    findings.facts["pod_monitor"] = served and values["kafka_cluster_metrics"]
    if values["kafka_cluster_metrics"] and not served:
        findings.skip(
            "PodMonitor",
            "the cluster does not serve monitoring.coreos.com; the brokers' metrics stand ready on port 9404",
        )


def duplicates(variable: str, what: str, names: Iterable[str]) -> list[str]:
    """A sentence for each name that occurs twice."""
    return [
        f"{what} {name} stands {count} times in {variable}: keep one"
        for name, count in Counter(names).items()
        if count > 1
    ]
