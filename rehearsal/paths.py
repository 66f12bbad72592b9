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
    def s3(self) -> Path:
        """The object store: `endpoint`, `access_key`, `secret_key`, and what it holds under `data/<bucket>`."""
        return self.state / "s3"

    @property
    def git(self) -> Path:
        """The Git server: `url`, `username`, `password`, and its one bare repository."""
        return self.state / "git"

    @property
    def charts(self) -> Path:
        """The chart repository: `url`, `index.yaml` and the charts themselves."""
        return self.state / "charts"

    @property
    def vault(self) -> Path:
        """The values that External Secrets' stand-in takes for those of a Vault, `{path: {key: value}}`."""
        return self.state / "vault.json"

    @property
    def volumes(self) -> Path:
        """`<cluster>/<namespace>/<pvc name>-<pvc uid>/`, living as long as the claim."""
        return self.state / "volumes"

    @property
    def stores(self) -> Path:
        """Where infra's stores are reached: files `metrics` and `logs`, each with an address."""
        return self.state / "stores"

    @property
    def nodes(self) -> Path:
        """`<cluster>/<node>/`: what pods mount of a node's own file system, logs of containers among it."""
        return self.state / "nodes"

    @property
    def pods(self) -> Path:
        """`<cluster>/<namespace>/<pod>-<uid>/`, living as long as the pod."""
        return self.state / "pods"
