# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a field manager applied, from the live object."""

from __future__ import annotations

from typing import Any

from bench.owned_fields import applied_by


def live(fields: dict[str, Any], manager: str = "me", operation: str = "Apply", **content: Any) -> dict[str, Any]:
    entry = {"manager": manager, "operation": operation, "fieldsV1": fields}
    metadata = {"name": "x", "namespace": "n", "uid": "u", "labels": {"a": "1", "b": "2"}, "managedFields": [entry]}
    return {"apiVersion": "v1", "kind": "Thing", "metadata": metadata, **content}


def test_only_what_the_manager_owns_and_what_names_the_object() -> None:
    found = applied_by(
        "me", live({"f:metadata": {"f:labels": {"f:a": {}}}, "f:data": {"f:k": {}}}, data={"k": "v", "l": "w"})
    )
    assert found == {
        "apiVersion": "v1",
        "kind": "Thing",
        "metadata": {"name": "x", "namespace": "n", "labels": {"a": "1"}},
        "data": {"k": "v"},
    }


def test_items_of_a_keyed_list_by_their_keys_without_defaulted_ones() -> None:
    ports = [{"port": 80, "protocol": "TCP", "nodePort": 1}, {"port": 81, "protocol": "TCP"}]
    fields = {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}}
    found = applied_by("me", live(fields, ports=ports))
    assert found is not None
    assert found["ports"] == [{"port": 80}]


def test_items_of_a_set_by_value_and_atomic_lists_whole() -> None:
    fields = {"f:finalizers": {'v:"one"': {}}, "f:args": {}}
    found = applied_by("me", live(fields, finalizers=["one", "two"], args=["-a", "-b"]))
    assert found is not None
    assert (found["finalizers"], found["args"]) == (["one"], ["-a", "-b"])


def test_an_empty_map_that_is_owned_stays_empty() -> None:
    found = applied_by("me", live({"f:emptyDir": {".": {}}}, emptyDir={"medium": "Memory"}))
    assert found is not None
    assert found["emptyDir"] == {}


def test_the_order_of_the_live_list_is_kept() -> None:
    fields = {"f:env": {'k:{"name":"A"}': {"f:name": {}}, 'k:{"name":"B"}': {"f:name": {}}}}
    found = applied_by("me", live(fields, env=[{"name": "B"}, {"name": "A"}]))
    assert found is not None
    assert found["env"] == [{"name": "B"}, {"name": "A"}]


def test_a_field_that_was_applied_empty_and_is_left_out_by_the_server() -> None:
    found = applied_by(
        "me", live({"f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}}}}, env=[{"name": "A"}])
    )
    assert found is not None
    assert found["env"] == [{"name": "A", "value": ""}]


def test_updates_and_other_managers_are_no_applies() -> None:
    assert applied_by("me", live({}, operation="Update")) is None
    assert applied_by("me", live({}, manager="kubectl")) is None
