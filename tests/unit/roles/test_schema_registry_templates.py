# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Schema Registry's templates come to, without a cluster; and the rehearsal's users beside the role's own."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from rendering import ROOT, Case, of_kind, one, render

TEMPLATES = (
    "kafka-topic", "externalsecret", "metrics-configmap", "deployment", "service", "poddisruptionbudget",
    "networkpolicy", "servicemonitor",
)  # fmt: skip
FACTS = {
    "kafka_api": "kafka.strimzi.io/v1",
    "service_monitor": True,
    "credentials": "0123abcd",
    "restart_for": "",
}
WHERE = {"schema_registry_namespace": "messaging", "schema_registry_kafka_cluster": "synergyflow"}
CASES: dict[str, Case] = {
    "defaults": ("schema_registry", TEMPLATES, FACTS, WHERE),
    "vault": (
        "schema_registry",
        TEMPLATES,
        {**FACTS, "restart_for": "2026-11-21T11:00:01Z"},
        {**WHERE, "schema_registry_external_secrets": True},
    ),
    "sparse": (
        "schema_registry",
        TEMPLATES,
        {**FACTS, "service_monitor": False},
        {
            **WHERE,
            "schema_registry_replicas": "1",
            "schema_registry_topic_replicas": "1",
            "schema_registry_metrics": False,
            "schema_registry_network_policy": False,
            "schema_registry_compatibility": "FULL_TRANSITIVE",
        },
    ),
}
STORE = "SCHEMA_REGISTRY_KAFKASTORE_"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    return render(CASES, tmp_path_factory.mktemp("rendered"))


def pod(objects: list[dict[str, Any]]) -> dict[str, Any]:
    return one(objects, "Deployment")["spec"]["template"]["spec"]


def environment(objects: list[dict[str, Any]]) -> dict[str, Any]:
    given = pod(objects)["containers"][0]["env"]
    assert len({each["name"] for each in given}) == len(given)
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in given}


def test_the_plans_registry(rendered):
    deployment = one(rendered["defaults"], "Deployment")
    assert (deployment["metadata"]["namespace"], deployment["metadata"]["name"]) == ("messaging", "schema-registry")
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    container = pod(rendered["defaults"])["containers"][0]
    assert container["image"] == "docker.io/confluentinc/cp-schema-registry:7.8.0"
    assert container["resources"] == {
        "requests": {"cpu": "250m", "memory": "768Mi"},
        "limits": {"cpu": "1", "memory": "1Gi"},
    }
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/subjects", "port": "http"}
    service = one(rendered["defaults"], "Service")
    assert {port["name"]: port["port"] for port in service["spec"]["ports"]} == {"http": 8081, "metrics": 9404}
    assert service["metadata"]["name"] == "schema-registry"


def test_kafka_is_reached_over_tls_with_the_users_secret(rendered):
    given = environment(rendered["defaults"])
    assert given[f"{STORE}BOOTSTRAP_SERVERS"] == "SASL_SSL://synergyflow-kafka-bootstrap.messaging.svc:9093"
    assert (given[f"{STORE}SECURITY_PROTOCOL"], given[f"{STORE}SASL_MECHANISM"]) == ("SASL_SSL", "SCRAM-SHA-512")
    secret = given[f"{STORE}SASL_JAAS_CONFIG"]["secretKeyRef"]
    assert secret == {"name": "schema-registry", "key": "sasl.jaas.config"}
    assert given[f"{STORE}SSL_TRUSTSTORE_PASSWORD"]["secretKeyRef"]["name"] == "synergyflow-cluster-ca-cert"
    volume = next(each for each in pod(rendered["defaults"])["volumes"] if each["name"] == "kafka-ca")
    mount = next(
        each for each in pod(rendered["defaults"])["containers"][0]["volumeMounts"] if each["name"] == "kafka-ca"
    )
    path = f"{mount['mountPath']}/{volume['secret']['items'][0]['path']}"
    assert given[f"{STORE}SSL_TRUSTSTORE_LOCATION"] == path


def test_a_leader_is_elected_and_the_level_is_given(rendered):
    given = environment(rendered["defaults"])
    assert given["SCHEMA_REGISTRY_HOST_NAME"] == {"fieldRef": {"fieldPath": "status.podIP"}}
    assert given["SCHEMA_REGISTRY_SCHEMA_REGISTRY_GROUP_ID"] == "schema-registry"
    assert given["SCHEMA_REGISTRY_LEADER_ELIGIBILITY"] == "true"
    assert given["SCHEMA_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL"] == "backward"
    assert environment(rendered["sparse"])["SCHEMA_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL"] == "full_transitive"
    assert "SCHEMA_REGISTRY_PORT" not in given


def test_the_pod_is_restricted(rendered):
    spec = pod(rendered["defaults"])
    assert spec["enableServiceLinks"] is False
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    context = spec["containers"][0]["securityContext"]
    assert context == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    terms = spec["affinity"]["podAntiAffinity"]
    assert list(terms) == ["preferredDuringSchedulingIgnoredDuringExecution"]


def test_another_log_in_rolls_the_pods(rendered):
    metadata = one(rendered["defaults"], "Deployment")["spec"]["template"]["metadata"]
    assert metadata["annotations"] == {"synergyflow.platform/credentials": "0123abcd"}
    metadata = one(rendered["vault"], "Deployment")["spec"]["template"]["metadata"]
    assert metadata["annotations"]["synergyflow.platform/secrets"] == "2026-11-21T11:00:01Z"


def test_the_topic_is_compacted(rendered):
    topic = one(rendered["defaults"], "KafkaTopic")
    assert topic["metadata"]["labels"] == {"strimzi.io/cluster": "synergyflow"}
    assert topic["spec"] == {
        "topicName": "_schemas",
        "partitions": 1,
        "replicas": 3,
        "config": {"cleanup.policy": "compact", "min.insync.replicas": 2},
    }
    assert one(rendered["sparse"], "KafkaTopic")["spec"]["config"]["min.insync.replicas"] == 1


def test_metrics_are_the_jmx_exporters(rendered):
    agent = environment(rendered["defaults"])["SCHEMA_REGISTRY_OPTS"]
    assert agent.startswith("-javaagent:/usr/share/java/cp-base-new/jmx_prometheus_javaagent-")
    assert agent.endswith("=9404:/etc/schema-registry-metrics/jmx-exporter.yml")
    rules = yaml.safe_load(one(rendered["defaults"], "ConfigMap")["data"]["jmx-exporter.yml"])
    assert rules["rules"]
    monitor = one(rendered["defaults"], "ServiceMonitor")
    assert monitor["spec"]["endpoints"][0]["port"] == "metrics", "8081 has no /metrics"
    labels = one(rendered["defaults"], "Service")["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_others_are_kept_out(rendered):
    policy = one(rendered["defaults"], "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    by_port = {rule["ports"][0]["port"]: rule["from"] for rule in policy["ingress"]}
    assert {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "synergyflow"}}} in by_port[8081]
    assert {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "observability"}}} in by_port[9404]
    assert {rule["ports"][0]["port"] for rule in policy["egress"]} == {9093, 8081, 53}


def test_the_log_in_may_come_from_vault(rendered):
    secret = one(rendered["vault"], "ExternalSecret")
    assert secret["spec"]["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "vault-backend"}
    assert {each["remoteRef"]["key"] for each in secret["spec"]["data"]} == {"kafka/users/schema-registry"}
    assert secret["spec"]["target"]["template"]["data"]["sasl.jaas.config"] == (
        "org.apache.kafka.common.security.scram.ScramLoginModule required "
        'username="{{ .username }}" password="{{ .password }}";'
    )
    reference = environment(rendered["vault"])[f"{STORE}SASL_JAAS_CONFIG"]["secretKeyRef"]
    assert reference["name"] == secret["spec"]["target"]["name"] == "schema-registry-kafka-credentials"
    assert of_kind(rendered["defaults"], "ExternalSecret") == []


def test_what_is_switched_off_is_left_out(rendered):
    kinds = {found["kind"] for found in rendered["sparse"]}
    assert kinds == {"KafkaTopic", "Deployment", "Service"}
    assert "SCHEMA_REGISTRY_OPTS" not in environment(rendered["sparse"])
    assert [volume["name"] for volume in pod(rendered["sparse"])["volumes"]] == ["kafka-ca"]


def test_the_rehearsals_users_are_the_roles_and_the_stand_ins_rules():
    """A copy that must not stay behind: the inventory cannot add to a role's default."""
    own = yaml.safe_load((ROOT / "roles" / "kafka_cluster" / "defaults" / "main.yml").read_text())
    there = yaml.safe_load((ROOT / "inventories" / "rehearsal" / "host_vars" / "apps.yml").read_text())
    added = []
    for mine, theirs in zip(own["kafka_cluster_users"], there["kafka_cluster_users"], strict=True):
        assert mine["name"] == theirs["name"]
        assert theirs["acls"][: len(mine["acls"])] == mine["acls"]
        added += [(mine["name"], acl["resource"]["name"]) for acl in theirs["acls"][len(mine["acls"]) :]]
    assert added == [("schema-registry", "_schemas-apicurio"), ("schema-registry", "schema-registry-")]
