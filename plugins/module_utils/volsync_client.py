# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VolSync's objects through the API server: read, trigger, tidy up."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .api import APPLY, Api, ApiError, Deadline
from .discovery import SECRETS, Resource
from .errors import ClusterError
from .masking import secret_values
from .volsync_movers import DENIED
from .volsync_repository import secret_text
from .volsync_status import GROUP, SOURCE, Sync, sync_of

#: owns spec.trigger.manual while a sync that it asked for runs, and nothing else
FIELD_MANAGER = "synergyflow.platform.volsync"
#: of a repository Secret what may be read, and helps who looks for a fault
PLAIN = ("RESTIC_REPOSITORY", "AWS_DEFAULT_REGION")
#: seconds that are left for tidying up, whatever became of the work
TIDY_UP = 30.0
PAUSE_FIRST, PAUSE_LONGEST = 0.3, 2.0


class VolSync:
    """VolSync on one cluster, within one task's deadline."""

    def __init__(self, api: Api, progress: Callable[[str], None] = lambda text: None) -> None:
        self.api = api
        self.progress = progress

    def kind(self, name: str) -> Resource:
        """ReplicationSource or ReplicationDestination, as the cluster serves it."""
        found = self.api.discover().preferred(GROUP, name)
        if found is None:
            raise ClusterError(f"the cluster does not serve {name}: VolSync is not installed (role volsync).")
        return found

    def source(self, namespace: str, name: str) -> dict[str, Any]:
        """A ReplicationSource that must be there."""
        live = self.api.get(self.kind(SOURCE), namespace, name)
        if live is None:
            there = [each["metadata"]["name"] for each in self.api.list(self.kind(SOURCE), namespace)]
            names = f"there are {', '.join(there)}" if there else "there is none"
            raise ClusterError(f"there is no ReplicationSource {name} in namespace {namespace}: {names}.")
        return live

    def sync(self, live: Mapping[str, Any]) -> Sync:
        """The state of an object's syncs, fit to be shown: the mover's log is a text of others."""
        sync = sync_of(live)
        foreign = self.api.masker.foreign
        return replace(sync, logs=foreign(sync.logs), message=foreign(sync.message))

    def repository_is_there(self, namespace: str, name: str) -> bool:
        """Whether a repository Secret is there. Its values are masked from now on: movers' logs may hold them."""
        try:
            secret = self.api.get(SECRETS, namespace, name)
        except ApiError as error:
            if error.code not in DENIED:
                raise
            return True  # not ours to see; VolSync says it
        if secret is None:
            return False
        plain = {key for key, text in secret_text(secret).items() if key in PLAIN and "@" not in text}
        data = {key: value for key, value in (secret.get("data") or {}).items() if key not in plain}
        self.api.masker.always(secret_values({"data": data}))
        return True

    def set_manual(self, live: Mapping[str, Any], tag: str, *, exactly: bool) -> dict[str, Any] | None:
        """Have trigger.manual be this tag, or nobody's of ours when it is empty; the object as it is then.

        With `exactly` only the very object that was read is changed: None when it has been changed meanwhile. Without,
        still no other object of the same name, and none is made.
        """
        metadata = live["metadata"]
        resource = self.kind(live.get("kind") or SOURCE)
        identity = {key: metadata[key] for key in ("name", "namespace", "uid")}
        if exactly:
            identity["resourceVersion"] = metadata["resourceVersion"]
        body: dict[str, Any] = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": identity}
        if tag:
            body["spec"] = {"trigger": {"manual": tag}}
        path = resource.path(metadata["namespace"], metadata["name"])
        about = f"{resource.kind} {metadata['namespace']}/{metadata['name']}"
        try:
            query = {"fieldManager": FIELD_MANAGER, "force": "true"}
            answer = self.api.call("PATCH", path, query=query, body=body, content_type=APPLY, about=about)
        except ApiError as error:
            if error.code == 409:  # changed, or gone and perhaps made anew: not ours to touch
                return None
            raise
        return self.api.document(answer)

    def create(self, resource: Resource, body: Mapping[str, Any], manager: str = "") -> dict[str, Any]:
        """Make an object that is not there. `manager` owns its fields, where that matters."""
        metadata = body["metadata"]
        namespace = metadata.get("namespace", "")
        about = f"{resource.kind} {namespace + '/' if namespace else ''}{metadata['name']}"
        full = {"apiVersion": resource.api_version, "kind": resource.kind, **body}
        query = {"fieldManager": manager}
        return self.api.json("POST", resource.path(namespace), query=query, body=full, about=about)

    def delete(self, resource: Resource, live: Mapping[str, Any]) -> None:
        """Delete this very object, and what it owns; it may be gone already."""
        metadata = live["metadata"]
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": metadata["uid"]},
        }
        path = resource.path(metadata.get("namespace", ""), metadata["name"])
        about = f"{resource.kind} {metadata['name']}"
        self.api.call("DELETE", path, body=body, expect=(404, 409), about=about)

    def tidying_up(self) -> VolSync:
        """The same for tidying up, which has time of its own: also after a deadline and after Ctrl-C."""
        return VolSync(self.api.within(TIDY_UP), self.progress)


class Pauses:
    """The times between two looks: short at first."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._next = PAUSE_FIRST

    def wait(self) -> bool:
        """Wait; False when the deadline has passed."""
        if self._deadline.passed:
            return False
        time.sleep(min(self._next, max(self._deadline.left, 0.05)))
        self._next = min(self._next * 1.4, PAUSE_LONGEST)
        return True


def triggered_at(live: Mapping[str, Any]) -> str:
    """When trigger.manual was set, by the API server's clock."""
    entries = live["metadata"].get("managedFields") or []
    times = [each["time"] for each in entries if each.get("manager") == FIELD_MANAGER and each.get("time")]
    return max(times)
