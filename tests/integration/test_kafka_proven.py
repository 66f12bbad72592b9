# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Round trip and failover against the platform's three brokers: as they should be, and each thing that stops them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_brokers
from ansible_collections.synergyflow.platform.plugins.module_utils.bridge import Bridge
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_brokers import KafkaLogin
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_own import PREFIX, delete_topics, new_name
from kubernetes import client as kubernetes_client
from kubernetes import config as kubernetes_config

CLUSTER, NAMESPACE, KAFKA, USER = "apps", "messaging", "synergyflow", "platform-check"


def secret(platform: Any, name: str, key: str) -> str:
    found = platform.get(CLUSTER, "-n", NAMESPACE, "secret", name)
    return base64.b64decode(found["data"][key]).decode()


@contextmanager
def brokers(platform: Any) -> Iterator[Any]:
    """An admin client that may do what the checks may."""
    configuration = kubernetes_client.Configuration()
    kubernetes_config.load_kube_config(str(platform.kubeconfig(CLUSTER)), client_configuration=configuration)
    with Bridge(configuration) as bridge:
        login = KafkaLogin([f"{KAFKA}-kafka-bootstrap.{NAMESPACE}.svc:9093"], USER, secret(platform, USER, "password"))
        login.ca, login.proxy_url = secret(platform, f"{KAFKA}-cluster-ca-cert", "ca.crt"), bridge.proxy_url
        with kafka_brokers.session(login, 60) as admin:
            yield admin


def made(platform: Any) -> list[str]:
    """Topics and groups of the checks that are there."""
    with brokers(platform) as admin:
        names = [*admin.list_topics(), *(group["group_id"] for group in admin.list_groups())]
    return sorted(name for name in names if name.startswith(PREFIX))


def check(platform: Any, module: str, **options: Any) -> dict[str, Any]:
    """Run a module by a playbook; its result, in which no password is."""
    out = platform.scratch / "proven.json"
    out.unlink(missing_ok=True)
    options = {"cluster": KAFKA, "namespace": NAMESPACE, "user": USER, "fail": False, **options}
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "tasks": [
            {
                f"synergyflow.platform.{module}": {"kubeconfig": str(platform.kubeconfig(CLUSTER)), **options},
                "register": "found",
            },
            {"ansible.builtin.copy": {"dest": str(out), "content": "{{ found | to_json }}", "mode": "0600"}},
        ],
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
    }
    done = platform.playbook(yaml.safe_dump([play]), "-i", "localhost,", "-vvv")
    assert done.returncode == 0, done.stdout + done.stderr
    assert secret(platform, USER, "password") not in done.stdout + done.stderr + out.read_text()
    result = json.loads(out.read_text())
    assert result["changed"] is False
    return result


def records(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {record["id"]: record for record in result["evidence"]}


def statuses(result: dict[str, Any]) -> set[str]:
    return {record["status"] for record in result["evidence"]}


def test_messages_come_back_and_what_a_killed_run_left_is_gone(platform: Any) -> None:
    left = new_name("killed", datetime.now(UTC) - timedelta(hours=2))
    with brokers(platform) as admin:
        admin.create_topics({left: {"num_partitions": 1, "replication_factor": 3}})
    result = check(platform, "kafka_round_trip", messages=300)
    assert result["passed"], result["msg"]
    found = records(result)
    assert (found["AC6-consumed"]["observed"], found["AC6-topic"]["observed"]) == (300, 3)
    assert "process-node" in found["AC6-order"]["stand_in"]
    assert made(platform) == []


@pytest.mark.parametrize("module", ["kafka_round_trip", "kafka_performance", "kafka_failover"])
def test_a_user_without_the_rights_is_told_which(platform: Any, module: str) -> None:
    pods = platform.get(CLUSTER, "-n", NAMESPACE, "pods", "-l", "strimzi.io/broker-role=true")["items"]
    result = check(platform, module, user="schema-registry")
    assert statuses(result) == {"blocked"}
    assert result["passed"] is False
    # the failover looks at all topics first, and may not see most of them
    words = "may not be seen by this user" if module == "kafka_failover" else f"on topics with the prefix {PREFIX}"
    assert words in result["msg"], result["msg"]
    now = platform.get(CLUSTER, "-n", NAMESPACE, "pods", "-l", "strimzi.io/broker-role=true")["items"]
    assert {pod["metadata"]["uid"] for pod in now} == {pod["metadata"]["uid"] for pod in pods}


def test_no_broker_goes_while_a_topic_needs_all_of_them(platform: Any) -> None:
    pair = new_name("pair")
    with brokers(platform) as admin:
        admin.create_topics({pair: {"num_partitions": 3, "replication_factor": 2}}, wait_for_metadata=True)
    try:
        result = check(platform, "kafka_failover")
    finally:
        with brokers(platform) as admin:
            assert delete_topics(admin, [pair]) == []
    assert statuses(result) == {"blocked"}
    assert f"cannot be written to with a replica less: {pair}" in result["msg"]


@pytest.mark.nightly
def test_no_message_is_lost_with_a_broker(platform: Any) -> None:
    def uids() -> set[str]:
        pods = platform.get(CLUSTER, "-n", NAMESPACE, "pods", "-l", f"strimzi.io/name={KAFKA}-kafka")["items"]
        return {pod["metadata"]["uid"] for pod in pods}

    before = uids()
    # how long it takes says more of this machine than of Kafka
    result = check(platform, "kafka_failover", stall=120, recovery=300)
    found = records(result)
    assert result["passed"], result["msg"]
    assert found["AC7-lost"]["observed"] == 0
    assert len(uids() - before) == 1
    assert made(platform) == []


def test_events_go_all_the_way(platform: Any) -> None:
    database = {
        "database_cluster": "synergyflow-db",
        "database_namespace": "synergyflow",
        "database": "synergyflow",
        "database_secret": "synergyflow-db-check",
        "database_pooler": "synergyflow-db-pooler-rw",
    }
    result = check(platform, "event_flow_check", events=20, **database)
    assert result["passed"], result["msg"]
    assert [record["observed"] for record in result["evidence"]][2:5] == [20, 20, 20]
    assert made(platform) == []
    found = records(check(platform, "event_flow_check", events=20, **database | {"database_pooler": "nowhere"}))
    assert {name for name, record in found.items() if record["status"] != "passed"} == {"AC12-database"}
    assert "nowhere" in found["AC12-database"]["detail"]
    found = records(check(platform, "event_flow_check", events=20, registry_service="nowhere"))
    assert found["AC12-schema"]["status"] == "failed"
    assert "nowhere" in found["AC12-schema"]["detail"]
    assert {found[f"AC12-{name}"]["status"] for name in ("refused", "produced", "consumed")} == {"blocked"}
    assert found["AC12-removed"]["status"] == "passed"
