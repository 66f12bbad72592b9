# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""VolSync's restic mover: its own script and the real restic, on the folders of the pod's claims.

Upstream: mover-restic/entry.sh and internal/controller/mover/restic/mover.go in backube/volsync. The script takes its
paths from the environment, so nothing in it is changed. It relies on three things that a container gives it:
- the path that it backs up is in the snapshot, and restic groups snapshots by it: the same in each pod of a claim;
- it finds a repository's snapshots by `/data` in that path: so it backs up a link of that name to the claim's folder;
- restic replaces a link that it is to restore to: so it restores to the claim's folder itself.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from rehearsal import artifacts, programs
from rehearsal.node.pod_files import inside
from rehearsal.node.recipes.local_paths import local_environment
from rehearsal.node.recipes.recipe import Container, Run
from rehearsal.node.recipes.volsync_manager import check_release

MODULE = "github.com/backube/volsync"
SCRIPT = "entry.sh"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
LINKS = "mover"


def runs(container: Container) -> bool:
    """VolSync's image with the script of the restic mover."""
    command = container.spec.get("command") or [""]
    return "backube/volsync:" in container.image and command[0] == f"/mover-restic/{SCRIPT}"


def prepare(container: Container) -> Run:
    """The script with the container's arguments and environment."""
    check_release(container.image)
    files = programs.module_files("volsync", MODULE, container.paths)
    script = next(file for file in files if file.name == SCRIPT)
    restic = programs.binary("restic", container.paths)
    actions = container.spec.get("args") or []
    data = claim_folder(container) if "restore" in actions else stable_data(container)
    return Run(
        command=["bash", str(script), *actions],
        environment={
            **local_environment(container),
            "DATA_DIR": str(data),
            "PATH": f"{restic.parent}:{SYSTEM_PATH}",
            "TMPDIR": str(inside(container.root, "/tmp")),
            "HOME": str(inside(container.root, "/tmp")),
            "version": artifacts.go_families()["volsync"].version,
        },
        directory=str(container.folder),
        exec_directory=str(data),
        notes=["VolSync's own mover script and restic; DATA_DIR and RESTIC_CACHE_DIR are folders of this machine"],
    )


def answers(run: Run) -> str | None:
    """It listens nowhere."""
    return None


def claim_folder(container: Container) -> Path:
    """The folder of the claim that is mounted at /data."""
    return inside(container.root, "/data").resolve()


def stable_data(container: Container) -> Path:
    """A path of the claim's folder that is the same in all its pods and ends in `/data`; links of gone claims go."""
    claim = claim_folder(container)
    namespace = container.paths.state / LINKS / container.cluster / container.pod["metadata"]["namespace"]
    for folder in namespace.glob("*"):
        if not (folder / "data").exists():
            shutil.rmtree(folder)
    link = namespace / claim.name / "data"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        os.symlink(claim, link)
    return link
