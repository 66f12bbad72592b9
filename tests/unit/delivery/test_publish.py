# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Around the commit: what is told before it, what is said after it, and that others may push at any time."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible_collections.synergyflow.platform.plugins.action import publish
from ansible_collections.synergyflow.platform.plugins.action.publish import ActionModule, Later, Rollout
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.flux_status import progress
from ansible_collections.synergyflow.platform.plugins.module_utils.waiting import NotReadyError
from ansible_collections.synergyflow.platform.plugins.plugin_utils import staging
from ansible_collections.synergyflow.platform.plugins.plugin_utils.staging import PUSHED, STAGED, Repository, Staged
from kept_objects import ObjectStore
from scripted_api import ScriptedConnection

REVISION = f"main@sha1:{'a' * 40}"


def where(url: str = "") -> Repository:
    return Repository(url, "main", "", "", "", "kubernetes/clusters/apps", "kubernetes/workloads", "flux-system")


def kustomization(name: str, *managers: str, **spec: Any) -> dict[str, Any]:
    fields = [{"manager": each, "operation": "Apply", "fieldsV1": {"f:spec": {"f:suspend": {}}}} for each in managers]
    of_root = {f"kustomize.toolkit.fluxcd.io/{each}": "flux-system" for each in ("name", "namespace")}
    metadata = {"name": name, "namespace": "flux-system", "labels": of_root, "managedFields": fields}
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": metadata,
        "spec": {"path": "./x", **spec},
    }


def staged(component: str, name: str, **more: Any) -> Staged:
    return Staged("apps", component, kustomization=kustomization(name), timeout=30, **more)


def api(*objects: dict[str, Any]) -> Api:
    return Api(ScriptedConnection(ObjectStore(*objects).handle), Deadline(10), concurrency=1)


ROOT, STRIMZI, KAFKA = "flux-system", "cluster-apps-infrastructure-strimzi", "cluster-apps-messaging-kafka"


@pytest.mark.parametrize(
    ("live", "more", "said"),
    [
        ([kustomization(ROOT)], {}, ""),
        ([kustomization(ROOT, suspend=True)], {}, "Kustomization flux-system/flux-system"),
        ([kustomization(ROOT), kustomization(KAFKA, suspend=True)], {}, f"Kustomization flux-system/{KAFKA}"),
        ([kustomization(ROOT), kustomization(KAFKA, suspend=True)], {"taken": True}, ""),
        ([kustomization(ROOT), kustomization(KAFKA, "kubectl", suspend=True)], {"taken": True}, KAFKA),
        ([kustomization(ROOT), kustomization(STRIMZI, "kustomize-controller", suspend=True)], {}, STRIMZI),
    ],
)
def test_what_is_suspended_is_told_before_the_commit(live: list[Any], more: dict[str, Any], said: str) -> None:
    rollout = Rollout(api(*live), where(), [staged("kafka_cluster", KAFKA, **more)], "")
    if not said:
        rollout.check()
        return
    with pytest.raises(ClusterError, match=f"Nothing has been committed. Suspended.*{said}"):
        rollout.check()


def test_what_leaves_git_in_the_same_run_is_waited_for_by_nobody() -> None:
    live = [kustomization(ROOT), kustomization(STRIMZI, "kustomize-controller", suspend=True)]
    Rollout(api(*live), where(), [staged("kafka_cluster", KAFKA), Staged("apps", "strimzi")], "").check()


def test_without_the_first_kustomization_nothing_is_committed() -> None:
    without = api()
    without.deadline.seconds = 0
    with pytest.raises(ClusterError, match="There is no Kustomization flux-system/flux-system"):
        Rollout(without, where(), [staged("kafka_cluster", KAFKA)], "").check()


# -- after the push


@pytest.fixture
def of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))


@pytest.mark.usefixtures("of_the_run")
def test_a_failure_after_the_push_says_that_it_was_pushed() -> None:
    action: Any = SimpleNamespace(_api=None)
    failure = ClusterError("Nothing has been changed. a is suspended.")
    staging.remember("apps", REVISION, committed=True)
    failed = ActionModule._failure(action, "apps", failure, False)
    assert failed["msg"] == f"Committed and pushed {REVISION}; a is suspended."
    assert (failed["failed"], failed["changed"]) == (True, True)
    assert ActionModule._failure(action, "apps", NotReadyError("late", [{"a": 1}]), False)["objects"] == [{"a": 1}]
    staging.remember("apps", REVISION)  # there was nothing to commit
    failed = ActionModule._failure(action, "apps", failure, False)
    assert (failed["msg"], failed["changed"]) == (str(failure), False)


@pytest.mark.usefixtures("of_the_run")
@pytest.mark.parametrize(
    ("more", "changed"), [({}, False), ({"differs": True}, True), ({"taken": True}, True)], ids=["same", "drift", "way"]
)
def test_check_mode_predicts_drift_and_a_hand_over(
    more: dict[str, bool], changed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging.stage(staged("kafka_cluster", KAFKA, **more))
    monkeypatch.setattr(staging, "repository", lambda task_vars, templar: where())
    action = ActionModule.__new__(ActionModule)
    action._task, action._templar, action._api = SimpleNamespace(check_mode=True, diff=False), None, None
    monkeypatch.setattr(action, "_commit", lambda hosts: staging.move("apps", STAGED, PUSHED) or publish.TreeReport())
    done = action.act({"hosts": [], "timeout": None}, {"inventory_hostname": "apps"})
    assert done["changed"] is changed


@pytest.mark.usefixtures("of_the_run")
def test_what_another_host_has_committed_is_still_to_come() -> None:
    staging.stage(staged("kafka_cluster", KAFKA))
    staging.move("apps", STAGED, PUSHED)
    assert staging.is_pending("apps")


def test_the_way_to_somebody_elses_revision_is_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    class Reconciled:
        live: dict[Any, Any] = {}  # noqa: RUF012
        changed = True

        def __init__(self, *given: Any, **more: Any) -> None: ...

        def run(self) -> Any:
            return self

    monkeypatch.setattr(publish, "FluxObjects", Reconciled)
    for differs, changed in ((False, False), (True, True)):
        rollout = Rollout(api(kustomization(ROOT)), where(), [staged("kafka_cluster", KAFKA, differs=differs)], "")
        assert rollout.run().changed is changed


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *settings, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_later_commit_of_the_branch_does_as_well(tmp_path: Path) -> None:
    work, bare = tmp_path / "work", tmp_path / "bare.git"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(work))
    commits = []
    for name in ("before", "pushed", "later"):
        git(work, "commit", "--quiet", "--allow-empty", "-m", name)
        commits.append(git(work, "rev-parse", "HEAD"))
    git(work, "checkout", "--quiet", "-b", "elsewhere")
    git(work, "commit", "--quiet", "--allow-empty", "-m", "elsewhere")
    commits.append(git(work, "rev-parse", "HEAD"))
    git(tmp_path, "clone", "--quiet", "--bare", str(work), str(bare))
    before, pushed, later, elsewhere = (f"refs/heads/main@sha1:{each}" for each in commits)
    accepts = Later(where(f"file://{bare}"), pushed)
    found = {each: accepts(each) for each in (before, pushed, later, elsewhere, f"main@sha1:{'0' * 40}", "", "x")}
    assert [each for each, does in found.items() if does] == [pushed, later]
    live = {"kind": "GitRepository", "metadata": {"generation": 1}, "status": {"artifact": {"revision": later}}}
    ready = {"type": "Ready", "status": "True", "observedGeneration": 1}
    live["status"] |= {"observedGeneration": 1, "conditions": [ready]}
    live |= {"apiVersion": "source.toolkit.fluxcd.io/v1"}
    assert progress(live, "", pushed, accepts).done
    assert not progress(live, "", pushed).done
