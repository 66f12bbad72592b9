# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Logs of containers where a node has them: `/var/log/containers/<pod>_<namespace>_<container>-<id>.log`."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from rehearsal.node.pod_files import PodFiles

FOLDER = Path("var/log/containers")


def link(files: PodFiles, pod: dict[str, Any], container: str, log: Path) -> None:
    """Have the container's log under its node's name for it."""
    identity = hashlib.sha256(str(files.container(container)).encode()).hexdigest()
    name = f"{pod['metadata']['name']}_{pod['metadata']['namespace']}_{container}-{identity}.log"
    place = files.host(pod["spec"]["nodeName"]) / FOLDER / name
    if not place.is_symlink():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(log)


def unlink(files: PodFiles, namespace: str, pod: str) -> None:
    """Take the links of a pod that is gone away, whatever node it was on."""
    for place in files.host("any").parent.glob(f"*/{FOLDER}/{pod}_{namespace}_*.log"):
        if files.folder in Path(os.readlink(place)).parents:
            place.unlink(missing_ok=True)
