# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a Flux object is not ready: what it waits for, and what ails the objects whose health it checks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .api import Api
from .errors import ClusterError
from .flux_graph import dependencies, source_of
from .flux_status import is_suspended, revision_of
from .objects import Key, Manifest
from .readiness import conditions, judge

#: how Flux names an object whose health it has checked, such as Kafka/messaging/synergyflow status: 'InProgress'
UNHEALTHY = re.compile(r"\b([A-Z]\w*)/(?:([a-z0-9.-]+)/)?([a-z0-9.-]+) status: '(\w+)'")
#: dependencies that are followed, each to its own
DEEPEST = 5


def flux_causes(api: Api, live: Mapping[str, Any]) -> list[str]:
    """Lines about a Flux object that is not ready. What may not be read is left out."""
    good = conditions(live).get("Ready") or {}
    lines = _unhealthy(api, live, str(good.get("message") or ""))
    if good.get("reason") == "DependencyNotReady":
        lines += _waits_for(api, live, set())
    if not judge(live).done:
        source = source_of(live)
        lines += _about_source(api, source) if source else []
    return lines


def _read(api: Api, key: Key) -> Manifest | None:
    """The object; None where there is none. Raises ClusterError where that cannot be known."""
    resource = api.discover().preferred(key.group, key.kind)
    if resource is None:
        return None
    live = api.get(resource, key.namespace, key.name)
    return None if live is None else {**live, "apiVersion": resource.api_version, "kind": key.kind}


def _waits_for(api: Api, live: Mapping[str, Any], seen: set[Key]) -> list[str]:
    lines = []
    for key in dependencies(live):
        if key in seen or len(seen) >= DEEPEST:
            continue
        seen.add(key)
        try:
            needed = _read(api, key)
        except ClusterError:
            continue
        if needed is None:
            lines.append(f"waits for {key}, which does not exist")
            continue
        verdict = judge(needed)
        suspended = "suspended, " if is_suspended(needed) else ""
        at = revision_of(needed)
        about = f"{suspended}{verdict.state}{': ' + verdict.reason if verdict.reason else ''}"
        if suspended or not verdict.done or at != revision_of(live):
            lines.append(f"waits for {key} ({about}; at {at or 'no revision'})")
            lines += _unhealthy(api, needed, str((conditions(needed).get("Ready") or {}).get("message") or ""))
            lines += _waits_for(api, needed, seen)
    return lines


def _about_source(api: Api, key: Key) -> list[str]:
    try:
        source = _read(api, key)
    except ClusterError:
        return []
    if source is None:
        return [f"its source {key} does not exist"]
    verdict = judge(source)
    if verdict.done and not is_suspended(source):
        return []
    suspended = "suspended, " if is_suspended(source) else ""
    return [f"its source {key}: {suspended}{verdict.state}: {verdict.reason}"]


def _unhealthy(api: Api, live: Mapping[str, Any], message: str) -> list[str]:
    """What the objects say themselves whose health Flux found wanting; it names them without their group."""
    lines = []
    for kind, namespace, name, state in UNHEALTHY.findall(message):
        group = _group_in_inventory(live, kind, namespace, name)
        if group is None:
            continue
        key = Key(group, kind, namespace, name)
        try:
            found = _read(api, key)
        except ClusterError:
            continue
        verdict = judge(found) if found else None
        said = "it does not exist" if verdict is None else f"{verdict.state}: {verdict.reason}".rstrip(": ")
        lines.append(f"{key} ({state} for Flux): {said}")
    return lines


def _group_in_inventory(live: Mapping[str, Any], kind: str, namespace: str, name: str) -> str | None:
    """The API group of an object that a Kustomization has applied, or checks; None if it has no such one."""
    for entry in ((live.get("status") or {}).get("inventory") or {}).get("entries") or []:
        parts = str(entry.get("id") or "").split("_")
        if len(parts) == 4 and (parts[0], parts[1].replace("__", ":"), parts[3]) == (namespace, name, kind):
            return parts[2]
    for check in (live.get("spec") or {}).get("healthChecks") or []:
        if (check.get("namespace") or "", check.get("name"), check.get("kind")) == (namespace, name, kind):
            return str(check.get("apiVersion") or "").rpartition("/")[0]
    return None
