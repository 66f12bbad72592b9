# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Events on pods, claims and other objects: one per reason and message, counted when it happens again."""

from __future__ import annotations

import hashlib
import logging
import time
from typing import Any

from rehearsal.node.api import Api, ApiError, core
from rehearsal.node.status import now

log = logging.getLogger(__name__)

QUIET = 10.0  # seconds in which the same event is not written again


class Events:
    """Writes events; a failure to write one is not worth failing for."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._written: dict[str, tuple[int, float]] = {}

    def warning(self, about: dict[str, Any], reason: str, message: str) -> None:
        """Something went wrong."""
        self._post(about, "Warning", reason, message)

    def normal(self, about: dict[str, Any], reason: str, message: str) -> None:
        """Something was done."""
        self._post(about, "Normal", reason, message)

    def _post(self, about: dict[str, Any], kind: str, reason: str, message: str) -> None:
        metadata = about["metadata"]
        digest = hashlib.sha256(f"{metadata['uid']}{reason}{message}".encode()).hexdigest()[:16]
        name = f"{metadata['name']}.{digest}"
        count, last = self._written.get(name, (0, -QUIET))
        if time.monotonic() - last < QUIET:
            return
        self._written[name] = (count + 1, time.monotonic())
        try:
            if count and self._count(metadata["namespace"], name, count + 1):
                return
            self._api.create(core(metadata["namespace"], "events"), self._event(about, kind, reason, message, name))
        except ApiError as error:
            log.debug("event %s: %s", name, error)

    def _count(self, namespace: str, name: str, count: int) -> bool:
        try:
            self._api.patch(core(namespace, "events", name), {"count": count, "lastTimestamp": now()})
        except ApiError:
            return False  # events expire
        return True

    def _event(self, about: dict[str, Any], kind: str, reason: str, message: str, name: str) -> dict[str, Any]:
        metadata = about["metadata"]
        node = (about.get("spec") or {}).get("nodeName")
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": metadata["namespace"]},
            "involvedObject": {
                "apiVersion": about.get("apiVersion", "v1"),
                "kind": about["kind"],
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
                "resourceVersion": metadata.get("resourceVersion"),
            },
            "reason": reason,
            "message": message[:1024],
            "type": kind,
            "count": 1,
            "firstTimestamp": now(),
            "lastTimestamp": now(),
            "source": {"component": self._api.name, **({"host": node} if node else {})},
            "reportingComponent": self._api.name,
        }
