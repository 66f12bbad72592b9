# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles' templates come to, without a cluster: rendered by one ansible-playbook for all tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
CURRENT = {"api_version": "kafka.strimzi.io/v1", "kraft_annotations": False, "pod_monitor": True}
OLDER = {"api_version": "kafka.strimzi.io/v1beta2", "kraft_annotations": True, "pod_monitor": False}
FLUX = {"HelmRelease": "helm.toolkit.fluxcd.io/v2", "HelmRepository": "source.toolkit.fluxcd.io/v1"}
KAFKA = ("kafka-metrics-configmap", "kafka-cluster", "kafka-topics", "kafka-users", "kafka-podmonitor")
STRIMZI = ("namespace", "helmrelease-strimzi")

# case -> role, templates, facts of the preflight, variables
CASES: dict[str, tuple[str, tuple[str, ...], dict[str, Any], dict[str, Any]]] = {
    "defaults": ("kafka_cluster", KAFKA, CURRENT, {}),
    "older": ("kafka_cluster", KAFKA, OLDER, {"kafka_cluster_kafka_version": "3.8.1"}),
    "sparse": (
        "kafka_cluster",
        KAFKA,
        OLDER,
        {
            "kafka_cluster_metrics": False,
            "kafka_cluster_cruise_control": False,
            "kafka_cluster_rack_topology_key": "",
            "kafka_cluster_storage_class": "",
            "kafka_cluster_metadata_version": "4.2-IV1",
            "kafka_cluster_brokers": "5",
            "kafka_cluster_config": {"min.insync.replicas": 1, "log.segment.bytes": 1048576},
            "kafka_cluster_topics": [{"name": "_Odd.Name", "partitions": 1}],
            "kafka_cluster_users": [
                {"name": "plain", "password_secret": {"name": "s", "key": "k"}, "quotas": {"producerByteRate": 1024}}
            ],
        },
    ),
    "helm": ("strimzi", STRIMZI, {"flux_api": FLUX, "kubernetes_version": ""}, {}),
    "helm_older": (
        "strimzi",
        STRIMZI,
        {"flux_api": FLUX, "kubernetes_version": "major=1\nminor=36\n"},
        {
            "strimzi_version": "0.45.2",
            "strimzi_pod_security": "restricted",
            "strimzi_chart_repository": "oci://quay.io/strimzi-helm",
            "strimzi_chart_values": {"replicas": 2},
        },
    ),
}


def task(name: str, folder: Path) -> dict[str, Any]:
    """A task file that renders one case and writes the objects; variables live in it, as in a role."""
    role, templates, facts, variables = CASES[name]
    here = ROOT / "roles" / role
    given = {
        **yaml.safe_load((here / "defaults" / "main.yml").read_text()),
        **yaml.safe_load((here / "vars" / "main.yml").read_text()),
        **variables,
        f"__{role}_preflight": {"facts": facts},
    }
    return {
        "name": name,
        "vars": given,
        "block": [
            {
                "synergyflow.platform.render": {
                    "templates": [str(here / "templates" / f"{template}.yaml.j2") for template in templates]
                },
                "register": f"rendered_{name}",
            },
            {
                "ansible.builtin.copy": {
                    "content": f"{{{{ rendered_{name}.objects | to_json }}}}",
                    "dest": str(folder / f"{name}.json"),
                    "mode": "0600",
                }
            },
        ],
    }


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("rendered")
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [task(name, folder) for name in CASES]}]
    (folder / "play.yml").write_text(yaml.safe_dump(play))
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "-i",
            "localhost,",
            "-c",
            "local",
            "-e",
            "ansible_python_interpreter={{ ansible_playbook_python }}",
            "play.yml",
        ],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in CASES}


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [found for found in objects if found["kind"] == kind]


def one(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    found = of_kind(objects, kind)
    assert len(found) == 1, f"{len(found)} of {kind}"
    return found[0]


def test_the_plans_kafka(rendered):
    kafka, pool = one(rendered["defaults"], "Kafka"), one(rendered["defaults"], "KafkaNodePool")
    assert kafka["metadata"]["name"] == "synergyflow"
    assert kafka["metadata"]["namespace"] == "messaging"
    spec = kafka["spec"]["kafka"]
    assert spec["version"] == "4.3.1"
    assert spec["listeners"] == [
        {"name": "tls", "port": 9093, "type": "internal", "tls": True, "authentication": {"type": "scram-sha-512"}}
    ]
    assert spec["authorization"] == {"type": "simple"}
    assert spec["config"]["auto.create.topics.enable"] is False
    assert spec["config"]["min.insync.replicas"] == 2
    assert spec["config"]["default.replication.factor"] == 3
    assert spec["rack"] == {"topologyKey": "topology.kubernetes.io/zone"}
    assert spec["template"]["pod"]["topologySpreadConstraints"][0]["whenUnsatisfiable"] == "DoNotSchedule"
    assert "cruiseControl" in kafka["spec"]
    assert pool["spec"]["replicas"] == 3
    assert pool["spec"]["roles"] == ["controller", "broker"]
    assert pool["spec"]["resources"] == {
        "requests": {"cpu": "2", "memory": "4Gi"},
        "limits": {"cpu": "2", "memory": "4Gi"},
    }
    volume = pool["spec"]["storage"]["volumes"][0]
    assert (volume["size"], volume["class"], volume["deleteClaim"]) == ("100Gi", "rook-ceph-block", False)


def test_share_groups_topic_follows_the_replication_from_kafka_4_on(rendered):
    config = one(rendered["defaults"], "Kafka")["spec"]["kafka"]["config"]
    assert config["share.coordinator.state.topic.replication.factor"] == 3
    assert config["share.coordinator.state.topic.min.isr"] == 2
    assert not any(key.startswith("share.") for key in one(rendered["older"], "Kafka")["spec"]["kafka"]["config"])


def test_metrics_point_at_the_config_map(rendered):
    reference = one(rendered["defaults"], "Kafka")["spec"]["kafka"]["metricsConfig"]["valueFrom"]["configMapKeyRef"]
    config_map = one(rendered["defaults"], "ConfigMap")
    assert reference["name"] == config_map["metadata"]["name"]
    rules = yaml.safe_load(config_map["data"][reference["key"]])["rules"]
    assert len(rules) > 10
    monitor = one(rendered["defaults"], "PodMonitor")
    assert monitor["spec"]["podMetricsEndpoints"][0]["port"] == "tcp-prometheus"


def test_eleven_topics_and_three_users(rendered):
    topics = of_kind(rendered["defaults"], "KafkaTopic")
    assert len(topics) == 11
    assert {topic["metadata"]["labels"]["strimzi.io/cluster"] for topic in topics} == {"synergyflow"}
    users = {user["metadata"]["name"]: user["spec"] for user in of_kind(rendered["defaults"], "KafkaUser")}
    assert set(users) == {"synergyflow-backend", "schema-registry", "platform-check"}
    backend = users["synergyflow-backend"]["authorization"]["acls"]
    assert len([rule for rule in backend if rule["resource"]["type"] == "topic"]) == 11
    assert all("password" not in spec["authentication"] for spec in users.values())
    checks = users["platform-check"]["authorization"]["acls"]
    assert {operation for rule in checks for operation in rule["operations"]} == {"Describe", "DescribeConfigs"}


def test_the_older_generation(rendered):
    objects = rendered["older"]
    kafka = one(objects, "Kafka")
    assert kafka["apiVersion"] == "kafka.strimzi.io/v1beta2"
    assert kafka["metadata"]["annotations"] == {"strimzi.io/node-pools": "enabled", "strimzi.io/kraft": "enabled"}
    assert kafka["spec"]["kafka"]["version"] == "3.8.1"
    assert of_kind(objects, "PodMonitor") == []
    assert "annotations" not in one(rendered["defaults"], "Kafka")["metadata"]


def test_what_is_switched_off_is_left_out(rendered):
    kafka, pool = one(rendered["sparse"], "Kafka"), one(rendered["sparse"], "KafkaNodePool")
    spec = kafka["spec"]["kafka"]
    assert not {"rack", "template", "metricsConfig"} & set(spec)
    assert "cruiseControl" not in kafka["spec"]
    assert of_kind(rendered["sparse"], "ConfigMap") == []
    assert "class" not in pool["spec"]["storage"]["volumes"][0]
    assert spec["metadataVersion"] == "4.2-IV1"
    assert pool["spec"]["replicas"] == 5, "a number given as text on the command line"
    assert spec["config"]["min.insync.replicas"] == 1, "the user's setting stands over the role's"


def test_a_topic_and_a_user_out_of_the_ordinary(rendered):
    topic = one(rendered["sparse"], "KafkaTopic")
    assert topic["spec"]["topicName"] == "_Odd.Name"
    assert topic["metadata"]["name"].startswith("odd.name-")
    user = one(rendered["sparse"], "KafkaUser")["spec"]
    assert user["authentication"]["password"] == {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    assert user["quotas"] == {"producerByteRate": 1024}
    assert user["authorization"] == {"type": "simple", "acls": []}


def test_the_helm_release(rendered):
    release, repository = one(rendered["helm"], "HelmRelease"), one(rendered["helm"], "HelmRepository")
    assert release["spec"]["chart"]["spec"]["version"] == "1.2.0"
    assert release["spec"]["values"] == {"extraEnvs": [], "securityContext": {}}
    assert repository["spec"]["type"] == "default"
    labels = one(rendered["helm"], "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"


def test_the_helm_release_of_an_older_release_under_the_restricted_standard(rendered):
    release, repository = one(rendered["helm_older"], "HelmRelease"), one(rendered["helm_older"], "HelmRepository")
    variables = {each["name"]: each["value"] for each in release["spec"]["values"]["extraEnvs"]}
    assert variables == {
        "STRIMZI_KUBERNETES_VERSION": "major=1\nminor=36\n",
        "STRIMZI_POD_SECURITY_PROVIDER_CLASS": "restricted",
    }
    assert release["spec"]["values"]["securityContext"]["runAsNonRoot"] is True
    assert release["spec"]["values"]["replicas"] == 2
    assert repository["spec"]["type"] == "oci"
    labels = one(rendered["helm_older"], "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
