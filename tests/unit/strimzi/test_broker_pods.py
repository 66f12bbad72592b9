# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The StrimziPodSet, its pods and their claims: what upstream-facts were seen from the real operator."""

from __future__ import annotations

import pytest

from rehearsal.strimzi import broker_pods, cluster_objects, entity_operator
from rehearsal.strimzi.broker_pods import Pool


def pods(cluster, generation, kafka, pool, **annotations) -> list[dict]:
    each = {node.id: {"strimzi.io/kafka-version": "4.3.1", **annotations} for node in pool.nodes}
    return broker_pods.pod_set(cluster, generation, kafka["spec"]["kafka"], pool, each)["spec"]["pods"]


def test_pods_are_named_after_cluster_pool_and_id(cluster, generation, kafka, pool):
    made = pods(cluster, generation, kafka, pool)
    assert [pod["metadata"]["name"] for pod in made] == [f"synergyflow-broker-{number}" for number in range(3)]
    labels = made[0]["metadata"]["labels"]
    expected = {
        "strimzi.io/cluster": "synergyflow",
        "strimzi.io/kind": "Kafka",
        "strimzi.io/name": "synergyflow-kafka",
        "strimzi.io/component-type": "kafka",
        "strimzi.io/pool-name": "broker",
        "strimzi.io/broker-role": "true",
        "strimzi.io/controller-role": "true",
        "strimzi.io/controller": "strimzipodset",
        "strimzi.io/controller-name": "synergyflow-broker",
        "app.kubernetes.io/name": "kafka",
        "synergyflow.platform/stand-in": "strimzi-cluster-operator",
    }
    assert expected.items() <= labels.items()


def test_ports_of_a_broker(cluster, generation, kafka, pool):
    ports = {port["name"]: port["containerPort"] for port in _container(cluster, generation, kafka, pool)["ports"]}
    assert ports == {"tcp-kafkaagent": 8443, "tcp-ctrlplane": 9090, "tcp-replication": 9091, "tcp-clientstls": 9093}


def test_metrics_open_their_port(cluster, current, kafka, pool):
    kafka["spec"]["kafka"]["metricsConfig"] = {"type": "jmxPrometheusExporter"}
    container = _container(cluster, current, kafka, pool)
    assert {"name": "tcp-prometheus", "containerPort": 9404, "protocol": "TCP"} in container["ports"]
    assert {"name": "KAFKA_JMX_EXPORTER_ENABLED", "value": "true"} in container["env"]


def test_only_the_previous_generation_mounts_certificates(cluster, current, previous, kafka, pool):
    def secrets(generation):
        volumes = pods(cluster, generation, kafka, pool)[0]["spec"]["volumes"]
        return {volume["secret"]["secretName"] for volume in volumes if "secret" in volume}

    assert secrets(current) == set()
    assert secrets(previous) == {
        "synergyflow-cluster-ca-cert",
        "synergyflow-kafka-brokers",
        "synergyflow-clients-ca-cert",
    }


def test_only_the_previous_generation_makes_rack_an_affinity(cluster, current, previous, kafka, pool):
    assert "affinity" not in pods(cluster, current, kafka, pool)[0]["spec"]
    affinity = pods(cluster, previous, kafka, pool)[0]["spec"]["affinity"]
    terms = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert terms == [{"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "Exists"}]}]


def test_rack_needs_the_init_container(cluster, generation, kafka, pool):
    spec = pods(cluster, generation, kafka, pool)[0]["spec"]
    assert [each["name"] for each in spec["initContainers"]] == ["kafka-init"]
    del kafka["spec"]["kafka"]["rack"]
    assert "initContainers" not in pods(cluster, generation, kafka, pool)[0]["spec"]


def test_the_revision_follows_the_spec_and_the_hashes_in_the_annotations(cluster, current, kafka, pool):
    def revision(**annotations):
        annotations = pods(cluster, current, kafka, pool, **annotations)[0]["metadata"]["annotations"]
        return annotations["strimzi.io/revision"]

    before = revision()
    assert revision() == before
    assert revision(**{"strimzi.io/broker-configuration-hash": "x"}) != before
    kafka["spec"]["kafka"]["template"] = {"pod": {"terminationGracePeriodSeconds": 60}}
    assert revision() != before


@pytest.mark.parametrize("delete_claim", [True, False])
def test_delete_claim_decides_who_owns_the_claim(cluster, node_pool, pool, delete_claim):
    node_pool["spec"]["storage"]["volumes"][0]["deleteClaim"] = delete_claim
    claims = broker_pods.claims(cluster, pool)
    assert [claim["metadata"]["name"] for claim in claims] == [f"data-0-synergyflow-broker-{n}" for n in range(3)]
    metadata = claims[0]["metadata"]
    assert metadata["annotations"]["strimzi.io/delete-claim"] == str(delete_claim).lower()
    owners = [owner["kind"] for owner in metadata.get("ownerReferences", [])]
    assert owners == (["KafkaNodePool"] if delete_claim else [])


def test_the_metadata_volume_comes_first():
    storage = {
        "type": "jbod",
        "volumes": [
            {"id": 0, "type": "ephemeral"},
            {"id": 1, "type": "ephemeral", "kraftMetadata": "shared"},
        ],
    }
    assert broker_pods.log_dirs(storage) == ["/var/lib/kafka/data-1", "/var/lib/kafka/data-0"]


def test_a_pool_keeps_the_ids_it_has(cluster, node_pool):
    node_pool["status"] = {"nodeIds": [4, 5]}
    assert [node.id for node in broker_pods.nodes_of(cluster, node_pool)] == [0, 4, 5]
    node_pool["spec"]["replicas"] = 1
    assert [node.id for node in broker_pods.nodes_of(cluster, node_pool)] == [4]


def test_what_else_a_cluster_has(cluster, current, previous, kafka, pool):
    made = {(each["kind"], each["metadata"]["name"]): each for each in _shared(cluster, current, kafka, pool)}
    assert made["PodDisruptionBudget", "synergyflow-kafka"]["spec"]["minAvailable"] == 2
    assert made["Service", "synergyflow-kafka-brokers"]["spec"]["clusterIP"] == "None"
    ports = made["Service", "synergyflow-kafka-bootstrap"]["spec"]["ports"]
    assert [(port["name"], port["port"]) for port in ports] == [("tcp-replication", 9091), ("tcp-clientstls", 9093)]
    binding = made["ClusterRoleBinding", "strimzi-messaging-synergyflow-kafka-init"]
    assert "ownerReferences" not in binding["metadata"]
    assert ("NetworkPolicy", "synergyflow-network-policy-kafka") in made
    role = made["Role", "synergyflow-kafka"]["rules"][0]
    assert role["resourceNames"][:2] == ["synergyflow-cluster-ca-cert", "synergyflow-broker-0"]
    assert not any(each["kind"] == "Role" for each in _shared(cluster, previous, kafka, pool))


def test_entity_operator_has_the_operators_that_are_asked_for(cluster, kafka):
    images = {"topic": "t", "user": "u"}
    made = entity_operator.entity_operator(cluster, kafka, images, "hash")
    deployment = next(each for each in made if each["kind"] == "Deployment")
    containers = deployment["spec"]["template"]["spec"]["containers"]
    assert [each["name"] for each in containers] == ["topic-operator", "user-operator"]
    assert containers[0]["args"] == ["/opt/strimzi/bin/topic_operator_run.sh"]
    assert {"name": "STRIMZI_RESOURCE_LABELS", "value": "strimzi.io/cluster=synergyflow"} in containers[0]["env"]
    kafka["spec"]["entityOperator"] = {"topicOperator": {}}
    made = entity_operator.entity_operator(cluster, kafka, images, "hash")
    deployment = next(each for each in made if each["kind"] == "Deployment")
    assert len(deployment["spec"]["template"]["spec"]["containers"]) == 1
    kafka["spec"]["entityOperator"] = {}
    assert entity_operator.entity_operator(cluster, kafka, images, "hash") == []


def _container(cluster, generation, kafka, pool: Pool) -> dict:
    return pods(cluster, generation, kafka, pool)[0]["spec"]["containers"][0]


def _shared(cluster, generation, kafka, pool: Pool) -> list[dict]:
    return cluster_objects.shared(cluster, generation, kafka, [pool])
