# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes objects and waits until they are gone; says what holds those that stay."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .api import Answer, Api
from .errors import ClusterError
from .objects import Key, Manifest, key_of

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0


def delete(api: Api, path: str, key: Key, preconditions: Mapping[str, str], expect: Iterable[int] = ()) -> Answer:
    """Ask for the deletion of exactly this object; it is no error when it is gone already."""
    body = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": dict(preconditions),
        "propagationPolicy": "Background",
    }
    return api.call("DELETE", path, body=body, expect=(404, *expect), about=str(key))


def wait_gone(
    api: Api,
    manifests: Iterable[Manifest],
    get: Callable[[Manifest], Manifest | None],
    look: Callable[[list[tuple[Manifest, Manifest]]], None] = lambda still: None,
) -> None:
    """Until each object, told by its UID, is gone. `look` sees at every turn what is still there."""
    waiting = list(manifests)
    pause = FIRST_PAUSE
    while waiting:
        live = api.all(get, waiting)
        still = [
            (manifest, found)
            for manifest, found in zip(waiting, live, strict=True)
            if found is not None and found["metadata"]["uid"] == manifest["metadata"]["uid"]
        ]
        waiting = [manifest for manifest, _found in still]
        look(still)
        if waiting and api.deadline.left < pause:
            text = " ".join(stuck(key_of(manifest), found) for manifest, found in still[:5])
            text += f" And {len(still) - 5} more." if len(still) > 5 else ""
            raise ClusterError(f"Not gone within {api.deadline.seconds:g} s: {text}")
        if waiting:
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)


def stuck(key: Key, live: Mapping[str, Any]) -> str:
    """Why an object that is being deleted is still there."""
    metadata = live.get("metadata") or {}
    if not metadata.get("deletionTimestamp"):
        return f"{key} is still there."
    text = f"{key} is being deleted since {metadata['deletionTimestamp']}"
    finalizers = metadata.get("finalizers") or []
    if finalizers:
        text += f"; it waits for the finalizers {', '.join(finalizers)}: is what removes them running?"
    remains = [
        condition.get("message", "")
        for condition in (live.get("status") or {}).get("conditions") or []
        if condition.get("status") == "True" and condition.get("type", "").startswith("Namespace")
    ]
    return text + (f" {' '.join(remains)}" if remains else "") + ("" if text.endswith("?") or remains else ".")
