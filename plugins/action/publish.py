# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commits what the roles have staged, and has Flux bring it, from the controller."""

from __future__ import annotations

import re
import time
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils import delivery_layout as layout
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.apply_set import SetRequest
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.flux_graph import first_kustomization, first_source
from ansible_collections.synergyflow.platform.plugins.module_utils.flux_objects import (
    RECONCILED,
    RESUMED,
    FluxObjects,
    FluxRequest,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.flux_status import (
    is_suspended,
    revision_of,
    same_revision,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.git_tree import Tree, TreeReport
from ansible_collections.synergyflow.platform.plugins.module_utils.handover import find_kustomization, release
from ansible_collections.synergyflow.platform.plugins.module_utils.objects import Key, Manifest, key_of
from ansible_collections.synergyflow.platform.plugins.module_utils.waiting import NotReadyError, Wait
from ansible_collections.synergyflow.platform.plugins.plugin_utils import staging
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction, display
from ansible_collections.synergyflow.platform.plugins.plugin_utils.staging import DONE, PUSHED, STAGED, Staged
from ansible_collections.synergyflow.platform.plugins.plugin_utils.suspended import refuse_suspended

#: seconds in which a health check may fail and yet pass: Flux itself tries again after a minute
FAILURE_GRACE = 150.0
COMMIT = re.compile(r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")


def tell(text: str) -> None:
    display.display(f"  {text}")


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "hosts": {"type": "list", "elements": "str", "default": []},
        "timeout": {"type": "int"},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        host = str(task_vars.get("inventory_hostname", "localhost"))
        report = TreeReport()
        if any(staging.found(host, state) for state in (STAGED, PUSHED)):
            self._repository = staging.repository(task_vars, self._templar)
            with staging.alone():
                self._check(args, staging.found(host, STAGED))
                report = self._commit([host, *(each for each in args["hosts"] if each != host)])
        mine = staging.found(host, PUSHED)
        result: dict[str, Any] = {
            "changed": report.changed,
            "revision": staging.remembered(host),
            "message": report.message,
            "files": report.files,
            "components": [each.component for each in mine],
            "objects": [],
        }
        if report.diff:
            result["diff"] = {"prepared": report.diff}
        if self._task.check_mode:  # drift, and a hand-over that Flux ends, take no commit
            result["changed"] = report.changed or any(each.differs or each.taken for each in mine)
        elif mine:
            rollout = Rollout(self._opened(args, mine), self._repository, mine, result["revision"])
            try:
                rollout.run()
            except ClusterError as failure:
                return {**result, **self._failure(host, failure, report.changed or rollout.changed)}
            result |= {"changed": report.changed or rollout.changed, "objects": rollout.objects}
        staging.move(host, PUSHED, DONE)
        return result

    def _opened(self, args: dict[str, Any], staged: list[Staged]) -> Api:
        """The connection; its time begins now."""
        seconds = args["timeout"] or sum(each.timeout for each in staged)
        if self._api is None:
            return self.api(args, seconds)
        self._api.deadline = Deadline(seconds)
        return self._api

    def _check(self, args: dict[str, Any], staged: list[Staged]) -> None:
        """What would keep Flux from bringing a commit is told before there is one."""
        if staged and not self._task.check_mode:
            Rollout(self._opened(args, staged), self._repository, staged, "").check()

    def _failure(self, host: str, failure: ClusterError, changed: bool) -> dict[str, Any]:
        """What went wrong after the commit, which is there whatever Flux makes of it."""
        committed = staging.was_committed(host)
        text = self._api.masker.text(str(failure)) if self._api else str(failure)
        if committed:
            text = f"Committed and pushed {staging.remembered(host)}; {text.removeprefix('Nothing has been changed. ')}"
        objects = failure.objects if isinstance(failure, NotReadyError) else []
        return {"failed": True, "changed": changed or committed, "msg": text, "objects": objects}

    def _commit(self, hosts: list[str]) -> TreeReport:
        """One commit for all of these hosts whose repository it is; none if another host has made it already."""
        wanted: dict[str, list[Staged]] = {}
        for host in hosts:
            if staged := staging.found(host, STAGED):
                wanted[host] = staged
        if hosts[0] not in wanted:
            return TreeReport()
        # what goes to another repository, the host itself commits
        own = self._repository.place
        wanted = {host: staged for host, staged in wanted.items() if all(each.place == own for each in staged)}
        report = self._tree(wanted)
        for host in wanted:
            staging.move(host, STAGED, PUSHED)
            revision = f"{self._repository.branch}@sha1:{report.commit}" if report.commit else ""
            staging.remember(host, revision, report.changed and not self._task.check_mode)
        return report

    def _tree(self, wanted: dict[str, list[Staged]]) -> TreeReport:
        texts: dict[str, str] = {}
        for staged in (each for every in wanted.values() for each in every):
            for path, text in staged.texts.items():
                if path in texts:
                    raise ClusterError(
                        f"Nothing has been committed. {path} is wanted by {staged.host} and by another cluster, with"
                        " values of their own: set platform_git_workloads of one of them to another folder, such as"
                        f" kubernetes/workloads/{staged.host}."
                    )
                texts[path] = text
        changes = [
            layout.Change(each.host, each.component, each.folder, each.namespace, each.kustomization)
            for every in wanted.values()
            for each in every
        ]
        owners = frozenset(layout.owner(each.host, each.component) for every in wanted.values() for each in every)
        with staging.working_copy(self._repository) as git:
            tree = Tree(git, texts, owners, ", ".join(sorted(wanted)), tell=tell)
            tree.compose = lambda read: layout.compose(changes, read)
            return tree.deliver(self._task.check_mode, self._task.diff)


class Later:
    """Whether a revision has the pushed commit in it: somebody may push after it at any time."""

    def __init__(self, repository: staging.Repository, revision: str) -> None:
        self.repository, self.commit = repository, _commit_of(revision)
        self._known: dict[str, bool] = {}

    def __call__(self, found: str) -> bool:
        commit = _commit_of(found)
        if not self.commit or not commit:
            return False
        if commit not in self._known:
            has = self._has(commit)
            if has is None:  # it is asked again
                return False
            self._known[commit] = has
        return self._known[commit]

    def _has(self, commit: str) -> bool | None:
        """Whether it has; None when that cannot be told now."""
        with staging.working_copy(self.repository) as git:
            try:
                git.prepare()
                return git.is_ancestor(self.commit, commit)
            except ClusterError as error:
                tell(f"whether {commit} holds {self.commit} cannot be told: {error}")
                return None


def _commit_of(revision: str) -> str:
    """The commit's hash; "" for what is none."""
    commit = revision.rpartition(":")[2]
    return commit if COMMIT.match(commit) else ""


class Rollout:
    """Has Flux bring a revision to one cluster, in the order of the graph."""

    def __init__(self, api: Api, repository: staging.Repository, staged: list[Staged], revision: str) -> None:
        self.api, self.revision = api, revision
        self.later = Later(repository, revision)
        self.staged = [each for each in staged if each.kustomization]
        self.removed = [each for each in staged if not each.kustomization]
        self.namespace = repository.namespace
        self.root, self.source = first_kustomization(self.namespace), first_source(self.namespace)
        self.changed = False
        self.objects: list[dict[str, Any]] = []

    def check(self) -> None:
        """Before the commit: what is suspended brings nothing."""
        self._wait_for_root()
        refuse_suspended(self.api, self.namespace, self.staged, [*self.staged, *self.removed])

    def run(self) -> Rollout:
        self._wait_for_root()
        at = revision_of(self._flux(RECONCILED, [self.source]).live.get(self.source) or {})
        if self.revision and not same_revision(at, self.revision) and self.later(at):
            tell(f"somebody has pushed after it: the source is at {at}")
            self.revision = at
        # what was applied directly meanwhile is resumed when its new revision is there to be applied; what somebody
        # else has suspended is for them to resume
        mine = [self._key(each) for each in self.staged]
        direct = [self._key(each) for each in self.staged if each.taken]
        asleep = [key for key in direct if is_suspended(find_kustomization(self.api, key) or {})]
        if asleep:
            self._flux(RESUMED, asleep, wait=False)
        self._flux(RECONCILED, [self.root], with_source=False)
        differing = any(each.differs for each in self.staged)
        if mine:
            self._flux(RECONCILED, mine, with_source=False, force=differing)
        self.api.discover(again=True)  # what came with this revision may serve new kinds
        for each in self.staged:
            if each.taken:
                self._release(each)
        self._wait_ready()
        return self

    def _key(self, staged: Staged) -> Key:
        return key_of(staged.kustomization or {})

    def _flux(self, state: str, keys: list[Key], **options: Any) -> FluxObjects:
        revision = self.revision if state == RECONCILED else ""
        request = FluxRequest(
            state, keys, revision=revision, accepts=self.later, failure_grace=FAILURE_GRACE, **options
        )
        run = FluxObjects(self.api, request, tell=tell)
        changed = run.run().changed
        # Flux's way to another revision is no change of ours: a commit says so itself, or it was somebody else's
        self.changed |= changed and (state != RECONCILED or request.force)
        return run

    def _wait_for_root(self) -> None:
        """flux-operator makes it a moment after it has taken up the FluxInstance."""
        while find_kustomization(self.api, self.root) is None:
            if self.api.deadline.spent > min(60.0, self.api.deadline.seconds):
                raise ClusterError(
                    f"There is no {self.root}, with which Flux follows the repository: set flux_git_url and run the"
                    " role flux."
                )
            time.sleep(0.5)
            self.api.discover(again=True)

    def _release(self, staged: Staged) -> None:
        request = SetRequest(objects=[], **staged.of_set)
        names = {key_of(each) for each in staged.objects}
        self.changed |= bool(release(self.api, request, self._key(staged), names, tell))

    def _wait_ready(self) -> None:
        wait = Wait(self.api, progress=tell)
        wait.strimzi_version = next((each.strimzi_version for each in self.staged if each.strimzi_version), None)
        waited = [*(each for staged in self.staged for each in staged.waited), *self._instance()]
        if waited:
            wait.prepare(waited)
            self.objects = wait.run()

    def _instance(self) -> list[Manifest]:
        """Flux's own instance: it waits for the folder that is in Git by now."""
        resource = self.api.discover().preferred("fluxcd.controlplane.io", "FluxInstance")
        if resource is None or self.api.get(resource, self.namespace, "flux") is None:
            return []
        metadata = {"name": "flux", "namespace": self.namespace}
        return [{"apiVersion": resource.api_version, "kind": "FluxInstance", "metadata": metadata}]
