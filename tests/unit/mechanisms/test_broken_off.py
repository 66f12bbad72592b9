# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A check that an error breaks off tells that of its criteria when it is not to fail: the role's other checks go on."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import (
    cnpg_evidence,
    event_flow,
    kafka_evidence,
    kafka_failover,
    kafka_performance,
    kafka_round_trip,
    schema_registry_probe,
    volsync_check,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.cnpg_cluster import Database
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.plugin_utils import cluster_action
from failing import fails
from scripted_api import ScriptedConnection, status

PLACE = {"cluster": "c", "namespace": "n"}
WHERE = {"bootstrap_servers": ["broker:9092"], "user": "u"}
DATABASE = ("primary", "pooler", "extensions", "schemas", "roles", "replicas", "lag", "archiver")
#: check -> its options, and the ids of all of its records
CHECKS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "cnpg_backup_info": (PLACE, [identity for identity, __ in cnpg_evidence.EVERY]),
    "cnpg_database_check": (PLACE, [f"DB-{name}" for name in DATABASE]),
    "event_flow_check": (PLACE | WHERE, list(event_flow.TITLES)),
    "kafka_failover": (PLACE | WHERE, list(kafka_failover.TITLES)),
    "kafka_performance": (PLACE | WHERE, list(kafka_performance.TITLES)),
    "kafka_round_trip": (PLACE | WHERE, list(kafka_round_trip.TITLES)),
    "kafka_topics_check": (
        PLACE | WHERE | {"topics": []},
        [f"kafka_topics.{aspect}" for aspect in kafka_evidence.TITLES],
    ),
    "schema_registry_check": ({}, [f"schema_registry_check.{aspect}" for aspect in schema_registry_probe.TITLES]),
    "volsync_check": ({"secret": "s", "secret_namespace": "n"}, list(volsync_check.TITLES)),
}
REASON = "the credentials (401): they are wrong or have expired; log in again."


def run(name: str, monkeypatch: pytest.MonkeyPatch, **options: Any) -> dict[str, Any]:
    """The result of a task on a cluster that refuses every question."""
    refusing = ScriptedConnection(lambda *asked: status(401, "Unauthorized"))
    monkeypatch.setattr(refusing, "close", lambda: None, raising=False)
    monkeypatch.setattr(cluster_action, "open_connection", lambda args: refusing)
    module = import_module(f"ansible_collections.synergyflow.platform.plugins.action.{name}")
    task = SimpleNamespace(args=options, check_mode=False, async_val=0, diff=False, environment=[], _role=None)
    machine = SimpleNamespace(_shell=SimpleNamespace(tmpdir="unused"))
    action = module.ActionModule(task, machine, SimpleNamespace(), None, None, None)
    return action.run(None, {})


@pytest.mark.parametrize("name", CHECKS)
def test_every_criterion_says_what_became_of_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options, ids = CHECKS[name]
    result = run(name, monkeypatch, **options, fail=False)
    assert not result.get("failed"), result
    assert result["passed"] is False
    assert [each["id"] for each in result["evidence"]] == ids
    assert not {each["status"] for each in result["evidence"]} & {"passed", "skipped"}
    assert REASON.rstrip(".") in str(result["evidence"][0]["detail"])
    failed = run(name, monkeypatch, **options)
    assert failed["failed"]
    assert REASON in failed["msg"]


def test_options_that_make_no_sense_always_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("kafka_round_trip", monkeypatch, **PLACE, **WHERE, messages=-1, fail=False)
    assert (result["failed"], result["msg"].partition(":")[0]) == (True, "messages")


def test_the_objects_of_a_role_are_one_record(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "ansible_collections.synergyflow.platform.plugins.action.component_evidence"
    module = import_module(name)

    def break_off(*_given: Any) -> None:
        raise ClusterError("no answer within 60 s")

    monkeypatch.setattr(module.ActionModule, "_look", break_off)
    monkeypatch.setattr(module.role_values, "chosen_roles", lambda *_given: ["strimzi"])
    result = run("component_evidence", monkeypatch, roles=["strimzi"], fail=False)
    (record,) = result["evidence"]
    assert (record["id"], record["status"], record["detail"]) == (
        "strimzi.broken_off",
        "failed",
        "no answer within 60 s",
    )
    assert not result["met"]
    assert run("component_evidence", monkeypatch, roles=["strimzi"])["failed"]


@pytest.mark.parametrize(
    ("cluster", "reason"),
    [(None, "there is no Cluster c in namespace n"), ({"spec": {}}, "Cluster c in namespace n has no backups")],
)
def test_without_a_cluster_or_its_backups_the_last_backup_has_failed(
    cluster: dict[str, Any] | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("ansible_collections.synergyflow.platform.plugins.action.cnpg_backup_info")
    found = Database("c", "n", "https://x", cluster=cluster)
    monkeypatch.setattr(module, "read_database", lambda *given, **more: found)
    result = run("cnpg_backup_info", monkeypatch, **PLACE, fail=False)
    assert not result["failed"]
    assert reason in result["msg"]
    fails(result["evidence"], "DB-backup", reason)
    assert [each["id"] for each in result["evidence"]] == [identity for identity, __ in cnpg_evidence.EVERY]
    assert {each["status"] for each in result["evidence"] if each["id"] != "DB-backup"} == {"blocked"}
    assert run("cnpg_backup_info", monkeypatch, **PLACE)["failed"]
