# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the collection's playbooks on the rehearsal, and what the audit log says of them."""

from __future__ import annotations

import json
import re
from subprocess import CompletedProcess
from typing import Any

INVENTORY = "inventories/rehearsal"
WRITING = ("create", "update", "patch", "delete", "deletecollection")
#: how the collection's requests are signed: its own connection, and kubernetes.core's client
OURS = ("synergyflow.platform", "OpenAPI-Generator")
OTHERS = re.compile(r"(\d+) of (\d+) other objects are as they were")
RECAP = re.compile(r"^(\w+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=\d+\s+failed=(\d+)", re.MULTILINE)


def run(rehearsal: Any, playbook: str, cluster: str, *args: str, **variables: Any) -> CompletedProcess[str]:
    """A playbook of the checkout on one cluster; `variables` become -e, their types kept.

    Without Flux unless a test asks for it: it has tests of its own, and costs each of the others half a minute. So have
    and do Kafka's performance and failover.
    """
    without = {"flux_enabled": False, "kafka_cluster_performance_messages": 0, "kafka_cluster_check_failover": False}
    extra = ["-e", json.dumps(without | variables)]
    return rehearsal.playbook(f"playbooks/{playbook}.yml", "-i", INVENTORY, "-l", cluster, *extra, *args)


def output(done: CompletedProcess[str]) -> str:
    """Everything that was printed, on one line, so that wrapping does not hide words."""
    return " ".join(f"{done.stdout}\n{done.stderr}".split())


def check_others(done: CompletedProcess[str]) -> None:
    """What a rollback has said of the objects beside it: some were compared, and all are as they were."""
    found = [(int(same), int(every)) for same, every in OTHERS.findall(output(done))]
    assert found, output(done)
    assert all(same == every for same, every in found), found
    assert any(every for __, every in found), "nothing was compared"


def changed(done: CompletedProcess[str], cluster: str) -> int:
    """How many tasks changed something, by the recap."""
    return next(int(found[2]) for found in RECAP.findall(done.stdout) if found[0] == cluster)


def ours(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The audit events of the collection's own requests."""
    return [event for event in events if event.get("userAgent", "").startswith(OURS)]


def writes(events: list[dict[str, Any]]) -> list[str]:
    """The collection's requests that were to change something: no dry run, no port-forward."""
    return [
        f"{event['verb']} {event['requestURI']}"
        for event in ours(events)
        if event["verb"] in WRITING
        and "dryRun=All" not in event["requestURI"]
        and "/portforward" not in event["requestURI"]
    ]


class Watch:
    """What the collection asked of a cluster between entering and leaving."""

    def __init__(self, rehearsal: Any, cluster: str) -> None:
        self._rehearsal, self._cluster = rehearsal, cluster
        self._from = rehearsal.audit_size(cluster)

    @property
    def requests(self) -> int:
        return len(ours(self._rehearsal.audit_events(self._cluster, self._from)))

    @property
    def writes(self) -> list[str]:
        return writes(self._rehearsal.audit_events(self._cluster, self._from))
