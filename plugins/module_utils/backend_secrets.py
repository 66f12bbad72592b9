# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether pods have their Secrets as they are now: a container reads its environment when it starts.

For the backend, and for the registry with a log-in from Vault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

#: on the pods' template: the change of a Secret that they were last restarted for
ANNOTATION = "synergyflow.platform/secrets"


def written_at(secret: Mapping[str, Any]) -> datetime | None:
    """When the Secret's data was last written, by the record that the API server keeps; None when it keeps none."""
    times = [
        moment(entry["time"])
        for entry in (secret.get("metadata") or {}).get("managedFields") or []
        if "f:data" in (entry.get("fieldsV1") or {}) and entry.get("time")
    ]
    return max(times, default=None)


def newest(secrets: Iterable[Mapping[str, Any]]) -> datetime | None:
    """When the last of the Secrets was written."""
    return max(filter(None, map(written_at, secrets)), default=None)


def behind(pods: Iterable[Mapping[str, Any]], written: datetime | None, container: str = "backend") -> list[str]:
    """The pods whose container started before that moment."""
    return [
        pod["metadata"]["name"]
        for pod in pods
        if written and (started := started_at(pod, container)) and started < written
    ]


def started_at(pod: Mapping[str, Any], container: str = "backend") -> datetime | None:
    """When the pod's container started; None while it does not run."""
    for status in (pod.get("status") or {}).get("containerStatuses") or []:
        running = (status.get("state") or {}).get("running") or {}
        if status.get("name") == container and running.get("startedAt"):
            return moment(running["startedAt"])
    return None


def restart_for(
    deployment: Mapping[str, Any] | None,
    pods: Iterable[Mapping[str, Any]],
    secrets: Iterable[Any],
    container: str = "backend",
) -> str:
    """What the annotation is to say: the newest change when pods are behind it, else what it says; empty for none."""
    written = newest(secrets)
    if written and behind(pods, written, container):
        return written.strftime("%Y-%m-%dT%H:%M:%SZ")
    template = ((deployment or {}).get("spec") or {}).get("template") or {}
    return str(((template.get("metadata") or {}).get("annotations") or {}).get(ANNOTATION) or "")


def moment(text: str) -> datetime:
    """A time as the API writes it."""
    return datetime.fromisoformat(text)
