# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report shows beside the criteria, from the objects that were read for them: nothing is asked twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..component_objects import Seen
from ..flux_graph import dependencies, source_of, waves
from ..flux_status import is_suspended, revision_of
from ..objects import Manifest, key_of
from ..readiness import judge
from ..volsync_status import sync_of

FLUX_LISTS = ("git_repositories", "kustomizations", "helm_releases")


def facts_of(role: str, values: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    """The facts of one role: where its objects are, and what the report shows of them."""
    found = {name: values[f"{role}_{name}"] for name in ("namespace", "name") if f"{role}_{name}" in values}
    return found | FACTS.get(role, lambda seen: {})(seen)


def _flux(seen: Seen) -> dict[str, Any]:
    """What waits for what, in the order of the waiting, each at its revision."""
    every: list[Manifest] = [each for name in FLUX_LISTS for each in seen[name]]
    return {"graph": [_node(each, number) for number, wave in enumerate(waves(every), 1) for each in wave]}


def _node(found: Manifest, wave: int) -> dict[str, Any]:
    verdict, source = judge(found), source_of(found)
    return {
        "object": str(key_of(found)),
        "wave": wave,
        "state": "suspended" if is_suspended(found) else verdict.state,
        "reason": verdict.reason,
        "revision": revision_of(found),
        "source": str(source) if source else "",
        "after": [str(each) for each in dependencies(found)],
    }


def _volsync(seen: Seen) -> dict[str, Any]:
    return {"sources": [_source(each) for each in seen["sources"]]}


def _source(found: Manifest) -> dict[str, Any]:
    sync = sync_of(found)
    return {
        "name": f"{found['metadata']['namespace']}/{found['metadata']['name']}",
        "claim": (found.get("spec") or {}).get("sourcePVC") or "",
        "schedule": sync.schedule,
        "last": sync.last_sync.isoformat() if sync.last_sync else None,
        "seconds": sync.duration if sync.last_sync else None,
        "result": "paused" if sync.paused else sync.result,
        "next": sync.next_sync,
    }


FACTS: dict[str, Callable[[Seen], dict[str, Any]]] = {"flux": _flux, "volsync": _volsync}
