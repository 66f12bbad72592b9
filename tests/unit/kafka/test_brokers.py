# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of kafka-python's errors, and that its log does not give the password away."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import certifi
import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_brokers
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_brokers import (
    CERTIFICATE,
    LOGIN,
    PERMISSION,
    UNREACHABLE,
    BrokersError,
    KafkaLogin,
    diagnose,
    read_topics,
)
from kafka import KafkaAdminClient, errors
from kafka.protocol.admin import DescribeConfigsResponse
from kafka.protocol.metadata import MetadataRequest, MetadataResponse

TIMEOUT = errors.KafkaTimeoutError("Unable to bootstrap from ['c-kafka-bootstrap.ns.svc:9093']")
CUT_OFF = errors.KafkaConnectionError("socket disconnected")
REFUSED = errors.SaslAuthenticationFailedError("Authentication failed due to invalid credentials")
# any PEM certificates will do here
CA = Path(certifi.where()).read_text(encoding="utf-8")
UNTRUSTED = errors.KafkaConnectionError("Handshake failed: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")


@pytest.mark.parametrize(
    ("heard", "error", "kind", "words"),
    [
        ([CUT_OFF, REFUSED, CUT_OFF], TIMEOUT, LOGIN, "invalid credentials"),
        ([UNTRUSTED], TIMEOUT, CERTIFICATE, "CERTIFICATE_VERIFY_FAILED"),
        ([], errors.TopicAuthorizationFailedError("t"), PERMISSION, "t"),
        ([CUT_OFF], TIMEOUT, UNREACHABLE, "close the connection before the log-in is done"),
        ([ConnectionRefusedError(111, "refused")], TIMEOUT, UNREACHABLE, "refused"),
        ([], TIMEOUT, UNREACHABLE, "Unable to bootstrap"),
    ],
)
def test_the_cause_is_found_behind_the_time_out(heard: list, error: Exception, kind: str, words: str) -> None:
    found = diagnose(heard, error)
    assert found.kind == kind
    assert words in str(found)


def test_a_login_does_not_show_its_secrets() -> None:
    login = KafkaLogin(["b:1"], "u", "hunter2-password", "PEM", "socks5h://u:proxy-secret@127.0.0.1:1")
    assert "hunter2" not in repr(login)
    assert "proxy-secret" not in repr(login)


@pytest.mark.parametrize(
    ("password", "ca", "protocol"),
    [(None, None, "PLAINTEXT"), ("p", None, "SASL_PLAINTEXT"), (None, CA, "SSL"), ("p", CA, "SASL_SSL")],
)
def test_the_protocol_follows_from_what_there_is(password: str | None, ca: str | None, protocol: str) -> None:
    options = KafkaLogin(["b:1"], "u", password, ca).client_options()
    assert options["security_protocol"] == protocol
    assert ("ssl_context" in options) is (ca is not None)


def test_a_ca_that_is_none_is_said() -> None:
    with pytest.raises(BrokersError, match="cannot be read as PEM") as raised:
        KafkaLogin(["b:1"], ca="-----BEGIN CERTIFICATE-----\nnonsense").client_options()
    assert raised.value.kind == CERTIFICATE


def test_nobody_there_is_said_in_time_and_leaves_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    before = set(threading.enumerate())
    logger = logging.getLogger("kafka")
    logger.setLevel(logging.DEBUG)
    try:
        with pytest.raises(BrokersError) as raised:
            read_topics(KafkaLogin(["127.0.0.1:9"], "user", "hunter2-password"), ["t"], timeout=1.5)
        assert raised.value.kind == UNREACHABLE
        assert logger.level == logging.DEBUG
        assert logger.propagate
    finally:
        logger.setLevel(logging.NOTSET)
    assert "hunter2" not in caplog.text + str(raised.value)
    assert [thread.name for thread in set(threading.enumerate()) - before] == []


def test_a_hopeless_attempt_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_brokers, "FIRST_ATTEMPT_SECONDS", 0.2)
    asked = []

    def hopeless() -> bool:
        asked.append(True)
        return True

    with pytest.raises(BrokersError):
        read_topics(KafkaLogin(["127.0.0.1:9"]), [], timeout=60, hopeless=hopeless)
    assert asked == [True]


@pytest.mark.parametrize(("timeout", "least", "most"), [(8, 7000, 8000), (0.5, 1000, 1000)])
def test_a_request_does_not_outlive_the_check(
    timeout: float, least: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def admin_client(**options: Any) -> None:
        given.update(options)
        raise errors.KafkaTimeoutError

    monkeypatch.setattr(kafka_brokers, "TopicAdmin", admin_client)
    with pytest.raises(BrokersError):
        read_topics(KafkaLogin(["127.0.0.1:9"]), [], timeout=timeout, hopeless=lambda: True)
    assert least <= given["request_timeout_ms"] <= most


def test_the_option_reaches_every_connection() -> None:
    client = kafka_brokers.KafkaNetClient(bootstrap_servers=["127.0.0.1:9"], request_timeout_ms=1234)
    try:
        assert client._manager.config["request_timeout_ms"] == 1234
    finally:
        client.close()
        client._manager._net.stop()


def test_configuration_is_read_as_the_library_reads_it() -> None:
    result, made = DescribeConfigsResponse.DescribeConfigsResult, []
    entry = result.DescribeConfigsResourceResult
    for name, keys in {"events": 3, "hidden": 0}.items():
        configs = [
            entry(name=f"key.{number}", value=None if number else "1", config_source=1 + 2 * number, config_type=number)
            for number in range(keys)
        ]
        made.append(result(error_code=0 if keys else 29, resource_type=2, resource_name=name, configs=configs))
    answer = DescribeConfigsResponse.decode(DescribeConfigsResponse(results=made).encode(version=4), version=4)
    theirs = KafkaAdminClient._describe_configs_process_responses([answer], "all")["topic"]
    ours = kafka_brokers.TopicAdmin._describe_configs_process_responses([answer], "all")["topic"]
    used = ("value", "config_source", "config_type")
    assert ours == {
        topic: {key: {field: one[field] for field in used} for key, one in keys.items()}
        for topic, keys in theirs.items()
    }
    assert {topic: len(keys) for topic, keys in ours.items()} == {"events": 3, "hidden": 0}


class Answer:
    """What is waited for: made, or raised."""

    def __init__(self, made: Any) -> None:
        self.made = made

    def __await__(self) -> Iterator[Any]:
        if isinstance(self.made, Exception):
            raise self.made
        yield from ()
        return self.made


class Brokers:
    """kafka-python's connections, as far as a TopicAdmin uses them: what is sent to whom, in its order."""

    def __init__(self, topics: int, brokers: list[int], known: list[int], refuse: Mapping[int, Exception]) -> None:
        self.names = [f"t{number}" for number in range(topics)]
        self.brokers, self.refuse = brokers, refuse
        self.cluster = SimpleNamespace(brokers=lambda: [SimpleNamespace(node_id=each) for each in known])
        self.sent: list[tuple[int | None, int]] = []

    def run(self, work: Any, *args: Any) -> Any:
        return asyncio.run(work(*args))

    def least_loaded_node(self) -> int:
        return 1

    def send(self, request: Any, node_id: int | None = None, request_timeout_ms: float | None = None) -> Answer:
        if isinstance(request, MetadataRequest):
            return Answer(self.metadata(request.topics))
        names = [name for _type, name, _keys in request.resources]
        self.sent.append((node_id, len(names)))
        if node_id in self.refuse:
            return Answer(self.refuse[node_id])
        result = DescribeConfigsResponse.DescribeConfigsResult
        entry = result.DescribeConfigsResourceResult(name="key", value="1", config_source=5, config_type=2)
        made = [result(error_code=0, resource_type=2, resource_name=name, configs=[entry]) for name in names]
        return Answer(DescribeConfigsResponse(results=made))

    def metadata(self, topics: Any) -> MetadataResponse:
        broker, topic = MetadataResponse.MetadataResponseBroker, MetadataResponse.MetadataResponseTopic
        return MetadataResponse(
            version=12,
            brokers=[broker(node_id=each, host="h", port=1, rack=None) for each in self.brokers],
            topics=[topic(error_code=0, name=name, partitions=[]) for name in self.names] if topics is None else [],
        )


def told(
    topics: int, brokers: list[int], refuse: Mapping[int, Exception] | None = None, known: list[int] | None = None
) -> tuple[kafka_brokers.Reading, list[tuple[int | None, int]]]:
    """What is read, and what was sent for it, by an admin client that is logged in to broker 1."""
    admin = object.__new__(kafka_brokers.TopicAdmin)
    admin._manager = Brokers(topics, brokers, brokers if known is None else known, refuse or {})
    return kafka_brokers._read(admin, ["t0"], 0.0), admin._manager.sent


GONE, BUSY = errors.KafkaConnectionError("socket disconnected"), errors.NodeNotReadyError("paused")
REFUSES = errors.SaslAuthenticationFailedError("not known there yet")
HALVES = [(0, 250), (1, 250)]


@pytest.mark.parametrize(
    ("topics", "brokers", "more", "sent"),
    [
        (500, [2, 0, 1], {}, HALVES),
        (201, [0, 1], {}, [(0, 100), (1, 101)]),
        # the one that it is logged in to tells the rest, after its own half
        (500, [0, 1, 2], {"refuse": {0: GONE}}, [*HALVES, (1, 250)]),
        (500, [0, 1, 2], {"refuse": {0: BUSY}}, [*HALVES, (1, 250)]),
        (500, [0, 1, 2], {"refuse": {0: REFUSES}}, [*HALVES, (1, 250)]),
        (500, [1], {}, [(None, 500)]),
        (11, [0, 1, 2], {}, [(None, 11)]),
        # brokers that only one of the two answers names are not asked
        (500, [0, 1, 2], {"known": [1, 2]}, [(2, 250), (1, 250)]),
        (500, [1, 2], {"known": [0, 1]}, [(None, 500)]),
        (500, [0, 2], {}, [(None, 500)]),
    ],
)
def test_two_brokers_are_asked_for_the_configuration_of_many_topics(
    topics: int, brokers: list[int], more: dict[str, Any], sent: list[tuple[int | None, int]]
) -> None:
    reading, was_sent = told(topics, brokers, **more)
    assert was_sent == sent
    assert (reading.requests, reading.brokers) == (1 + len(sent), sorted(brokers))
    assert set(reading.configs) == {f"t{number}" for number in range(topics)}
    assert reading.configs["t0"] == {"key": {"value": "1", "config_source": "DEFAULT_CONFIG", "config_type": "STRING"}}


@pytest.mark.parametrize("refuse", [{0: errors.ClusterAuthorizationFailedError()}, {1: GONE}])
def test_what_is_not_allowed_or_fails_where_it_is_logged_in_is_no_answer(refuse: dict[int, Exception]) -> None:
    with pytest.raises(type(next(iter(refuse.values())))):
        told(300, [0, 1], refuse)


def test_a_topic_that_is_missing_costs_a_request() -> None:
    admin = object.__new__(kafka_brokers.TopicAdmin)
    admin._manager = Brokers(11, [0, 1], [0, 1], {})
    assert kafka_brokers._read(admin, ["not-there"], 0.0).requests == 3


class Older:
    """An admin client of a version that knows none of the hooks: it says who serves when it is asked."""

    brokers_told, asked = None, 0

    def describe_cluster(self) -> dict[str, Any]:
        return {"brokers": [{"broker_id": 2, "is_fenced": True}, {"broker_id": 1}, {"broker_id": 0}]}

    def describe_topics(self) -> list[dict[str, Any]]:
        return [{"name": "t", "error_code": 0, "partitions": []}]

    def describe_configs(self, wanted: Any, config_filter: str) -> dict[str, Any]:
        return {"topic": {"t": {}}}


def test_a_version_without_the_hooks_is_asked_who_serves() -> None:
    reading = kafka_brokers._read(Older(), ["t"], 0.0)
    assert (reading.brokers, reading.requests, list(reading.configs)) == ([0, 1], 3, ["t"])


def test_the_collector_rests_while_topics_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    @contextmanager
    def connected(*_: Any) -> Iterator[Older]:
        yield Older()

    class ReadError(Exception):
        pass

    def read(*_: Any) -> None:
        seen.append(gc.isenabled())
        raise ReadError

    monkeypatch.setattr(kafka_brokers, "_connected", connected)
    monkeypatch.setattr(kafka_brokers, "_read", read)
    with pytest.raises(ReadError):
        read_topics(KafkaLogin(["127.0.0.1:9"]), [], timeout=1)
    assert (seen, gc.isenabled()) == ([False], True)
