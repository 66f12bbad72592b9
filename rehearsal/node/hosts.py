# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""In-cluster names that lead to programs of this machine: a hosts file for Java, which reads it at every look-up."""

from __future__ import annotations

import socket
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
