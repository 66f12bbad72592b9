# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository's values do not get into errors by the mover's log, which stands in the object's status."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.volsync_backup import Backup
from ansible_collections.synergyflow.platform.plugins.module_utils.volsync_client import VolSync
from scripted_api import ScriptedConnection, answer, status

PASSWORD, KEY, ADDRESS = "a-canary-password", "a-canary-key", "s3:https://s3.example/bucket/volsync/files"
LOG = f"using {KEY} for {ADDRESS}\nFatal: {PASSWORD} is wrong\nsecret=unknown-to-us"
SOURCE = "/apis/volsync.backube/v1alpha1/namespaces/n/replicationsources/files"


def backup(may_read_secrets: bool, address: str = ADDRESS) -> tuple[Backup, ScriptedConnection]:
    """A source that has been synced, and whose mover fails."""
    values = {"RESTIC_REPOSITORY": address, "RESTIC_PASSWORD": PASSWORD, "AWS_SECRET_ACCESS_KEY": KEY}
    secret = {"data": {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}}
    live = {
        "kind": "ReplicationSource",
        "metadata": {"name": "files", "namespace": "n", "uid": "u", "resourceVersion": "1"},
        "spec": {"trigger": {}, "restic": {"repository": "files-restic"}},
        "status": {"conditions": [{"type": "Synchronizing", "status": "False", "reason": "WaitingForSchedule"}]},
    }

    def handler(method, path, query, body):
        if path == "/apis/volsync.backube/v1alpha1" or path in ("/api", "/apis") or path.startswith("/openapi"):
            return answer(404)
        if path.endswith("/secrets/files-restic"):
            return answer(200, secret) if may_read_secrets else status(403, "secrets is forbidden", "Forbidden")
        if path == SOURCE and method == "PATCH":
            live["spec"]["trigger"] = (body.get("spec") or {}).get("trigger") or {}
            entry = {"manager": "synergyflow.platform.volsync", "time": "2026-11-21T06:00:00Z"}
            live["metadata"]["managedFields"] = [entry]
            live["status"]["latestMoverStatus"] = {"result": "Failed", "logs": LOG.replace(ADDRESS, address)}
        return answer(200, live) if path == SOURCE else answer(200, {"items": []})

    connection = ScriptedConnection(handler)
    return Backup(VolSync(Api(connection, Deadline(20))), "n", "files"), connection


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.synergyflow.platform.plugins.module_utils.discovery import Resource

    kind = Resource("volsync.backube", "v1alpha1", "ReplicationSource", "replicationsources", True)
    monkeypatch.setattr(VolSync, "kind", lambda self, name: kind)


def failure(**options) -> str:
    subject, _connection = backup(**options)
    with pytest.raises(ClusterError) as caught:
        subject.run()
    # as an action plugin shows it
    return subject._volsync.api.masker.text(str(caught.value))


def test_the_secrets_values_are_masked_and_the_address_is_not():
    text = failure(may_read_secrets=True)
    assert "the mover failed" in text
    assert ADDRESS in text
    assert PASSWORD not in text
    assert KEY not in text


def test_an_address_with_a_log_in_is_masked_too():
    assert "s3cr3t" not in failure(may_read_secrets=True, address="rest:https://user:s3cr3t@restic.example/files")


def test_what_looks_like_a_credential_goes_also_without_leave_to_read_the_secret():
    text = failure(may_read_secrets=False)
    assert "the mover failed" in text
    assert "unknown-to-us" not in text
