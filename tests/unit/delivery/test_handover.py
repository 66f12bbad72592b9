# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes hands between direct delivery and Flux: names in managedFields, and nothing of an object."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.handover import (
    FLUX,
    inventory,
    is_of,
    labelled,
    recorded,
    renamed,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.objects import Key
from ansible_collections.synergyflow.platform.plugins.module_utils.ownership import is_applied_by

OURS = "synergyflow.platform"
KUSTOMIZATION = Key("kustomize.toolkit.fluxcd.io", "Kustomization", "flux-system", "cluster-apps-messaging-kafka")
OF_FLUX = {
    "kustomize.toolkit.fluxcd.io/name": "cluster-apps-messaging-kafka",
    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
}


def entry(manager: str, fields: dict[str, Any], operation: str = "Apply", **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields} | more


def live(*entries: dict[str, Any], **labels: str) -> dict[str, Any]:
    metadata = {"name": "a", "namespace": "n", "labels": labels or OF_FLUX, "managedFields": list(entries)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"one": "1", "two": "2"}}


def test_the_inventory_names_objects() -> None:
    ids = [
        "messaging_synergyflow_kafka.strimzi.io_Kafka",
        "_messaging__Namespace",
        "messaging_config__ConfigMap",
        "_system__node__x_rbac.authorization.k8s.io_ClusterRole",
    ]
    found = inventory({"status": {"inventory": {"entries": [{"id": each, "v": "v1"} for each in ids]}}})
    assert found == {
        Key("kafka.strimzi.io", "Kafka", "messaging", "synergyflow"),
        Key("", "Namespace", "", "messaging"),
        Key("", "ConfigMap", "messaging", "config"),
        Key("rbac.authorization.k8s.io", "ClusterRole", "", "system:node:x"),
    }
    assert inventory(None) == inventory({"status": {}}) == set()
    assert recorded(None, "n") is None


def test_an_object_is_flux_own_by_its_labels_and_its_field_manager() -> None:
    assert is_of(live(entry(FLUX, {})), KUSTOMIZATION)
    assert not is_of(live(entry(OURS, {})), KUSTOMIZATION)
    assert not is_of(live(entry(FLUX, {}), a="b"), KUSTOMIZATION)
    assert not is_of(live(entry(FLUX, {})), KUSTOMIZATION._replace(name="another"))


def test_what_flux_has_applied_becomes_ours_field_by_field() -> None:
    before = live(
        entry(OURS, {"f:data": {"f:one": {}}}),
        entry(FLUX, {"f:data": {"f:two": {}}, "f:metadata": {"f:labels": {"f:x": {}}}}),
        entry("kubectl-edit", {"f:data": {"f:three": {}}}, "Update"),
        entry(FLUX, {"f:status": {}}, subresource="status"),
    )
    unchanged = copy.deepcopy(before)
    after = renamed(before, OURS)
    assert before == unchanged
    assert not is_applied_by({"metadata": {"managedFields": after["metadata"]["managedFields"][2:]}}, FLUX)
    of_ours = [each for each in after["metadata"]["managedFields"] if each["manager"] == OURS]
    assert [each["fieldsV1"] for each in of_ours] == [
        {"f:data": {"f:one": {}, "f:two": {}}, "f:metadata": {"f:labels": {"f:x": {}}}}
    ]
    others = [each for each in after["metadata"]["managedFields"] if each["manager"] != OURS]
    assert others == before["metadata"]["managedFields"][2:]
    assert {name: after[name] for name in ("data", "kind")} == {name: before[name] for name in ("data", "kind")}


def test_fields_of_different_versions_stay_apart() -> None:
    after = renamed(live(entry(OURS, {"f:a": {}}), entry(FLUX, {"f:b": {}}, apiVersion="v2")), OURS)
    assert [each["fieldsV1"] for each in after["metadata"]["managedFields"]] == [{"f:a": {}}, {"f:b": {}}]


def test_flux_labels_come_beside_the_others() -> None:
    given = live(a="b")
    assert labelled([given], KUSTOMIZATION)[0]["metadata"]["labels"] == {"a": "b", **OF_FLUX}
    assert given["metadata"]["labels"] == {"a": "b"}
