# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod's status from its containers, as the kubelet would have it."""

from __future__ import annotations

import pytest

from rehearsal.node.status import Seen, differs, pod_status, running, terminated, waiting

SINCE = "2026-11-21T00:00:00Z"
POD = {"metadata": {"name": "p", "generation": 1}, "spec": {"restartPolicy": "Always"}}


def one(state, **more) -> Seen:
    return Seen("kafka", "image", state, **more)


def status(containers, *, inits=(), policy="Always", mounted=True, previous=None):
    pod = {**POD, "spec": {"restartPolicy": policy}, "status": previous or {}}
    return pod_status(
        pod, address="10.128.0.1", host_address="10.1.0.1", inits=list(inits), containers=containers, mounted=mounted
    )


def condition(got, kind):
    return next(each for each in got["conditions"] if each["type"] == kind)


ENDED, FAILED = terminated(0, SINCE, SINCE), terminated(1, SINCE, SINCE)


@pytest.mark.parametrize(
    ("policy", "seen", "phase"),
    [
        ("Always", one(waiting("ContainerCreating")), "Pending"),
        ("Always", one(waiting("ErrImagePull")), "Pending"),
        ("Always", one(running(SINCE)), "Running"),
        ("Always", one(waiting("CrashLoopBackOff"), last=FAILED, restarts=3), "Running"),
        ("Always", one(ENDED), "Running"),
        ("OnFailure", one(ENDED), "Succeeded"),
        ("OnFailure", one(FAILED), "Running"),
        ("Never", one(ENDED), "Succeeded"),
        ("Never", one(FAILED), "Failed"),
    ],
)
def test_phase(policy, seen, phase):
    assert status([seen], policy=policy)["phase"] == phase


def test_a_pod_waits_for_its_init_containers():
    got = status([one(waiting("PodInitializing"))], inits=[one(waiting("ErrImagePull"))])
    assert got["phase"] == "Pending"
    assert condition(got, "Initialized")["status"] == "False"


def test_ready_only_when_every_container_is():
    half = status([one(running(SINCE), ready=True), Seen("other", "image", running(SINCE))])
    assert condition(half, "Ready")["status"] == "False"
    assert condition(half, "Ready")["message"] == "containers with unready status: [other]"
    whole = status([one(running(SINCE), ready=True)])
    assert {each["status"] for each in whole["conditions"]} == {"True"}
    assert whole["podIPs"] == [{"ip": "10.128.0.1"}]


def test_no_address_before_the_volumes_are_there():
    got = status([one(waiting("ContainerCreating"))], mounted=False)
    assert "podIP" not in got
    assert got["hostIP"] == "10.1.0.1"


def test_a_condition_keeps_its_time_until_it_changes():
    first = status([one(running(SINCE))])
    for each in first["conditions"]:
        each["lastTransitionTime"] = SINCE
    second = status([one(running(SINCE), ready=True)], previous=first)
    assert condition(second, "Initialized")["lastTransitionTime"] == SINCE
    assert condition(second, "Ready")["lastTransitionTime"] != SINCE


def test_the_same_status_is_no_difference():
    got = status([one(running(SINCE), ready=True)])
    # what the API server gives back: more conditions, no null fields
    stored = {
        **got,
        "conditions": [
            {"type": "PodScheduled", "status": "True"},
            *({key: value for key, value in each.items() if value is not None} for each in got["conditions"]),
        ],
    }
    assert not differs(stored, got)


@pytest.mark.parametrize(
    "changed",
    [one(running(SINCE)), one(running(SINCE), ready=True, restarts=1), one(waiting("CrashLoopBackOff"), last=FAILED)],
)
def test_another_status_is_a_difference(changed):
    assert differs(status([one(running(SINCE), ready=True)]), status([changed]))


def test_a_reason_that_is_gone_is_a_difference():
    assert differs(status([one(running(SINCE))]), status([one(running(SINCE), ready=True)]))
