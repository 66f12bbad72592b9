# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pods of VolSync's movers, and other pods that run once: what failed, and what their logs say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .api import Api, ApiError
from .causes import causes
from .discovery import JOBS, PODS
from .volsync_status import CLOCK_TOLERANCE, hopeless, last_lines, moment

#: label of everything that VolSync makes (internal/controller/utils/labels.go)
MADE_BY_VOLSYNC = "app.kubernetes.io/created-by=volsync"
#: movers that may fail in a run before it is given up; VolSync's own limit is 8, after a quarter of an hour
ATTEMPTS = 2
LOG_BYTES = 64 * 1024
DENIED = (403, 404)


@dataclass(frozen=True)
class FailedMover:
    """A mover's pod that ended with an error."""

    pod: str
    exit_code: int | None
    log: str


def jobs_of(api: Api, owner: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The Jobs that VolSync made for an object; none where they may not be read."""
    uid, namespace = owner["metadata"]["uid"], owner["metadata"]["namespace"]
    try:
        found = api.list(JOBS, namespace, selector=MADE_BY_VOLSYNC)
    except ApiError as error:
        if error.code not in DENIED:
            raise
        return []
    return [
        {**job, "apiVersion": "batch/v1", "kind": "Job"}
        for job in found
        if any(reference.get("uid") == uid for reference in job["metadata"].get("ownerReferences") or [])
    ]


def failed_movers(api: Api, owner: Mapping[str, Any], since: datetime) -> list[FailedMover]:
    """The movers of this object that failed since then, the oldest first, with their logs."""
    found: list[tuple[str, FailedMover]] = []
    for job in jobs_of(api, owner):
        if not (job.get("status") or {}).get("failed"):
            continue
        metadata = job["metadata"]
        for pod in api.list(PODS, metadata["namespace"], selector=f"job-name={metadata['name']}"):
            created = moment(pod["metadata"].get("creationTimestamp"))
            ours = created is not None and created >= since - CLOCK_TOLERANCE
            if (pod.get("status") or {}).get("phase") == "Failed" and ours:
                name = pod["metadata"]["name"]
                log = pod_log(api, metadata["namespace"], name)
                found.append((pod["metadata"]["creationTimestamp"], FailedMover(name, exit_code(pod), log)))
    return [each[1] for each in sorted(found, key=lambda each: each[0])]


def why_failed(movers: list[FailedMover]) -> str | None:
    """Why a run is given up; None while it may still succeed."""
    if not movers:
        return None
    last = movers[-1]
    told = f"mover pod {last.pod} ended with exit code {last.exit_code}: {last_lines(last.log)}"
    advice = hopeless(last.log)
    if advice:
        return f"{advice}; {told}"
    if len(movers) >= ATTEMPTS:
        return f"{len(movers)} movers failed, the last {told}"
    return None


def mover_causes(api: Api, owner: Mapping[str, Any]) -> str:
    """What keeps the movers: events and logs of those that are not done."""
    lines = [line for job in jobs_of(api, owner) for line in causes(api, job)]
    return " | ".join(lines) or "VolSync has made no mover for it: look at the operator's log"


def pod_log(api: Api, namespace: str, name: str) -> str:
    """All that a pod's one container wrote, up to a limit; a note where it cannot be read."""
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/log"
    try:
        answer = api.call("GET", path, query={"limitBytes": LOG_BYTES}, accept="*/*", about=f"the log of pod {name}")
    except ApiError as error:
        return f"(no log: {error})"
    return api.masker.foreign(answer.body.decode(errors="replace"))


def exit_code(pod: Mapping[str, Any]) -> int | None:
    """The exit code of a pod's first container; None while it has not ended."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    ended = ((statuses[0].get("state") or {}).get("terminated") or {}) if statuses else {}
    return ended.get("exitCode")
