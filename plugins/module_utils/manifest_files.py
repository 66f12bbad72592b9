# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a path of manifests means: the preflight looks at exactly those that are rendered."""

from __future__ import annotations

import os
from collections.abc import Callable

from .errors import ClusterError

SUFFIXES = (".yaml", ".yml", ".json")


def files_of(source: str, find: Callable[[str], str | None], what: str = "manifests") -> list[str]:
    """The file itself, or the manifests right in the folder, sorted.

    A relative path is one from the working directory, or else what `find` makes of it; None if it is nowhere.
    """
    path = os.path.abspath(os.path.expanduser(source))
    if not os.path.exists(path) and not os.path.isabs(os.path.expanduser(source)):
        found = find(source)
        if found is None:
            raise ClusterError(
                f"{what}: {source} is neither a file nor a folder in the working directory, "
                "in the role's files/ or beside the playbook."
            )
        path = found
    if not os.path.exists(path):
        raise ClusterError(f"{what}: {path} does not exist.")
    if not os.path.isdir(path):
        return [path]
    names = sorted(name for name in os.listdir(path) if name.endswith(SUFFIXES))
    if not names:
        raise ClusterError(f"{what}: the folder {path} has no file that ends in {', '.join(SUFFIXES)}.")
    return [os.path.join(path, name) for name in names]
