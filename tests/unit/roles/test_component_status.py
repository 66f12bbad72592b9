# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the status: what is well in one, what is not in its own, and what nobody could see as such."""

from __future__ import annotations

from ansible_collections.synergyflow.platform.plugins.module_utils.component_objects import NOT_SERVED, Seen
from ansible_collections.synergyflow.platform.plugins.module_utils.component_status import rows

DENIED = 'the list of Pod in messaging: not allowed: cannot list resource "pods". Ask for a role that allows it.'


def service(name: str) -> dict:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {}}


def test_what_may_not_be_read_is_unknown_and_not_absent():
    (row,) = rows("strimzi", Seen({}, {"pods": DENIED}))
    assert row == {"component": "strimzi", "kind": "-", "name": "pods", "state": "unknown", "reason": DENIED}
    states = [row["state"] for row in rows("schema_registry", Seen({"services": [service("a")]}, {"pods": DENIED}))]
    assert states == ["1 of 1 ready", "unknown"]


def test_what_is_not_served_or_not_shown_is_not_there():
    unread = {"service_monitors": f"{NOT_SERVED} ServiceMonitor", "nodes": "not allowed"}
    (row,) = rows("schema_registry", Seen({}, unread))
    assert row["state"] == "not there"
