# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""A pod's status as the kubelet would write it, from what is known of its containers. Pure functions over dicts.

Upstream: generateAPIPodStatus, getPhase and status/generate.go in kubernetes/pkg/kubelet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

State = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """One container: `state` and `last` as in a ContainerStatus."""

    name: str
    image: str
    state: State
    last: State = field(default_factory=dict)
    ready: bool = False
    restarts: int = 0
    program: str = ""

    @property
    def kind(self) -> str:
        """waiting, running or terminated."""
        return next(iter(self.state))

    def as_status(self) -> dict[str, Any]:
        """The ContainerStatus."""
        return {
            "name": self.name,
            "image": self.image,
            "imageID": self.program and f"process-node://{self.program}",
            "containerID": self.program and f"process://{self.program}/{self.restarts}",
            "ready": self.ready,
            "started": self.kind == "running",
            "restartCount": self.restarts,
            "state": self.state,
            "lastState": self.last,
        }


def waiting(reason: str, message: str = "") -> State:
    """A container that does not run yet, or not now."""
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def running(since: str) -> State:
    """A container that runs."""
    return {"running": {"startedAt": since}}


def terminated(exit_code: int, since: str, until: str, message: str = "", reason: str = "") -> State:
    """A container that has ended."""
    reason = reason or ("Completed" if exit_code == 0 else "Error")
    ended = {"exitCode": exit_code, "reason": reason, "startedAt": since, "finishedAt": until}
    return {"terminated": {**ended, **({"message": message} if message else {})}}


def now() -> str:
    """The time as the API writes it, in whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def phase(policy: str, inits: list[Seen], containers: list[Seen]) -> str:
    """Pending, Running, Succeeded or Failed."""
    failed_init = any(each.kind == "terminated" and each.state["terminated"]["exitCode"] for each in inits)
    if failed_init and policy == "Never":
        return "Failed"
    if any(each.kind != "terminated" for each in inits) or failed_init:
        return "Pending"
    never_started = [each for each in containers if each.kind == "waiting" and not each.last]
    if never_started:
        return "Pending"
    if policy != "Always" and all(each.kind == "terminated" for each in containers):
        codes = [each.state["terminated"]["exitCode"] for each in containers]
        if not any(codes):
            return "Succeeded"
        if policy == "Never":
            return "Failed"
    return "Running"


def pod_status(
    pod: dict[str, Any], *, address: str, host_address: str, inits: list[Seen], containers: list[Seen], mounted: bool
) -> dict[str, Any]:
    """What a strategic merge patch of the status says. Conditions of others (PodScheduled) are not in it."""
    previous = pod.get("status") or {}
    whole = phase(pod["spec"].get("restartPolicy", "Always"), inits, containers)
    done = whole in ("Succeeded", "Failed")
    initialized = mounted and all(each.kind == "terminated" for each in inits) and whole != "Failed"
    unready = [each.name for each in containers if not each.ready]
    all_ready = initialized and not unready and not done
    why: dict[str, str] = {}
    if done:
        why = {"reason": "PodCompleted" if whole == "Succeeded" else "PodFailed"}
    elif not all_ready:
        why = {
            "reason": "ContainersNotReady",
            "message": f"containers with unready status: [{' '.join(unready)}]",
        }
    wanted: list[tuple[str, bool, dict[str, str]]] = [
        ("PodReadyToStartContainers", mounted and not done, {}),
        ("Initialized", initialized, {} if initialized else {"reason": "ContainersNotInitialized"}),
        ("ContainersReady", all_ready, why),
        ("Ready", all_ready, why),
    ]
    status: dict[str, Any] = {
        "phase": whole,
        "conditions": [_condition(previous, *each, pod["metadata"].get("generation")) for each in wanted],
        "hostIP": host_address,
        "hostIPs": [{"ip": host_address}],
        "startTime": previous.get("startTime") or now(),
        "containerStatuses": [each.as_status() for each in containers],
        "qosClass": previous.get("qosClass", "BestEffort"),
        "observedGeneration": pod["metadata"].get("generation"),
    }
    if mounted:
        status |= {"podIP": address, "podIPs": [{"ip": address}]}
    if inits:
        status["initContainerStatuses"] = [each.as_status() for each in inits]
    return {key: value for key, value in status.items() if value is not None}


def _condition(
    previous: dict[str, Any], kind: str, holds: bool, why: dict[str, str], generation: int | None
) -> dict[str, Any]:
    value = "True" if holds else "False"
    before: dict[str, Any] = next((each for each in previous.get("conditions") or [] if each["type"] == kind), {})
    condition: dict[str, Any] = {
        "type": kind,
        "status": value,
        "lastProbeTime": None,
        "reason": None,
        "message": None,
        **why,
    }
    condition["lastTransitionTime"] = before["lastTransitionTime"] if before.get("status") == value else now()
    if generation:
        condition["observedGeneration"] = generation
    return condition


def differs(previous: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether the API's status lacks anything of the wanted one. An absent field is an empty one."""
    return any(not _same(previous.get(key), value) for key, value in wanted.items())


def _same(before: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        before = before or {}
        keys = set(wanted) | (set(before) if _closed(wanted) else set())
        return all(_same(before.get(key), wanted.get(key)) for key in keys)
    if isinstance(wanted, list):
        before = before or []
        if wanted and isinstance(wanted[0], dict) and "type" in wanted[0]:
            by_type = {each.get("type"): each for each in before}
            return all(_same(by_type.get(each["type"]), each) for each in wanted)
        return len(before) == len(wanted) and all(map(_same, before, wanted))
    return (before or None) == (wanted or None)


def _closed(wanted: dict[str, Any]) -> bool:
    """A container's state is one of three: what is not wanted must go."""
    return not wanted or bool(set(wanted) & {"waiting", "running", "terminated"})
