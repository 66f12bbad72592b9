# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a broker may be taken away, which one, and what is made of what came of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_failover as failover
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import Answer, Connection
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import UnreachableError
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_brokers import (
    LOGIN,
    BrokersError,
    KafkaLogin,
    Reading,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_failover import Found, Request, Writer
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_messages import Message
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_strimzi import BlockedError, Strimzi
from failing import fails
from kafka import errors
from kafka.future import Future

REQUEST = Request(replicas=3, stall=15, recovery=300, timeout=600)


def pod(number: int, ready: bool = True) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    metadata = {"name": f"c-broker-{number}", "namespace": "ns", "uid": f"uid-{number}"}
    return {"metadata": metadata, "status": {"phase": "Running", "conditions": conditions}}


def topic(name: str = "events", *, isr: int = 3, replicas: int = 3) -> dict[str, Any]:
    partition = {
        "partition_index": 0,
        "leader_id": 0,
        "replica_nodes": list(range(replicas)),
        "isr_nodes": list(range(isr)),
    }
    return {"name": name, "error_code": 0, "partitions": [partition]}


def strimzi(**changes: Any) -> Strimzi:
    kafka = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    found = Strimzi("c", "ns", "https://api", kafka=kafka, pods=[pod(0), pod(1), pod(2)])
    return replace(found, **changes)


def reading(*topics: dict[str, Any], brokers: int = 3, min_isr: int = 2) -> Reading:
    configs = {each["name"]: {"min.insync.replicas": {"value": str(min_isr)}} for each in topics}
    return Reading(list(range(brokers)), list(topics), configs, [], 0.1, 3)


def test_in_sync_one_broker_may_go() -> None:
    assert failover.refusal(strimzi(), reading(topic()), 3) == ""


@pytest.mark.parametrize(
    ("objects", "seen", "words"),
    [
        (strimzi(), reading(topic(), brokers=2), "2 of 3 brokers are in service"),
        (strimzi(pods=[pod(0), pod(1), pod(2, ready=False)]), reading(topic()), "not ready: c-broker-2"),
        (strimzi(pods=None), reading(topic()), "may not be listed"),
        (strimzi(kafka=None), reading(topic()), "no Kafka to bring the pod back"),
        (strimzi(kafka={"status": {}}), reading(topic()), "the Kafka: not Ready yet"),
        (strimzi(), reading(topic(), topic("late", isr=2)), "not in sync: late"),
        (strimzi(), reading(topic("single", replicas=1, isr=1), min_isr=1), "with a replica less: single"),
        (strimzi(), reading(topic("tight"), min_isr=3), "with a replica less: tight"),
        (strimzi(), replace(reading(topic()), hidden=["secret-events"]), "may not be seen by this user: secret-events"),
        (strimzi(), Reading([0, 1, 2], [topic("dark")], {}, [], 0.1, 3), "min.insync.replicas could not be read: dark"),
    ],
)
def test_it_refuses_and_says_why(objects: Strimzi, seen: Reading, words: str) -> None:
    assert words in failover.refusal(objects, seen, 3)


def test_how_many_there_should_be_must_be_known() -> None:
    assert "is not known" in failover.refusal(strimzi(), reading(topic()), None)


# -- who brings the pod back


class Server(Connection):
    """Lists the Deployments of each namespace that may be read, and remembers what it was asked for."""

    def __init__(self, deployments: Mapping[str, list[dict[str, Any]] | None]) -> None:
        self.deployments = deployments
        self.asked: list[tuple[str, str]] = []
        self.host, self.secrets = "https://api", []

    def request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], timeout: float) -> Answer:
        self.asked.append((method, path))
        path, __, query = path.partition("?")
        assert method == "DELETE" or "strimzi-cluster-operator" in query
        namespace = path.split("/namespaces/")[1].split("/")[0] if "/namespaces/" in path else ""
        found = self.deployments.get(namespace)
        if found is None:
            text = json.dumps({"kind": "Status", "code": 403, "message": "forbidden", "reason": "Forbidden"})
            return Answer(403, {}, text.encode())
        return Answer(200, {}, json.dumps({"kind": "DeploymentList", "items": found}).encode())


def operator(available: int, namespace: str = "ns", watches: str = "") -> dict[str, Any]:
    container = {"name": "o", "image": "operator:1", "env": [{"name": "STRIMZI_NAMESPACE", "value": watches}]}
    return {
        "metadata": {"name": "strimzi-cluster-operator", "namespace": namespace},
        "spec": {"template": {"spec": {"containers": [container]}}},
        "status": {"availableReplicas": available},
    }


@pytest.mark.parametrize(
    ("deployments", "words"),
    [
        ({"": [operator(1)]}, ""),
        ({"": [operator(1, "strimzi", watches="other,ns")]}, ""),
        ({"ns": [operator(1)]}, ""),  # all namespaces may not be listed
        ({"": []}, "no Deployment strimzi-cluster-operator watches namespace ns"),
        (
            {"": [operator(1, "strimzi", watches="other")]},
            "no Deployment strimzi-cluster-operator watches namespace ns",
        ),
        ({"": [operator(0)]}, "in ns, which brings the pod back, has no replica available"),
        ({}, "cannot be read"),
    ],
)
def test_somebody_must_bring_the_pod_back(deployments: dict[str, Any], words: str) -> None:
    said = failover.operator_missing(Api(Server(deployments), Deadline(5)), "ns")
    assert words in said
    assert bool(said) is bool(words)


@pytest.mark.parametrize(("why", "deleted"), [("", 1), ("not in sync: late", 0)])
def test_it_looks_again_just_before_the_deletion(why: str, deleted: int, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def producer(*args: Any, **options: Any) -> Iterator[Producer]:
        yield Producer()

    monkeypatch.setattr(
        "ansible_collections.synergyflow.platform.plugins.module_utils.kafka_clients.producer", producer
    )
    for name in ("INTERVAL", "BEFORE", "AFTER"):
        monkeypatch.setattr(failover, name, 0.01)
    server = Server({"ns": []})
    check = failover.Failover(Api(server, Deadline(0)), None, REQUEST, [], look=lambda asking: why)  # type: ignore[arg-type]
    monkeypatch.setattr(check, "_wait", lambda gone, broker, began: "")
    if why:
        with pytest.raises(BlockedError, match=f"no broker's pod was deleted.*{why}"):
            check._write_through(Found(), "t", pod(0))
    else:
        check._write_through(Found(), "t", pod(0))
    assert len([path for method, path in server.asked if method == "DELETE" and "c-broker-0" in path]) == deleted


def test_a_pod_that_may_not_go_is_said() -> None:
    server = Server({})
    check = failover.Failover(Api(server, Deadline(0)), None, REQUEST, [], look=lambda asking: "")  # type: ignore[arg-type]
    with pytest.raises(BlockedError, match=r"no broker's pod was deleted.*forbidden"):
        check._delete(pod(0))


class Pods(Connection):
    """Answers deletions one after the other, the last one for ever; then the pod is as `after` says."""

    def __init__(self, deletions: list[Answer | Exception], after: dict[str, Any] | Exception | None) -> None:
        self.deletions, self.after = deletions, after
        self.host, self.secrets = "https://api", []

    def request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], timeout: float) -> Answer:
        said: Any = self.after
        if method == "DELETE":
            said = self.deletions.pop(0) if len(self.deletions) > 1 else self.deletions[0]
        if isinstance(said, Exception):
            raise said
        if isinstance(said, Answer):
            return said
        return Answer(200, {}, json.dumps(said).encode()) if said else Answer(404, {}, b"{}")


def refused(code: int) -> Answer:
    return Answer(code, {}, json.dumps({"kind": "Status", "code": code, "message": "the uid differs"}).encode())


LOST = UnreachableError("connection reset")
ANOTHER = {**pod(0), "metadata": {**pod(0)["metadata"], "uid": "uid-new"}}
GOING = {**pod(0), "metadata": {**pod(0)["metadata"], "deletionTimestamp": "2026-11-21T07:00:00Z"}}


def deleting(deletions: list[Answer | Exception], after: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failover, "LOOK", 0.3)
    api = Api(Pods(deletions, after), Deadline(0))
    failover.Failover(api, None, REQUEST, [], look=lambda asking: "")._delete(pod(0))  # type: ignore[arg-type]


@pytest.mark.parametrize("after", [None, ANOTHER, GOING, LOST])
@pytest.mark.parametrize("deletions", [[LOST], [refused(503)], [LOST, refused(404)], [LOST, refused(409)]])
def test_a_deletion_whose_answer_was_lost_is_measured(
    deletions: list[Answer | Exception], after: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleting(list(deletions), after, monkeypatch)


@pytest.mark.parametrize(
    ("deletions", "after"),
    [
        ([LOST], pod(0)),
        ([refused(503)], pod(0)),
        # nobody's deletion of ours: it was replaced, or went, before
        ([refused(409)], ANOTHER),
        ([refused(404)], None),
    ],
)
def test_what_was_not_deleted_is_not_measured(
    deletions: list[Answer | Exception], after: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BlockedError, match="no broker's pod was deleted"):
        deleting(deletions, after, monkeypatch)


@pytest.mark.parametrize("deleted", [True, False])
def test_an_error_after_the_deletion_leaves_what_was_measured(deleted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    check = failover.Failover(Api(Server({}), Deadline(0)), None, REQUEST, [pod(0)], look=lambda asking: "")  # type: ignore[arg-type]

    def write_through(found: Found, *__: Any) -> None:
        found.deleted = deleted
        raise UnreachableError("The API server cannot be reached")

    def read_back(found: Found, topic: str) -> None:
        found.read_all = True

    monkeypatch.setattr(check, "_write_through", write_through)
    monkeypatch.setattr(check, "_read_back", read_back)
    found, partition = Found(), {"leader_id": 0, "replica_nodes": [0, 1, 2], "isr_nodes": [0, 1, 2]}
    if not deleted:
        with pytest.raises(UnreachableError):
            check._lose_a_broker(found, "t", [partition])
        return
    check._lose_a_broker(found, "t", [partition])
    assert found.refused == ["The API server cannot be reached"]
    assert found.read_all


class Admin:
    """What the brokers say once the pod is back."""

    def __init__(self, isr: int = 3, brokers: int = 3) -> None:
        self._isr, self._brokers = isr, brokers

    def describe_topics(self) -> list[dict[str, Any]]:
        return [topic(isr=self._isr)]

    def describe_cluster(self) -> dict[str, Any]:
        return {"brokers": [{"broker_id": each, "host": f"b{each}", "port": 9093} for each in range(self._brokers)]}


@pytest.mark.parametrize(
    ("admin", "refuses", "missing"),
    [
        (Admin(), "", ""),
        (Admin(isr=2), "", "not in sync: events"),
        (Admin(brokers=1), "", "broker 1 is not in service"),
        (Admin(), "b1:9093", "broker 1: invalid credentials"),
        (Admin(), "b2:9093", ""),  # another one is none of this check's doing
    ],
)
def test_a_broker_is_back_when_it_takes_the_log_in(
    admin: Admin, refuses: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def session(login: KafkaLogin, timeout: float) -> Iterator[Admin]:
        if login.bootstrap_servers == [refuses]:
            raise BrokersError(LOGIN, "invalid credentials")
        yield admin

    monkeypatch.setattr(failover.kafka_brokers, "session", session)
    check = failover.Failover(
        Api(Server({}), Deadline(0)), KafkaLogin(["any:9093"]), REQUEST, [], look=lambda asking: ""
    )
    assert check._not_back(1) == missing


def test_the_broker_that_leads_most_goes() -> None:
    partitions = [{"leader_id": each} for each in (2, 1, 2)]
    assert failover.choose(partitions, [pod(0), pod(1), pod(2)])[0] == 2
    number, chosen = failover.choose([{"leader_id": each} for each in (2, 1, 0)], [pod(0), pod(1), pod(2)])
    assert (number, chosen["metadata"]["name"]) == (0, "c-broker-0")
    with pytest.raises(BlockedError, match="no pod belongs"):
        failover.choose([{"leader_id": 7}], [pod(0)])


# -- the writer


class Producer:
    """Acknowledges at once, but for the numbers that it refuses or never answers; tells after how many."""

    def __init__(self, refuse: int = -1, forget: int = -1) -> None:
        self.refuse, self.forget = refuse, forget
        self.offset = -1
        self.enough = threading.Event()

    def send(self, topic: str, value: bytes, partition: int) -> Any:
        self.offset += 1
        if self.offset == 9:
            self.enough.set()
        future = Future()
        if int(value) == self.refuse:
            future.failure(errors.KafkaTimeoutError("late"))
        elif int(value) != self.forget:
            future.success(Message(None, None, partition, self.offset))
        return future


def written(producer: Producer, monkeypatch: pytest.MonkeyPatch) -> Writer:
    monkeypatch.setattr(failover, "INTERVAL", 0.001)
    writer = Writer(producer, "t")
    writer.start()
    assert producer.enough.wait(60)
    writer.finish(0.2)
    writer.join(60)
    return writer


def test_the_writer_knows_what_was_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = written(Producer(), monkeypatch)
    assert len(writer.acknowledged) == len(writer.sent) > 5
    assert {message.partition for message in writer.acknowledged.values()} == {0, 1, 2}
    assert set(writer.answered) == set(writer.sent)


def test_a_write_that_nobody_answers_is_the_longest_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = written(Producer(forget=3), monkeypatch)
    assert writer.unanswered() == [3]
    writer.sent[3] -= 1000
    assert writer.longest_wait() > 1000


def test_the_longest_wait_is_the_slowest_answers() -> None:
    writer = Writer(Producer(), "t")
    writer.sent, writer.answered = {0: 10.0, 1: 11.0, 2: 12.0}, {0: 15.0, 1: 11.5, 2: 14.0}
    assert writer.longest_wait() == 5.0
    assert writer.longest_wait(since=15.0) == 5.0


def test_waits_before_the_pod_went_do_not_count() -> None:
    writer = Writer(Producer(), "t")
    writer.sent, writer.answered = {0: 10.0, 1: 19.0, 2: 21.0}, {0: 18.0, 1: 20.5, 2: 22.0}
    assert writer.longest_wait(since=20.0) == 1.5, "a write on its way when the pod went counts whole"
    assert writer.longest_wait(since=30.0) == 0.0


def test_a_refused_write_is_not_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = written(Producer(refuse=2), monkeypatch)
    assert writer.refused == {2: "KafkaTimeoutError"}
    assert 2 not in writer.acknowledged


# -- the criteria

MESSAGES = [Message(number, None, number % 3, number // 3) for number in range(9)]
GOOD = Found(
    replicas=[(3, 3)] * 3,
    pod="c-broker-0",
    broker=0,
    led=1,
    acknowledged=MESSAGES,
    read=MESSAGES,
    read_all=True,
    stall=0.8,
    recovery=12.3,
)


def test_all_is_well() -> None:
    found = failover.records(REQUEST, GOOD, ["process-node"])
    assert {record.id: record.status for record in found} == dict.fromkeys(failover.TITLES, "passed")
    assert {tuple(record.stand_in) for record in found} == {("process-node",)}
    assert [record.observed for record in found] == [3, 0, 0.8, 12.3, "nothing"]


@pytest.mark.parametrize(
    ("change", "failed", "words"),
    [
        ({"replicas": [(3, 3), (3, 3), (2, 2)]}, "AC7-replication", "3 replicas each"),
        ({"read": MESSAGES[:7]}, "AC7-lost", "lost: 7, 8"),
        ({"read": [], "read_all": False, "unread": "no broker"}, "AC7-lost", "could not be read back: no broker"),
        ({"stall": 20.0}, "AC7-stall", "20.0 instead of under 15 s"),
        ({"refused": ["4: KafkaTimeoutError"]}, "AC7-stall", "4: KafkaTimeoutError"),
        ({"recovery": 301.0}, "AC7-recovery", "301.0 instead of under 300 s"),
        ({"recovery": None, "missing": "no new pod c-broker-0"}, "AC7-recovery", "no new pod c-broker-0"),
        ({"remains": "topic t"}, "AC7-removed", "topic t"),
    ],
)
def test_each_fails_for_its_own_reason(change: dict[str, Any], failed: str, words: str) -> None:
    found = {record.id: record for record in failover.records(REQUEST, replace(GOOD, **change), [])}
    assert {identity for identity, record in found.items() if record.status != "passed"} == {failed}
    fails(found, failed, words)


def test_a_topic_that_kafka_does_not_make_has_failed_and_what_remains_is_said() -> None:
    made = failover.records(REQUEST, Found(broken="InvalidReplicationFactorError", remains="topic t"), [])
    assert [record.status for record in made] == ["failed", "blocked", "blocked", "blocked", "failed"]
    assert made[0].detail == "InvalidReplicationFactorError"


def test_nothing_acknowledged_proves_nothing() -> None:
    found = {record.id: record for record in failover.records(REQUEST, replace(GOOD, acknowledged=[]), [])}
    assert found["AC7-lost"].status == "blocked"
