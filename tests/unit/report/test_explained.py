# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands behind a check that failed: of the objects that it needs those that are not well."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import Record
from ansible_collections.synergyflow.platform.plugins.plugin_utils.explained import explain_by
from scripted_api import ScriptedConnection, answer

EVENT = {
    "type": "Warning",
    "reason": "BackOff",
    "message": "back-off restarting",
    "lastTimestamp": "2026-11-21T07:00:00Z",
}


def pod(name: str, ready: bool) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True" if ready else "False", "message": "no answer at 9093"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "messaging"},
        "spec": {"containers": [{"name": "kafka"}]},
        "status": {"phase": "Running", "conditions": conditions},
    }


@pytest.fixture
def api() -> Api:
    """Its time is over, as after a long check."""
    return Api(ScriptedConnection(lambda *asked: answer(200, {"items": [EVENT]})), Deadline(0), concurrency=1)


def test_the_first_criterion_that_is_not_met_is_explained(api: Api) -> None:
    records = [
        Record("AC6-topic", "t", "passed"),
        Record("AC6-produced", "p", "failed"),
        Record("AC6-order", "o", "blocked"),
    ]
    explain_by(api, records, [pod("broker-0", ready=True), pod("broker-1", ready=False)])
    assert [bool(each.behind) for each in records] == [False, True, False]
    assert all(line.startswith("Pod messaging/broker-1") for line in records[1].behind)
    assert any("back-off restarting" in line for line in records[1].behind)


def test_nothing_is_asked_where_all_is_well(api: Api) -> None:
    explain_by(api, [Record("AC6-topic", "t", "passed")], [pod("broker-1", ready=False)])
    explain_by(api, [Record("AC6-topic", "t", "failed")], [pod("broker-1", ready=True), {}])
    assert api.connection.seen == []  # type: ignore[attr-defined]
