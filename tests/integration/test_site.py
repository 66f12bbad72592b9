# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The platform by its playbooks, as a user runs them: deployed, proven, changed, refused.

`platform` is the rehearsal with site.yml applied. The tests stand in the order in which they leave the cluster fit for
the next one; each puts back what it has changed.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from canaries import VERBOSE, assert_quiet, assert_report_quiet
from check_ids import is_known
from site_runs import Watch, changed, output, run
from until import until

NAMESPACE = "messaging"
BOOTSTRAP = "synergyflow-broker-0.synergyflow-kafka-brokers.messaging.svc:9093"
DAY = 24 * 60 * 60 * 1000
# name: partitions, days
TOPICS = {
    "user-events": (6, 7), "incident-events": (12, 30), "change-events": (6, 90), "problem-events": (6, 30),
    "workflow-events": (12, 30), "notification-events": (6, 7), "cmdb-events": (6, 90), "team-events": (3, 30),
    "knowledge-events": (3, 30), "integration-events": (6, 7), "dlq-events": (3, 30),
}  # fmt: skip
SET_KINDS = "kafka,kafkanodepool,kafkatopic,kafkauser,configmap,deployment,serviceaccount,rolebinding"
MEMBERS = "applyset.kubernetes.io/part-of"
#: for what concerns no other role
KAFKA_ALONE = ("--tags", "kafka_cluster")
ROLES = ("strimzi", "kafka_cluster", "schema_registry", "cnpg", "synergyflow_backend", "volsync")
# these roles apply their operator as a set of its own
OPERATORS_APART = ("cnpg", "volsync")
# at least one of each set
EXPECTED_OBJECTS = (
    "Namespace messaging", "Kafka messaging/synergyflow", "KafkaNodePool messaging/broker",
    "Deployment messaging/schema-registry", "Deployment cnpg-system/cnpg-controller-manager",
    "Cluster synergyflow/synergyflow-db", "ScheduledBackup synergyflow/synergyflow-db-daily",
    "Deployment synergyflow/synergyflow-backend", "Deployment volsync-system/volsync",
    "ExternalSecret volsync-system/volsync-check-restic",
)  # fmt: skip
# what one run of validate.yml shows together
CRITERIA = [
    "strimzi.deployment", "kafka_cluster.ready", "kafka_cluster.brokers", "kafka_topics.configuration",
    *(f"AC6-{name}" for name in ("topic", "produced", "consumed", "order", "duplicates", "offsets", "removed")),
    *(f"AC7-{name}" for name in ("producer-rate", "consumer-rate", "latency-p50", "latency-p95", "latency-p99",
      "performance-removed")),
    *(f"schema_registry.{name}" for name in ("deployment", "pods", "topic", "login")),
    *(f"schema_registry_check.{name}" for name in ("health", "formats", "latency", "compatibility", "register",
      "read_back", "compatible", "incompatible", "protobuf", "versions", "removed")),
    *(f"AC1-{name}" for name in ("operator", "crds", "pods", "metrics", "bucket")),
    *(f"AC2-{name}" for name in ("backup", "snapshot", "metrics")),
    *(f"AC3-{name}" for name in ("restore", "integrity", "metrics", "removed")),
    *(f"DB-{name}" for name in ("archiving", "backup", "recoverable", "schedule", "primary", "pooler", "extensions",
      "schemas", "roles", "replicas", "lag", "archiver")),
    "synergyflow_backend.decisions",
    *(f"AC12-{name}" for name in ("schema", "refused", "produced", "consumed", "database", "removed")),
    *(f"AC10-{name}" for name in ("fluent-bit", "vmagent", "log", "label", "logs", "logs-label", "dropped",
      "cardinality")),
    *(f"AC10-{job}.metrics" for job in ("schema-registry", "postgresql", "cloudnative-pg", "volsync", "vmagent",
      "fluent-bit")),
    *(f"AC10-{job}.logs" for job in ("kafka", "schema-registry", "postgresql", "volsync", "vmagent", "fluent-bit")),
    "AC10-metrics-store", "AC10-logs-store",
]  # fmt: skip
# what stands in has no metrics to scrape
NEVER_MEASURED = {
    f"{role}.metrics"
    for role in (
        "strimzi", "kafka_cluster", "schema_registry", "cnpg", "synergyflow_backend",
        "AC10-kafka", "AC10-strimzi", "AC10-synergyflow-backend",
    )
}  # fmt: skip


def default_topics() -> list[dict[str, Any]]:
    defaults = Path(__file__).resolve().parents[2] / "roles" / "kafka_cluster" / "defaults" / "main.yml"
    return yaml.safe_load(defaults.read_text())["kafka_cluster_topics"]


def resource_versions(platform: Any) -> dict[str, str]:
    """resourceVersion of every member of the sets on `apps`."""
    inside = platform.get("apps", SET_KINDS, "-n", NAMESPACE, "-l", MEMBERS)["items"]
    outside = platform.get("apps", "namespace,crd,clusterrole,clusterrolebinding", "-l", MEMBERS)["items"]
    return {f"{i['kind']}/{i['metadata']['name']}": i["metadata"]["resourceVersion"] for i in [*inside, *outside]}


def secret_value(platform: Any, name: str, key: str) -> str:
    return base64.b64decode(platform.get("apps", "secret", name, "-n", NAMESPACE)["data"][key]).decode()


def tool(platform: Any, tmp_path: Path, user: str, script: str, *args: str) -> str:
    """One of Kafka's own command line tools, in a broker's pod, logged in as a user."""
    ca, config = tmp_path / "ca.crt", tmp_path / f"{user}.properties"
    ca.write_text(secret_value(platform, "synergyflow-cluster-ca-cert", "ca.crt"))
    config.write_text(
        "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nssl.truststore.type=PEM\n"
        f"ssl.truststore.location={ca}\nsasl.jaas.config={secret_value(platform, user, 'sasl.jaas.config')}\n"
    )
    login = ("--bootstrap-server", BOOTSTRAP, "--command-config", str(config))
    command = ("exec", "-n", NAMESPACE, "synergyflow-broker-0", "-c", "kafka", "--", f"bin/{script}.sh", *login, *args)

    def output_of_tool() -> str:
        # a broker that came back just now may not know the user's credentials yet; every other refusal is final
        done = platform.kubectl("apps", *command, timeout=300, check=False)
        if done.returncode and "SaslAuthenticationException" not in done.stdout + done.stderr:
            pytest.fail(f"{script} failed:\n{done.stdout}\n{done.stderr}")
        return "" if done.returncode else done.stdout

    return until(output_of_tool, f"{script} as {user}", 60)


def topics_check(platform: Any) -> Any:
    """The role's own check of the topics, alone."""
    return platform.playbook(
        """
        - hosts: apps
          connection: local
          gather_facts: false
          module_defaults:
            group/synergyflow.platform.k8s: "{{ cluster_connection }}"
          tasks:
            - synergyflow.platform.kafka_topics_check:
                cluster: synergyflow
                namespace: messaging
                user: platform-check
                topics: "{{ topics | synergyflow.platform.topic_specs(3, 2) }}"
        """,
        "-i",
        "inventories/rehearsal",
        "-e",
        json.dumps({"topics": default_topics()}),
    )


@pytest.fixture(scope="module")
def topic_admin(platform: Any) -> Iterator[str]:
    """A Kafka user who may change topics. It stays until no broker is restarted any more: see user_operator.py."""
    name = "test-topic-admin"
    api_version = platform.get("apps", "kafkauser", "platform-check", "-n", NAMESPACE)["apiVersion"]
    user = {
        "apiVersion": api_version,
        "kind": "KafkaUser",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"strimzi.io/cluster": "synergyflow"}},
        "spec": {
            "authentication": {"type": "scram-sha-512"},
            "authorization": {
                "type": "simple",
                "acls": [
                    {
                        "resource": {"type": "topic", "name": "*", "patternType": "literal"},
                        "operations": ["AlterConfigs", "Describe", "DescribeConfigs"],
                    }
                ],
            },
        },
    }
    platform.kubectl("apps", "apply", "-f", "-", input=json.dumps(user))
    platform.kubectl("apps", "wait", "kafkauser", name, "-n", NAMESPACE, "--for=condition=Ready", "--timeout=90s")
    yield name
    platform.kubectl("apps", "delete", "kafkauser", name, "-n", NAMESPACE, "--timeout=90s")


def test_check_mode_on_an_empty_cluster_lists_everything_and_writes_nothing(rehearsal):
    watch = Watch(rehearsal, "infra")
    # of the collectors infra may have dashboards already
    enabled = {f"{role}_enabled": True for role in ROLES} | {"obs_collectors_enabled": False}
    done = run(rehearsal, "site", "infra", "--check", "--diff", **enabled)
    assert done.returncode == 0, output(done)
    assert changed(done, "infra") == len(ROLES) + len(OPERATORS_APART), output(done)
    for name in EXPECTED_OBJECTS:
        assert f"+++ after: {name}" in done.stdout
    for name in TOPICS:
        assert f"+++ after: KafkaTopic messaging/{name}" in done.stdout
    assert watch.requests > 0
    assert watch.writes == []
    for namespace in (NAMESPACE, "synergyflow", "cnpg-system", "volsync-system"):
        assert rehearsal.kubectl("infra", "get", "namespace", namespace, check=False).returncode != 0


def test_site_says_what_runs_and_what_stands_in(platform):
    done = run(platform, "site", "apps")
    assert done.returncode == 0, output(done)
    for words in ("12 of 12 ready", "Not the real thing, but stand-ins", "strimzi-cluster-operator", "Try next"):
        assert words in done.stdout


def test_the_second_run_changes_nothing_and_tells_no_secret(platform, secret_values, ansible_log):
    before, watch = resource_versions(platform), Watch(platform, "apps")
    done = run(platform, "site", "apps", "--diff", VERBOSE)
    assert done.returncode == 0, output(done)
    assert_quiet(done, ansible_log, secret_values)
    assert changed(done, "apps") == 0
    assert watch.writes == []
    assert resource_versions(platform) == before
    assert len(before) > 40, "the sets' members were not all found"


def test_it_looks_as_on_a_real_cluster(platform):
    kafka = platform.get("apps", "kafka", "synergyflow", "-n", NAMESPACE)["status"]
    assert kafka["kafkaVersion"] == "4.3.1"
    assert [listener["name"] for listener in kafka["listeners"]] == ["tls"]
    topics = platform.get("apps", "kafkatopic", "-n", NAMESPACE)["items"]
    assert {topic["spec"].get("topicName", topic["metadata"]["name"]) for topic in topics} == {*TOPICS, "_schemas"}
    for topic in topics:
        assert {c["type"]: c["status"] for c in topic["status"]["conditions"]}["Ready"] == "True"
    users = platform.get("apps", "kafkauser", "-n", NAMESPACE)["items"]
    assert {user["metadata"]["name"] for user in users} == {"synergyflow-backend", "schema-registry", "platform-check"}


def test_kafkas_own_tool_shows_the_topics_of_the_plan(platform, tmp_path):
    described = tool(platform, tmp_path, "platform-check", "kafka-topics", "--describe")
    found = {}
    for line in described.splitlines():
        if "PartitionCount:" not in line:
            continue
        fields = dict(part.split(": ", 1) for part in line.split("\t") if ": " in part)
        if fields["Topic"].startswith("_"):  # the registry's, and Kafka's own
            continue
        config = dict(pair.split("=") for pair in fields["Configs"].split(","))
        found[fields["Topic"]] = (
            int(fields["PartitionCount"]), int(fields["ReplicationFactor"]), int(config["retention.ms"]) // DAY
        )  # fmt: skip
    assert found == {name: (partitions, 3, days) for name, (partitions, days) in TOPICS.items()}


def test_validate_proves_everything_leaves_nothing_and_tells_no_secret(platform, tmp_path, secret_values, ansible_log):
    before, watch = resource_versions(platform), Watch(platform, "apps")
    evidence, reports = tmp_path / "evidence.json", tmp_path / "reports"
    options = {"evidence_file": str(evidence), "report_dir": str(reports), "kafka_cluster_performance_messages": 2000}
    done = run(platform, "validate", "apps", VERBOSE, **options)
    assert done.returncode == 0, output(done)
    assert_quiet(done, ansible_log, secret_values)
    assert_report_quiet(evidence, reports, secret_values)
    records = {record["id"]: record for record in json.loads(evidence.read_text())["clusters"]["apps"]}
    assert {name: records.get(name, {}).get("status") for name in CRITERIA} == dict.fromkeys(CRITERIA, "passed")
    assert [name for name in records if not is_known(name)] == [], "tests would not see that these can fail"
    assert records["kafka_cluster.brokers"]["observed"] == 3
    assert "process-node" in records["kafka_cluster.brokers"]["stand_in"]
    # whoever validates at once finds a first backup whose last segment of the log is archived minutes later
    not_met = {name for name, record in records.items() if record["status"] in ("failed", "blocked")}
    assert not_met <= {*NEVER_MEASURED, "DB-backup-stored"}
    assert records["DB-backup-stored"]["status"] in ("passed", "blocked")

    # the checks write under names of their own, and what they made is gone
    inside = re.compile(r"^\w+ /api(s/[\w./-]+)?/v\w+/namespaces/(volsync-check-[\w-]+)(?:[/?]|$)")
    made = {found[2] for write in watch.writes if (found := inside.match(write))}
    others = [write for write in watch.writes if not inside.match(write)]
    assert len(made) == 1
    assert [write.partition("?")[0] for write in others] == ["create /api/v1/namespaces"], others
    assert platform.kubectl("apps", "get", "namespace", *made, check=False).returncode != 0
    assert resource_versions(platform) == before


def test_a_retention_changed_behind_the_operators_back_is_found(platform, topic_admin, tmp_path):
    def alter(value: int) -> None:
        entity = ("--alter", "--entity-type", "topics", "--entity-name", "user-events")
        tool(platform, tmp_path, topic_admin, "kafka-configs", *entity, "--add-config", f"retention.ms={value}")

    def checked(good: bool) -> Any:
        """The check that ends so: a broker learns of a change a moment later, and the operator may have mended it."""
        for _attempt in range(5):
            alter(7 * DAY if good else 3600000)
            done = topics_check(platform)
            if (done.returncode == 0) is good:
                break
        return done

    try:
        text = output(checked(good=False))
    finally:
        done = checked(good=True)
    for words in ("user-events", "retention.ms", "3600000", str(7 * DAY)):
        assert words in text
    assert done.returncode == 0, output(done)


def test_fewer_partitions_are_refused_before_any_write(platform):
    topics = default_topics()
    topics[0] = {**topics[0], "partitions": 1}
    before, watch = resource_versions(platform), Watch(platform, "apps")
    done = run(platform, "site", "apps", kafka_cluster_topics=topics, kafka_cluster_cruise_control=False)
    assert done.returncode != 0
    assert "topic user-events: 1 partitions are asked for and it has 6" in output(done)
    assert watch.requests > 0
    assert watch.writes == []
    assert resource_versions(platform) == before


@pytest.mark.nightly
def test_another_field_manager_is_named_and_nothing_is_written(platform):
    def set_retention(value: int, manager: str) -> None:
        patch = json.dumps({"spec": {"config": {"retention.ms": value}}})
        platform.kubectl(
            "apps", "patch", "kafkatopic", "dlq-events", "-n", NAMESPACE, "--type=merge", "-p", patch,
            f"--field-manager={manager}",
        )  # fmt: skip

    set_retention(1234567, "somebody-else")
    try:
        watch = Watch(platform, "apps")
        done = run(platform, "site", "apps")
        text = output(done)
        assert done.returncode != 0
        for words in ("dlq-events", "retention.ms", "somebody-else"):
            assert words in text
        assert watch.writes == []
    finally:
        set_retention(30 * DAY, "somebody-else")
    done = run(platform, "site", "apps")
    assert done.returncode == 0, output(done)


def test_a_deleted_broker_shows_as_under_replication_and_recovers(platform):
    platform.kubectl("apps", "delete", "pod", "synergyflow-broker-2", "-n", NAMESPACE, "--wait=false")

    def under_replicated() -> str:
        done = topics_check(platform)
        return output(done) if done.returncode and "under-replicated" in output(done) else ""

    assert "under-replicated" in until(under_replicated, "under-replication", 120)
    until(lambda: topics_check(platform).returncode == 0, "recovery", 240)


def brokers(platform: Any) -> dict[str, tuple[str, str, bool]]:
    """Of each broker's pod: its uid, its memory, and whether it is ready."""
    pods = platform.get("apps", "pods", "-n", NAMESPACE, "-l", "strimzi.io/pool-name=broker")["items"]
    found = {}
    for pod in pods:
        conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions") or []}
        memory = pod["spec"]["containers"][0]["resources"]["requests"]["memory"]
        found[pod["metadata"]["name"]] = (pod["metadata"]["uid"], memory, conditions.get("Ready") == "True")
    return found


@pytest.mark.nightly
def test_site_ends_when_a_changed_node_pool_has_been_rolled(platform):
    """The Kafka itself does not change with its pool, and stays Ready all the time."""
    before = brokers(platform)
    memory = "1500Mi"
    assert all(was != memory for _uid, was, _ready in before.values())
    try:
        done = run(platform, "site", "apps", *KAFKA_ALONE, kafka_cluster_memory=memory)
        after = brokers(platform)
        assert done.returncode == 0, output(done)
        assert after.keys() == before.keys()
        assert all(after[name][0] != before[name][0] for name in before), "every broker was restarted"
        assert {(memory, True)} == {state[1:] for state in after.values()}, after
    finally:
        back = run(platform, "site", "apps", *KAFKA_ALONE)
    assert back.returncode == 0, output(back)
    assert {(memory, ready) for _uid, memory, ready in brokers(platform).values()} == {
        (memory, True) for _uid, memory, _ready in before.values()
    }


def test_a_topic_leaves_only_with_the_confirmation(platform, tmp_path):
    fewer = [topic for topic in default_topics() if topic["name"] != "dlq-events"]
    watch = Watch(platform, "apps")
    done = run(platform, "site", "apps", *KAFKA_ALONE, kafka_cluster_topics=fewer)
    assert done.returncode != 0
    assert "confirm_data_loss=kafka_cluster@apps" in output(done)
    assert "dlq-events" in output(done)
    assert watch.writes == []

    done = run(
        platform, "site", "apps", *KAFKA_ALONE, kafka_cluster_topics=fewer, confirm_data_loss="kafka_cluster@infra"
    )
    assert done.returncode != 0, "another cluster's phrase is no confirmation"
    assert watch.writes == []

    done = run(
        platform, "site", "apps", *KAFKA_ALONE, kafka_cluster_topics=fewer, confirm_data_loss="kafka_cluster@apps"
    )
    assert done.returncode == 0, output(done)
    assert platform.kubectl("apps", "get", "kafkatopic", "dlq-events", "-n", NAMESPACE, check=False).returncode != 0
    names = tool(platform, tmp_path, "platform-check", "kafka-topics", "--list").split()
    assert "dlq-events" not in names
    assert "user-events" in names

    done = run(platform, "site", "apps", *KAFKA_ALONE)
    assert done.returncode == 0, output(done)
    assert changed(done, "apps") == 1


@pytest.mark.nightly
def test_a_kafka_that_never_becomes_ready_says_why(rehearsal):
    """Brokers that no node may take: the label they are to be spread over does not exist."""
    on = {"strimzi_enabled": True, "kafka_cluster_enabled": True}
    try:
        done = run(
            rehearsal,
            "site",
            "infra",
            **on,
            kafka_cluster_rack_topology_key="example.com/rack",
            kafka_cluster_ready_timeout=60,
        )
        text = output(done)
        assert done.returncode != 0
        assert "Kafka messaging/synergyflow" in text
        assert "NotReady FatalProblem" in text or "NotReady TimeoutException" in text, "in Strimzi's own words"
        assert "event: Warning FailedScheduling" in text
        # the scheduler's own words, from the pods' condition or events
        assert "topology spread constraints" in text
    finally:
        with contextlib.suppress(Exception):
            rehearsal.command("reset", "--clusters", "infra")


@pytest.mark.nightly
def test_the_older_generation(rehearsal, tmp_path):
    """The plan's Kafka 3.8.1 under the Strimzi that runs it: v1beta2, with its annotations."""
    on = {
        "strimzi_enabled": True,
        "kafka_cluster_enabled": True,
        "strimzi_version": "0.45.2",
        "kafka_cluster_kafka_version": "3.8.1",
    }
    evidence = tmp_path / "evidence.json"
    try:
        done = run(rehearsal, "site", "infra", **on)
        assert done.returncode == 0, output(done)
        kafka = rehearsal.get("infra", "kafka", "synergyflow", "-n", NAMESPACE)
        assert kafka["apiVersion"] == "kafka.strimzi.io/v1beta2"
        assert kafka["status"]["kafkaVersion"] == "3.8.1"
        done = run(rehearsal, "site", "infra", **on)
        assert done.returncode == 0, output(done)
        assert changed(done, "infra") == 0
        # Kafka's tools of this generation too
        on["kafka_cluster_performance_messages"] = 1000
        done = run(rehearsal, "validate", "infra", **on, evidence_file=str(evidence))
        assert done.returncode == 0, output(done)
        records = {record["id"]: record for record in json.loads(evidence.read_text())["clusters"]["infra"]}
        assert records["kafka_topics.present"]["observed"] == len(TOPICS)
    finally:
        with contextlib.suppress(Exception):
            rehearsal.command("reset", "--clusters", "infra")
