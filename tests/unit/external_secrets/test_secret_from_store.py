# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What the stand-in makes of an ExternalSecret, as external-secrets v1.3.2 does."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rehearsal.external_secrets import secret_from_store
from rehearsal.external_secrets.secret_from_store import NO_DATA, NO_UPDATE, SyncError, data, refresh_in, secret

STORE = {"kind": "ClusterSecretStore", "name": "vault-backend"}
VAULT = {"postgresql/synergyflow": {"username": "u", "password": "p"}}
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def _resource(target: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    metadata = {"name": "db", "namespace": "n", "uid": "1", "generation": 2, "labels": {"own": "label"}}
    return {"metadata": metadata, "spec": {"secretStoreRef": STORE, "target": target or {}, **spec}}


def _reference(key: str, name: str | None = None) -> dict[str, Any]:
    return {"secretKey": "k", "remoteRef": {"key": key, **({"property": name} if name else {})}}


def _look(store: Mapping[str, str], key: str) -> dict[str, str] | None:
    assert store == STORE
    return VAULT.get(key)


def _plain(made: dict[str, Any] | None) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in (made or {})["data"].items()}


def test_values_come_by_property_whole_and_extracted() -> None:
    path = "postgresql/synergyflow"
    assert data(_resource(data=[_reference(path, "password")]), _look) == {"k": "p"}
    assert data(_resource(data=[_reference(path)]), _look) == {"k": '{"username":"u","password":"p"}'}
    assert data(_resource(dataFrom=[{"extract": {"key": path}}]), _look) == VAULT[path]


@pytest.mark.parametrize(
    ("spec", "detail"),
    [
        ({"data": [_reference("nowhere", "a")]}, "spec.data[0] (key: nowhere), err: Secret does not exist"),
        ({"dataFrom": [{"extract": {"key": "nowhere"}}]}, "spec.dataFrom[0].extract, err: Secret does not exist"),
        (
            {"data": [_reference("postgresql/synergyflow", "a")]},
            'spec.data[0] (key: postgresql/synergyflow), err: cannot find secret data for key: "a"',
        ),
        ({"dataFrom": [{"find": {}}]}, "spec.dataFrom[0]: the stand-in knows extract alone"),
    ],
)
def test_what_is_missing_is_named_in_the_event(spec: dict[str, Any], detail: str) -> None:
    with pytest.raises(SyncError) as caught:
        data(_resource(**spec), _look)
    assert str(caught.value) == f"error processing {detail}"
    assert caught.value.condition == NO_DATA


def test_a_secret_of_its_own_belongs_to_the_external_secret_and_copies_its_labels() -> None:
    made = secret(_resource(), None, {"a": "b"}) or {}
    assert (made["metadata"]["name"], made["type"], _plain(made)) == ("db", "Opaque", {"a": "b"})
    assert made["metadata"]["labels"]["own"] == "label"
    assert made["metadata"]["labels"][secret_from_store.MANAGED] == "true"
    assert made["metadata"]["labels"][secret_from_store.STAND_IN] == "external-secrets"
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("ExternalSecret", "1", True)
    assert secret_from_store.is_whole(made, _resource())


def test_a_template_decides_type_keys_and_labels() -> None:
    template = {
        "type": "kubernetes.io/basic-auth",
        "metadata": {"labels": {"x": "y"}},
        "data": {"uri": "postgres://{{ .username }}:{{- .password | b64enc -}} @h"},
    }
    made = secret(_resource({"name": "t", "template": template}), None, VAULT["postgresql/synergyflow"]) or {}
    assert (made["metadata"]["name"], made["type"]) == ("t", "kubernetes.io/basic-auth")
    assert _plain(made) == {"uri": "postgres://u:cA==@h"}
    assert {"own", "x"} & set(made["metadata"]["labels"]) == {"x"}
    merged = secret(
        _resource({"template": {**template, "mergePolicy": "Merge"}}), None, {"username": "u", "password": "p"}
    )
    assert set(_plain(merged)) == {"uri", "username", "password"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ .nope }}", "map has no entry for key 'nope'"),
        ("{{ .username | sha256sum }}", "function 'sha256sum' not defined"),
        ("{{ if .username }}x{{ end }}", "the stand-in does not know"),
        ("{{ .username | b64dec }}", "error calling b64dec"),
    ],
)
def test_a_template_that_cannot_be_executed_shows_no_value(text: str, words: str) -> None:
    with pytest.raises(SyncError) as caught:
        secret(_resource({"template": {"data": {"k": text}}}), None, {"username": "canary-value!"})
    assert caught.value.condition == NO_UPDATE
    assert words in str(caught.value)
    assert "canary" not in str(caught.value)


def test_merge_keeps_the_other_keys_and_makes_nothing_anew() -> None:
    resource = _resource({"creationPolicy": "Merge"})
    assert secret(resource, None, {"a": "b"}) is None
    existing = {"metadata": {"name": "db", "namespace": "n"}, "data": {"other": "eA=="}}
    made = secret(resource, existing, {"a": "b"}) or {}
    assert _plain(made) == {"other": "x", "a": "b"}
    assert "ownerReferences" not in made["metadata"]


def test_a_secret_of_another_external_secret_is_left_alone() -> None:
    owner = {"kind": "ExternalSecret", "name": "another", "uid": "9", "controller": True}
    with pytest.raises(SyncError, match="owned by another ExternalSecret: another"):
        secret(_resource(), {"metadata": {"name": "db", "ownerReferences": [owner]}}, {})


def test_a_secret_changed_by_hand_is_not_whole() -> None:
    made = secret(_resource(), None, {"a": "b"}) or {}
    assert not secret_from_store.is_whole({**made, "data": {"a": "eA=="}}, _resource())
    assert not secret_from_store.is_whole(None, _resource())


def _synced(ago: float, **spec: Any) -> dict[str, Any]:
    resource = _resource(**spec)
    refreshed = (NOW - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    version = secret_from_store.version(resource)
    return {**resource, "status": {"refreshTime": refreshed, "syncedResourceVersion": version}}


def test_when_values_are_read_again() -> None:
    assert refresh_in(_resource(), NOW) == 0
    assert refresh_in(_synced(60, refreshInterval="1h30m"), NOW) == 5340
    assert refresh_in(_synced(60, refreshInterval="30s"), NOW) == 0
    assert refresh_in(_synced(60, refreshInterval="0"), NOW) is None
    assert refresh_in(_synced(9999, refreshPolicy="CreatedOnce"), NOW) is None
    forced = _synced(1, refreshInterval="1h")
    forced["metadata"] = {**forced["metadata"], "annotations": {"force-sync": "1"}}
    assert refresh_in(forced, NOW) == 0
    assert secret_from_store.version(forced).startswith("2-")


def test_the_time_of_a_condition_is_that_of_its_last_change() -> None:
    first = secret_from_store.ready(None, "True", "SecretSynced", "secret synced", "t1")
    assert secret_from_store.ready(first, "True", "SecretSynced", "secret synced", "t2") == first
    (failed,) = secret_from_store.ready(first, "False", "SecretSyncedError", NO_DATA, "t3")
    assert (failed["lastTransitionTime"], failed["status"]) == ("t3", "False")
