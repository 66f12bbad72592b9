# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Requests of one client, counted by the API server itself: from its audit log."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bench.failures import InvalidMeasurementError

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True)
class Requests:
    """What one client asked during one run."""

    total: int
    verbs: dict[str, int]
    writes: int  # that were not dry runs


class AuditLog:
    """The audit log of one cluster, read from where it ended last."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def end(self) -> int:
        """Where the log ends now (bytes)."""
        return self.path.stat().st_size

    def requests(self, user: str, start: int) -> Requests:
        """The answered requests of this user written from byte `start` on.

        The server writes an event before it answers, so nothing is still to come once the client has ended.
        """
        if self.end() < start:
            raise InvalidMeasurementError(f"{self.path} was rotated during a run: its requests cannot be counted")
        with self.path.open("rb") as log:
            log.seek(start)
            lines = log.read().splitlines()
        return count([line for line in lines if user.encode() in line], user)


def count(lines: list[bytes], user: str) -> Requests:
    """The requests of `user` among audit events, one JSON document a line."""
    verbs: Counter[str] = Counter()
    writes = 0
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue  # a line of another request, being written just now
        if event["user"]["username"] != user or event["stage"] not in ("ResponseComplete", "Panic"):
            continue
        verbs[event["verb"]] += 1
        dry_run = "dryRun" in parse_qs(urlsplit(event["requestURI"]).query)
        writes += event["verb"] in WRITES and not dry_run
    return Requests(total=verbs.total(), verbs=dict(verbs), writes=writes)
