# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to log in to a Kafka, read from Strimzi's objects."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import Answer, Connection
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_strimzi import (
    BlockedError,
    Strimzi,
    condition_words,
    read_strimzi,
)

PLAIN = {"name": "plain", "port": 9092, "type": "internal", "tls": False}
SCRAM = {"name": "tls", "port": 9093, "type": "internal", "tls": True, "authentication": {"type": "scram-sha-512"}}
OUTSIDE = {**SCRAM, "name": "outside", "port": 9094, "type": "loadbalancer"}
MTLS = {**SCRAM, "name": "mtls", "authentication": {"type": "tls"}}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def strimzi(listeners: list[dict[str, Any]] | None = None, **more: Any) -> Strimzi:
    kafka = {"metadata": {"name": "c"}, "spec": {"kafka": {"listeners": listeners or [PLAIN, SCRAM]}}, "status": {}}
    return Strimzi("c", "ns", "https://api", **{"kafka": kafka, **more})


@pytest.mark.parametrize(
    ("listeners", "name", "chosen"),
    [
        ([PLAIN, OUTSIDE, SCRAM], None, "tls"),
        ([{**SCRAM, "name": "bare", "tls": False}, SCRAM], None, "tls"),
        ([{**SCRAM, "name": "bare", "tls": False}], None, "bare"),
        ([SCRAM, PLAIN], "plain", "plain"),
    ],
)
def test_the_listener_is_the_named_or_the_first_that_fits(listeners: list, name: str | None, chosen: str) -> None:
    assert strimzi(listeners).listener(name)["name"] == chosen


@pytest.mark.parametrize(
    ("listeners", "name", "words"),
    [
        ([PLAIN], "nope", "has no listener nope; it has: plain .internal."),
        (
            [PLAIN, MTLS, OUTSIDE],
            None,
            "no internal listener with authentication scram-sha-512.*outside .loadbalancer.",
        ),
    ],
)
def test_without_a_listener_to_use_it_says_which_there_are(listeners: list, name: str | None, words: str) -> None:
    with pytest.raises(BlockedError, match=words):
        strimzi(listeners).listener(name)


def test_the_bootstrap_address_is_the_statuss_or_strimzis_rule() -> None:
    it = strimzi()
    assert it.bootstrap(SCRAM) == "c-kafka-bootstrap.ns.svc:9093"
    it.kafka["status"] = {"listeners": [{"name": "tls", "bootstrapServers": "elsewhere.ns.svc:9099"}]}
    assert it.bootstrap(SCRAM) == "elsewhere.ns.svc:9099"


def test_all_certificates_count_while_a_ca_is_renewed() -> None:
    data = {
        "ca.crt": encoded("NEW"),
        "ca-2026-01-01.crt": encoded("OLD"),
        "ca.p12": encoded("x"),
        "ca.password": encoded("y"),
    }
    assert sorted(strimzi(ca_secret={"data": data}).ca().split()) == ["NEW", "OLD"]


@pytest.mark.parametrize(
    ("secret", "words"),
    [(None, "Secret c-cluster-ca-cert is not there in namespace ns"), ({"data": {}}, "has no ca.crt")],
)
def test_a_missing_ca_is_said(secret: dict | None, words: str) -> None:
    with pytest.raises(BlockedError, match=words):
        strimzi(ca_secret=secret).ca()


def test_the_password_is_the_secrets() -> None:
    assert strimzi(user_secret={"data": {"password": encoded("secret-word")}}).password("u") == "secret-word"


def user(*conditions: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"name": "u"}, "status": {"conditions": list(conditions)}}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "there is neither KafkaUser u nor its Secret in namespace ns"),
        ({"user": user()}, "the Secret of KafkaUser u is not there in namespace ns: not Ready yet"),
        (
            {"user": user({"type": "NotReady", "status": "True", "reason": "Invalid", "message": "no\n such acl"})},
            "u is not there in namespace ns: NotReady Invalid: no such acl",
        ),
        ({"user": user({"type": "Ready", "status": "True"})}, "the KafkaUser is Ready, so somebody deleted it"),
        (
            {"user_secret": {"metadata": {"name": "u"}, "data": {"user.crt": "x"}}},
            "Secret u in namespace ns has no password",
        ),
    ],
)
def test_a_missing_password_is_said_with_its_cause(more: dict, words: str) -> None:
    with pytest.raises(BlockedError, match=words):
        strimzi(**more).password("u")


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ([{"type": "Ready", "status": "True"}], ""),
        ([], "not Ready yet"),
        ([{"type": "Ready", "status": "False", "reason": "KafkaError"}], "NotReady KafkaError"),
        ([{"type": "NotReady", "status": "True", "message": "boom"}], "NotReady: boom"),
    ],
)
def test_conditions_in_words(conditions: list, words: str) -> None:
    assert condition_words({"status": {"conditions": conditions}}) == words


def test_brokers_expected_are_those_of_pools_with_the_role() -> None:
    pools = [{"spec": {"replicas": 3, "roles": ["broker"]}}, {"spec": {"replicas": 5, "roles": ["controller"]}}]
    assert strimzi(pools=pools).brokers_expected == 3
    assert strimzi().brokers_expected is None


def test_stand_ins_are_found_by_their_labels() -> None:
    labels = {
        "synergyflow.platform/stand-in": "strimzi-cluster-operator",
        "synergyflow.platform/run-by": "process-node",
    }
    pods = [{"metadata": {"name": "p", "labels": labels}, "status": {}}]
    operator = {"metadata": {"name": "e", "labels": {"synergyflow.platform/stand-in": "strimzi-topic-operator"}}}
    assert strimzi(pods=pods, operator=operator).stand_in == [
        "process-node",
        "strimzi-cluster-operator",
        "strimzi-topic-operator",
    ]
    assert strimzi(pods=None).stand_in == []


class Server(Connection):
    """An API server with a few objects; the paths asked for are kept."""

    def __init__(self, objects: Mapping[str, Any], forbidden: tuple[str, ...] = ()) -> None:
        self.host, self.secrets = "https://api", []
        self.objects, self.forbidden = objects, forbidden
        self.asked: list[str] = []

    def request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], timeout: float) -> Answer:
        assert method == "GET"
        path = path.split("?", maxsplit=1)[0]
        self.asked.append(path)
        if any(part in path for part in self.forbidden):
            status = {"kind": "Status", "reason": "Forbidden", "message": "is forbidden: User x cannot list"}
            return Answer(403, {}, json.dumps(status).encode())
        if path not in self.objects:
            return Answer(404, {}, b'{"kind": "Status", "reason": "NotFound"}')
        return Answer(200, {}, json.dumps(self.objects[path]).encode())


KAFKAS = "/apis/kafka.strimzi.io/v1/namespaces/ns"
CORE = "/api/v1/namespaces/ns"


def served() -> dict[str, Any]:
    kinds = {
        "Kafka": "kafkas",
        "KafkaUser": "kafkausers",
        "KafkaTopic": "kafkatopics",
        "KafkaNodePool": "kafkanodepools",
    }
    resources = [
        {"resource": plural, "responseKind": {"kind": kind}, "scope": "Namespaced", "verbs": ["get", "list"]}
        for kind, plural in kinds.items()
    ]
    group = {"metadata": {"name": "kafka.strimzi.io"}, "versions": [{"version": "v1", "resources": resources}]}
    return {
        "/api": {"kind": "APIGroupDiscoveryList", "items": []},
        "/apis": {"kind": "APIGroupDiscoveryList", "items": [group]},
        f"{KAFKAS}/kafkas/c": {"metadata": {"name": "c"}},
        f"{KAFKAS}/kafkausers/u": {"metadata": {"name": "u"}, "status": {"secret": "strimzi-u", "username": "u"}},
        f"{KAFKAS}/kafkatopics": {"items": []},
        f"{KAFKAS}/kafkanodepools": {"items": []},
        f"{CORE}/pods": {"items": []},
        f"{CORE}/secrets/strimzi-u": {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "strimzi-u"},
            "data": {"password": encoded("secret-word")},
        },
        f"{CORE}/secrets/c-cluster-ca-cert": {"data": {"ca.crt": encoded("PEM")}},
    }


def read(server: Server, **more: Any) -> tuple[Strimzi, Api]:
    api = Api(server, Deadline(5))
    return read_strimzi(api, "c", "ns", **{"user": "u", "ca": True, "compare_resources": True, **more}), api


def test_the_users_secret_is_the_one_its_status_names_and_its_password_is_masked() -> None:
    it, api = read(Server(served()))
    assert it.password("u") == "secret-word"
    assert "secret-word" not in api.masker.text("it is secret-word")
    assert it.topics == {}


def test_what_is_only_for_the_report_may_be_forbidden() -> None:
    server = Server(served(), forbidden=("/pods", "/kafkanodepools", "/deployments", "/kafkatopics"))
    it, _api = read(server)
    assert (it.pods, it.pools, it.operator, it.topics) == (None, [], None, None)
    assert "not allowed" in it.topics_left_out
    assert it.topics_unread


def test_what_is_needed_may_not_be_forbidden() -> None:
    with pytest.raises(ClusterError, match="not allowed"):
        read(Server(served(), forbidden=("/secrets",)))


def test_no_more_is_asked_than_needed() -> None:
    server = Server(served())
    it, _api = read(server, user=None, ca=False, compare_resources=False)
    assert not [path for path in server.asked if "secrets" in path or "kafkausers" in path or "kafkatopics" in path]
    assert it.topics_left_out == "not asked for"


def test_a_cluster_without_strimzi_has_no_kafka() -> None:
    objects = {**served(), "/apis": {"kind": "APIGroupDiscoveryList", "items": []}}
    it, _api = read(Server(objects))
    assert it.kafka is None
    assert it.topics_left_out == "the cluster does not serve KafkaTopic"
