# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preflight of kafka_cluster refuses, and what it lets pass."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight import kafka_cluster as preflight
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.cluster_operator import Operator
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.findings import Findings, message

NOTHING = preflight.Live()


def problems(values: dict[str, Any], cluster: dict[str, Any], live: preflight.Live = NOTHING, **more: Any) -> str:
    return "\n".join(preflight.check(values, cluster, live, **more).problems)


def operator(version: str = "1.2.0", namespace: str = "messaging", **watched: Any) -> dict[str, Any]:
    """A pod of the operator; `watched`: value or valueFrom of the variable that says what it watches."""
    container = {
        "name": "strimzi-cluster-operator",
        "image": f"quay.io/strimzi/operator:{version}",
        "env": [{"name": "STRIMZI_NAMESPACE", **watched}],
    }
    return {"metadata": {"namespace": namespace}, "spec": {"containers": [container]}}


def to_come(namespace: str, *watches: str) -> Operator:
    return Operator(namespace, frozenset(watches or (namespace,)))


def topic(name: str, partitions: int, replicas: int = 3) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"partitions": partitions, "replicas": replicas}}


def test_the_defaults_pass(values, cluster):
    findings = preflight.check(values, cluster, NOTHING)
    assert findings.problems == []
    assert findings.facts["api_version"] == "kafka.strimzi.io/v1"
    assert findings.facts["kraft_annotations"] is False
    assert findings.facts["pod_monitor"] is False
    assert [part["what"] for part in findings.skipped] == ["PodMonitor"]


def test_the_sums_are_those_of_the_values(values, cluster):
    asked = preflight.check(values, cluster, NOTHING).facts["requests"]
    # 3 x 2 brokers, 2 x 100m operators, 250m Cruise Control
    assert asked["cpu"] == pytest.approx(6.45)
    assert asked["memory"] == 3 * 4 * 1024**3 + 2 * 256 * 1024**2 + 512 * 1024**2
    assert asked["storage"] == 3 * 100 * 1024**3


def test_the_pair_of_the_first_plan_is_refused(values, cluster):
    values |= {"kafka_cluster_strimzi_version": "0.43.0", "kafka_cluster_kafka_version": "3.8.1"}
    assert "Strimzi 0.45.0, 0.45.1, 0.45.2" in problems(values, cluster)


def test_the_older_generation(values, cluster):
    values |= {"kafka_cluster_strimzi_version": "0.45.2", "kafka_cluster_kafka_version": "3.8.1"}
    cluster["served"] = {name: ["v1beta2"] for name in cluster["served"]}
    findings = preflight.check(values, cluster, NOTHING)
    assert findings.problems == []
    assert findings.facts["api_version"] == "kafka.strimzi.io/v1beta2"
    assert findings.facts["kraft_annotations"] is True


def test_a_release_of_the_future_needs_the_users_word(values, cluster):
    values["kafka_cluster_strimzi_version"] = "1.9.0"
    assert "kafka_cluster_allow_unlisted_version" in problems(values, cluster)
    values["kafka_cluster_allow_unlisted_version"] = True
    findings = preflight.check(values, cluster, NOTHING)
    assert findings.problems == []
    assert "1.9.0" in " ".join(findings.warnings)


def test_served_api_of_another_generation(values, cluster):
    cluster["served"]["Kafka.kafka.strimzi.io"] = ["v1beta2"]
    assert "Set strimzi_version to the release that the cluster runs" in problems(values, cluster)


def test_missing_crds_are_a_problem_unless_strimzi_is_about_to_bring_them(values, cluster):
    cluster["served"] = {}
    assert "does not serve Kafka, KafkaNodePool, KafkaTopic, KafkaUser" in problems(values, cluster)
    live = preflight.Live(namespace_exists=False)
    findings = preflight.check(values, cluster, live, to_come=to_come("messaging"))
    assert findings.problems == []
    assert findings.facts["api_version"] == "kafka.strimzi.io/v1"


def test_missing_namespace(values, cluster):
    live = preflight.Live(namespace_exists=False)
    assert "there is no namespace messaging" in problems(values, cluster, live)
    assert "there is no namespace messaging" in problems(values, cluster, live, to_come=to_come("kafka"))


OWN = {"fieldRef": {"fieldPath": "metadata.namespace"}}


@pytest.mark.parametrize(
    "operators",
    [
        None,  # they may not be listed
        [operator(valueFrom=OWN)],
        [operator(namespace="strimzi", value="*")],
        [operator(namespace="strimzi", value="")],
        [operator(namespace="strimzi")],
        [operator(namespace="strimzi", value="kafka, messaging")],
        [operator(namespace="strimzi", valueFrom=OWN), operator(valueFrom=OWN)],
        # somewhere else: it cannot be told
        [operator(namespace="strimzi", valueFrom={"configMapKeyRef": {"name": "x", "key": "y"}})],
    ],
)
def test_an_operator_that_watches(values, cluster, operators):
    assert problems(values, cluster, preflight.Live(operators=operators)) == ""


@pytest.mark.parametrize(
    ("watched", "what"), [({"valueFrom": OWN}, "strimzi"), ({"value": "kafka,strimzi"}, "kafka, strimzi")]
)
def test_a_namespace_that_no_operator_watches(values, cluster, watched, what):
    live = preflight.Live(operators=[operator(namespace="strimzi", **watched)] * 2)
    text = problems(values, cluster, live)
    assert "nobody watches kafka_cluster_namespace messaging: the cluster operator in strimzi watches " + what in text
    assert text.count("the cluster operator in strimzi watches") == 1
    assert "watchNamespaces: [messaging]" in text


def test_no_operator_at_all(values, cluster):
    text = problems(values, cluster, preflight.Live(operators=[]))
    assert "no cluster operator runs in any namespace (no pod with the label strimzi.io/kind=cluster-operator)" in text
    assert problems(values, cluster, preflight.Live(operators=[]), to_come=to_come("messaging")) == ""


@pytest.mark.parametrize(
    ("operators", "release"),
    [
        ([operator(valueFrom=OWN)], "1.2.0"),
        ([operator("1.1.0", valueFrom=OWN), operator(valueFrom=OWN)], "1.2.0"),
        # another operator's Kafkas are not reconciled by it
        ([operator("1.1.0", valueFrom=OWN), operator(namespace="other", valueFrom=OWN)], ""),
        (None, ""),
    ],
)
def test_the_release_that_must_have_reconciled_the_kafka(values, cluster, operators, release):
    findings = preflight.check(values, cluster, preflight.Live(operators=operators))
    assert findings.facts["reconciled_by"] == release


def test_an_operator_to_come_that_will_not_watch(values, cluster):
    text = problems(values, cluster, to_come=to_come("strimzi"))
    assert "the cluster operator in strimzi watches strimzi" in text
    assert problems(values, cluster, to_come=to_come("strimzi", "*")) == ""
    # the one that runs now is about to be replaced
    live = preflight.Live(operators=[operator(namespace="strimzi", valueFrom=OWN)])
    assert problems(values, cluster, live, to_come=to_come("messaging")) == ""


def test_another_operator_than_the_variables_say(values, cluster):
    live = preflight.Live(operators=[operator("0.51.0")])
    assert "the cluster runs Strimzi 0.51.0" in problems(values, cluster, live)
    # the role strimzi has yet to bring the right one
    assert problems(values, cluster, live, to_come=to_come("messaging")) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kafka_cluster_brokers": 0}, "kafka_cluster_brokers must be at least 1"),
        ({"kafka_cluster_brokers": 1}, "Cruise Control needs at least 2 brokers, kafka_cluster_brokers is 1"),
        ({"kafka_cluster_replication_factor": 4}, "kafka_cluster_replication_factor must be between 1 and"),
        ({"kafka_cluster_min_insync_replicas": 4}, "kafka_cluster_min_insync_replicas must be between 1 and"),
        ({"kafka_cluster_memory": "4 GB"}, "kafka_cluster_memory: '4 GB' is no Kubernetes quantity"),
        ({"kafka_cluster_cpu": "0"}, "kafka_cluster_cpu must be more than 0"),
        ({"kafka_cluster_name": "Synergy_Flow"}, "kafka_cluster_name must be a Kubernetes name"),
        ({"kafka_cluster_kafka_version": "4.3"}, "kafka_cluster_kafka_version must be a release"),
        ({"kafka_cluster_storage_class": "gold"}, "there is no storage class gold"),
        ({"kafka_cluster_cpu": "17"}, "one broker asks for 17.0 cores of cpu, the largest node has 16.0 cores"),
        ({"kafka_cluster_brokers": 9, "kafka_cluster_cpu": "8"}, "the pods ask for 72.5 cores of cpu"),
        ({"kafka_cluster_memory": "65Gi"}, "one broker asks for 65.0 GiB of memory"),
    ],
)
def test_settings(values, cluster, change, said):
    assert said in problems(values | change, cluster)


def test_all_problems_come_at_once(values, cluster):
    values |= {"kafka_cluster_brokers": 2, "kafka_cluster_storage_class": "gold", "kafka_cluster_cpu": "x"}
    found = preflight.check(values, cluster, NOTHING)
    assert len(found.problems) >= 3
    text = message("apps", {"kafka_cluster": found})
    assert text.startswith(f"{len(found.problems)} problems on apps; nothing was changed.")
    assert "1. [kafka_cluster] " in text
    assert message("apps", {"kafka_cluster": Findings()}) == ""


def test_own_pods_do_not_count_against_the_free_capacity(values, cluster):
    # the nodes are full, and it is this cluster that fills them
    cluster["requested"]["cpu"] = 48.0
    assert "free of 48.0 cores" in problems(values, cluster)
    assert problems(values, cluster, preflight.Live(requested={"cpu": 6.5, "memory": 0})) == ""


def test_what_may_not_be_read_is_not_judged(values, cluster):
    cluster |= {"nodes": [], "storage_classes": [], "unreadable": ["nodes", "pods", "storageclasses"]}
    findings = preflight.check(values, cluster, NOTHING)
    assert findings.problems == []
    assert any("may not be read" in warning for warning in findings.warnings)


def test_zones(values, cluster):
    for node in cluster["nodes"]:
        node["zone"] = "zone-a"
    findings = preflight.check(values, cluster, NOTHING)
    assert findings.problems == []
    assert "3 brokers share 1 zone (zone-a)" in " ".join(findings.warnings)
    for node in cluster["nodes"]:
        node["zone"] = None
    assert "no ready node has the label topology.kubernetes.io/zone" in problems(values, cluster)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "a b"}, "a name has 1 to 249 of"),
        ({"name": "team-events"}, "topic team-events stands 2 times"),
        ({"name": "team.events_x"}, ""),
        ({"partitions": 0}, "partitions must be at least 1"),
        ({"replicas": 4}, "replicas must be between 1 and 3"),
        ({"retention_days": 0}, "retention_days must be a number of days, or -1"),
        ({"retention_days": 1, "config": {"retention.ms": 5}}, "both retention_days and config retention.ms"),
        ({"config": {"retentionms": 5}}, "no topic setting retentionms, did you mean retention.ms"),
        ({"config": {"min.insync.replicas": 9}}, "min.insync.replicas is 9, it must be between 1 and its 3 replicas"),
        ({"config": {"confluent.value.schema.validation": True}}, ""),
    ],
)
def test_topics(values, cluster, change, said):
    values["kafka_cluster_topics"].append({"name": "new-events", "partitions": 3, **change})
    found = problems(values, cluster)
    assert said in found if said else not found


def test_topics_that_kafka_cannot_tell_apart(values, cluster):
    values["kafka_cluster_topics"] += [{"name": "a.b", "partitions": 1}, {"name": "a_b", "partitions": 1}]
    assert "topics a.b and a_b differ only in . and _" in problems(values, cluster)


def test_partitions_cannot_shrink_and_replicas_cannot_change(values, cluster):
    live = preflight.Live(
        topics=[topic("user-events", 12), topic("team-events", 3, replicas=2), topic("dlq-events", 1)]
    )
    found = problems(values, cluster, live)
    assert "topic user-events: 6 partitions are asked for and it has 12" in found
    assert "topic team-events: 3 replicas are asked for and it has 2" in found
    assert "dlq-events" not in found, "partitions may grow"


def test_a_topic_is_known_by_its_name_in_kafka(values, cluster):
    renamed = topic("something-else", 12)
    renamed["spec"]["topicName"] = "user-events"
    assert "topic user-events" in problems(values, cluster, preflight.Live(topics=[renamed]))


@pytest.mark.parametrize(
    ("acl", "said"),
    [
        ({"resource": {"type": "topic"}, "operations": ["Read"]}, "needs either name or names"),
        ({"resource": {"type": "topic", "name": "a", "names": ["b"]}, "operations": ["Read"]}, "needs either"),
        ({"resource": {"type": "cluster", "name": "a"}, "operations": ["Describe"]}, "on the cluster has no name"),
        ({"resource": {"type": "group", "name": "a"}, "operations": ["Fly"]}, "Fly is no Kafka operation"),
        ({"resource": {"type": "group", "name": "a"}, "operations": []}, "allows nothing"),
        ({"resource": {"type": "cluster"}, "operations": ["Describe"]}, ""),
    ],
)
def test_acls(values, cluster, acl, said):
    values["kafka_cluster_users"].append({"name": "new-user", "acls": [acl]})
    found = problems(values, cluster)
    assert said in found if said else not found


def test_password_secrets(values, cluster):
    values["kafka_cluster_users"].append({"name": "new-user", "password_secret": {"name": "s", "key": "password"}})
    there = preflight.Live(password_secrets={("s", "password"): True})
    gone = preflight.Live(password_secrets={("s", "password"): False})
    assert problems(values, cluster, there) == ""
    assert "there is no Secret s with the key password in messaging" in problems(values, cluster, gone)


def test_changes_that_strimzi_ignores_or_kafka_refuses(values, cluster):
    live = preflight.Live(
        kafka={"status": {"kafkaMetadataVersion": "4.4-IV0"}},
        node_pool={"spec": {"replicas": 5, "storage": {"volumes": [{"size": "200Gi", "class": "gold"}]}}},
    )
    found = preflight.check(values, cluster, live)
    text = "\n".join(found.problems)
    assert "kafka_cluster_storage_size is 100Gi, the volumes have 200Gi" in text
    assert "Strimzi ignores such a change" in text
    assert "cannot go back behind its metadata version" in text
    assert "kafka_cluster_brokers goes from 5 to 3" in " ".join(found.warnings)
