# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Strimzi's stand-ins on a real control plane, with real brokers behind: one generation deep, the other shallow.

The tests of a generation follow one another on one Kafka, as starting brokers is what costs time.
"""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml
from ansible_collections.synergyflow.platform.plugins.module_utils.bridge import Bridge
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError
from kubernetes import config

from rehearsal.paths import Paths
from rehearsal.strimzi import manifests
from rehearsal.strimzi.versions import GENERATIONS

CLUSTER = "infra"
NAMESPACE = "stand-ins"
KAFKA = "events"
PATIENCE = 900  # seconds; a broker starts in ten on a machine that does nothing else, in a hundred on a busy one
# what the cluster operator's and the user operator's stand-ins make
MADE_KINDS = (
    "deployments", "strimzipodsets", "services", "pods", "secrets", "configmaps", "persistentvolumeclaims",
    "poddisruptionbudgets",
)  # fmt: skip
TOPICS = {f"topic-{number:02}": number % 3 + 1 for number in range(11)}


class Bench:
    """One generation installed in a namespace of a cluster of its own, and what the tests do there."""

    def __init__(self, rehearsal: Any, version: str) -> None:
        self.rehearsal, self.generation = rehearsal, GENERATIONS[version]
        self.api = f"kafka.strimzi.io/{self.generation.api}"

    def kubectl(self, *args: str, **kwargs: Any) -> str:
        return self.rehearsal.kubectl(CLUSTER, "-n", NAMESPACE, *args, **kwargs).stdout

    def apply(self, *objects: dict) -> None:
        text = yaml.safe_dump_all(objects)
        self.kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=tests", "-f", "-", input=text)

    def find(self, kind: str, name: str) -> dict | None:
        text = self.kubectl("get", kind, name, "-o", "json", "--ignore-not-found")
        return json.loads(text) if text else None

    def list(self, kind: str, selector: str = "") -> list[dict]:
        return json.loads(self.kubectl("get", kind, "-l", selector, "-o", "json"))["items"]

    def condition(self, kind: str, name: str) -> tuple | None:
        """Type, status and reason of the first condition that belongs to the object as it is now."""
        found = self.find(kind, name)
        status = (found or {}).get("status") or {}
        if not found or status.get("observedGeneration") != found["metadata"]["generation"]:
            return None
        each = (status.get("conditions") or [{}])[0]
        return each.get("type"), each.get("status"), each.get("reason")

    def until(self, what: str, holds: Callable[[], Any]) -> Any:
        """Ask until it holds; what it returned. On time-out the test fails with what the operators said last."""
        deadline = time.monotonic() + PATIENCE
        while True:
            result = holds()
            if result:
                return result
            if time.monotonic() > deadline:
                break
            time.sleep(1)
        log = self.kubectl("logs", "deployment/strimzi-cluster-operator", "--tail=20", check=False)
        state = self.kubectl("get", "pods,kafkas,kafkatopics,kafkausers", check=False)
        return pytest.fail(f"{what}: not within {PATIENCE} s\n{state}\n{log}")

    def wait_ready(self, kind: str, name: str) -> dict:
        self.until(f"{kind} {name} Ready", lambda: self.condition(kind, name) == ("Ready", "True", None))
        return self.find(kind, name) or {}

    def kafka(self, version: str, **kafka: Any) -> dict:
        metadata = {"name": KAFKA, "namespace": NAMESPACE}
        if self.generation.needs_kraft_annotations:
            metadata["annotations"] = {"strimzi.io/kraft": "enabled", "strimzi.io/node-pools": "enabled"}
        listener = {"name": "tls", "port": 9093, "type": "internal", "tls": True}
        spec = {
            "version": version,
            "rack": {"topologyKey": "topology.kubernetes.io/zone"},
            "listeners": [{**listener, "authentication": {"type": "scram-sha-512"}}],
            "authorization": {"type": "simple"},
            "config": {"auto.create.topics.enable": False},
            **kafka,
        }
        entities = {"topicOperator": {}, "userOperator": {"reconciliationIntervalMs": 10_000}}
        return {"apiVersion": self.api, "kind": "Kafka", "metadata": metadata} | {
            "spec": {"kafka": spec, "entityOperator": entities}
        }

    def pool(self, replicas: int, *, name: str = "broker", cluster: str = KAFKA, delete_claim: bool = False) -> dict:
        volume = {"id": 0, "type": "persistent-claim", "size": "1Gi", "deleteClaim": delete_claim}
        return {
            "apiVersion": self.api,
            "kind": "KafkaNodePool",
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"strimzi.io/cluster": cluster}},
            "spec": {
                "replicas": replicas,
                "roles": ["controller", "broker"],
                "storage": {"type": "jbod", "volumes": [volume]},
            },
        }

    def entity(self, kind: str, name: str, spec: dict) -> dict:
        metadata = {"name": name, "namespace": NAMESPACE, "labels": {"strimzi.io/cluster": KAFKA}}
        return {"apiVersion": self.api, "kind": kind, "metadata": metadata, "spec": spec}

    def user(self, name: str) -> dict:
        acls = [
            {"resource": {"type": "topic", "name": "*"}, "operations": ["Describe", "DescribeConfigs"]},
            {"resource": {"type": "cluster"}, "operations": ["Describe"]},
        ]
        authorization = {"type": "simple", "acls": acls}
        return self.entity(
            "KafkaUser", name, {"authentication": {"type": "scram-sha-512"}, "authorization": authorization}
        )

    def secret(self, name: str) -> dict[str, str]:
        found = self.find("secret", name)
        assert found, f"there is no Secret {name}"
        return {key: base64.b64decode(value).decode(errors="replace") for key, value in found["data"].items()}

    @contextmanager
    def admin(
        self,
        user: str,
        password: str | None = None,
        bootstrap_timeout: int = 60_000,
        host: str = f"{KAFKA}-kafka-bootstrap",
    ) -> Iterator[KafkaAdminClient]:
        """An admin client logged in as that user by its Secret, as any client of the cluster would be."""
        client = config.new_client_from_config(str(self.rehearsal.kubeconfig(CLUSTER)))
        with Bridge(client) as bridge:
            admin = KafkaAdminClient(
                bootstrap_servers=f"{host}.{NAMESPACE}.svc:9093",
                security_protocol="SASL_SSL",
                ssl_context=ssl.create_default_context(cadata=self.secret(f"{KAFKA}-cluster-ca-cert")["ca.crt"]),
                sasl_mechanism="SCRAM-SHA-512",
                sasl_plain_username=user,
                sasl_plain_password=password or self.secret(user)["password"],
                proxy_url=bridge.proxy_url,
                bootstrap_timeout_ms=bootstrap_timeout,
            )
            try:
                yield admin
            finally:
                admin.close()

    def pods(self) -> dict[str, str]:
        """The brokers' pods that are ready: name and uid."""
        selector = f"strimzi.io/cluster={KAFKA},strimzi.io/component-type=kafka"
        ready = [
            pod
            for pod in self.list("pods", selector)
            for each in pod.get("status", {}).get("conditions", [])
            if (each["type"], each["status"]) == ("Ready", "True") and not pod["metadata"].get("deletionTimestamp")
        ]
        return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in ready}


@contextmanager
def installed(rehearsal: Any, version: str, tmp_path_factory: Any) -> Iterator[Bench]:
    """The generation's operator on an emptied cluster: definitions of two generations do not go together."""
    rehearsal.command("reset", "--clusters", CLUSTER)
    folder = tmp_path_factory.mktemp(f"strimzi-{version}")
    manifests.write(folder, Paths.from_environment(), version, NAMESPACE)
    rehearsal.kubectl(CLUSTER, "create", "namespace", NAMESPACE)
    rehearsal.kubectl(CLUSTER, "apply", "--server-side", "-f", str(folder / "crds.yaml"))
    rehearsal.kubectl(CLUSTER, "wait", "--for=condition=Established", "--timeout=60s", "-f", str(folder / "crds.yaml"))
    rehearsal.kubectl(CLUSTER, "apply", "--server-side", "-f", str(folder / "operator.yaml"))
    yield Bench(rehearsal, version)
    rehearsal.command("reset", "--clusters", CLUSTER)


@pytest.fixture(scope="class")
def current(rehearsal: Any, tmp_path_factory: Any) -> Iterator[Bench]:
    with installed(rehearsal, "1.2.0", tmp_path_factory) as bench:
        yield bench


@pytest.fixture(scope="class")
def previous(rehearsal: Any, tmp_path_factory: Any) -> Iterator[Bench]:
    with installed(rehearsal, "0.45.2", tmp_path_factory) as bench:
        yield bench


@pytest.mark.nightly
class TestCurrentGeneration:
    """Strimzi 1.2.0 with Kafka 4.3.1 on three brokers; each test goes on where the one before it ended."""

    def test_what_cannot_be_is_refused_with_strimzis_reason(self, current: Bench) -> None:
        current.apply(current.kafka("4.3.1"))
        refused = ("NotReady", "True", "InvalidResourceException")
        current.until("Kafka without a pool refused", lambda: current.condition("kafka", KAFKA) == refused)
        current.apply(current.kafka("3.8.1"), current.pool(3))
        refused = ("NotReady", "True", "UnsupportedKafkaVersionException")
        current.until("version refused", lambda: current.condition("kafka", KAFKA) == refused)
        message = current.find("kafka", KAFKA)["status"]["conditions"][0]["message"]
        assert "Supported versions are: [4.2.0, 4.2.1, 4.3.0, 4.3.1]" in message
        assert current.list("pods", f"strimzi.io/cluster={KAFKA}") == []

    def test_pods_that_find_no_node_are_said_to_be_fatal(self, current: Bench) -> None:
        huge = current.pool(3)
        huge["spec"]["resources"] = {"requests": {"cpu": "1000"}}
        current.apply(current.kafka("4.3.1"), huge)
        fatal = ("NotReady", "True", "FatalProblem")
        current.until("pods unschedulable", lambda: current.condition("kafka", KAFKA) == fatal)
        message = current.find("kafka", KAFKA)["status"]["conditions"][0]["message"]
        assert message == "Pod is unschedulable or is not starting"
        current.apply(current.pool(3))

    def test_a_kafka_comes_up(self, current: Bench) -> None:
        status = current.wait_ready("kafka", KAFKA)["status"]
        assert status["kafkaVersion"] == "4.3.1"
        assert status["operatorLastSuccessfulVersion"] == "1.2.0"
        listener = status["listeners"][0]
        assert listener["bootstrapServers"] == f"{KAFKA}-kafka-bootstrap.{NAMESPACE}.svc:9093"
        assert listener["certificates"] == [current.secret(f"{KAFKA}-cluster-ca-cert")["ca.crt"]]
        assert current.pods().keys() == {f"{KAFKA}-broker-{number}" for number in range(3)}
        pool = current.find("kafkanodepool", "broker")["status"]
        assert (pool["nodeIds"], pool["clusterId"]) == ([0, 1, 2], status["clusterId"])
        assert current.find("deployment", f"{KAFKA}-entity-operator")["status"]["readyReplicas"] == 1

    def test_topics_are_on_the_brokers_and_a_user_can_look_at_them(self, current: Bench) -> None:
        specs = {
            name: {"partitions": partitions, "replicas": 3, "config": {"retention.ms": 3_600_000}}
            for name, partitions in TOPICS.items()
        }
        current.apply(
            current.user("viewer"), *(current.entity("KafkaTopic", name, spec) for name, spec in specs.items())
        )
        for name in TOPICS:
            current.wait_ready("kafkatopic", name)
        current.wait_ready("kafkauser", "viewer")
        assert current.find("kafkatopic", "topic-00")["metadata"]["finalizers"] == ["strimzi.io/topic-operator"]
        with current.admin("viewer") as admin:
            found = {topic["name"]: topic for topic in admin.describe_topics() if topic["name"] in TOPICS}
            resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in found]
            configs = admin.describe_configs(resources)["topic"]
        assert {name: len(topic["partitions"]) for name, topic in found.items()} == TOPICS
        assert all(len(each["replica_nodes"]) == 3 for topic in found.values() for each in topic["partitions"])
        assert {config["retention.ms"]["value"] for config in configs.values()} == {"3600000"}

    def test_a_wrong_password_is_refused(self, current: Bench) -> None:
        """The authenticated look above would mean nothing if anybody could have it."""
        with pytest.raises(KafkaError), current.admin("viewer", "guessed", bootstrap_timeout=5_000) as admin:
            admin.describe_topics()
        # the client knows only that it was disconnected; the brokers say why

        def said() -> bool:
            logs = [current.kubectl("logs", pod, "-c", "kafka", "--tail=500") for pod in current.pods()]
            return any("invalid credentials with SASL mechanism SCRAM-SHA-512" in log for log in logs)

        current.until("a broker says that the password was wrong", said)

    def test_what_a_topic_cannot_become_is_said(self, current: Bench) -> None:
        current.apply(
            current.entity("KafkaTopic", "topic-02", {"partitions": 1, "replicas": 3}),
            current.entity("KafkaTopic", "another", {"topicName": "topic-01"}),
            current.entity("KafkaTopic", "misspelt", {"partitions": 1, "replicas": 3, "config": {"retention": 1}}),
        )
        for name, reason in (("topic-02", "NotSupported"), ("another", "ResourceConflict"), ("misspelt", "KafkaError")):
            verdict = ("Ready", "False", reason)
            current.until(f"{name} {reason}", lambda n=name, v=verdict: current.condition("kafkatopic", n) == v)
        current.kubectl("delete", "kafkatopic", "another", "misspelt")

    def test_more_partitions_and_other_settings_reach_the_brokers(self, current: Bench) -> None:
        spec = {"partitions": 4, "replicas": 3, "config": {"retention.ms": 7_200_000}}
        current.apply(current.entity("KafkaTopic", "topic-03", spec))
        current.wait_ready("kafkatopic", "topic-03")
        with current.admin("viewer") as admin:

            def altered() -> bool:
                topic = admin.describe_topics(["topic-03"])[0]
                named = [ConfigResource(ConfigResourceType.TOPIC, "topic-03")]
                retention = admin.describe_configs(named)["topic"]["topic-03"].get("retention.ms", {})
                return (len(topic["partitions"]), retention.get("value")) == (4, "7200000")

            current.until("topic altered", altered)

    def test_a_paused_kafka_is_left_alone(self, current: Bench) -> None:
        current.kubectl("annotate", "kafka", KAFKA, "strimzi.io/pause-reconciliation=true")
        paused = ("ReconciliationPaused", "True", None)
        current.until("paused", lambda: current.condition("kafka", KAFKA) == paused)
        current.apply(current.kafka("3.8.1"))
        current.until("change seen", lambda: current.condition("kafka", KAFKA) == paused)
        current.apply(current.kafka("4.3.1"))
        current.kubectl("annotate", "kafka", KAFKA, "strimzi.io/pause-reconciliation-")
        current.wait_ready("kafka", KAFKA)

    def test_a_rolling_update_restarts_every_pod_one_by_one(self, current: Bench) -> None:
        before = current.pods()
        current.kubectl("annotate", "strimzipodset", f"{KAFKA}-broker", "strimzi.io/manual-rolling-update=true")
        fewest = len(before)

        def rolled() -> bool:
            nonlocal fewest
            now = current.pods()
            fewest = min(fewest, len(now))
            annotations = current.find("strimzipodset", f"{KAFKA}-broker")["metadata"].get("annotations") or {}
            done = "strimzi.io/manual-rolling-update" not in annotations
            return done and now.keys() == before.keys() and not set(now.values()) & set(before.values())

        current.until("all pods restarted", rolled)
        assert fewest >= 2, "two brokers were down at once"

    def test_a_deleted_broker_returns(self, current: Bench) -> None:
        name = f"{KAFKA}-broker-1"
        uid = current.pods()[name]
        current.kubectl("delete", "pod", name)
        current.until("the broker is back", lambda: current.pods().get(name, uid) != uid)
        current.wait_ready("kafka", KAFKA)
        with current.admin("viewer") as admin:

            def in_sync() -> bool:
                topics = [topic for topic in admin.describe_topics() if topic["name"] in TOPICS]
                partitions = [partition for topic in topics for partition in topic["partitions"]]
                return bool(partitions) and all(len(each["isr_nodes"]) == 3 for each in partitions)

            current.until("all replicas in sync", in_sync)

    def test_a_deleted_topic_is_gone_and_so_is_its_resource(self, current: Bench) -> None:
        current.kubectl("annotate", "kafkatopic", "topic-05", "strimzi.io/managed=false")
        unmanaged = ("Unmanaged", "True", None)
        current.until("unmanaged", lambda: current.condition("kafkatopic", "topic-05") == unmanaged)
        current.kubectl("delete", "kafkatopic", "topic-04", "topic-05", "--timeout=120s")
        with current.admin("viewer") as admin:
            current.until("the topic is gone", lambda: "topic-04" not in admin.list_topics())
            assert "topic-05" in admin.list_topics(), "an unmanaged topic stays"

    def test_a_deleted_user_may_no_longer_look(self, current: Bench) -> None:
        current.apply(current.user("guest"))
        current.wait_ready("kafkauser", "guest")
        with current.admin("guest") as admin:
            assert "topic-00" in admin.list_topics()
        password = current.secret("guest")["password"]
        current.kubectl("delete", "kafkauser", "guest")
        current.until("the Secret is gone", lambda: current.find("secret", "guest") is None)

        def refused() -> bool:
            try:
                with current.admin("guest", password, bootstrap_timeout=5_000) as admin:
                    return "topic-00" not in admin.list_topics()
            except KafkaError:
                return True

        current.until("refused", refused)

    def test_a_broker_that_starts_after_a_user_was_deleted_gets_the_others_back(self, current: Bench) -> None:
        """Kafka forgets them (see user_operator.py) where the deleted one comes first by its hash: this one does."""
        current.apply(current.user("holidaymaker"))
        current.wait_ready("kafkauser", "holidaymaker")
        current.kubectl("delete", "kafkauser", "holidaymaker")
        current.until("the Secret is gone", lambda: current.find("secret", "holidaymaker") is None)
        name = f"{KAFKA}-broker-2"
        uid = current.pods()[name]
        current.kubectl("delete", "pod", name)
        current.until("the broker is back", lambda: current.pods().get(name, uid) != uid)

        def accepted() -> bool:
            host = f"{name}.{KAFKA}-kafka-brokers"
            try:
                with current.admin("viewer", bootstrap_timeout=5_000, host=host) as admin:
                    return "topic-00" in admin.list_topics()
            except KafkaError:
                return False

        current.until("the broker accepts the other user", accepted)

    def test_claims_outlive_the_kafka_and_it_can_be_recovered_over_them(self, current: Bench) -> None:
        cluster_id = current.find("kafka", KAFKA)["status"]["clusterId"]
        current.kubectl("delete", "kafka", KAFKA)
        current.kubectl("delete", "kafkanodepool", "broker")
        selector = f"strimzi.io/cluster={KAFKA},strimzi.io/kind=Kafka"  # the users' Secrets are their KafkaUsers'
        current.until("its objects are gone", lambda: not current.list("pods,secrets,services,deployments", selector))
        assert len(current.list("pvc", selector)) == 3
        paused = current.kafka("4.3.1")
        paused["metadata"].setdefault("annotations", {})["strimzi.io/pause-reconciliation"] = "true"
        current.apply(current.pool(3), paused)
        patch = json.dumps({"status": {"clusterId": cluster_id}})
        current.kubectl("patch", "kafka", KAFKA, "--subresource=status", "--type=merge", "-p", patch)
        current.kubectl("annotate", "kafka", KAFKA, "strimzi.io/pause-reconciliation-")
        assert current.wait_ready("kafka", KAFKA)["status"]["clusterId"] == cluster_id
        current.wait_ready("kafkauser", "viewer")
        with current.admin("viewer") as admin:
            assert "topic-00" in admin.list_topics()

    def test_claims_go_with_their_pool_when_it_says_so(self, current: Bench) -> None:
        other = current.kafka("4.3.1")
        other["metadata"]["name"] = "brief"
        current.apply(other, current.pool(1, name="kept", cluster="brief", delete_claim=True))
        current.until("its claim is there", lambda: current.list("pvc", "strimzi.io/cluster=brief"))
        current.kubectl("delete", "kafka", "brief")
        current.kubectl("delete", "kafkanodepool", "kept")
        current.until("its claim is gone", lambda: not current.list("pvc", "strimzi.io/cluster=brief"))

    def test_everything_says_what_it_is(self, current: Bench) -> None:
        label = "synergyflow.platform/stand-in"
        for kind in MADE_KINDS:
            made = current.list(kind, f"strimzi.io/cluster={KAFKA}")
            assert made, kind
            unlabelled = [each["metadata"]["name"] for each in made if label not in each["metadata"]["labels"]]
            assert unlabelled == [], kind


@pytest.mark.nightly
class TestPreviousGeneration:
    """Strimzi 0.45.2 with Kafka 3.8.1, v1beta2, one broker: what differs."""

    def test_it_comes_up_with_a_topic_and_a_user(self, previous: Bench) -> None:
        single = {
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
        }
        kafka = previous.kafka("3.8.1", config=single)
        annotations = kafka["metadata"].pop("annotations")
        previous.apply(kafka, previous.pool(1))
        refused = ("NotReady", "True", "InvalidResourceException")
        previous.until("annotations asked for", lambda: previous.condition("kafka", KAFKA) == refused)
        kafka["metadata"]["annotations"] = annotations
        spec = {"partitions": 2, "replicas": 1, "config": {"cleanup.policy": "compact"}}
        previous.apply(kafka, previous.user("viewer"), previous.entity("KafkaTopic", "compacted", spec))
        status = previous.wait_ready("kafka", KAFKA)["status"]
        assert (status["kafkaVersion"], status["kafkaMetadataState"]) == ("3.8.1", "KRaft")
        assert status["registeredNodeIds"] == [0]
        previous.wait_ready("kafkatopic", "compacted")
        previous.wait_ready("kafkauser", "viewer")
        with previous.admin("viewer") as admin:
            topics = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
        assert topics["compacted"] == 2
        assert f"{KAFKA}-broker-0.crt" in previous.secret(f"{KAFKA}-kafka-brokers")
