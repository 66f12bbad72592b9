# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each release of CloudNativePG can do, and the versions in the tags of images.

Sources, all of cloudnative-pg/cloudnative-pg:
- Kubernetes: docs/src/supported_releases.md at v1.30.0 (supported and tested; untested does not mean impossible).
- backups by the operator itself ("in-tree", `barmanObjectStore`): deprecated from 1.26, gone in 1.31
  (docs/src/release_notes/v1.30.md, pull request 11083; docs/src/appendixes/backup_barmanobjectstore.md).
- kind Database from 1.25, its `extensions` and `schemas` from 1.26 (docs/src/release_notes/v1.25.md and v1.26.md).
- tags of images: docs/src/container_images.md, "Image Tag Requirements".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: the release from which on the operator no longer takes backups by itself
IN_TREE_DEPRECATED, IN_TREE_GONE = (1, 26), (1, 31)
#: the release from which on a Database keeps extensions and schemas
DATABASE_EXTENSIONS = (1, 26)
OPERATOR_LABEL = "app.kubernetes.io/name=cloudnative-pg"
RELEASE = re.compile(r"^v?(\d+)\.(\d+)\.(\d+)(?:[-+].*)?$")
MAJOR = re.compile(r"^(\d+)(?:[._-]|$)")


@dataclass(frozen=True)
class Kubernetes:
    """The minor releases of Kubernetes 1.x that a release was made for or tried on."""

    oldest: int
    newest: int


TESTED: dict[str, Kubernetes] = {
    "1.24": Kubernetes(28, 31),
    "1.25": Kubernetes(29, 32),
    "1.26": Kubernetes(30, 33),
    "1.27": Kubernetes(31, 33),
    "1.28": Kubernetes(32, 35),
    "1.29": Kubernetes(31, 36),
    "1.30": Kubernetes(30, 36),
}


def numbers(version: str) -> tuple[int, int, int] | None:
    """`1.30.0` as (1, 30, 0); None for what is no release."""
    found = RELEASE.match(str(version))
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def has_in_tree(version: str) -> bool | None:
    """Whether the release takes backups by itself; None if the version is unknown."""
    release = numbers(version)
    return release[:2] < IN_TREE_GONE if release else None


def in_tree_warning(version: str) -> str | None:
    """What to know of in-tree backups under a release that still has them."""
    release = numbers(version)
    if not release or not IN_TREE_DEPRECATED <= release[:2] < IN_TREE_GONE:
        return None
    return (
        f"backups by the operator itself (barmanObjectStore) are deprecated in CloudNativePG {version} and gone in"
        " 1.31: install plugin-barman-cloud and set cnpg_backup_method: plugin before that upgrade"
    )


def has_database_extensions(version: str) -> bool | None:
    """Whether a Database of this release keeps extensions and schemas; None if the version is unknown."""
    release = numbers(version)
    return release[:2] >= DATABASE_EXTENSIONS if release else None


def kubernetes_warning(version: str, major: int, minor: int) -> str | None:
    """Why this release may not be for this Kubernetes; None if it was tried on it, or is not in the table."""
    release = numbers(version)
    tested = TESTED.get(f"{release[0]}.{release[1]}") if release else None
    if tested is None or major != 1 or tested.oldest <= minor <= tested.newest:
        return None
    return f"CloudNativePG {version} was tried on Kubernetes 1.{tested.oldest} to 1.{tested.newest}, this is 1.{minor}"


def operator_version(workload: Mapping[str, Any]) -> str | None:
    """The release in the tag of the operator's image; None if the image is named otherwise (a digest, `latest`).

    `workload` is the operator's Deployment, or a pod of it.
    """
    spec = (workload["spec"].get("template") or {}).get("spec") or workload["spec"]
    for container in spec.get("containers") or []:
        name, _colon, tag = container["image"].partition("@")[0].rpartition(":")
        release = numbers(tag)
        if "cloudnative-pg" in name and release:
            return ".".join(map(str, release))
    return None


def postgresql_major(image: str) -> int | None:
    """The major version of PostgreSQL that the operator reads from an image's tag; None if the tag has none."""
    name, colon, tag = str(image).partition("@")[0].rpartition(":")
    found = MAJOR.match(tag) if colon and name and "/" not in tag else None
    return int(found[1]) if found else None
