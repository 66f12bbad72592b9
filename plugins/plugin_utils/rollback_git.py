# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository of a rollback: what it would change there, and changing it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from ansible_collections.synergyflow.platform.plugins.module_utils import delivery_layout as layout
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.git_tree import TreeReport
from ansible_collections.synergyflow.platform.plugins.module_utils.handover import is_ours
from ansible_collections.synergyflow.platform.plugins.module_utils.objects import key_of, listed
from ansible_collections.synergyflow.platform.plugins.module_utils.rollback.from_git import FromGit
from ansible_collections.synergyflow.platform.plugins.module_utils.rollback.plan import Plan, Seen
from ansible_collections.synergyflow.platform.plugins.module_utils.rollback.withdrawal import (
    Withdrawal,
    owners,
    withdraw,
)
from ansible_collections.synergyflow.platform.plugins.plugin_utils.staging import Repository, working_copy

REVERT = re.compile(r"^[0-9a-f]{7,64}(\.\.[0-9a-f]{7,64})?$")


def checked_revert(text: str) -> str:
    """One commit or a range, by hashes: a name such as HEAD would be another commit when the run is repeated."""
    if text and not REVERT.match(text):
        raise ClusterError(
            f"rollback_revert: expected a commit's hash, or two of them as <after>..<up to>, found {text!r}."
        )
    return text


def nothing_yet(repository: Repository, host: str) -> FromGit:
    """The repository, and nothing about the component or Flux."""
    where = (repository.url, repository.branch, repository.folder, repository.namespace)
    return FromGit(host, [], *where, [], [], [])


def look(
    repository: Callable[..., Repository],
    component: str,
    host: str,
    seen: Seen,
    parts: Iterable[str],
    *,
    expected: bool,
) -> list[str]:
    """Adds to what was seen what Git has and Flux has not brought, or would bring again; what is not known of it.

    `expected`: whether the host's components are delivered by Git. Only who looks there needs the log-in.
    """
    there = nothing_yet(repository(with_login=False), host)
    keys = {there.key(layout.kustomization_name(there.host, part)): part for part in parts}
    left = {key: part for key, part in keys.items() if key not in seen.by_git}
    live = {key_of(each): each for each in seen.flux}
    if not left or not (expected or there.root in live):
        return []
    try:
        if not there.url:
            raise ClusterError("flux_git_url is empty: name the repository.")
        with working_copy(repository()) as git:
            found = Withdrawal(git, {}, frozenset(), "").delivered(replace(there, parts=list(left.values())))
    except ClusterError as error:
        unknown = f"whether Git has {component} and brings it again: {error}"
        if expected:  # what is delivered directly is undone without Git, and Flux may be for something else
            raise ClusterError(f"Nothing has been changed. Not known is {unknown}") from error
        return [unknown]
    for key, part in left.items():
        if part in found:
            known = key not in live or is_ours(live[key], layout.PLACES[part].folder)
            seen.by_git[key] = part if known else ""
    return []


def refuse_revert(repository: Callable[..., Repository], made: Plan, revert: str) -> None:
    """Commits are reverted with a component that leaves Git. It may have left, and they with it."""
    there = nothing_yet(repository(with_login=False), made.cluster)
    if made.pending or not there.url or made.component not in layout.PLACES:
        raise ClusterError(
            f"rollback_revert: {made.component} is not delivered by Git here, so no commit has to do with it."
        )
    left = tried(repository(), there, revert).subjects
    if left:
        raise ClusterError(
            f"rollback_revert: nothing of {made.component} is there any more, and not reverted are {listed(left)}:"
            " revert them by hand."
        )


def tried(repository: Repository, plan: FromGit, revert: str) -> FromGit:
    """The plan with what it would do in Git; what would conflict ends here."""
    if revert:
        with working_copy(repository) as git:
            git.prepare()
            git.fetch()
            plan = replace(plan, asked=revert, commits=git.commits(revert))
    with working_copy(repository) as git:
        tree = Withdrawal(git, {}, owners(plan), "")
        report = withdraw(tree, plan, check_mode=True)
    return replace(plan, removed=report.files["removed"], changed=report.files["changed"], subjects=tree.reverted)


def done(repository: Repository, plan: FromGit, component: str, tell: Callable[[str], None]) -> TreeReport:
    """The component out of Git, pushed."""
    with working_copy(repository) as git:
        tree = Withdrawal(git, {}, owners(plan), f"{plan.host}: roll back {component}", tell=tell)
        return withdraw(tree, plan, check_mode=False)
