# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What applying a set would do, from plain data."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.apply_order import wave_of
from ansible_collections.synergyflow.platform.plugins.module_utils.apply_plan import (
    PART_OF,
    Parent,
    parent_of,
    plan,
    prepare,
    set_id,
    waves,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.objects import Key

MANAGER = "synergyflow.platform"


def manifest(kind: str, name: str, namespace: str = "n", api_version: str = "v1", **more: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


def member(it: dict[str, Any], manager: str = MANAGER) -> dict[str, Any]:
    """A live member of a set, applied by `manager` with its data as the only fields."""
    fields = {"f:data": {f"f:{name}": {} for name in it.get("data", {})}}
    if it["metadata"].get("labels"):
        fields["f:metadata"] = {"f:labels": {f"f:{name}": {} for name in it["metadata"]["labels"]}}
    entry = {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": it["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    return {**it, "metadata": {**it["metadata"], "uid": "u", "resourceVersion": "1", "managedFields": [entry]}}


def test_the_id_is_that_of_the_convention() -> None:
    # KEP-3659: base64url(sha256("<name>.<namespace>.<kind>.<group>")) without padding
    assert set_id("one", "mech") == "applyset-GFjwZeOr-MBocpND-u1neGJpTGgHXGxKiDE9yyOmtLM-v1"


def test_unchanged_changed_new_and_gone() -> None:
    desired = prepare(
        [manifest("ConfigMap", name, data={"a": "1"}) for name in ("same", "different", "new")], "the-set"
    )
    same, different = member(desired[0]), member({**desired[1], "data": {"a": "0"}})
    gone = member(prepare([manifest("ConfigMap", "gone", data={})], "the-set")[0])
    the_plan = plan(desired, [same, different, gone], MANAGER, prune=True)
    assert [key.name for key in the_plan.unchanged] == ["same"]
    assert [m["metadata"]["name"] for m in the_plan.applied] == ["different", "new"]
    assert [m["metadata"]["name"] for m in the_plan.pruned] == ["gone"]


def test_what_others_made_is_never_pruned_even_with_our_label() -> None:
    # Strimzi copies a Kafka's labels to everything that it makes of it
    copied = member(manifest("Secret", "made-by-an-operator"), manager="strimzi-cluster-operator")
    the_plan = plan([], [copied], MANAGER, prune=True)
    assert the_plan.pruned == []
    assert the_plan.foreign == [Key("", "Secret", "n", "made-by-an-operator")]
    copied["metadata"]["ownerReferences"] = [{"kind": "Kafka", "name": "k"}]
    the_plan = plan([], [copied], MANAGER, prune=True)
    assert (the_plan.pruned, the_plan.foreign) == ([], [])


def test_nothing_is_pruned_when_not_asked() -> None:
    assert plan([], [member(manifest("ConfigMap", "gone"))], MANAGER, prune=False).pruned == []


def test_birth_and_death_go_in_opposite_orders() -> None:
    kafka = "kafka.strimzi.io/v1"
    born = [
        "Namespace",
        "CustomResourceDefinition",
        "ConfigMap",
        "Service",
        "Deployment",
        "ValidatingWebhookConfiguration",
        "Kafka",
        "KafkaTopic",
    ]
    versions = {
        "CustomResourceDefinition": "apiextensions.k8s.io/v1",
        "Deployment": "apps/v1",
        "ValidatingWebhookConfiguration": "admissionregistration.k8s.io/v1",
        "Kafka": kafka,
        "KafkaTopic": kafka,
    }
    objects = [manifest(kind, "x", api_version=versions.get(kind, "v1")) for kind in reversed(born)]
    assert [[m["kind"] for m in wave] for wave in waves(objects)] == [[kind] for kind in born]
    pruned = plan([], [member(it) for it in objects], MANAGER, prune=True).prune
    assert [[m["kind"] for m in wave] for wave in pruned] == [[kind] for kind in reversed(born)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            Key("rbac.authorization.k8s.io", "ClusterRole", "", "x"),
            Key("rbac.authorization.k8s.io", "RoleBinding", "n", "x"),
        ),
        (Key("", "ServiceAccount", "n", "x"), Key("", "Secret", "n", "x")),
        (Key("", "Secret", "n", "x"), Key("apps", "StatefulSet", "n", "x")),
        (Key("policy", "PodDisruptionBudget", "n", "x"), Key("example.com", "Thing", "n", "x")),
        (Key("kafka.strimzi.io", "KafkaNodePool", "n", "x"), Key("kafka.strimzi.io", "Kafka", "n", "x")),
        (Key("postgresql.cnpg.io", "Cluster", "n", "x"), Key("postgresql.cnpg.io", "Database", "n", "x")),
    ],
)
def test_one_kind_comes_before_another(one: Key, other: Key) -> None:
    assert wave_of(one) < wave_of(other)


def test_prepare_leaves_out_what_only_the_server_writes() -> None:
    it = manifest("ConfigMap", "x", data={"a": "1"}, status={"x": 1})
    it["metadata"] |= {"creationTimestamp": None, "resourceVersion": "5", "managedFields": [], "uid": "u"}
    (prepared,) = prepare([it], "the-set")
    assert prepared == manifest("ConfigMap", "x", data={"a": "1"}) | {
        "metadata": {"name": "x", "namespace": "n", "labels": {PART_OF: "the-set"}}
    }
    assert it["metadata"]["uid"] == "u", "the caller's objects are left as they were"


def test_prepared_objects_are_plain_data() -> None:
    class Tagged(str):
        """As ansible-core 2.19 has them."""

    (prepared,) = prepare([manifest("ConfigMap", "x", data={"a": Tagged("1")})], "the-set")
    assert type(prepared["data"]["a"]) is str
    with pytest.raises(ClusterError, match="number 1: ConfigMap has a value that JSON lacks"):
        prepare([manifest("ConfigMap", "x", data={"a": datetime.date(2026, 1, 1)})], "the-set")


def test_string_data_becomes_data() -> None:
    (prepared,) = prepare([manifest("Secret", "x", stringData={"a": "b"}, data={"c": "ZA=="})], "the-set")
    assert prepared["data"] == {"a": "Yg==", "c": "ZA=="}
    assert "stringData" not in prepared


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        ([manifest("ConfigMap", "x"), manifest("ConfigMap", "x")], "ConfigMap n/x (2 times)"),
        (
            [
                manifest("Deployment", "x", api_version="apps/v1"),
                manifest("Deployment", "x", api_version="apps/v1beta2"),
            ],
            "Deployment n/x (2 times)",
        ),
        ([{"kind": "ConfigMap", "metadata": {"name": "x"}}], "apiVersion"),
        ([{"apiVersion": "v1", "kind": "ConfigMap"}], "no metadata"),
        ([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}], "metadata.name"),
        ([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": 5}}], "quotes"),
        ([{"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "x-"}}], "generateName"),
        (["text"], "number 1: expected a Kubernetes object"),
        ([manifest("Secret", "x", stringData={"port": 5432})], "stringData.port"),
    ],
)
def test_what_cannot_be_applied_is_refused_by_name(objects: list[Any], said: str) -> None:
    with pytest.raises(ClusterError) as refused:
        prepare(objects, "the-set")
    assert said in str(refused.value)


def test_parent_round_trip() -> None:
    parent = parent_of(
        [Key("", "ConfigMap", "a", "x"), Key("apps", "Deployment", "b", "y"), Key("", "Namespace", "", "a")], "a"
    )
    it = parent.manifest("one", "a")
    assert (
        it["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"]
        == "ConfigMap,Deployment.apps,Namespace"
    )
    assert it["metadata"]["annotations"]["applyset.kubernetes.io/additional-namespaces"] == "b"
    assert Parent.read(it, "one", "a") == parent


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"labels": {}}, "not the record of a set"),
        (
            {
                "labels": {"applyset.kubernetes.io/id": set_id("one", "a")},
                "annotations": {"applyset.kubernetes.io/tooling": "kubectl/v1.36"},
            },
            "kept by kubectl/v1.36",
        ),
    ],
)
def test_a_strange_parent_is_refused(metadata: dict[str, Any], said: str) -> None:
    with pytest.raises(ClusterError, match=said):
        Parent.read({"metadata": metadata}, "one", "a")
