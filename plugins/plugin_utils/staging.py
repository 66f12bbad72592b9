# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles of a run want in Git, kept until it is committed.

Roles run one after the other, and hosts in processes of their own; one commit is made of it all. It is kept in the
folder that Ansible makes for each of its runs and removes afterwards: readable for this user alone, and never of
another run.
"""

from __future__ import annotations

import fcntl
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.playbook.block import Block
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.delivery_layout import WORKLOADS
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.git_program import Git, Login
from ansible_collections.synergyflow.platform.plugins.plugin_utils.role_values import options_of, plain

DIRECT, GITOPS = "direct", "gitops"
#: seconds for all that is asked of a repository at once
GIT_TIMEOUT = 120
AUTHOR = ("synergyflow.platform", "platform@synergyflow.invalid")
PUBLISH = ("synergyflow.platform.publish", "publish")
#: staged by a role; committed, Flux has to be asked; done
STAGED, PUSHED, DONE = "staged", "pushed", "done"


@dataclass
class Staged:
    """One component of one cluster."""

    host: str
    component: str
    #: the repository: address and branch; the cluster's folder in it
    place: list[str] = field(default_factory=list)
    folder: str = ""
    #: path -> text; none for a component that is to leave Git
    texts: dict[str, str] = field(default_factory=dict)
    kustomization: dict[str, Any] | None = None
    #: the set: name, namespace, keep_definitions, and the typed confirmation
    of_set: dict[str, Any] = field(default_factory=dict)
    #: what it consists of, and what of it is waited for, by name
    objects: list[dict[str, Any]] = field(default_factory=list)
    waited: list[dict[str, Any]] = field(default_factory=list)
    timeout: int = 600
    strimzi_version: str | None = None
    #: whether the cluster differs from what Git would make of it
    differs: bool = False
    #: whether it has been applied directly so far
    taken: bool = False
    #: Flux's namespace
    namespace: str = ""


@dataclass(frozen=True)
class Repository:
    """Where a host's component files go."""

    url: str
    branch: str
    username: str
    password: str
    ca: str
    #: the cluster's folder, where Flux begins
    folder: str
    #: the workloads' folder
    workloads: str
    #: Flux's namespace, the name of the GitRepository and of the first Kustomization
    namespace: str

    @property
    def place(self) -> list[str]:
        return [self.url, self.branch]


@contextmanager
def working_copy(repository: Repository) -> Iterator[Git]:
    """A working copy of its own, as long as the block; what is committed in it is the collection's."""
    login = Login(repository.url, repository.username, repository.password, repository.ca)
    with tempfile.TemporaryDirectory(prefix="git-tree-") as folder:
        yield Git(login, repository.branch, Path(folder), Deadline(GIT_TIMEOUT), AUTHOR)


def delivery(task_vars: Mapping[str, Any], templar: Templar) -> str:
    """How a host's components are delivered."""
    value = plain(templar.template(task_vars.get("platform_delivery", DIRECT)))
    if value not in (DIRECT, GITOPS):
        raise ClusterError(f"platform_delivery must be {DIRECT} or {GITOPS}, it is {value!r}.")
    return str(value)


def repository(task_vars: Mapping[str, Any], templar: Templar, with_login: bool = True) -> Repository:
    """Where this host's files go. A log-in that may push can be another than Flux's own."""
    # a play need not have the role flux: then its other variables may not even be complete, and these have the defaults
    # of its argument spec, as they stand there
    options = options_of("flux")

    def value(name: str) -> str:
        if name in task_vars:
            return str(plain(templar.template(task_vars[name])))
        return str(options[name].get("default", "") if name in options else "")

    login = {"username": "", "password": "", "ca": ""}
    if with_login:
        login = {name: value(f"platform_git_{name}") or value(f"flux_git_{name}") for name in login}
    host = str(task_vars.get("inventory_hostname", "localhost"))
    return Repository(
        url=value("flux_git_url"),
        branch=value("flux_git_branch"),
        **login,
        folder=value("flux_git_path").replace("{{ inventory_hostname }}", host),
        workloads=value("platform_git_workloads") or WORKLOADS,
        namespace=value("flux_namespace"),
    )


def folder(host: str, state: str) -> Path:
    """Where what is staged of a host is kept."""
    place = Path(constants.DEFAULT_LOCAL_TMP) / "synergyflow.platform" / host / state
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def stage(staged: Staged) -> None:
    """Keep a component for the next commit."""
    path = folder(staged.host, STAGED) / f"{staged.component}.json"
    path.write_text(json.dumps(asdict(staged)), encoding="utf-8")
    path.chmod(0o600)


def found(host: str, state: str) -> list[Staged]:
    """The components of a host in a state."""
    return [
        Staged(**json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder(host, state).glob("*.json"))
    ]


def move(host: str, before: str, after: str) -> None:
    """What was in one state is in the next."""
    target = folder(host, after)
    for path in folder(host, before).glob("*.json"):
        path.rename(target / path.name)


def is_pending(host: str) -> bool:
    """Whether a role of this run has staged what has not been brought yet; another host may have committed it."""
    return any(each.kustomization for state in (STAGED, PUSHED) for each in found(host, state))


def remember(host: str, revision: str, committed: bool = False) -> None:
    (folder(host, PUSHED) / "revision").write_text(revision, encoding="utf-8")
    (folder(host, PUSHED) / "committed").write_text(revision if committed else "", encoding="utf-8")


def remembered(host: str) -> str:
    """The revision that a host's components were committed with."""
    path = folder(host, PUSHED) / "revision"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def was_committed(host: str) -> bool:
    """Whether that revision is a commit of this run, made by this host or by another for it."""
    path = folder(host, PUSHED) / "committed"
    return path.exists() and bool(path.read_text(encoding="utf-8"))


@contextmanager
def alone() -> Iterator[None]:
    """One host at a time commits, for all."""
    with (folder("", "lock") / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def check_published(task: Task) -> None:
    """The play commits what is staged: without that it would never reach Git, and nobody would be told."""
    play = task.get_play()
    if play is not None and not any(_publishes(each) for part in (play.tasks, play.post_tasks) for each in part):
        raise ClusterError(
            "platform_delivery is gitops, and this play has no task synergyflow.platform.publish after its roles: what"
            " they stage would never be committed. Add it to post_tasks, or use synergyflow.platform.site."
        )


def _publishes(part: Any) -> bool:
    if isinstance(part, Block):
        return any(_publishes(each) for each in [*part.block, *part.rescue, *part.always])
    return getattr(part, "action", "") in PUBLISH
