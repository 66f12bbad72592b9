# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

from rehearsal import cluster_objects, process_images

POD_STAGE = {
    "kind": "Stage",
    "metadata": {"name": "pod-ready"},
    "spec": {
        "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
        "selector": {"matchExpressions": [{"key": ".status.phase", "operator": "In", "values": ["Pending"]}]},
        "delay": {
            "durationMilliseconds": 1000,
            "durationFrom": {"expressionFrom": '.metadata.annotations["x/delay"]'},
            "jitterDurationMilliseconds": 5000,
            "jitterDurationFrom": {"expressionFrom": ".metadata.deletionTimestamp"},
        },
        "next": {"statusTemplate": "phase: Running"},
    },
}
NODE_STAGE = {"kind": "Stage", "spec": {"resourceRef": {"apiGroup": "v1", "kind": "Node"}, "delay": {"x": 1}}}


def test_pod_stages_leave_the_process_nodes_pods_alone_and_keep_their_own_rules() -> None:
    (stage,) = cluster_objects.stages([POD_STAGE])
    own, added = stage["spec"]["selector"]["matchExpressions"]
    assert own == POD_STAGE["spec"]["selector"]["matchExpressions"][0]
    assert added["operator"] == "DoesNotExist"
    assert added["key"] == cluster_objects.claimed_image_expression(process_images.PATTERN)
    assert stage["spec"]["next"] == POD_STAGE["spec"]["next"]


def test_pods_do_not_wait_but_by_their_own_annotation() -> None:
    (stage,) = cluster_objects.stages([POD_STAGE])
    assert stage["spec"]["delay"] == {
        "durationMilliseconds": cluster_objects.POD_DELAY_MILLISECONDS,
        "durationFrom": {"expressionFrom": '.metadata.annotations["x/delay"]'},
    }


def test_node_stages_are_as_their_makers_have_them() -> None:
    assert cluster_objects.stages([NODE_STAGE]) == [NODE_STAGE]


def test_the_pattern_is_quoted_for_jq() -> None:
    assert (
        cluster_objects.claimed_image_expression(r'a\.b"') == r'.spec.containers.[].image | select( test("a\\.b\"") )'
    )


def test_three_nodes_in_three_zones_say_that_they_stand_in() -> None:
    nodes = cluster_objects.nodes("apps")
    assert [node["metadata"]["name"] for node in nodes] == ["apps-node-a", "apps-node-b", "apps-node-c"]
    labels = [node["metadata"]["labels"] for node in nodes]
    assert [label["topology.kubernetes.io/zone"] for label in labels] == ["apps-a", "apps-b", "apps-c"]
    assert {label["synergyflow.platform/stand-in"] for label in labels} == {"kwok-node"}
    assert len({address["address"] for node in nodes for address in node["status"]["addresses"]}) == 4
