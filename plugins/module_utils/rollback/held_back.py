# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds Flux back from a component that goes, and has it go on without it. Both safe to run again."""

from __future__ import annotations

from collections.abc import Callable

from .. import removal
from ..api import Api
from ..component_objects import Wanted
from ..errors import ClusterError
from ..flux_graph import SOURCE, first_source
from ..flux_objects import RECONCILED, RESUMED, FluxObjects, FluxRequest
from ..flux_status import is_suspended
from ..handover import find_kustomization, folder_of, suspend
from ..objects import Key, Manifest, listed
from ..tree_files import plain_folder
from .from_git import FromGit, key_from
from .look import objects

#: seconds in which Flux may fail and yet recover: it tries again after a minute
FAILURE_GRACE = 150.0
Tell = Callable[[str], None]


def hold(api: Api, plan: FromGit, tell: Tell = lambda text: None, beat: Callable[[], None] = lambda: None) -> list[str]:
    """Suspend what the plan names and is there; what was not suspended yet."""
    live = {key: found for key in map(key_from, plan.held) if (found := find_kustomization(api, key))}
    fresh = [str(key) for key, found in live.items() if not is_suspended(found)]
    if fresh:
        tell(f"suspending {listed(fresh, 4)}")
    for key in live:  # also one of an earlier run, whose last reconciliation may not be over yet
        suspend(api, key, beat)
    return fresh


def asleep(api: Api, plan: FromGit) -> list[str]:
    """What would keep Flux from following the repository: then nothing could be proven."""
    key = first_source(plan.namespace)
    resource = api.discover().preferred(key.group, key.kind)
    source = api.get(resource, key.namespace, key.name) if resource else None
    root = find_kustomization(api, plan.root)
    found = {key: source, plan.root: root}
    problems = [f"there is no {each}" for each, live in found.items() if live is None]
    problems += [f"{each} is suspended: resume it first" for each, live in found.items() if live and is_suspended(live)]
    spec = (source or {}).get("spec") or {}
    if source and spec.get("url") != plan.url:
        problems.append(f"{key} follows {spec.get('url')}, and flux_git_url is {plan.url or 'empty'}")
    elif source and plan.branch not in _branches(spec):
        followed = " or ".join(filter(None, _branches(spec))) or "no branch"
        problems.append(f"{key} follows {followed}, and flux_git_branch is {plan.branch}")
    if root and folder_of(root) != plain_folder(plan.folder):
        followed = folder_of(root) or "the whole tree"
        problems.append(f"{plan.root} follows {followed}, and flux_git_path is {plan.folder}")
    return problems


def _branches(source: Manifest) -> tuple[str, str]:
    """The branch that a GitRepository's spec names, in either way."""
    ref = source.get("ref") or {}
    return ref.get("branch") or "", (ref.get("name") or "").removeprefix("refs/heads/")


def sources(api: Api, plan: FromGit) -> list[Key]:
    """Every source that follows the branch; one that is suspended is left as it is."""
    found = []
    for each in objects(api, [Wanted(SOURCE, "GitRepository")]):
        spec = each["spec"]
        if spec.get("url") == plan.url and plan.branch in _branches(spec) and not is_suspended(each):
            metadata = each["metadata"]
            found.append(Key(SOURCE, "GitRepository", metadata["namespace"], metadata["name"]))
    return found


def let_go_on(
    api: Api,
    plan: FromGit,
    revision: str,
    accepts: Callable[[str], bool],
    tell: Tell,
    *,
    beat: Callable[[], None] = lambda: None,
) -> list[str]:
    """Every source at the revision, the component's Kustomizations gone, the others resumed; what was resumed."""

    def flux(state: str, keys: list[Key], **options: bool) -> None:
        at = revision if state == RECONCILED else ""
        request = FluxRequest(state, keys, revision=at, accepts=accepts, failure_grace=FAILURE_GRACE, **options)
        if keys:
            FluxObjects(api, request, tell=tell).run()

    followed = sources(api, plan)
    if not followed:
        raise ClusterError(f"No source of Flux follows {plan.branch} of {plan.url}, or all are suspended.")
    flux(RECONCILED, followed)
    flux(RECONCILED, [plan.root], with_source=False)
    _gone(api, plan, beat)
    stay = [key for key in map(key_from, plan.held) if key not in set(map(plan.key, plan.going))]
    resumed = [key for key in stay if is_suspended(find_kustomization(api, key) or {})]
    unready = set(map(key_from, plan.unready))
    flux(RESUMED, [key for key in resumed if key not in unready])
    flux(RESUMED, [key for key in resumed if key in unready], wait=False)
    return [str(key) for key in resumed]


def _gone(api: Api, plan: FromGit, beat: Callable[[], None]) -> None:
    """Until Flux has taken the Kustomizations away that Git has no more."""
    live = [found for key in map(plan.key, plan.going) if (found := find_kustomization(api, key))]
    removal.wait_gone(
        api, live, lambda each: find_kustomization(api, plan.key(each["metadata"]["name"])), lambda still: beat()
    )


def remaining(api: Api, plan: FromGit) -> list[str]:
    """The component's Kustomizations that are there still, or again."""
    return [f"{key} is still there" for key in map(plan.key, plan.going) if find_kustomization(api, key) is not None]
