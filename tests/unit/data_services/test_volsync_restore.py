# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore leaves behind: nothing when it failed, everything when it only takes longer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils import volsync_restore
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.volsync_restore import (
    Plan,
    Restore,
    RestoreRequest,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.volsync_status import Sync, sync_of

REQUEST = RestoreRequest("app", "new", source="files")
PLAN = Plan(REQUEST, "files-restic", "1Gi", None, ("ReadWriteOnce",), {}, {}, None)


class FakeVolSync:
    """Objects that are made and deleted; the ReplicationDestination has the status that the test gives."""

    def __init__(self, seconds: float, **status: Any) -> None:
        self.api = SimpleNamespace(deadline=Deadline(seconds), get=self._get)
        self.objects: dict[str, dict[str, Any]] = {}
        self.status = status

    def _get(self, _resource: Any, _namespace: str, name: str) -> dict[str, Any]:
        return self.objects[name] | {"status": self.status}

    def kind(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(kind=name)

    def create(self, _resource: Any, body: dict[str, Any]) -> dict[str, Any]:
        body["metadata"] |= {"creationTimestamp": "2026-11-21T08:00:00Z", "uid": "u"}
        self.objects[body["metadata"]["name"]] = body
        return body

    def delete(self, _resource: Any, live: dict[str, Any]) -> None:
        del self.objects[live["metadata"]["name"]]

    def tidying_up(self) -> FakeVolSync:
        return self

    def sync(self, live: dict[str, Any]) -> Sync:
        return sync_of(live)

    def progress(self, text: str) -> None:
        pass


@pytest.fixture(autouse=True)
def no_movers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volsync_restore, "failed_movers", lambda *_args: [])
    monkeypatch.setattr(volsync_restore, "mover_causes", lambda *_args: "its mover runs")


def test_a_restore_that_takes_longer_than_there_is_time_goes_on() -> None:
    volsync = FakeVolSync(0.01)
    with pytest.raises(ClusterError) as caught:
        Restore(volsync, REQUEST).run(PLAN)  # type: ignore[arg-type]
    assert sorted(name.partition("-")[0] for name in volsync.objects) == ["new", "new"], "claim and destination"
    (destination,) = set(volsync.objects) - {"new"}
    tag = volsync.objects[destination]["spec"]["trigger"]["manual"]
    words = str(caught.value)
    assert f"ReplicationDestination app/{destination} goes on" in words
    assert f"status.lastManualSync is {tag}" in words
    assert "To give up, delete" in words


def test_a_restore_that_failed_leaves_nothing() -> None:
    volsync = FakeVolSync(60, latestMoverStatus={"result": "Failed", "logs": "no space left on device"})
    with pytest.raises(ClusterError, match=r"no space left on device.*The new claim is deleted again"):
        Restore(volsync, REQUEST).run(PLAN)  # type: ignore[arg-type]
    assert volsync.objects == {}
