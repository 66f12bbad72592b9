# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The new Cluster that a restore makes, and what its answer is compared with."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import cnpg_objects as objects
import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import cnpg_restore
from ansible_collections.synergyflow.platform.plugins.module_utils.cnpg_cluster import Database
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from failing import fails

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def source(plugin: bool = False, **spec: Any) -> Database:
    cluster = objects.with_plugin(objects.cluster()) if plugin else objects.cluster()
    cluster["spec"] |= spec
    store = objects.object_store() if plugin else None
    return Database(objects.NAME, objects.NAMESPACE, "https://x", cluster=cluster, object_store=store)


def request(**parts: Any) -> cnpg_restore.Request:
    return cnpg_restore.Request(
        **{"name": "restored", "instances": 1, "target": None, "backs_up": True, "now": NOW, **parts}
    )


def manifest(found: Database, **parts: Any) -> dict[str, Any]:
    return cnpg_restore.cluster_manifest(found, found.store(), request(**parts))


def test_the_operators_own_backups_are_restored_under_another_server_name():
    found = source(storage={"size": "1Gi"}, certificates={"serverTLSSecret": "x"})
    before = copy.deepcopy(found.cluster)
    spec = manifest(found)["spec"]
    assert spec["bootstrap"]["recovery"] == {
        "source": "synergyflow-db",
        "database": "synergyflow",
        "owner": "synergyflow",
    }
    external = spec["externalClusters"][0]
    assert external["name"] == external["barmanObjectStore"]["serverName"] == "synergyflow-db"
    assert spec["backup"]["barmanObjectStore"]["serverName"] == "restored-20261121120000"
    assert spec["backup"]["retentionPolicy"] == "30d"
    assert spec["storage"] == {"size": "1Gi"}
    assert spec["instances"] == 1
    assert "certificates" not in spec, "they name the other's Services"
    assert found.cluster == before, "the source is not touched"


def test_the_plugins_backups_are_restored_from_the_same_store():
    spec = manifest(source(plugin=True))["spec"]
    plugin = {"name": "barman-cloud.cloudnative-pg.io"}
    parameters = {"barmanObjectName": "synergyflow-db"}
    assert spec["externalClusters"] == [
        {"name": "synergyflow-db", "plugin": plugin | {"parameters": parameters | {"serverName": "synergyflow-db"}}}
    ]
    assert spec["plugins"][0]["parameters"] == parameters | {"serverName": "restored-20261121120000"}
    assert "backup" not in spec


def test_a_restore_for_a_trial_backs_up_nothing():
    for plugin in (False, True):
        assert not {"backup", "plugins"} & set(manifest(source(plugin), backs_up=False)["spec"])


def test_a_moment_is_given_in_utc():
    moment = datetime(2026, 11, 21, 14, 30, 0, 250000, tzinfo=timezone(timedelta(hours=1)))
    target = manifest(source(), target=moment)["spec"]["bootstrap"]["recovery"]["recoveryTarget"]
    assert target == {"targetTime": "2026-11-21T13:30:00.250000Z"}


def test_a_restored_cluster_can_be_restored_again():
    birth = {"recovery": {"source": "x", "database": "d", "owner": "o", "secret": {"name": "s"}, "recoveryTarget": {}}}
    recovery = manifest(source(bootstrap=birth))["spec"]["bootstrap"]["recovery"]
    assert recovery == {"source": "synergyflow-db", "database": "d", "owner": "o", "secret": {"name": "s"}}


@pytest.mark.parametrize(("name", "words"), [(objects.NAME, "never recovered in place"), ("Wrong_name", "DNS label")])
def test_a_name_that_cannot_be_is_refused(name, words):
    assert words in (cnpg_restore.name_problem(request(name=name), source()) or "")
    assert cnpg_restore.name_problem(request(), source()) is None


@pytest.mark.parametrize(
    ("rows", "expected", "equal"),
    [
        ([{"count": 1}], 1, True),
        ([{"count": 1}], "1", True),
        ([{"count": 1}], 2, False),
        ([{"name": "a"}, {"name": "b"}], ["a", "b"], True),
        ([{"name": "a"}], ["a"], True),
        ([{"name": "a"}, {"name": "b"}], ["b", "a"], False),
        ([{"x": 1, "y": None}, {"x": 2, "y": True}], [[1, ""], [2, "true"]], True),
        ([{"x": 1, "y": 2}, {"x": 3, "y": 4}], [{"x": 1, "y": 2}, {"x": 3, "y": 4}], True),
        ([], [], True),
        ([], 0, False),
    ],
)
def test_an_answer_is_compared_as_text(rows, expected, equal):
    assert cnpg_restore.same(rows, expected) is equal


def test_a_restored_database_that_holds_something_else_fails():
    request = {"name": "restored", "query": "SELECT name FROM orders", "expected": ["first"]}
    record = cnpg_restore.proof(request, [{"name": "second"}], 1.5, ["process-node"])
    fails([record], "DB-restore", "second instead of ['first']: restored: SELECT name FROM orders")
    assert cnpg_restore.proof(request, [{"name": "first"}], 1.5, []).status == "passed"
    assert cnpg_restore.proof(request | {"expected": None}, [], 1.5, []).status == "passed", "it answers"


@pytest.mark.parametrize("query", ["DELETE FROM x", "insert into x values (1)", "", "DROP TABLE x", "SELECTED x"])
def test_only_questions_are_asked(query):
    with pytest.raises(ClusterError, match="must be a question"):
        cnpg_restore.read_only(query)


@pytest.mark.parametrize("query", ["select 1", "SELECT\n  count(*)\nFROM x", "SELECT(1)", " (VALUES (1))", "show all;"])
def test_questions_are_known_however_they_are_written(query):
    assert cnpg_restore.read_only(query) == query
