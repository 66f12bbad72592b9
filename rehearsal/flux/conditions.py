# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The status of a FluxInstance as flux-operator writes it, and why its objects are not ready yet. Pure functions."""

from __future__ import annotations

import re
from typing import Any

READY, RECONCILING, STALLED = "Ready", "Reconciling", "Stalled"
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")

Object = dict[str, Any]


def seconds(text: str | None, default: float) -> float:
    """A duration as Go writes it, `1h30m`; the default for none and for what is no duration."""
    if not text or _DURATION.sub("", text):
        return default
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))


def conditions(instance: Object, when: str, **states: tuple[str, str, str]) -> list[Object]:
    """The conditions of these types alone, each `(status, reason, message)`; one that stays keeps its time."""
    known = {each["type"]: each for each in (instance.get("status") or {}).get("conditions") or []}
    made = []
    for name, (status, reason, message) in states.items():
        kept = known.get(name, {})
        made.append(
            {
                "type": name,
                "status": status,
                "reason": reason,
                "message": message,
                "observedGeneration": instance["metadata"]["generation"],
                "lastTransitionTime": kept["lastTransitionTime"] if kept.get("status") == status else when,
            }
        )
    return made


def obstacle(live: Object | None, wanted: Object) -> str | None:
    """Why an object is not ready yet; None when it is."""
    name = f"{wanted['kind']}/{wanted['metadata'].get('namespace', '')}/{wanted['metadata']['name']}".replace("//", "/")
    if live is None:
        return f"{name} status: 'NotFound'"
    reason = _unready(live)
    return f"{name} status: '{reason}'" if reason else None


def _unready(live: Object) -> str | None:
    status = live.get("status") or {}
    states = {each["type"]: each for each in status.get("conditions") or []}
    if live["kind"] == "CustomResourceDefinition":
        return None if states.get("Established", {}).get("status") == "True" else "InProgress"
    if live["kind"] == "Deployment":
        wanted = live["spec"].get("replicas", 1)
        current = status.get("observedGeneration", 0) >= live["metadata"]["generation"]
        counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
        return None if current and counts == {wanted} else "InProgress"
    if live["apiVersion"].partition("/")[0].endswith("toolkit.fluxcd.io"):
        ready = states.get(READY, {})
        if status.get("observedGeneration", -1) != live["metadata"]["generation"] or not ready:
            return "InProgress"
        return None if ready["status"] == "True" else f"{ready['reason']}: {ready['message']}"
    return None
