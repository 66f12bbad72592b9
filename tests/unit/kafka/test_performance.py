# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kafka's own tools: what they are told, what is read from what they say, and what is made of the figures."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_performance as performance
from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_round_trip as round_trip
from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_tools
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_brokers import BrokersError, KafkaLogin
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_performance import Found, Request
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_strimzi import BlockedError
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_tools import Consumed, Produced
from ansible_collections.synergyflow.platform.plugins.module_utils.pod_exec import Output, Place, exit_code
from failing import fails

# as 3.8 and 4.3 print them
PRODUCER = """\
31021 records sent, 6204.2 records/sec (3.03 MB/sec), 210.1 ms avg latency, 701.0 ms max latency.
50000 records sent, 12345.679012 records/sec (6.03 MB/sec), 98.74 ms avg latency, 712.00 ms max latency, 60 ms 50th,\
 310 ms 95th, 590 ms 99th, 700 ms 99.9th.
"""
CONSUMER = """\
start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms,\
 fetch.MB.sec, fetch.nMsg.sec
2026-11-21 15:00:00:123, 2026-11-21 15:00:04:456, 24.4141, 5.6343, 50000, 11539.3492, 3310, 1023, 23.8651, 48875.8553
"""
REQUEST = Request(
    replicas=3,
    records=50000,
    record_size=512,
    producer_rate=10000,
    consumer_rate=15000,
    latency_p95=50,
    latency_p99=100,
    timeout=60,
)
LOGIN = KafkaLogin(["c-kafka-bootstrap.ns.svc:9093"], "check", 'hun"ter\\2', "-----BEGIN\nabc\n-----END\n")


def test_figures_are_those_of_the_summary() -> None:
    assert kafka_tools.produced(PRODUCER) == Produced(50000, 12345.679012, 310, 590)
    assert kafka_tools.consumed(CONSUMER) == Consumed(50000, 48875.8553, 11539.3492)


def test_without_figures_there_are_none() -> None:
    assert kafka_tools.produced("Exception in thread main") is None
    assert kafka_tools.consumed(CONSUMER.splitlines()[0]) is None
    assert kafka_tools.latencies(" CreateTime:1700000000000") == []


def test_latency_is_from_making_to_arrival() -> None:
    text = "1700000000.012345 CreateTime:1700000000000\n1700000001.500000 CreateTime:1700000001499\n"
    assert kafka_tools.latencies(text) == [pytest.approx(12.345), pytest.approx(1.0)]


def test_the_configuration_survives_java_and_jaas() -> None:
    text = kafka_tools.client_properties(LOGIN)
    lines = dict(line.split("=", 1) for line in text.splitlines())
    assert lines["security.protocol"] == "SASL_SSL"
    assert lines["ssl.truststore.certificates"] == "-----BEGIN\\nabc\\n-----END\\n"
    # JAAS escapes once, the properties file once more
    assert lines["sasl.jaas.config"].endswith('password="hun\\\\"ter\\\\\\\\2";')
    assert kafka_tools._escaped("ü") == "\\u00fc"


def test_the_script_reads_the_configuration_and_tools_get_it_as_a_file(tmp_path: Path) -> None:
    """The tools' place is taken by one that shows what it was given: bash does the rest for real."""
    tools = tmp_path / "bin"
    tools.mkdir()
    fake = (
        '#!/bin/sh\nwhile [ $# -gt 1 ]; do [ "$1" = --producer.config ] && cat "$2"; shift; done\necho "$1"; exit 7\n'
    )
    (tools / "kafka-producer-perf-test.sh").write_text(fake)
    (tools / "kafka-producer-perf-test.sh").chmod(0o700)
    properties = kafka_tools.client_properties(LOGIN)
    body = kafka_tools.producer_command("b:9093", "t", count=5, size=10, rate=-1, seconds=9)
    script = kafka_tools.script(body, properties)
    assert "hun" not in script
    done = subprocess.run(
        ["bash", "-c", script],
        input=properties + "what follows is not read",
        env={"PATH": "/usr/bin:/bin", "KAFKA_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == (f"{properties}acks=all\n", 7), done.stderr


def test_latency_is_measured_once_the_consumer_is_awake(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    scripts = {
        "kafka-console-consumer.sh": "echo --x is old; for each in 1 2 3; do echo CreateTime:170000000000$each; done",
        "kafka-producer-perf-test.sh": "echo produced",
    }
    for name, text in scripts.items():
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o700)
    body = kafka_tools.latency_command("b:9093", "t", count=2, size=10, seconds=10)

    def run() -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/bin:/bin", "KAFKA_HOME": str(tmp_path)}
        command = ["bash", "-c", kafka_tools.script(body, "x=y\n")]
        return subprocess.run(command, input="x=y\n", env=environment, capture_output=True, text=True, check=False)

    done = run()
    assert len(kafka_tools.latencies(done.stdout)) == 2, done
    assert (done.stderr, done.returncode) == ("produced\n", 0)
    (tools / "kafka-console-consumer.sh").write_text("#!/bin/sh\nexit 1\n")
    failed = run()
    assert (failed.stdout, failed.returncode) == ("", 92)
    assert "the consumer read nothing" in failed.stderr


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ('{"status": "Success"}', 0),
        ('{"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": "7"}]}}', 7),
        ('{"status": "Failure", "message": "error executing command: cmd wait: bash: exit status 92"}', 92),
        ('{"status": "Failure", "message": "container not found"}', None),
        ("", None),
    ],
)
def test_the_exit_code_is_in_the_status(status: str, code: int | None) -> None:
    assert exit_code(status) == code


# -- where, and what of it


def pod(name: str, memory: str = "4Gi", ready: str = "True", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "ns", "labels": labels},
        "spec": {"containers": [{"name": "kafka", "resources": {"limits": {"memory": memory}}}]},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def test_it_measures_beside_a_broker_that_is_ready() -> None:
    controller = {"strimzi.io/broker-role": "false"}
    pods = [pod("c-controller-9", **controller), pod("c-broker-0", ready="False"), pod("c-broker-1")]
    assert performance.place(pods).pod == "c-broker-1"
    with pytest.raises(BlockedError, match="no broker's pod is ready"):
        performance.place(pods[:2])


def test_a_small_broker_is_left_alone() -> None:
    with pytest.raises(BlockedError, match="c-broker-0 may have 1Gi of memory"):
        performance.place([pod("c-broker-0", memory="1Gi")])


GOOD = Found(
    produced=Produced(50000, 12345.6, 5, 9),
    consumed=Consumed(50000, 48875.9, 11539.3),
    latencies=[float(each) for each in range(1, 101)][:40] * 15,
    pod="c-broker-0",
)


def test_all_is_well() -> None:
    found = {record.id: record for record in performance.records(REQUEST, GOOD, ["process-node"])}
    assert {identity: record.status for identity, record in found.items()} == dict.fromkeys(
        performance.TITLES, "passed"
    )
    assert found["AC7-producer-rate"].observed == 12346
    assert found["AC7-consumer-rate"].observed == 48876
    assert [found[f"AC7-latency-p{each}"].observed for each in (50, 95, 99)] == [20, 38, 40]
    assert found["AC7-latency-p50"].expected is None


@pytest.mark.parametrize(
    ("change", "failed", "words"),
    [
        ({"produced": Produced(50000, 9999.0, 5, 9)}, "AC7-producer-rate", "9999 instead of > 10000: 50000 messages"),
        ({"consumed": Consumed(50000, 14999.0, 9.0)}, "AC7-consumer-rate", "joining the group 9/s"),
        ({"consumed": Consumed(49999, 99999.0, 9.0)}, "AC7-consumer-rate", "only 49999 of 50000"),
        (
            {"latencies": [10.0] * 94 + [60.0] * 6},
            "AC7-latency-p95",
            "60.0 instead of < 50: 100 messages, 200 a second",
        ),
        ({"latencies": [10.0] * 98 + [160.0] * 2}, "AC7-latency-p99", "160.0 instead of < 100: 100 messages"),
        ({"remains": "topic t"}, "AC7-performance-removed", "topic t"),
    ],
)
def test_each_fails_for_its_own_reason(change: dict[str, Any], failed: str, words: str) -> None:
    found = {record.id: record for record in performance.records(REQUEST, replace(GOOD, **change), [])}
    assert {identity for identity, record in found.items() if record.status != "passed"} == {failed}
    fails(found, failed, words)


def test_without_a_target_figures_are_figures() -> None:
    request = replace(REQUEST, producer_rate=0, consumer_rate=0, latency_p95=0, latency_p99=0)
    found = performance.records(request, replace(GOOD, produced=Produced(50000, 12.0, 5, 9)), [])
    assert {(record.status, record.expected) for record in found[:-1]} == {("passed", None)}
    short = performance.records(request, replace(GOOD, produced=Produced(49999, 12.0, 5, 9)), [])
    assert short[0].status == "failed"


class Pod:
    """Gives the outputs of the tools one after the other, and is no pod."""

    def __init__(self, *outputs: Output) -> None:
        self.outputs = list(outputs)

    def run(self, *args: Any, **options: Any) -> Output:
        return self.outputs.pop(0)


def measured(monkeypatch: pytest.MonkeyPatch, *outputs: Output) -> Found:
    monkeypatch.setattr(performance, "run_in_pod", Pod(*outputs).run)
    run = performance.Performance(LOGIN, REQUEST, Place("ns", "c-broker-0", "kafka"), bootstrap="b:1", api_client=None)
    found = Found()
    run._throughput(found, "t", "g")
    found.reasons.setdefault("AC7-latency", "not tried")
    return found


def test_a_tool_that_had_to_be_ended_has_missed_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured(monkeypatch, Output("31021 records sent", "", 124))
    producer, consumer, *__ = performance.records(REQUEST, found, [])
    assert (producer.status, producer.observed, producer.expected) == ("failed", "under 833 messages/s", "> 10000")
    assert "not done after 60 s" in producer.detail
    assert (consumer.status, consumer.detail) == ("blocked", "there was nothing to read")
    found = measured(monkeypatch, Output(PRODUCER, "", 0), Output("", "", 124))
    assert [record.status for record in performance.records(REQUEST, found, [])[:2]] == ["passed", "failed"]
    # a tool that cannot run says nothing of Kafka
    found = measured(monkeypatch, Output("", "OutOfMemoryError", 1))
    assert performance.records(REQUEST, found, [])[0].status == "blocked"


def brokers_that(monkeypatch: pytest.MonkeyPatch, error: BrokersError) -> None:
    """Make no topic but say why, and cannot be met again afterwards."""
    met = []

    @contextmanager
    def session(*args: Any, **options: Any) -> Iterator[Any]:
        if met:
            raise BrokersError("unreachable", "gone")
        met.append(True)
        yield Admin()

    class Admin:
        def list_topics(self) -> list[str]:
            return []

        list_groups = list_topics

        def create_topics(self, *args: Any, **options: Any) -> None:
            raise error

    monkeypatch.setattr("ansible_collections.synergyflow.platform.plugins.module_utils.kafka_brokers.session", session)


def test_what_kafka_breaks_off_has_failed_and_what_remains_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    brokers_that(monkeypatch, BrokersError("unreachable", "NotEnoughReplicasError"))
    run = performance.Performance(LOGIN, REQUEST, Place("ns", "c-broker-0", "kafka"), bootstrap="b:1", api_client=None)
    made = performance.records(REQUEST, run.run(), [])
    assert [record.status for record in made] == ["failed", *["blocked"] * 4, "failed"]
    assert made[0].detail == "NotEnoughReplicasError"
    assert "gone" in made[-1].detail
    brokers_that(monkeypatch, BrokersError("unreachable", "NotEnoughReplicasError"))
    request = round_trip.Request(6, 3, 3, 10)
    made = round_trip.records(request, round_trip.run(LOGIN, request), ["process-node"])
    assert [record.status for record in made] == ["failed", *["blocked"] * 5, "failed"]
    assert "gone" in made[-1].detail
    assert {tuple(record.stand_in) for record in made} == {("process-node",)}


def test_a_right_that_is_missing_says_nothing_of_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    brokers_that(monkeypatch, BrokersError("permission", "TopicAuthorizationFailedError"))
    with pytest.raises(BrokersError, match="TopicAuthorizationFailedError"):
        round_trip.run(LOGIN, round_trip.Request(6, 3, 3, 10))


def test_latency_that_kafka_breaks_off_leaves_the_throughput() -> None:
    found = replace(GOOD, latencies=[], tried={"AC7-producer-rate", "AC7-consumer-rate"}, failed={}, reasons={})
    run = performance.Performance(LOGIN, REQUEST, Place("ns", "p", "kafka"), bootstrap="b:1", api_client=None)
    run._broken_off(found, "no leader")
    made = performance.records(REQUEST, found, [])
    assert [record.status for record in made] == ["passed", "passed", "failed", "failed", "failed", "passed"]
    fails(made, "AC7-latency-p50", "no leader")  # without a target there is no other way to miss it


def test_what_could_not_be_measured_is_blocked_with_its_reason() -> None:
    reasons = {"AC7-producer-rate": "exit code 1: no", "AC7-consumer-rate": "nothing", "AC7-latency": "exit code 92"}
    found = performance.records(REQUEST, Found(reasons=reasons), [])
    assert [record.status for record in found] == ["blocked"] * 5 + ["passed"]
    assert found[0].detail == "exit code 1: no"
    assert found[3].detail == "exit code 92"
