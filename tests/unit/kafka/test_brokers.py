# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of kafka-python's errors, and that its log does not give the password away."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
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
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.protocol.admin import DescribeConfigsResponse

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
    """What a TopicAdmin sends to whom; some brokers answer with an error."""

    def __init__(self, refuse: Mapping[int, Exception]) -> None:
        self.refuse, self.sent = refuse, []

    def send(self, request: Any, node_id: int | None = None) -> Answer:
        names = [name for _type, name, _keys in request.resources]
        self.sent.append((node_id, len(names)))
        if node_id in self.refuse:
            return Answer(self.refuse[node_id])
        result = DescribeConfigsResponse.DescribeConfigsResult
        entry = result.DescribeConfigsResourceResult(name="key", value="1", config_source=5, config_type=2)
        made = [result(error_code=0, resource_type=2, resource_name=name, configs=[entry]) for name in names]
        return Answer(DescribeConfigsResponse(results=made))


def asking(refuse: Mapping[int, Exception], brokers: list[int] | None) -> Any:
    admin = object.__new__(kafka_brokers.TopicAdmin)
    admin._manager = Brokers(refuse)
    admin.brokers_told = brokers and [{"node_id": each} for each in brokers]
    return admin


def configuration(admin: Any, topics: int) -> Any:
    wanted = [ConfigResource(ConfigResourceType.TOPIC, f"t{number}") for number in range(topics)]
    return asyncio.run(admin._async_describe_configs(wanted, config_filter="all"))


GONE = errors.KafkaConnectionError("socket disconnected")


@pytest.mark.parametrize(
    ("topics", "brokers", "refuse", "sent"),
    [
        (500, [2, 0, 1], {}, [(0, 250), (1, 250)]),
        (201, [0, 1], {}, [(0, 101), (1, 100)]),
        (500, [0, 1, 2], {1: GONE}, [(0, 250), (1, 250), (None, 250)]),
        (500, [0], {}, [(None, 500)]),
        (11, [0, 1, 2], {}, [(None, 11)]),
        (500, None, {}, [(None, 500)]),
    ],
)
def test_two_brokers_are_asked_for_the_configuration_of_many_topics(
    topics: int, brokers: list[int] | None, refuse: dict[int, Exception], sent: list[tuple[int | None, int]]
) -> None:
    admin = asking(refuse, brokers)
    found = configuration(admin, topics)
    assert admin._manager.sent == sent
    assert admin.asked == len(sent)
    assert set(found["topic"]) == {f"t{number}" for number in range(topics)}
    assert found["topic"]["t0"] == {"key": {"value": "1", "config_source": "DEFAULT_CONFIG", "config_type": "STRING"}}


def test_only_a_broker_that_went_is_replaced_by_another() -> None:
    admin = asking({1: errors.ClusterAuthorizationFailedError()}, [0, 1])
    with pytest.raises(errors.ClusterAuthorizationFailedError):
        configuration(admin, 300)
    assert admin._manager.sent == [(0, 150), (1, 150)]


class Told:
    """An admin client of a version without the hooks: it says who serves when it is asked."""

    brokers_told, asked = None, 0

    def describe_cluster(self) -> dict[str, Any]:
        return {"brokers": [{"broker_id": 2, "is_fenced": True}, {"broker_id": 1}, {"broker_id": 0}]}

    def describe_topics(self, names: list[str] | None = None) -> list[dict[str, Any]]:
        return [{"name": "t", "error_code": 0, "partitions": []}] if names is None else []

    def describe_configs(self, wanted: Any, config_filter: str) -> dict[str, Any]:
        assert not gc.isenabled()
        return {"topic": {"t": {}}}


class ToldWithTopics(Told):
    """One with them."""

    brokers_told, asked = [{"node_id": 1}, {"node_id": 0}], 2

    def describe_cluster(self) -> dict[str, Any]:
        raise AssertionError("asked for what is known")


@pytest.mark.parametrize(("admin", "requests"), [(Told(), 3), (ToldWithTopics(), 3)])
def test_who_serves_is_read_from_the_answer_about_topics(admin: Any, requests: int) -> None:
    with kafka_brokers._without_collector():
        reading = kafka_brokers._read(admin, ["t"], 0.0)
    assert (reading.brokers, reading.requests, list(reading.configs)) == ([0, 1], requests, ["t"])
    assert gc.isenabled()
