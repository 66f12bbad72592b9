# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof that an apply would change nothing. A wrong True would leave a cluster unchanged for ever, silently."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.ownership import apply_is_noop, is_applied_by

MANAGER = "synergyflow.platform"

# as read from a 1.36 API server after a server-side apply of DESIRED
DESIRED: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "d", "namespace": "n", "labels": {"a": "b"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "d"}},
        "template": {
            "metadata": {"labels": {"app": "d"}},
            "spec": {
                "containers": [
                    {
                        "name": "c",
                        "image": "x",
                        "args": ["--one", "--two"],
                        "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 81, "protocol": "UDP"}],
                        "resources": {"requests": {"cpu": "100m"}},
                    },
                    {"name": "sidecar", "image": "y", "securityContext": {}},
                ]
            },
        },
    },
}
FIELDS: dict[str, Any] = {
    "f:metadata": {"f:labels": {"f:a": {}}},
    "f:spec": {
        "f:replicas": {},
        "f:selector": {},
        "f:template": {
            "f:metadata": {"f:labels": {"f:app": {}}},
            "f:spec": {
                "f:containers": {
                    'k:{"name":"c"}': {
                        ".": {},
                        "f:args": {},
                        "f:image": {},
                        "f:name": {},
                        "f:ports": {
                            'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}, "f:name": {}},
                            'k:{"containerPort":81,"protocol":"UDP"}': {
                                ".": {},
                                "f:containerPort": {},
                                "f:protocol": {},
                            },
                        },
                        "f:resources": {"f:requests": {"f:cpu": {}}},
                    },
                    'k:{"name":"sidecar"}': {".": {}, "f:image": {}, "f:name": {}, "f:securityContext": {}},
                }
            },
        },
    },
}


def live_of(desired: dict[str, Any], fields: dict[str, Any], **entry: Any) -> dict[str, Any]:
    """What the server keeps: the object with its defaults, and who owns what."""
    live = copy.deepcopy(desired)
    live["metadata"] |= {
        "uid": "u",
        "resourceVersion": "7",
        "generation": 1,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    live["metadata"]["managedFields"] = [
        {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "fieldsV1": {}},
        {
            "manager": MANAGER,
            "operation": "Apply",
            "apiVersion": desired["apiVersion"],
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
            **entry,
        },
    ]
    live["status"] = {"replicas": 2}
    return live


@pytest.fixture
def live() -> dict[str, Any]:
    it = live_of(DESIRED, FIELDS)
    it["spec"]["progressDeadlineSeconds"] = 600
    for port in it["spec"]["template"]["spec"]["containers"][0]["ports"]:
        port.setdefault("protocol", "TCP")
    return it


def container(manifest: dict[str, Any], number: int = 0) -> dict[str, Any]:
    return manifest["spec"]["template"]["spec"]["containers"][number]


def test_defaults_and_fields_of_others_do_not_count(live: dict[str, Any]) -> None:
    live["metadata"]["labels"]["of"] = "somebody else"
    live["spec"]["template"]["spec"]["containers"].insert(1, {"name": "injected", "image": "z"})
    assert apply_is_noop(DESIRED, live, MANAGER)


def changed_value(d: dict[str, Any], live: dict[str, Any]) -> None:
    d["spec"]["replicas"] = 3


def new_field(d: dict[str, Any], live: dict[str, Any]) -> None:
    d["spec"]["minReadySeconds"] = 1


def new_field_with_the_live_value(d: dict[str, Any], live: dict[str, Any]) -> None:
    d["spec"]["progressDeadlineSeconds"] = 600  # an apply would take ownership of it


def dropped_field(d: dict[str, Any], live: dict[str, Any]) -> None:
    del container(d)["resources"]


def dropped_label(d: dict[str, Any], live: dict[str, Any]) -> None:
    del d["metadata"]["labels"]["a"]


def dropped_item(d: dict[str, Any], live: dict[str, Any]) -> None:
    d["spec"]["template"]["spec"]["containers"].pop()


def new_item(d: dict[str, Any], live: dict[str, Any]) -> None:
    d["spec"]["template"]["spec"]["containers"].append({"name": "third", "image": "z"})


def other_order_of_items(d: dict[str, Any], live: dict[str, Any]) -> None:
    d["spec"]["template"]["spec"]["containers"].reverse()


def other_order_of_atomic_list(d: dict[str, Any], live: dict[str, Any]) -> None:
    container(d)["args"].reverse()


def other_port(d: dict[str, Any], live: dict[str, Any]) -> None:
    container(d)["ports"][0]["containerPort"] = 8080


def other_protocol(d: dict[str, Any], live: dict[str, Any]) -> None:
    container(d)["ports"][1].pop("protocol")


def other_type(d: dict[str, Any], live: dict[str, Any]) -> None:
    d["spec"]["replicas"] = 2.0


def true_for_one(d: dict[str, Any], live: dict[str, Any]) -> None:
    d["spec"]["replicas"] = live["spec"]["replicas"] = 1
    d["spec"]["replicas"] = True


def null(d: dict[str, Any], live: dict[str, Any]) -> None:
    d["spec"]["replicas"] = None


def live_drifted(d: dict[str, Any], live: dict[str, Any]) -> None:
    container(live)["image"] = "other"


def live_lost_an_item(d: dict[str, Any], live: dict[str, Any]) -> None:
    live["spec"]["template"]["spec"]["containers"].pop()


def empty_part_filled_by_others(d: dict[str, Any], live: dict[str, Any]) -> None:
    container(live, 1)["securityContext"] = {"runAsUser": 1}


def being_deleted(d: dict[str, Any], live: dict[str, Any]) -> None:
    live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"


def other_manager(d: dict[str, Any], live: dict[str, Any]) -> None:
    live["metadata"]["managedFields"][1]["manager"] = "kubectl"


def only_an_update(d: dict[str, Any], live: dict[str, Any]) -> None:
    live["metadata"]["managedFields"][1]["operation"] = "Update"


def other_version(d: dict[str, Any], live: dict[str, Any]) -> None:
    live["metadata"]["managedFields"][1]["apiVersion"] = "apps/v1beta1"


def unknown_field_format(d: dict[str, Any], live: dict[str, Any]) -> None:
    live["metadata"]["managedFields"][1]["fieldsType"] = "FieldsV2"


def unknown_path_element(d: dict[str, Any], live: dict[str, Any]) -> None:
    live["metadata"]["managedFields"][1]["fieldsV1"]["f:spec"]["i:0"] = {}


@pytest.mark.parametrize(
    "difference",
    [
        changed_value,
        new_field,
        new_field_with_the_live_value,
        dropped_field,
        dropped_label,
        dropped_item,
        new_item,
        other_order_of_items,
        other_order_of_atomic_list,
        other_port,
        other_protocol,
        other_type,
        true_for_one,
        null,
        live_drifted,
        live_lost_an_item,
        empty_part_filled_by_others,
        being_deleted,
        other_manager,
        only_an_update,
        other_version,
        unknown_field_format,
        unknown_path_element,
    ],
)
def test_every_difference_is_left_to_the_server(difference: Any, live: dict[str, Any]) -> None:
    desired = copy.deepcopy(DESIRED)
    difference(desired, live)
    assert not apply_is_noop(desired, live, MANAGER)


SETS: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "c", "namespace": "n", "finalizers": ["a/b", "c/d"]},
}
SET_FIELDS = {"f:metadata": {"f:finalizers": {".": {}, 'v:"a/b"': {}, 'v:"c/d"': {}}}}


@pytest.mark.parametrize(
    ("there", "wanted", "same"),
    [
        (["a/b", "c/d"], ["a/b", "c/d"], True),
        (["a/b", "others", "c/d"], ["a/b", "c/d"], True),
        (["a/b"], ["a/b", "c/d"], False),
        (["a/b", "c/d"], ["a/b"], False),
        (["a/b", "c/d"], ["c/d", "a/b"], False),
    ],
)
def test_lists_that_are_sets(there: list[str], wanted: list[str], same: bool) -> None:
    live = live_of(SETS, SET_FIELDS)
    live["metadata"]["finalizers"] = there
    desired = {**SETS, "metadata": {**SETS["metadata"], "finalizers": wanted}}
    assert apply_is_noop(desired, live, MANAGER) is same


def test_two_ports_that_a_default_could_confuse_are_left_to_the_server() -> None:
    desired = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s", "namespace": "n"},
        "spec": {"ports": [{"port": 53}, {"port": 53, "protocol": "UDP"}]},
    }
    keys = {
        'k:{"port":53,"protocol":"TCP"}': {".": {}, "f:port": {}},
        'k:{"port":53,"protocol":"UDP"}': {".": {}, "f:port": {}, "f:protocol": {}},
    }
    live = live_of(desired, {"f:spec": {"f:ports": keys}})
    live["spec"]["ports"][0]["protocol"] = "TCP"
    assert not apply_is_noop(desired, live, MANAGER)


def test_a_copied_label_makes_nobody_the_manager(live: dict[str, Any]) -> None:
    assert is_applied_by(live, MANAGER)
    assert not is_applied_by(live, "kube-controller-manager")


def pod_with(api_version: str = "v1", **variable: Any) -> dict[str, Any]:
    """A Pod with one variable whose value comes from somewhere."""
    variables = [{"name": "A", "valueFrom": variable}]
    return {
        "apiVersion": api_version,
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {"containers": [{"name": "c", "env": variables}]},
    }


def live_pod(desired: dict[str, Any], source: str, **kept: str) -> dict[str, Any]:
    """As the server has it: the map that says where the value comes from is atomic, and has `kept` beside what is set.

    Read from a 1.36 API server.
    """
    env = {'k:{"name":"A"}': {".": {}, "f:name": {}, "f:valueFrom": {f"f:{source}": {}}}}
    fields = {"f:spec": {"f:containers": {'k:{"name":"c"}': {".": {}, "f:env": env, "f:name": {}}}}}
    live = live_of(desired, fields)
    live["spec"]["containers"][0]["env"][0]["valueFrom"][source].update(kept)
    return live


@pytest.mark.parametrize(
    ("source", "given", "kept", "same"),
    [
        ("fieldRef", {"fieldPath": "metadata.name"}, {"apiVersion": "v1"}, True),
        ("fieldRef", {"fieldPath": "metadata.name", "apiVersion": "v1"}, {}, True),
        ("fieldRef", {"fieldPath": "metadata.name"}, {"apiVersion": "v2"}, False),
        ("fieldRef", {"fieldPath": "metadata.name", "apiVersion": "v2"}, {"apiVersion": "v1"}, False),
        ("fieldRef", {"fieldPath": "metadata.name"}, {"apiVersion": "v1", "more": "x"}, False),
        ("fieldRef", {"fieldPath": "metadata.name"}, {"apiVersion": "v1", "fieldPath": "other"}, False),
        ("resourceFieldRef", {"resource": "limits.cpu"}, {"divisor": "0"}, True),
        ("resourceFieldRef", {"resource": "limits.cpu"}, {"divisor": "1m"}, False),
        ("secretKeyRef", {"name": "s", "key": "k"}, {"apiVersion": "v1"}, False),
    ],
)
def test_what_the_server_adds_to_an_atomic_map(
    source: str, given: dict[str, str], kept: dict[str, str], same: bool
) -> None:
    desired = pod_with(**{source: given})
    assert apply_is_noop(desired, live_pod(desired, source, **kept), MANAGER) is same


def test_the_same_names_in_a_custom_resource_mean_something_else() -> None:
    desired = pod_with("example.com/v1", fieldRef={"fieldPath": "metadata.name"})
    live = live_pod(desired, "fieldRef", apiVersion="v1")
    assert not apply_is_noop(desired, live, MANAGER)
    assert apply_is_noop(desired, live_pod(desired, "fieldRef"), MANAGER)
