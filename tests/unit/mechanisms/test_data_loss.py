# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which deletions and which changes destroy data, and what is said about them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.data_loss import (
    changes,
    losses,
    may_lose_by_change,
    question,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.objects import key_of

DAY = 86_400_000
GIB = 1024**3


def manifest(kind: str, name: str, namespace: str = "n", api_version: str = "v1", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


def topic(managed: str | None = None, **config: Any) -> dict[str, Any]:
    """Settings as retention_ms=1."""
    it = manifest("KafkaTopic", "orders", api_version="kafka.strimzi.io/v1")
    it["metadata"]["labels"] = {"strimzi.io/cluster": "events"}
    it["spec"] = {"partitions": 1, "config": {name.replace("_", "."): value for name, value in config.items()}}
    if managed:
        it["metadata"]["annotations"] = {"strimzi.io/managed": managed}
    return it


@pytest.mark.parametrize(
    ("it", "lost"),
    [
        (topic(), True),
        (topic("true"), True),
        (topic("false"), False),
        (manifest("PersistentVolumeClaim", "x"), True),
        (manifest("Namespace", "x", namespace=""), True),
        (manifest("ConfigMap", "x"), False),
        (manifest("Cluster", "x", api_version="postgresql.cnpg.io/v1"), True),
        (manifest("Cluster", "x", api_version="example.com/v1"), False),
        (manifest("Database", "x", api_version="postgresql.cnpg.io/v1"), False),
        (
            manifest("Database", "x", api_version="postgresql.cnpg.io/v1", spec={"databaseReclaimPolicy": "delete"}),
            True,
        ),
        (manifest("StatefulSet", "x", api_version="apps/v1"), False),
        (
            manifest(
                "StatefulSet",
                "x",
                api_version="apps/v1",
                spec={"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}},
            ),
            True,
        ),
    ],
)
def test_where_data_dies(it: dict[str, Any], lost: bool) -> None:
    assert [key for key, _what in losses([it])] == ([key_of(it)] if lost else [])


def test_the_question_says_what_to_type_and_how_to_keep_a_topic() -> None:
    text = question(losses([topic()]), [], "kafka_cluster@apps")
    assert "KafkaTopic n/orders" in text
    assert "-e confirm_data_loss=kafka_cluster@apps" in text
    assert 'strimzi.io/managed: "false"' in text
    assert "strimzi.io/managed" not in question(losses([manifest("PersistentVolumeClaim", "x")]), [], "x@y")


def kafka(**config: Any) -> dict[str, Any]:
    it = manifest("Kafka", "events", api_version="kafka.strimzi.io/v1")
    it["spec"] = {"kafka": {"config": {name.replace("_", "."): value for name, value in config.items()}}}
    return it


def lost(before: dict[str, Any], after: dict[str, Any], *around: dict[str, Any]) -> list[str]:
    return [f"{key}: {what}" for key, what in changes([before, *around], [after, *around])]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"retention_ms": 7 * DAY}, {"retention_ms": DAY}, "retention.ms from 7 days to 1 day"),
        ({"retention_ms": str(7 * DAY)}, {"retention_ms": 36 * DAY // 24}, "retention.ms from 7 days to 36 hours"),
        ({"retention_ms": -1}, {"retention_ms": DAY}, "retention.ms from for ever to 1 day"),
        ({"retention_ms": 30 * DAY}, {}, "retention.ms from 30 days to 7 days"),
        ({}, {"retention_ms": 90_000}, "retention.ms from 7 days to 90 seconds"),
        ({"retention_ms": 1501}, {"retention_ms": 1500}, "retention.ms from 1501 ms to 1500 ms"),
        ({}, {"retention_bytes": GIB}, "retention.bytes from unlimited to 1 GiB a partition"),
        (
            {"retention_bytes": 2 * GIB},
            {"retention_bytes": GIB + 1},
            "retention.bytes from 2 GiB a partition to 1073741825 bytes a partition",
        ),
        (
            {"cleanup_policy": "compact"},
            {"cleanup_policy": "delete"},
            "cleanup.policy from compact to delete: no message is kept beyond 7 days",
        ),
        (
            {"cleanup_policy": "compact", "retention_ms": -1},
            {"cleanup_policy": "delete,compact", "retention_ms": -1, "retention_bytes": GIB},
            "cleanup.policy from compact to compact,delete: no message is kept beyond 1 GiB a partition",
        ),
        (
            {},
            {"cleanup_policy": "compact"},
            "cleanup.policy from delete to compact: of each key only the last message is kept",
        ),
        (
            {"cleanup_policy": ["delete"]},
            {"cleanup_policy": ["delete", "compact"]},
            "cleanup.policy from delete to compact,delete: of each key only the last message is kept",
        ),
    ],
)
def test_a_change_that_destroys_messages_is_named(before: dict[str, Any], after: dict[str, Any], said: str) -> None:
    assert lost(topic(**before), topic(**after)) == [f"KafkaTopic n/orders: {said}"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"retention_ms": DAY}, {"retention_ms": 7 * DAY}),
        ({"retention_ms": DAY}, {"retention_ms": -1}),
        ({}, {"retention_ms": 7 * DAY}),
        ({"retention_ms": str(7 * DAY)}, {"retention_ms": 7 * DAY, "segment_ms": 1}),
        ({"retention_bytes": GIB}, {"retention_bytes": -1}),
        # retention means nothing while nothing is deleted by age or size
        ({"cleanup_policy": "compact", "retention_ms": DAY}, {"cleanup_policy": "compact", "retention_ms": 1}),
        ({"cleanup_policy": "compact,delete"}, {"cleanup_policy": "delete, compact"}),
        ({"cleanup_policy": "compact,delete"}, {"cleanup_policy": "compact"}),
        ({"cleanup_policy": "compact,delete"}, {"cleanup_policy": "delete"}),
        ({"cleanup_policy": "compact", "retention_ms": -1}, {"cleanup_policy": "delete", "retention_ms": -1}),
        # Kafka refuses it: nothing happens to the messages
        ({"retention_ms": 7 * DAY}, {"retention_ms": "soon"}),
    ],
)
def test_other_changes_ask_nothing(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert lost(topic(**before), topic(**after)) == []


def test_several_settings_are_all_named() -> None:
    before, after = topic(retention_ms=2 * DAY, retention_bytes=-1), topic(retention_ms=DAY, retention_bytes=GIB)
    assert len(lost(before, after)) == 2


def test_a_topic_that_nobody_manages_keeps_its_messages() -> None:
    assert lost(topic("false", retention_ms=2 * DAY), topic("false", retention_ms=DAY)) == []


def test_what_is_new_or_of_another_kind_loses_nothing() -> None:
    assert changes([], [topic(retention_ms=1)]) == []
    other = topic(retention_ms=2) | {"apiVersion": "example.com/v1"}
    assert lost(other, topic(retention_ms=1) | {"apiVersion": "example.com/v1"}) == []


def test_a_topic_without_settings_of_its_own_has_its_kafkas() -> None:
    around = kafka(log_retention_hours=24 * 90)
    assert lost(topic(), topic(retention_ms=30 * DAY), around) == [
        "KafkaTopic n/orders: retention.ms from 90 days to 30 days"
    ]
    assert lost(topic(retention_ms=30 * DAY), topic(), around) == []


def test_a_broker_default_that_shrinks_is_named_once() -> None:
    before, after = kafka(log_retention_hours=48, log_retention_ms=-1), kafka(log_retention_hours=48)
    said = "Kafka n/events: for topics without their own, retention.ms from for ever to 2 days"
    assert lost(before, after, topic()) == [said]
    assert lost(kafka(log_retention_minutes=60), kafka(log_retention_hours=1)) == []


def test_the_question_names_deletions_and_changes() -> None:
    changed = changes([topic(retention_ms=7 * DAY)], [topic(retention_ms=DAY)])
    both = question(losses([manifest("PersistentVolumeClaim", "x")]), changed, "x@y")
    for words in (
        "no longer in the set",
        "PersistentVolumeClaim n/x",
        "These changes destroy data: KafkaTopic n/orders: retention.ms from 7 days to 1 day.",
        "-e confirm_data_loss=x@y; to keep the data, put the objects back into the set and keep the old values.",
    ):
        assert words in both
    alone = question([], changed, "x@y")
    assert "no longer in the set" not in alone
    assert "strimzi.io/managed" not in alone


def of_cnpg(policy: str | None) -> dict[str, Any]:
    return manifest("Cluster", "db", api_version="postgresql.cnpg.io/v1", spec={"backup": {"retentionPolicy": policy}})


def of_plugin(policy: str | None) -> dict[str, Any]:
    return manifest("ObjectStore", "db", api_version="barmancloud.cnpg.io/v1", spec={"retentionPolicy": policy})


def of_volsync(**retain: Any) -> dict[str, Any]:
    spec = {"restic": {"retain": retain}}
    return manifest("ReplicationSource", "files", api_version="volsync.backube/v1alpha1", spec=spec)


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        (of_cnpg("30d"), of_cnpg("7d"), ["backups are kept 7d instead of 30d"]),
        (of_cnpg("30d"), of_cnpg("31d"), []),
        (of_cnpg("4w"), of_cnpg("30d"), []),
        (of_cnpg("30d"), of_cnpg("4w"), ["backups are kept 4w instead of 30d"]),
        (of_cnpg(None), of_cnpg("30d"), ["backups are kept 30d instead of for ever"]),
        (of_cnpg("30d"), of_cnpg(None), []),
        (of_plugin("30d"), of_plugin("29d"), ["backups are kept 29d instead of 30d"]),
        (of_plugin("30d"), of_plugin("30d"), []),
        (of_volsync(hourly=24, daily=7), of_volsync(hourly=12, daily=7), ["hourly snapshots kept from 24 to 12"]),
        (of_volsync(hourly=24, daily=7), of_volsync(hourly=24), ["daily snapshots kept from 7 to none"]),
        (of_volsync(hourly=24), of_volsync(hourly=24, weekly=4), []),
        (of_volsync(last="3"), of_volsync(), ["last snapshots kept from 3 to 1"]),
        (of_volsync(), of_volsync(last="1"), []),
        (of_volsync(within="2d12h"), of_volsync(within="60h"), []),
        (of_volsync(within="2d12h"), of_volsync(within="2d"), ["snapshots are kept within 2d instead of 2d12h"]),
    ],
)
def test_backups_that_a_shorter_retention_lets_go(before, after, lost) -> None:
    assert may_lose_by_change(after)
    assert [what for _key, what in changes([before], [after])] == lost


def test_a_shorter_retention_that_comes_with_the_plugin_asks_as_well() -> None:
    """The Cluster loses its policy and the new ObjectStore has one: the backups are the same."""
    plugin = {"name": "barman-cloud.cloudnative-pg.io", "parameters": {"barmanObjectName": "db"}}
    moved = manifest("Cluster", "db", api_version="postgresql.cnpg.io/v1", spec={"plugins": [plugin]})
    found = changes([of_cnpg("30d")], [moved, of_plugin("7d")])
    assert [(str(key), what) for key, what in found] == [
        (str(key_of(of_plugin("7d"))), "backups are kept 7d instead of 30d")
    ]
    assert changes([of_cnpg("30d")], [moved, of_plugin("30d")]) == []
    assert changes([], [moved, of_plugin("7d")]) == []
