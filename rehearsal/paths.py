# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Where the rehearsal keeps its things: the state of this checkout, and the cache that checkouts share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

STATE_VARIABLE = "SYNERGYFLOW_REHEARSAL_DIR"
CACHE_VARIABLE = "SYNERGYFLOW_REHEARSAL_CACHE"

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Paths:
    """The folders of one rehearsal. None of them need exist: who writes makes them."""

    state: Path
    cache: Path

    @classmethod
    def from_environment(cls) -> Paths:
        """The folders named by the environment, or this checkout's own `.rehearsal` and the user's cache."""
        state = os.environ.get(STATE_VARIABLE) or REPOSITORY / ".rehearsal"
        cache_home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        cache = os.environ.get(CACHE_VARIABLE) or Path(cache_home) / "synergyflow-rehearsal"
        return cls(state=Path(state).expanduser().resolve(), cache=Path(cache).expanduser().resolve())

    def environment(self) -> dict[str, str]:
        """What a child process needs to find the same folders."""
        return {STATE_VARIABLE: str(self.state), CACHE_VARIABLE: str(self.cache)}

    @property
    def run(self) -> Path:
        """Supervisor's configuration and socket, logs, reserved ports."""
        return self.state / "run"

    @property
    def logs(self) -> Path:
        """One file per supervised program."""
        return self.run / "logs"

    @property
    def clusters(self) -> Path:
        """One folder per cluster."""
        return self.state / "clusters"

    def cluster(self, name: str) -> Path:
        """Everything of one cluster but its volumes and pods."""
        return self.clusters / name

    def kubeconfig(self, name: str) -> Path:
        """The admin's way in to a cluster."""
        return self.cluster(name) / "kubeconfig"

    def audit_log(self, name: str) -> Path:
        """One JSON event per answered request."""
        return self.cluster(name) / "audit.log"

    @property
    def manifests(self) -> Path:
        """Generated operator manifests, `strimzi-<version>/{crds,operator}.yaml`."""
        return self.state / "manifests"

    @property
    def volumes(self) -> Path:
        """`<cluster>/<namespace>/<pvc name>-<pvc uid>/`, living as long as the claim."""
        return self.state / "volumes"

    @property
    def pods(self) -> Path:
        """`<cluster>/<namespace>/<pod>-<uid>/`, living as long as the pod."""
        return self.state / "pods"
