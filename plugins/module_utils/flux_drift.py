# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the cluster is as Git says: every object of the tree as a dry run of Flux's own apply. Writes nothing.

Flux itself looks at its interval and then corrects in silence, so a Kustomization is Ready with drift under it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .api import APPLY, Api, ApiError, Deadline
from .flux_graph import KUSTOMIZE, source_of
from .flux_status import is_suspended, revision_of, same_revision
from .git_program import Git, Login
from .handover import FLUX, labelled
from .object_diff import content
from .objects import Key, Manifest, key_of
from .tree_files import FOLDER, documents_of, owner_of

#: seconds that the repository may take to answer
GIT_TIMEOUT = 30.0


@dataclass
class Drift:
    """What was compared, and what differs."""

    #: objects of the tree that were tried
    tried: list[Key] = field(default_factory=list)
    #: objects that Flux would make or change: what is the matter with each
    differing: dict[Key, str] = field(default_factory=dict)
    #: Kustomizations whose folder is other people's: it is built by rules that are not ours to repeat
    not_compared: list[str] = field(default_factory=list)


def measure(api: Api, values: Mapping[str, Any], kustomizations: Iterable[Manifest]) -> Drift:
    """Compare what Kustomizations have applied from the role's repository. Raises ClusterError."""
    namespace, found = str(values["flux_namespace"]), Drift()
    login = Login(*(str(values[f"flux_git_{name}"]) for name in ("url", "username", "password", "ca")))
    with tempfile.TemporaryDirectory(prefix="git-tree-") as folder:
        git = Git(login, str(values["flux_git_branch"]), Path(folder), Deadline(GIT_TIMEOUT), ("", ""))
        git.prepare()
        commit = git.fetch()
        for each in kustomizations:
            source = source_of(each)
            if source is None or (source.namespace, source.name) != (namespace, namespace) or is_suspended(each):
                continue
            key = Key(KUSTOMIZE, "Kustomization", each["metadata"]["namespace"], each["metadata"]["name"])
            objects = _objects(git.tree / str(each["spec"].get("path") or "."))
            # at another revision it is on its way there, which is no drift
            if objects is None or not same_revision(revision_of(each), commit):
                found.not_compared.append(key.name)
                continue
            _compare(api, labelled(objects, key), found)
    return found


def _objects(folder: Path) -> list[Manifest] | None:
    """The objects of a folder that this collection keeps; None for one of other people."""
    if not folder.is_dir() or any(each.is_dir() or each.is_symlink() for each in folder.iterdir()):
        return None
    objects: list[Manifest] = []
    for path in sorted(folder.glob("*.y*ml")):
        text = path.read_text(encoding="utf-8")
        owner = owner_of(text)
        if owner is None:
            return None
        if owner != FOLDER:
            objects += [each for each in documents_of(text, path.name) if isinstance(each, dict)]
    return objects


def _compare(api: Api, objects: list[Manifest], found: Drift) -> None:
    for manifest, outcome in zip(objects, api.each(lambda each: _differs(api, each), objects), strict=True):
        if isinstance(outcome, BaseException):
            raise outcome
        key = key_of(manifest)
        found.tried.append(key)
        if outcome:
            found.differing[key] = outcome


def _differs(api: Api, manifest: Manifest) -> str:
    """What Flux would have to do about an object; empty if nothing."""
    resource = api.discover().find(manifest["apiVersion"], manifest["kind"])
    key = key_of(manifest)
    live = api.get(resource, key.namespace, key.name) if resource else None
    if resource is None or live is None:
        return "not there"
    query = {"fieldManager": FLUX, "force": "true", "dryRun": "All"}
    path = resource.path(key.namespace, key.name)
    try:
        answer = api.call("PATCH", path, query=query, body=manifest, content_type=APPLY, about=str(key))
    except ApiError as error:
        if error.code in (401, 403):
            raise
        return f"refused: {error}"
    return "" if content(api.document(answer)) == content(live) else f"changed by {', '.join(_who(live))}"


def _who(live: Mapping[str, Any]) -> Iterator[str]:
    """Who else has written to it: their names are all that is left of who it was."""
    others = {
        str(each.get("manager"))
        for each in live["metadata"].get("managedFields") or []
        if each.get("manager") != FLUX and each.get("subresource") != "status"  # kubectl scale has one of its own
    }
    yield from sorted(others) or ["somebody"]
