# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands behind a record: commands, conditions, events, the end of a log; nothing of Secrets."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.action.component_evidence import explain, plain_masked
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence import behind
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import judged, unmeasured
from ansible_collections.synergyflow.platform.plugins.module_utils.masking import Masker


def pod(name: str, ready: bool = False, **more: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True" if ready else "False", "reason": "Crash", "message": "it fell"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "messaging"},
        "spec": {},
        "status": {"phase": "Running", "conditions": conditions},
        **more,
    }


def test_commands_name_few_objects_and_list_many():
    assert behind.commands_for([pod("b"), pod("a")]) == ["kubectl get pod a b -n messaging -o wide"]
    assert behind.commands_for([pod(f"p{number}") for number in range(9)]) == ["kubectl get pod -n messaging -o wide"]
    kafka = pod("k", apiVersion="kafka.strimzi.io/v1", kind="Kafka")
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}
    assert behind.commands_for([kafka, node]) == [
        "kubectl get kafka.kafka.strimzi.io k -n messaging -o wide",
        "kubectl get node n -o wide",
    ]
    assert behind.commands_for([pod("$(rm -r x)")]) == ["kubectl get pod '$(rm -r x)' -n messaging -o wide"]


def test_items_of_a_list_that_do_not_say_what_they_are_have_no_command():
    raw = {"metadata": {"name": "x", "namespace": "y"}}
    record = judged("a", "A", (0, 1), False, objects=[raw])
    assert record.commands == []
    assert record.looked_at == []


class Nobody:
    """An API server that has nothing to say."""

    masker = Masker()


def test_what_is_not_met_is_explained_once(monkeypatch):
    asked = []

    def causes(_api: Any, found: dict[str, Any]) -> list[str]:
        asked.append(found["metadata"]["name"])
        return ["event: Warning BackOff: password=hunter2-the-canary", "Pod messaging/a, container c, log: boom"]

    monkeypatch.setattr(behind, "causes", causes)
    bad, good = pod("a"), pod("b", ready=True)
    records = [
        judged("x", "X", (1, 2), False, objects=[bad, good]),
        unmeasured("y", "Y", "blocked", "nobody knows", [bad]),
        judged("z", "Z", (2, 2), True, objects=[bad]),
    ]
    api: Any = Nobody()
    explain(api, records)
    assert asked == ["a"]
    assert "Pod messaging/a, condition: Ready Crash: it fell" in records[0].behind
    assert "Pod messaging/a, container c, log: boom" in records[0].behind
    assert records[1].behind == records[0].behind
    assert records[2].behind == [], "what is met needs no explanation"
    written = str(plain_masked(records[0], Masker()))
    assert "hunter2" not in written
    assert "looked_at" not in written


def test_what_cannot_be_explained_says_so(monkeypatch):
    def causes(_api: Any, _found: Any) -> list[str]:
        raise ClusterError("forbidden")

    monkeypatch.setattr(behind, "causes", causes)
    api: Any = Nobody()
    assert behind.explanation(api, pod("a"))[-1] == "Pod messaging/a: nothing more can be read of it: forbidden"


@pytest.mark.parametrize(
    "secret", ["password: s3cret-canary", "Authorization: Bearer s3cret-canary", "x s3cret-canary y"]
)
def test_a_secret_in_a_log_is_not_told(secret):
    masker = Masker()
    masker.always(["s3cret-canary"])
    record = judged("x", "X", (secret, 1), False, detail=secret)
    record.behind = [secret]
    assert "s3cret-canary" not in str(plain_masked(record, masker))
