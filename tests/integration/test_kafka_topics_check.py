# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The topic check against the platform's three brokers: as deployed, and after each thing that goes wrong.

Whatever a test breaks it mends: the platform is shared by the whole session.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import yaml
from ansible_collections.synergyflow.platform.plugins.module_utils.bridge import Bridge
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_brokers import KafkaLogin
from ansible_collections.synergyflow.platform.plugins.module_utils.topics_and_users import topic_specs
from conftest import ROOT
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kubernetes import client as kubernetes_client
from kubernetes import config as kubernetes_config
from until import until

CLUSTER, NAMESPACE, KAFKA, CHECK_USER = "apps", "messaging", "synergyflow", "platform-check"
BOOTSTRAP = f"{KAFKA}-kafka-bootstrap.{NAMESPACE}.svc:9093"
ADMIN = "topics-check-test"
TOPICS = topic_specs(
    yaml.safe_load((ROOT / "roles" / "kafka_cluster" / "defaults" / "main.yml").read_text())["kafka_cluster_topics"]
)
# of what stands in for the Schema Registry: nobody lists them
REGISTRYS = dict.fromkeys(["_schemas-apicurio", "_schemas-apicurio-events"], "unexpected")


class Platform:
    """The platform of the session, with what these tests do to it."""

    def __init__(self, rehearsal: Any) -> None:
        self.rehearsal = rehearsal

    def kubectl(self, *args: str, **kwargs: Any) -> str:
        return self.rehearsal.kubectl(CLUSTER, "-n", NAMESPACE, *args, **kwargs).stdout

    def get(self, *args: str) -> dict[str, Any]:
        return self.rehearsal.get(CLUSTER, "-n", NAMESPACE, *args)

    def secret(self, name: str, key: str) -> str:
        return base64.b64decode(self.get("secret", name)["data"][key]).decode()

    def check(self, *arguments: str, **options: Any) -> dict[str, Any]:
        """Run the module by a playbook; its result. Nothing that a password would show in is printed."""
        return self.checks([options], *arguments)[0]

    def checks(self, every: list[dict[str, Any]], *arguments: str) -> list[dict[str, Any]]:
        """The same several times, by one playbook."""
        known = {"cluster": KAFKA, "namespace": NAMESPACE, "user": CHECK_USER, "topics": TOPICS}
        known["kubeconfig"] = str(self.rehearsal.kubeconfig(CLUSTER))
        out = self.rehearsal.scratch / "result.json"
        out.unlink(missing_ok=True)
        tasks: list[dict[str, Any]] = [
            {
                "synergyflow.platform.kafka_topics_check": {**known, **options},
                "register": f"found_{number}",
                "ignore_errors": True,
            }
            for number, options in enumerate(every)
        ]
        found = ", ".join(str(task["register"]) for task in tasks)
        content = f"{{{{ [{found}] | to_json }}}}"
        keep = {"ansible.builtin.copy": {"dest": str(out), "content": content, "mode": "0600"}, "check_mode": False}
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "tasks": [*tasks, keep],
        }
        done = self.rehearsal.playbook(yaml.safe_dump([play]), "-i", "localhost,", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        for password in self.passwords():
            assert password not in done.stdout + done.stderr + out.read_text()
        return json.loads(out.read_text())

    def passwords(self) -> list[str]:
        with suppress(KeyError, pytest.fail.Exception):
            return [self.secret(CHECK_USER, "password")]
        return []

    @contextmanager
    def brokers(self) -> Iterator[KafkaAdminClient]:
        """An admin client of a KafkaUser that may change topics."""
        configuration = kubernetes_client.Configuration()
        kubernetes_config.load_kube_config(str(self.rehearsal.kubeconfig(CLUSTER)), client_configuration=configuration)
        with Bridge(configuration) as bridge:
            login = KafkaLogin([BOOTSTRAP], ADMIN, self.secret(ADMIN, "password"))
            login.ca, login.proxy_url = self.secret(f"{KAFKA}-cluster-ca-cert", "ca.crt"), bridge.proxy_url
            admin = KafkaAdminClient(**login.client_options())
            try:
                yield admin
            finally:
                admin.close()

    def alter(self, topic: str, **configs: Any) -> None:
        with self.brokers() as admin:
            changes = {key.replace("_", "."): value for key, value in configs.items()}
            answer = admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, changes)])
            assert answer["topic"][topic] == "OK", answer

    def reset(self, topic: str, *keys: str) -> None:
        with self.brokers() as admin:
            admin.reset_configs([ConfigResource(ConfigResourceType.TOPIC, topic, dict.fromkeys(keys))])

    @contextmanager
    def paused(self, topic: str) -> Iterator[None]:
        """The topic operator leaves the topic alone, as somebody would want who changes it behind its back."""
        annotation = "strimzi.io/pause-reconciliation"
        self.kubectl("annotate", "kafkatopic", topic, f"{annotation}=true", "--overwrite")
        try:
            until(lambda: "ReconciliationPaused" in str(self.get("kafkatopic", topic)["status"]), "paused")
            yield
        finally:
            self.kubectl("annotate", "kafkatopic", topic, f"{annotation}-")

    def settled(self) -> dict[str, Any]:
        """The result of the check once all is well again."""

        def well() -> dict[str, Any] | None:
            result = self.check(fail=False)
            return result if result["passed"] else None

        return until(well, "everything as expected again")


@pytest.fixture(scope="module")
def kafka(platform: Any) -> Iterator[Platform]:
    """The platform with one more KafkaUser, who may alter topics."""
    it = Platform(platform)
    version = it.get("kafka", KAFKA)["apiVersion"]
    operations = ["Alter", "AlterConfigs", "Create", "Delete", "Describe", "DescribeConfigs"]
    user = {
        "apiVersion": version,
        "kind": "KafkaUser",
        "metadata": {"name": ADMIN, "namespace": NAMESPACE, "labels": {"strimzi.io/cluster": KAFKA}},
        "spec": {
            "authentication": {"type": "scram-sha-512"},
            "authorization": {
                "type": "simple",
                "acls": [
                    {"resource": {"type": "topic", "name": "*", "patternType": "literal"}, "operations": operations}
                ],
            },
        },
    }
    it.kubectl("apply", "-f", "-", input=json.dumps(user))
    it.kubectl("wait", "--for=condition=Ready", f"kafkauser/{ADMIN}", "--timeout=120s", timeout=150)
    yield it
    it.kubectl("delete", "kafkauser", ADMIN, timeout=150)


def records(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {record["id"].removeprefix("kafka_topics."): record for record in result["evidence"]}


def drift(result: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(row["topic"], row["key"], row["expected"], row["broker"], row["cr"]) for row in result["drift"]]


def test_the_platform_is_as_expected_and_says_what_stands_in(kafka: Platform) -> None:
    result = kafka.settled()
    assert result["changed"] is False
    assert result["drift"] == []
    states = {topic["name"]: topic["state"] for topic in result["topics"]}
    assert states == dict.fromkeys([topic["name"] for topic in TOPICS], "as expected") | REGISTRYS
    found = records(result)
    assert {record["status"] for record in found.values()} == {"passed"}
    assert (found["brokers"]["observed"], found["brokers"]["expected"]) == (3, 3)
    assert found["present"]["observed"] == len(TOPICS)
    assert found["configuration"]["observed"] == sum(len(topic["config"]) for topic in TOPICS)
    assert found["in_sync"]["observed"] >= sum(topic["partitions"] for topic in TOPICS)
    assert "process-node" in found["present"]["stand_in"]
    assert any(name.startswith("strimzi-") for name in found["present"]["stand_in"])
    assert result["requests"] == 2


@pytest.mark.nightly
def test_check_mode_asks_the_same(kafka: Platform) -> None:
    result = kafka.check("--check")
    assert (result["failed"], result["passed"], result["changed"]) == (False, True, False)
    assert records(result)["present"]["observed"] == len(TOPICS)


def test_it_agrees_with_kafkas_own_tool(kafka: Platform) -> None:
    result = kafka.check()
    tool = "bin/kafka-topics.sh --bootstrap-server localhost:9091 --command-config client.properties --describe"
    text = kafka.kubectl("exec", f"{KAFKA}-broker-0", "-c", "kafka", "--", "sh", "-c", tool, timeout=180)
    line = re.compile(
        r"Topic: (\S+)\s+TopicId: \S+\s+PartitionCount: (\d+)\s+ReplicationFactor: (\d+)\s+Configs: (\S*)"
    )
    described = {
        m[1]: (int(m[2]), int(m[3]), dict(c.split("=", 1) for c in m[4].split(",") if "=" in c))
        for m in line.finditer(text)
    }
    assert len(described) >= len(TOPICS), text
    for topic in result["topics"]:
        partitions, replicas, configs = described[topic["name"]]
        assert (topic["partitions"], topic["replicas"]) == (partitions, replicas)
        assert topic["config"].items() <= configs.items()


# test_site has the same by validate.yml
@pytest.mark.nightly
def test_retention_changed_behind_the_operators_back_is_drift(kafka: Platform) -> None:
    with kafka.paused("user-events"):
        kafka.alter("user-events", retention_ms="1000", segment_bytes="1048576")
        result = until(lambda: (r := kafka.check()) and r["drift"] and r, "the brokers tell")
        assert result["failed"]
        assert drift(result) == [("user-events", "retention.ms", "604800000", "1000", "604800000")]
        assert re.search(r"^user-events +retention\.ms +604800000 +1000 +604800000", result["table"], re.MULTILINE)
        assert result["table"] in result["msg"]
        found = records(result)
        assert found["configuration"]["status"] == "failed"
        assert found["configuration"]["detail"] == "user-events retention.ms: 1000 instead of 604800000"
        assert found["kafka_topics"]["detail"] == "user-events is ReconciliationPaused"
        kafka.reset("user-events", "segment.bytes")
    kafka.settled()  # the topic operator puts retention.ms back once it may


@pytest.mark.nightly
def test_a_key_set_by_hand_is_drift_while_the_operator_owns_the_topic(kafka: Platform) -> None:
    """Until its next full reconciliation the topic operator does not see it; the check does."""
    kafka.alter("team-events", max_message_bytes="123456")
    try:
        result = until(lambda: (r := kafka.check(fail=False)) and r["drift"] and r, "the brokers tell")
        assert drift(result) == [("team-events", "max.message.bytes", None, "123456", None)]
    finally:
        kafka.reset("team-events", "max.message.bytes")
    kafka.settled()


@pytest.mark.nightly
@pytest.mark.parametrize(("mode", "fails"), [("report", False), ("ignore", False), ("fail", True)])
def test_an_unexpected_topic(kafka: Platform, mode: str, fails: bool) -> None:
    expected = [topic for topic in TOPICS if topic["name"] != "dlq-events"]
    result = kafka.check(topics=expected, unexpected=mode)
    assert result["failed"] is fails, result.get("msg")
    assert result["unexpected"] == ([] if mode == "ignore" else [*REGISTRYS, "dlq-events"])
    assert ("dlq-events" in result["table"]) is (mode != "ignore")
    row = ("dlq-events", "topic", "absent", "present", "present")
    assert [each for each in drift(result) if each[0] not in REGISTRYS] == ([row] if fails else [])


def test_missing_topics_and_other_shapes(kafka: Platform) -> None:
    wanted = [{"name": "not-there", "partitions": 1}, {"name": "user-events", "partitions": 12, "replicas": 2}]
    result = kafka.check(topics=wanted, unexpected="ignore", fail=False)
    assert (result["failed"], result["passed"]) == (False, False)
    assert drift(result) == [
        ("not-there", "topic", "present", "missing", "missing"),
        ("user-events", "partitions", "12", "6", "6"),
        ("user-events", "replicas", "2", "3", "3"),
    ]
    assert result["requests"] == 3
    assert records(result)["present"]["observed"] == 1


def test_a_wrong_password_is_said_as_such(kafka: Platform) -> None:
    result = kafka.check(sasl_password="not-the-password")
    assert result["failed"]
    assert f"could not log in to Kafka {KAFKA} as KafkaUser {CHECK_USER}" in result["msg"]
    assert "not-the-password" not in json.dumps(result)
    found = records(result)
    assert found["brokers"]["status"] == "failed"
    assert {record["status"] for aspect, record in found.items() if aspect != "brokers"} == {"blocked"}


def test_what_keeps_it_from_asking_is_said(kafka: Platform) -> None:
    every: list[tuple[dict[str, Any], str]] = [
        ({"user": "nobody"}, "there is neither KafkaUser nobody nor its Secret in namespace messaging"),
        ({"cluster": "other"}, "there is no Kafka other in namespace messaging"),
        ({"listener": "plain"}, "Kafka synergyflow has no listener plain; it has: tls"),
        ({"cluster_ca": "nonsense"}, "does not fit the CA given in cluster_ca: it cannot be read as PEM"),
        ({"topics": [{"name": "a"}, {"name": "a"}]}, "a is listed twice"),
        ({"topics": [{"name": "a", "partition": 3}]}, "partition"),
        ({"unexpected": "maybe"}, "value of unexpected must be one of: report, ignore, fail"),
        ({"host": "https://127.0.0.1:1", "timeout": 3}, "cannot be reached"),
    ]
    for (options, words), result in zip(every, kafka.checks([options for options, _ in every]), strict=True):
        assert result["failed"], options
        assert words in result["msg"]


def test_another_ca_is_said(kafka: Platform) -> None:
    result = kafka.check(cluster_ca=kafka.secret(f"{KAFKA}-clients-ca-cert", "ca.crt"))
    assert result["failed"]
    assert "does not fit the CA given in cluster_ca" in result["msg"]


def test_a_user_without_rights_is_told_which_it_lacks(kafka: Platform) -> None:
    result = kafka.check(user="schema-registry", fail=False)
    assert not result["passed"]
    assert {topic["state"] for topic in result["topics"] if topic["name"] not in REGISTRYS} == {"hidden"}
    assert "needs the ACL Describe" in result["table"]


@pytest.mark.nightly
def test_a_broker_gone_is_under_replication_and_then_recovery(kafka: Platform) -> None:
    """The pod is deleted for good as long as reconciliation is paused: no operator brings it back."""
    kafka.kubectl("annotate", "kafka", KAFKA, "strimzi.io/pause-reconciliation=true", "--overwrite")
    kafka.kubectl("annotate", "strimzipodset", "--all", "strimzi.io/pause-reconciliation=true", "--overwrite")
    try:
        kafka.kubectl("delete", "pod", f"{KAFKA}-broker-2", "--wait=true", timeout=180)

        def seen() -> dict[str, Any] | None:
            result = kafka.check(fail=False)
            found = records(result)
            both = found["brokers"]["status"] == "failed" and found["in_sync"]["status"] == "failed"
            return result if both else None

        result = until(seen, "under-replication seen")
    finally:
        kafka.kubectl("annotate", "strimzipodset", "--all", "strimzi.io/pause-reconciliation-")
        kafka.kubectl("annotate", "kafka", KAFKA, "strimzi.io/pause-reconciliation-")
    found = records(result)
    assert (found["brokers"]["observed"], found["brokers"]["expected"]) == (2, 3)
    assert found["brokers"]["detail"] == "in service: 0, 1"
    rows = [row for row in drift(result) if row[1] == "partitions under-replicated"]
    assert ("user-events", "partitions under-replicated", "none", "0-5", None) in rows
    assert {topic["name"] for topic in TOPICS} <= {row[0] for row in rows}
    assert not [row for row in drift(result) if row[1] == "partitions under min ISR"]  # two of three are in sync
    assert records(kafka.settled())["brokers"]["observed"] == 3
