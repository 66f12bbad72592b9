# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Where a pod's files are on this machine, and how the paths inside its containers are found there."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.paths import Paths


@dataclass(frozen=True)
class PodFiles:
    """The folder of one pod: `volumes/<volume>/`, and for each container `containers/<name>/`."""

    folder: Path

    @classmethod
    def of(cls, paths: Paths, cluster: str, pod: dict[str, Any]) -> PodFiles:
        """The folder of this very pod: one of the same name made later has another."""
        metadata = pod["metadata"]
        return cls(paths.pods / cluster / metadata["namespace"] / f"{metadata['name']}-{metadata['uid']}")

    def volume(self, name: str) -> Path:
        """Files of a volume that lives as long as the pod."""
        return self.folder / "volumes" / name

    def container(self, name: str) -> Path:
        """What the node keeps of a container: its state, logs, and files made for its program."""
        return self.folder / "containers" / name

    def root(self, container: str) -> Path:
        """A folder that has the container's mounts where the container has them: `root/opt/kafka/init` and so on."""
        return self.container(container) / "root"

    def host(self, node: str) -> Path:
        """The file system of the node that the pod is on, as far as pods mount of it."""
        cluster = self.folder.parents[1]
        return cluster.parents[1] / "nodes" / cluster.name / node

    @property
    def kubeconfig(self) -> Path:
        """The way in to the API server as the pod's ServiceAccount, when one of its programs asked for it."""
        return self.folder / "service-account" / "kubeconfig"

    def make(self) -> None:
        """Make the folder, for nobody else's eyes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)

    def remove(self) -> None:
        """Remove everything that lives as long as the pod. Links into claims' folders are not followed."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):  # of the namespace: goes with its last pod
            self.folder.parent.rmdir()


def link_mounts(root: Path, mounts: list[dict[str, Any]], volumes: dict[str, Path]) -> None:
    """Put a link to its volume at every mount path, the outer mounts first. Mounts inside a mount are left out."""
    for mount in sorted(mounts, key=lambda mount: mount["mountPath"]):
        source = volumes[mount["name"]]
        if mount.get("subPath"):
            source = source / mount["subPath"]
        place = inside(root, mount["mountPath"])
        if any(parent.is_symlink() for parent in place.parents if parent != root and root in parent.parents):
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_symlink() and Path(os.readlink(place)) != source:
            place.unlink()
        if not place.is_symlink():
            place.symlink_to(source)


def inside(root: Path, path: str) -> Path:
    """A path inside a container, as it is on this machine."""
    return root / path.strip("/")
