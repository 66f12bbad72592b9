# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles of a run stage: kept for this user and this run alone, and never forgotten in silence."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.plugin_utils import staging
from ansible_collections.synergyflow.platform.plugins.plugin_utils.staging import PUSHED, STAGED, Staged

TEMPLAR: Any = SimpleNamespace(template=lambda value: value)


@pytest.fixture(autouse=True)
def of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    return tmp_path


def test_what_is_staged_is_found_once_and_read_by_nobody_else(of_the_run: Path) -> None:
    assert not staging.is_pending("apps")
    one = Staged("apps", "cnpg", ["url", "main"], "folder", {"a.yaml": "text"}, {"kind": "Kustomization"})
    staging.stage(one)
    assert staging.is_pending("apps")
    assert not staging.is_pending("infra")
    assert staging.found("apps", STAGED) == [one]
    staging.move("apps", STAGED, PUSHED)
    staging.remember("apps", "main@sha1:0")
    assert (staging.found("apps", STAGED), staging.found("apps", PUSHED)) == ([], [one])
    assert staging.remembered("apps") == "main@sha1:0"
    kept = [path for path in of_the_run.rglob("*") if path.name == "cnpg.json"]
    assert [oct(path.stat().st_mode & 0o777) for path in kept] == ["0o600"]


def test_a_later_stage_of_a_component_takes_the_place_of_the_earlier() -> None:
    staging.stage(Staged("apps", "cnpg", texts={"a.yaml": "one"}))
    staging.stage(Staged("apps", "cnpg", texts={"a.yaml": "two"}))
    assert [each.texts for each in staging.found("apps", STAGED)] == [{"a.yaml": "two"}]


def test_what_is_to_leave_git_keeps_nobody_waiting() -> None:
    staging.stage(Staged("apps", "cnpg"))
    assert not staging.is_pending("apps")


def test_a_delivery_is_one_of_two() -> None:
    assert staging.delivery({}, TEMPLAR) == "direct"
    assert staging.delivery({"platform_delivery": "gitops"}, TEMPLAR) == "gitops"
    with pytest.raises(ClusterError, match="platform_delivery must be direct or gitops, it is 'git'"):
        staging.delivery({"platform_delivery": "git"}, TEMPLAR)


def test_the_repository_is_fluxs_with_a_log_in_that_may_push() -> None:
    flux = {"flux_git_url": "https://g/x.git", "flux_git_username": "reader", "flux_git_password": "r"}
    where = staging.repository({**flux, "inventory_hostname": "apps"}, TEMPLAR)
    assert (where.place, where.folder) == (["https://g/x.git", "main"], "kubernetes/clusters/apps")
    assert (where.username, where.password) == ("reader", "r")
    own = {"platform_git_username": "writer", "platform_git_password": "w", "platform_git_workloads": "w/infra"}
    where = staging.repository({**flux, **own}, TEMPLAR)
    assert (where.username, where.password, where.workloads) == ("writer", "w", "w/infra")


def test_a_play_that_would_never_commit_is_refused() -> None:
    def play(*actions: str) -> Any:
        tasks = [SimpleNamespace(action=each) for each in actions]
        return SimpleNamespace(get_play=lambda: SimpleNamespace(tasks=[], post_tasks=tasks))

    staging.check_published(play("ansible.builtin.debug", "synergyflow.platform.publish"))
    with pytest.raises(ClusterError, match=r"this play has no task synergyflow\.platform\.publish"):
        staging.check_published(play("ansible.builtin.debug"))
