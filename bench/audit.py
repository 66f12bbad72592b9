# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Requests of one client, counted by the API server itself: from its audit log."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from bench.failures import InvalidMeasurementError

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True)
class Requests:
    """What one client asked during one run."""

    total: int
    verbs: dict[str, int]
    writes: int  # that were not dry runs


class Mark(NamedTuple):
    """A place in the log. The file is known by its inode: the server renames it when it has grown too large."""

    inode: int
    offset: int


class AuditLog:
    """The audit log of one cluster, with the older files that its server sets aside beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()  # rotated files lie beside the file itself, not beside a link to it

    def end(self) -> Mark:
        """Where the log ends now."""
        found = self.path.stat()
        return Mark(found.st_ino, found.st_size)

    def requests(self, user: str, start: Mark) -> Requests:
        """The answered requests of this user written since `start`.

        The server writes an event before it answers, so nothing is still to come once the client has ended.
        """
        lines: list[bytes] = []
        for path in self._since(start):
            with path.open("rb") as log:
                log.seek(start.offset if path.stat().st_ino == start.inode else 0)
                lines += [line for line in log.read().splitlines() if user.encode() in line]
        return count(lines, user)

    def _since(self, start: Mark) -> list[Path]:
        """The file that has the mark, and those begun after it."""
        # a rotated file is last written when it is set aside; its name carries that time
        older = sorted(self.path.parent.glob(f"{self.path.stem}-*{self.path.suffix}"))
        files = [*older, self.path]
        for number, path in enumerate(files):
            if path.stat().st_ino == start.inode:
                return files[number:]
        raise InvalidMeasurementError(f"{self.path} lost its older part during a run: requests cannot be counted")


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
