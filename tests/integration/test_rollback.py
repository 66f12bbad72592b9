# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollbacks on the session's platform: refused without a write, killed and finished, and all of it there again.

The tests stand in an order in which each leaves the platform fit for the next; the last one deploys it again.
"""

from __future__ import annotations

import base64
import json
import signal
import time
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from site_runs import Watch, check_others, output, run

NAMESPACE, KAFKA, TOPIC = "messaging", "synergyflow", "user-events"
CALLBACKS = Path(__file__).parent / "callbacks"
BROKERS = f"strimzi.io/cluster={KAFKA},strimzi.io/component-type=kafka"
SERVERS = f"{KAFKA}-kafka-bootstrap.{NAMESPACE}.svc:9093"
MESSAGES = 5


def rollback(platform: Any, name: str, *args: str, kill_before: str = "", **variables: Any) -> CompletedProcess[str]:
    """A rollback on `apps`; with `kill_before` it is killed right before that task."""
    environment = {"ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS), "ANSIBLE_CALLBACKS_ENABLED": "kill_before"}
    return platform.playbook(
        f"playbooks/rollback_{name}.yml",
        *("-i", "inventories/rehearsal", "-l", "apps", "-e", json.dumps({"flux_enabled": False} | variables)),
        *args,
        **(environment | {"KILL_BEFORE": kill_before} if kill_before else {}),
    )


def names(platform: Any, kind: str, *more: str) -> set[str]:
    return {item["metadata"]["name"] for item in platform.get("apps", kind, "-n", NAMESPACE, *more)["items"]}


def broker_tool(platform: Any, folder: Path, script: str, *args: str) -> str:
    """One of Kafka's own tools in a broker's pod, logged in as the backend."""

    def value(secret: str, key: str) -> str:
        data = platform.get("apps", "secret", secret, "-n", NAMESPACE)["data"]
        return base64.b64decode(data[key]).decode()

    ca, config = folder / "ca.crt", folder / "client.properties"
    ca.write_text(value(f"{KAFKA}-cluster-ca-cert", "ca.crt"))
    login = value("synergyflow-backend", "sasl.jaas.config")
    config.write_text(
        "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nssl.truststore.type=PEM\n"
        f"ssl.truststore.location={ca}\nsasl.jaas.config={login}\n"
    )
    command = [f"bin/{script}.sh", "--command-config", str(config), *args]
    pod = ("exec", "-n", NAMESPACE, f"{KAFKA}-broker-0", "-c", "kafka", "--")
    end = time.monotonic() + 90
    while True:  # a broker that came back just now may not know the user's credentials yet
        done = platform.kubectl("apps", *pod, *command, timeout=300, check=False)
        if not done.returncode:
            return done.stdout
        if time.monotonic() > end:
            pytest.fail(f"{script} failed:\n{done.stdout}\n{done.stderr}")
        time.sleep(2)


def produce(platform: Any, folder: Path, topic: str = TOPIC) -> None:
    """As many messages as `consume` looks for, each its number."""
    perf = ("--topic", topic, "--payload-monotonic", "--throughput", "-1", "--num-records", str(MESSAGES))
    address = ("--command-property", f"bootstrap.servers={SERVERS}")
    broker_tool(platform, folder, "kafka-producer-perf-test", *perf, *address)


def consume(platform: Any, folder: Path, topic: str = TOPIC) -> bool:
    """Whether the first messages of the topic are those of `produce`."""
    there = ("--topic", topic, "--bootstrap-server", SERVERS, "--group", "synergyflow-test")
    limits = ("--from-beginning", "--max-messages", str(MESSAGES), "--timeout-ms", "60000")
    read = broker_tool(platform, folder, "kafka-console-consumer", *there, *limits)
    return sorted(read.split())[:MESSAGES] == [str(number) for number in range(MESSAGES)]


def test_check_mode_says_the_plan_and_writes_nothing(platform):
    watch = Watch(platform, "apps")
    done = rollback(platform, "kafka_cluster", "--check")
    assert done.returncode == 0, output(done)
    for words in (
        "Rollback R4 of Kafka cluster on apps",
        "1. KafkaTopic",
        f"Kafka {KAFKA}",
        "the volumes of data-0-synergyflow-broker-0",
        "schema_registry (messaging/schema-registry): has nowhere to keep its schemas",
        "rollback_confirm=kafka_cluster@apps",
    ):
        assert words in output(done)
    assert watch.writes == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"rollback_confirm": "kafka_cluster@infra"}, "it must be kafka_cluster@apps"),
        ({}, "Confirm with -e rollback_confirm=kafka_cluster@apps"),
        (
            {"rollback_confirm": "kafka_cluster@apps", "rollback_delete_claims": True},
            "rollback_without_backup=kafka_cluster",
        ),
    ],
    ids=["another cluster's phrase", "no terminal to ask at", "data would die"],
)
def test_what_is_not_confirmed_writes_nothing(platform, given, told):
    watch = Watch(platform, "apps")
    done = rollback(platform, "kafka_cluster", **given)
    assert done.returncode != 0
    assert told in output(done)
    assert watch.writes == []


def test_commits_are_not_reverted_with_all_of_it(platform):
    watch = Watch(platform, "apps")
    done = rollback(platform, "all", rollback_confirm="all@apps", rollback_revert="0123abc")
    assert done.returncode != 0
    assert "commits are reverted with one component" in output(done)
    assert watch.writes == []


def test_what_is_switched_off_is_said_to_be(platform):
    watch = Watch(platform, "apps")
    done = rollback(platform, "kafka_cluster", rollback_confirm="kafka_cluster@apps", kafka_cluster_enabled=False)
    assert done.returncode == 0, output(done)
    assert "kafka_cluster_enabled is false on apps: nothing of the Kafka cluster was looked at" in output(done)
    assert watch.writes == []


def test_a_waiver_of_all_of_it_has_to_say_whose_data_may_die(platform):
    watch = Watch(platform, "apps")
    given = {"rollback_delete_claims": True, "rollback_without_backup": True}
    done = rollback(platform, "all", rollback_confirm="all@apps", **given)
    assert done.returncode != 0
    assert "rollback_without_backup=true does not say whose last backup is meant" in output(done)
    assert "kafka_cluster" in output(done).rpartition("as in -e rollback_without_backup=")[2]
    assert watch.writes == []


def test_a_killed_rollback_is_finished_by_the_same_command(platform):
    """Killed with the journal open, again with everything deleted; another one is refused meanwhile."""
    before = platform.get("apps", "kafka", KAFKA, "-n", NAMESPACE)["metadata"]
    confirmed = {"rollback_confirm": "schema_registry@apps"}
    killed = rollback(platform, "schema_registry", kill_before="Delete, each group gone before the next", **confirmed)
    assert killed.returncode == -signal.SIGKILL
    assert "schema-registry" in names(platform, "deployment")

    watch = Watch(platform, "apps")
    refused = rollback(platform, "volsync", rollback_confirm="volsync@apps")
    assert refused.returncode != 0
    assert "A rollback of schema_registry is not finished" in output(refused)
    assert watch.writes == []

    killed = rollback(platform, "schema_registry", kill_before="Prove that it is gone, and nothing else", **confirmed)
    assert killed.returncode == -signal.SIGKILL
    assert "schema-registry" not in names(platform, "deployment")

    done = rollback(platform, "schema_registry", **confirmed)
    assert done.returncode == 0, output(done)
    assert "this run goes on with it" in output(done)
    check_others(done)
    assert platform.kubectl("apps", "get", "configmap", "synergyflow-rollback", check=False).returncode != 0
    after = platform.get("apps", "kafka", KAFKA, "-n", NAMESPACE)["metadata"]
    assert (after["uid"], after["generation"]) == (before["uid"], before["generation"])

    watch = Watch(platform, "apps")
    again = rollback(platform, "schema_registry", **confirmed)
    assert again.returncode == 0, output(again)
    assert "nothing to do" in output(again)
    assert watch.writes == []


def test_kafka_comes_back_with_its_messages(platform, tmp_path):
    produce(platform, tmp_path)
    identity = platform.get("apps", "kafka", KAFKA, "-n", NAMESPACE)["status"]["clusterId"]
    done = rollback(platform, "kafka_cluster", rollback_confirm="kafka_cluster@apps")
    assert done.returncode == 0, output(done)
    assert names(platform, "pod", "-l", BROKERS) == set()
    assert names(platform, "kafka") == set()
    assert names(platform, "pvc", "-l", BROKERS) == {f"data-0-{KAFKA}-broker-{number}" for number in range(3)}
    bindings = platform.get("apps", "clusterrolebinding")["items"]
    assert f"strimzi-{NAMESPACE}-{KAFKA}-kafka-init" not in {each["metadata"]["name"] for each in bindings}

    back = run(platform, "site", "apps")
    assert back.returncode == 0, output(back)
    kafka = platform.get("apps", "kafka", KAFKA, "-n", NAMESPACE)
    assert kafka["status"]["clusterId"] == identity
    assert "strimzi.io/pause-reconciliation" not in kafka["metadata"].get("annotations", {})
    assert consume(platform, tmp_path)
