# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of Flux is on the cluster and in the repository. Read-only."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ..api import Api, Deadline
from ..discovery import SECRETS
from ..errors import ClusterError
from ..flux_graph import KUSTOMIZE, OPERATOR
from ..git_program import Git, Login
from ..objects import Manifest
from .common import namespace_exists, readable
from .flux import Live

#: seconds that the repository may take to answer
GIT_TIMEOUT = 20.0


def read_live(api: Api, values: Mapping[str, Any]) -> Live:
    """What may not be read is taken for what the role's own requests will say better."""
    namespace, secret = str(values["flux_namespace"]), values["flux_git_secret"]

    def several(group: str, kind: str) -> list[Manifest]:
        resource = api.discover().preferred(group, kind)
        found = readable(lambda: api.list(resource), []) if resource else []
        return [{**each, "apiVersion": resource.api_version, "kind": kind} for each in found] if resource else []

    live = Live(namespace_exists=namespace_exists(api, namespace))
    for instance in several(OPERATOR, "FluxInstance"):
        where = (instance["metadata"].get("namespace"), instance["metadata"]["name"])
        if where == (namespace, "flux"):
            live.instance = instance
        else:
            live.other_instances.append("/".join(map(str, where)))
    live.kustomizations = several(KUSTOMIZE, "Kustomization")
    if secret:
        live.git_secret = _keys(api, namespace, secret)
    if values["flux_git_url"]:
        try:
            live.folders = folders_of(values)
        except ClusterError as error:
            live.git_error = str(error)
    return live


def _keys(api: Api, namespace: str, name: str) -> list[str] | None:
    # not ours to see: source-controller will say what is wrong with it
    found = readable(lambda: api.get(SECRETS, namespace, name), {})
    return None if found is None else sorted(found.get("data") or {})


def folders_of(values: Mapping[str, Any]) -> set[str]:
    """Every folder of the branch."""
    login = Login(
        str(values["flux_git_url"]),
        str(values["flux_git_username"]),
        str(values["flux_git_password"]),
        str(values["flux_git_ca"]),
    )
    with tempfile.TemporaryDirectory(prefix="git-tree-") as folder:
        git = Git(login, str(values["flux_git_branch"]), Path(folder), Deadline(GIT_TIMEOUT), ("", ""))
        git.prepare()
        if not git.fetch():
            return set()
        paths = [PurePosixPath(path) for path in git.run("ls-files", "-z").split("\0") if path]
    return {str(parent) for path in paths for parent in path.parents}
