# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What every measurement works with: the cluster, its audit log, kubectl, a folder to write in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.audit import AuditLog
from bench.cluster import Cluster
from rehearsal.paths import Paths


@dataclass(frozen=True)
class Workbench:
    """One cluster of one rehearsal, made ready for measuring."""

    cluster: Cluster
    audit: AuditLog
    kubectl: Path
    paths: Paths

    @property
    def scratch(self) -> Path:
        """Playbooks, kubeconfigs, sets of objects, the contenders' caches."""
        return self.paths.state / "bench"

    @staticmethod
    def say(line: str) -> None:
        """Progress, at once also where output is a file."""
        print(line, flush=True)
