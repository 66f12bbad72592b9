# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles' templates come to, without a cluster: rendered by one ansible-playbook for all tests."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from rendering import Case, of_kind, one, render

CURRENT = {"api_version": "kafka.strimzi.io/v1", "kraft_annotations": False, "pod_monitor": True}
OLDER = {"api_version": "kafka.strimzi.io/v1beta2", "kraft_annotations": True, "pod_monitor": False}
FLUX = {"HelmRelease": "helm.toolkit.fluxcd.io/v2", "HelmRepository": "source.toolkit.fluxcd.io/v1"}
KAFKA = (
    "kafka-metrics-configmap", "kafka-cluster", "kafka-topics", "kafka-externalsecrets", "kafka-users",
    "kafka-podmonitor",
)  # fmt: skip
STRIMZI = ("namespace", "helmrelease-strimzi")
CNPG = (
    "namespace",
    "externalsecrets",
    "objectstore",
    "postgres-cluster",
    "database",
    "scheduledbackup",
    "pooler",
    "podmonitor",
)
CNPG_FACTS = {"backup_method": "in_tree", "database_kind": True, "pod_monitor": True, "born": {}}

VOLSYNC = ("volsync-metrics", "volsync-repositories", "volsync-sources")
VOLSYNC_FACTS = {
    "api_version": "volsync.backube/v1alpha1",
    "service_monitor": True,
    "namespaces_to_come": ["later"],
}
BORN = {"bootstrap": {"recovery": {"source": "x"}}, "externalClusters": [{"name": "x", "barmanObjectStore": {}}]}
VOLSYNC_SOURCES = [
    {"name": "uploads", "namespace": "later", "pvc": "uploads", "to_come": True},
    {"name": "uploads", "namespace": "app", "pvc": "uploads"},
    {"name": "files", "namespace": "app", "pvc": "files", "manual": "one", "retain": {"last": 2}, "cache_size": "2Gi"},
]

# case -> role, templates, facts of the preflight, variables
CASES: dict[str, Case] = {
    "defaults": ("kafka_cluster", KAFKA, CURRENT, {}),
    "older": ("kafka_cluster", KAFKA, OLDER, {"kafka_cluster_kafka_version": "3.8.1"}),
    "vault": ("kafka_cluster", KAFKA, CURRENT, {"kafka_cluster_vault_users": ["synergyflow-backend"]}),
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
    "cnpg": ("cnpg", CNPG, CNPG_FACTS, {"cnpg_s3_endpoint": "http://s3", "cnpg_backup_encryption": "AES256"}),
    "cnpg_plugin": (
        "cnpg",
        CNPG,
        {**CNPG_FACTS, "backup_method": "plugin"},
        {"cnpg_backup_compression": "", "cnpg_s3_ca_secret": "store-ca"},
    ),
    "cnpg_sparse": (
        "cnpg",
        CNPG,
        {"backup_method": "", "database_kind": False, "pod_monitor": False, "born": {}},
        {
            "cnpg_external_secrets": False,
            "cnpg_pooler": False,
            "cnpg_check_user": "",
            "cnpg_storage_class": "",
            "cnpg_parameters": {"work_mem": "8MB"},
            "cnpg_extensions": ["uuid-ossp"],
        },
    ),
    "cnpg_anew": ("cnpg", CNPG, CNPG_FACTS, {"cnpg_server_name": "second"}),
    "cnpg_anew_plugin": ("cnpg", CNPG, {**CNPG_FACTS, "backup_method": "plugin"}, {"cnpg_server_name": "second"}),
    "cnpg_restored": ("cnpg", CNPG, {**CNPG_FACTS, "born": BORN}, {"cnpg_recover_from": "first"}),
    "cnpg_recovered": ("cnpg", CNPG, CNPG_FACTS, {"cnpg_server_name": "second", "cnpg_recover_from": "first"}),
    "cnpg_recovered_plugin": (
        "cnpg",
        CNPG,
        {**CNPG_FACTS, "backup_method": "plugin"},
        {"cnpg_server_name": "second", "cnpg_recover_from": "first"},
    ),
    "cnpg_helm": (
        "cnpg",
        ("helmrelease-cloudnative-pg",),
        {"flux_api": FLUX},
        {"cnpg_chart_version": "0.29.0", "cnpg_chart_values": {"replicaCount": 2}},
    ),
    "volsync": (
        "volsync",
        VOLSYNC,
        VOLSYNC_FACTS,
        {"volsync_sources": VOLSYNC_SOURCES, "volsync_s3_endpoint": "http://s3:9000/", "volsync_snapshot_class": "rbd"},
    ),
    "volsync_sparse": (
        "volsync",
        VOLSYNC,
        {**VOLSYNC_FACTS, "service_monitor": False},
        {"volsync_external_secrets": False, "volsync_metrics": False, "volsync_storage_class": "fast"},
    ),
    "volsync_own_authority": (
        "volsync",
        ("volsync-sources",),
        VOLSYNC_FACTS,
        {"volsync_sources": VOLSYNC_SOURCES, "volsync_s3_ca_secret": "store-ca"},
    ),
    "volsync_helm": ("volsync", ("namespace", "helmrelease-volsync"), {"flux_api": FLUX}, {}),
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


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    return render(CASES, tmp_path_factory.mktemp("rendered"))


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
    anywhere = [rule for rule in checks if rule["resource"].get("name") != "platform-check-"]
    assert {operation for rule in anywhere for operation in rule["operations"]} == {"Describe", "DescribeConfigs"}
    own = [rule["resource"] for rule in checks if rule not in anywhere]
    assert [(each["type"], each["patternType"]) for each in own] == [("topic", "prefix"), ("group", "prefix")]


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


def test_a_password_from_vault(rendered):
    secret = one(rendered["vault"], "ExternalSecret")
    assert secret["metadata"] == {"name": "synergyflow-backend-password", "namespace": "messaging"}
    assert secret["spec"]["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "vault-backend"}
    reference = {"key": "kafka/users/synergyflow-backend", "property": "password"}
    assert secret["spec"]["data"] == [{"secretKey": "password", "remoteRef": reference}]
    users = {
        user["metadata"]["name"]: user["spec"]["authentication"] for user in of_kind(rendered["vault"], "KafkaUser")
    }
    found = users["synergyflow-backend"]["password"]["valueFrom"]["secretKeyRef"]
    assert found == {"name": secret["spec"]["target"]["name"], "key": "password"}
    assert "password" not in users["schema-registry"]
    assert of_kind(rendered["defaults"], "ExternalSecret") == []


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


def test_the_plans_database(rendered):
    objects = rendered["cnpg"]
    cluster = one(objects, "Cluster")
    assert (cluster["metadata"]["name"], cluster["metadata"]["namespace"]) == ("synergyflow-db", "synergyflow")
    spec = cluster["spec"]
    assert spec["instances"] == 3
    assert spec["imageName"].partition(":")[2].startswith("16.")
    assert spec["storage"] == {"size": "50Gi", "storageClass": "rook-ceph-block"}
    assert spec["resources"] == {
        "requests": {"cpu": "1", "memory": "2Gi"},
        "limits": {"cpu": "2", "memory": "2Gi"},
    }
    assert spec["bootstrap"] == {
        "initdb": {"database": "synergyflow", "owner": "synergyflow", "secret": {"name": "synergyflow-db-app"}}
    }
    assert spec["postgresql"]["shared_preload_libraries"] == ["pg_stat_statements"]
    assert any(name.startswith("pg_stat_statements.") for name in spec["postgresql"]["parameters"]), (
        "without a setting of it the operator drops the extension"
    )
    assert spec["affinity"]["topologyKey"] == "topology.kubernetes.io/zone"
    assert spec["managed"]["roles"][0]["inRoles"] == ["pg_monitor"]
    database = one(objects, "Database")["spec"]
    assert [each["name"] for each in database["extensions"]] == ["uuid-ossp", "pg_stat_statements", "pg_trgm"]
    assert database["schemas"] == [{"name": "flowable", "owner": "synergyflow", "ensure": "present"}]
    assert database["databaseReclaimPolicy"] == "retain"
    pooler = one(objects, "Pooler")["spec"]
    assert (pooler["type"], pooler["pgbouncer"]["poolMode"]) == ("rw", "transaction")


def test_backups_by_the_operator_itself(rendered):
    objects = rendered["cnpg"]
    backup = one(objects, "Cluster")["spec"]["backup"]
    assert backup == {
        "retentionPolicy": "30d",
        "barmanObjectStore": {
            "destinationPath": "s3://synergyflow-backups/postgresql/",
            "endpointURL": "http://s3",
            "s3Credentials": {
                "accessKeyId": {"name": "synergyflow-db-s3", "key": "access_key_id"},
                "secretAccessKey": {"name": "synergyflow-db-s3", "key": "secret_access_key"},
            },
            "wal": {"compression": "gzip", "encryption": "AES256"},
            "data": {"compression": "gzip", "encryption": "AES256"},
        },
    }
    schedule = one(objects, "ScheduledBackup")["spec"]
    assert schedule["method"] == "barmanObjectStore"
    assert len(schedule["schedule"].split()) == 6
    assert of_kind(objects, "ObjectStore") == []


def test_backups_by_the_plugin(rendered):
    objects = rendered["cnpg_plugin"]
    store, cluster = one(objects, "ObjectStore"), one(objects, "Cluster")["spec"]
    assert store["spec"]["retentionPolicy"] == "30d"
    assert not {"wal", "data", "endpointURL"} & set(store["spec"]["configuration"]), "what is empty is left out"
    assert store["spec"]["configuration"]["endpointCA"] == {"name": "store-ca", "key": "ca.crt"}
    assert "backup" not in cluster
    assert cluster["plugins"] == [
        {
            "name": "barman-cloud.cloudnative-pg.io",
            "enabled": True,
            "isWALArchiver": True,
            "parameters": {"barmanObjectName": store["metadata"]["name"]},
        }
    ]
    schedule = one(objects, "ScheduledBackup")["spec"]
    assert schedule["method"] == "plugin"
    assert schedule["pluginConfiguration"] == {"name": "barman-cloud.cloudnative-pg.io"}


def test_a_database_made_anew_archives_into_another_folder(rendered):
    store = one(rendered["cnpg_anew"], "Cluster")["spec"]["backup"]["barmanObjectStore"]
    assert store["serverName"] == "second"
    [plugin] = one(rendered["cnpg_anew_plugin"], "Cluster")["spec"]["plugins"]
    assert plugin["parameters"] == {"barmanObjectName": "synergyflow-db", "serverName": "second"}
    assert "serverName" not in one(rendered["cnpg"], "Cluster")["spec"]["backup"]["barmanObjectStore"]


def test_the_databases_secrets_come_from_vault(rendered):
    found = {each["metadata"]["name"]: each["spec"] for each in of_kind(rendered["cnpg"], "ExternalSecret")}
    assert set(found) == {"synergyflow-db-app", "synergyflow-db-check", "synergyflow-db-s3"}
    owner = found["synergyflow-db-app"]
    assert owner["target"]["template"]["type"] == "kubernetes.io/basic-auth"
    assert owner["data"][0] == {
        "secretKey": "username",
        "remoteRef": {"key": "postgresql/synergyflow", "property": "username"},
    }
    assert found["synergyflow-db-s3"]["data"][1]["remoteRef"] == {"key": "s3/backup", "property": "secret_access_key"}
    assert of_kind(rendered["cnpg_sparse"], "ExternalSecret") == []


def test_a_database_without_the_extras(rendered):
    objects = rendered["cnpg_sparse"]
    assert {found["kind"] for found in objects} == {"Namespace", "Cluster"}
    spec = one(objects, "Cluster")["spec"]
    assert spec["bootstrap"]["initdb"]["postInitApplicationSQL"] == [
        'CREATE EXTENSION IF NOT EXISTS "uuid-ossp"',
        'CREATE SCHEMA IF NOT EXISTS "flowable" AUTHORIZATION "synergyflow"',
    ]
    assert spec["postgresql"] == {"parameters": {"work_mem": "8MB"}, "shared_preload_libraries": []}
    assert not {"backup", "plugins", "managed"} & set(spec)
    assert "storageClass" not in spec["storage"]


def test_a_restored_database_keeps_how_it_was_made(rendered):
    spec = one(rendered["cnpg_restored"], "Cluster")["spec"]
    assert {part: spec[part] for part in BORN} == BORN


def test_a_recovered_database_is_made_from_one_folder_and_archives_into_another(rendered):
    spec = one(rendered["cnpg_recovered"], "Cluster")["spec"]
    assert spec["bootstrap"] == {
        "recovery": {
            "source": "first",
            "database": "synergyflow",
            "owner": "synergyflow",
            "secret": {"name": "synergyflow-db-app"},
        }
    }
    (external,) = spec["externalClusters"]
    own = spec["backup"]["barmanObjectStore"]
    assert (external["barmanObjectStore"]["serverName"], own["serverName"]) == ("first", "second")
    assert external["barmanObjectStore"] == {**own, "serverName": "first"}
    spec = one(rendered["cnpg_recovered_plugin"], "Cluster")["spec"]
    (external,), (plugin,) = spec["externalClusters"], spec["plugins"]
    parameters = {"barmanObjectName": "synergyflow-db"}
    assert external["plugin"]["parameters"] == {**parameters, "serverName": "first"}
    assert plugin["parameters"] == {**parameters, "serverName": "second"}


def test_the_operators_helm_release(rendered):
    release = one(rendered["cnpg_helm"], "HelmRelease")["spec"]
    assert release["chart"]["spec"]["version"] == "0.29.0"
    assert release["values"] == {"image": {"tag": "1.30.0"}, "replicaCount": 2}


class TestVolsync:
    def test_a_source_is_scheduled_or_triggered_by_hand(self, rendered):
        uploads, files = of_kind(rendered["volsync"], "ReplicationSource")
        assert uploads["spec"]["trigger"] == {"schedule": "*/30 * * * *"}
        assert uploads["spec"]["restic"] == {
            "repository": "uploads-restic",
            "copyMethod": "Snapshot",
            "retain": {"hourly": 24, "daily": 7, "weekly": 4},
            "pruneIntervalDays": 7,
            "cacheCapacity": "1Gi",
            "volumeSnapshotClassName": "rbd",
        }
        assert files["spec"]["trigger"] == {"manual": "one"}
        assert files["spec"]["restic"]["retain"] == {"last": "2"}

    def test_a_store_of_a_private_authority(self, rendered):
        uploads, _files = of_kind(rendered["volsync_own_authority"], "ReplicationSource")
        assert uploads["spec"]["restic"]["customCA"] == {"secretName": "store-ca", "key": "ca.crt"}

    def test_each_claim_has_a_repository_of_its_own(self, rendered):
        made = {each["metadata"]["name"]: each["spec"] for each in of_kind(rendered["volsync"], "ExternalSecret")}
        paths = {name: spec["target"]["template"]["data"]["RESTIC_REPOSITORY"] for name, spec in made.items()}
        assert paths == {
            "uploads-restic": "s3:http://s3:9000/synergyflow-backups/volsync/app/uploads",
            "files-restic": "s3:http://s3:9000/synergyflow-backups/volsync/app/files",
            "volsync-check-restic": "s3:http://s3:9000/synergyflow-backups/volsync/check",
        }
        template = made["uploads-restic"]["target"]["template"]["data"]
        assert template["RESTIC_PASSWORD"] == "{{ .password }}"

    def test_metrics_are_scraped_with_an_account_of_their_own(self, rendered):
        monitor = one(rendered["volsync"], "ServiceMonitor")["spec"]["endpoints"][0]
        token = one(rendered["volsync"], "Secret")
        assert monitor["authorization"]["credentials"] == {"name": token["metadata"]["name"], "key": "token"}
        assert "data" not in token

    def test_what_is_switched_off_is_not_made(self, rendered):
        assert rendered["volsync_sparse"] == []

    def test_the_chart(self, rendered):
        release = one(rendered["volsync_helm"], "HelmRelease")
        assert release["spec"]["chart"]["spec"]["version"] == "0.16.0"
