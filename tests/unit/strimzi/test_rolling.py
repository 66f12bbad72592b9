# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Which pod is restarted, when, and why."""

from __future__ import annotations

from rehearsal.strimzi import rolling


def pod(name: str = "p-0", *, is_ready: bool = True, **annotations: str) -> dict:
    status = "True" if is_ready else "False"
    return {
        "metadata": {"name": name, "annotations": {f"strimzi.io/{key}": value for key, value in annotations.items()}},
        "status": {"conditions": [{"type": "Ready", "status": status}]},
    }


def test_a_pod_as_wanted_is_left_alone():
    assert rolling.reasons(pod(revision="a"), pod(revision="a"), asked=False) == []


def test_a_changed_configuration_is_a_reason():
    running, wanted = pod(**{"broker-configuration-hash": "a"}), pod(**{"broker-configuration-hash": "b"})
    assert rolling.reasons(running, wanted, asked=False) == ["broker-configuration-hash"]


def test_asking_is_a_reason_on_the_set_and_on_the_pod():
    assert rolling.reasons(pod(), pod(), asked=True) == ["manual rolling update"]
    assert rolling.reasons(pod(**{"manual-rolling-update": "true"}), pod(), asked=False) == ["manual rolling update"]


def test_a_pod_that_is_going_is_not_restarted_again():
    going = pod(revision="a")
    going["metadata"]["deletionTimestamp"] = "now"
    assert rolling.reasons(going, pod(revision="b"), asked=True) == []


def test_the_active_controller_is_last():
    pods = {name: pod(name) for name in ("p-0", "p-1", "p-2")}
    candidates = {name: ["revision"] for name in pods}
    assert rolling.next_pod(candidates, pods, "p-0") == "p-1"
    assert rolling.next_pod({"p-0": ["revision"]}, pods, "p-0") == "p-0"


def test_none_is_restarted_while_another_is_down():
    pods = {"p-0": pod("p-0"), "p-1": pod("p-1", is_ready=False)}
    assert rolling.next_pod({"p-0": ["revision"]}, pods, None) is None
    assert rolling.next_pod({"p-0": ["revision"], "p-1": ["revision"]}, pods, None) == "p-1"


def _topic(in_sync: list[int]) -> list[dict]:
    return [{"name": "t", "partitions": [{"partition_index": 0, "replica_nodes": [0, 1, 2], "isr_nodes": in_sync}]}]


def test_a_broker_whose_replica_is_needed_is_not_restarted():
    assert rolling.would_hurt(1, _topic([0, 1, 2]), {"t": 2}) == []
    assert rolling.would_hurt(1, _topic([0, 1]), {"t": 2}) == ["t-0"]
    assert rolling.would_hurt(2, _topic([0, 1]), {"t": 2}) == [], "it is not in sync: nothing is lost"
    assert rolling.would_hurt(1, _topic([0, 1, 2]), {"t": 3}) == [], "nothing can be spared at any time"


def test_what_will_not_start_is_told_from_what_has_not_started_yet():
    waiting = {"status": {"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}}
    assert rolling.stuck(waiting) is None
    waiting["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] = "CrashLoopBackOff"
    assert rolling.stuck(waiting) == "CrashLoopBackOff"
    conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]
    assert rolling.stuck({"status": {"conditions": conditions}}) == "Unschedulable"
