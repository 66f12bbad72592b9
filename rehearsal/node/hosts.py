# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""In-cluster names that lead to programs of this machine: a hosts file for Java, which reads it at every look-up."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterable
from pathlib import Path

from rehearsal.files import write_atomically
from rehearsal.paths import Paths

LOOPBACK = "127.0.0.1"


def file(paths: Paths, cluster: str) -> Path:
    """The file for -Djdk.net.hosts.file; with it Java asks nobody else."""
    return paths.pods / cluster / "hosts"


def write(paths: Paths, cluster: str, names: Iterable[str]) -> None:
    """Let all these names, and this machine's own, lead to 127.0.0.1."""
    own = ["localhost", socket.gethostname()]
    text = "".join(f"{LOOPBACK} {name}\n" for name in [*own, *sorted(set(names) - set(own))])
    target = file(paths, cluster)
    if not target.is_file() or target.read_text() != text:
        write_atomically(target, text)


class Hosts:
    """The names of one cluster's pods, kept in its file by many workers at once."""

    def __init__(self, paths: Paths, cluster: str) -> None:
        self._paths = paths
        self._cluster = cluster
        self._lock = threading.Lock()
        # by pod folder; what an earlier process of the node published, whose programs may run still
        self._names = {folder: _recorded(folder) for folder in (paths.pods / cluster).glob("*/*") if folder.is_dir()}

    def publish(self, folder: Path, names: list[str]) -> None:
        """Let exactly these names of the pod with this folder lead here."""
        with self._lock:
            self._names[folder] = names
            self._write()

    def forget(self, folder: Path) -> None:
        """Nothing leads to this pod any more."""
        with self._lock:
            if self._names.pop(folder, None):
                self._write()

    def _write(self) -> None:
        write(self._paths, self._cluster, [name for each in self._names.values() for name in each])


def _recorded(folder: Path) -> list[str]:
    """The names that a pod's containers had when they were last started."""
    runs = [json.loads(file.read_text()).get("run") or {} for file in folder.glob("containers/*/state.json")]
    return [name for run in runs for name in run.get("hosts") or []]
