# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollbacks of what Git delivers, on Flux's own controllers: killed and finished, without Git, without an API server.

Strimzi stands for all of them, as it is quick to bring: what differs between components is tried in test_rollback.py.
The tests stand in an order in which each leaves the cluster fit for the next.
"""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from site_runs import Watch, check_others, output, run

from rehearsal.clusters import Cluster
from rehearsal.paths import Paths
from rehearsal.sources import store
from rehearsal.supervise import Supervisor

CLUSTER, NAMESPACE = "apps", "messaging"
KUSTOMIZATION, THEIRS = "cluster-apps-infrastructure-strimzi", "of-people"
FOLDER = "kubernetes/workloads/platform/messaging/strimzi/"
CALLBACKS = Path(__file__).parent / "callbacks"
OFF = ("kafka_cluster", "schema_registry", "cnpg", "synergyflow_backend", "volsync", "obs_collectors")
WITHDRAW = "Suspend what brings it from Git, and take it out there"
DELETE = "Delete, each group gone before the next"
RESUME = "Have Flux go on without it"
#: of people: a Kustomization that depends on Strimzi's, and what it brings
PEOPLE = f"""\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: {THEIRS}, namespace: flux-system}}
spec:
  dependsOn: [{{name: {KUSTOMIZATION}}}]
  interval: 10m
  path: ./people
  prune: true
  sourceRef: {{kind: GitRepository, name: flux-system}}
"""
THEIR_OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: theirs, namespace: default}}\ndata: {{a: '{}'}}\n"

# it has the platform by Git, twice; the same by hand, direct, is in test_rollback
pytestmark = [pytest.mark.integration, pytest.mark.nightly]


class Site:
    """Flux and Strimzi by Git, a component of people beside them, and the repository as it is."""

    def __init__(self, rehearsal: Any, folder: Path) -> None:
        self.rehearsal, self.work = rehearsal, folder / "people"
        self.paths = replace(Paths.from_environment(), state=rehearsal.state)
        self.bare = rehearsal.state / "git" / "synergyflow.git"
        self.variables = {"flux_enabled": True, "platform_delivery": "gitops"}

    def deploy(self) -> None:
        off = {f"{role}_enabled": False for role in OFF}
        done = run(self.rehearsal, "site", CLUSTER, **self.variables, **off)
        assert done.returncode == 0, output(done)

    def rollback(
        self, *args: str, name: str = "strimzi", before: str = "", pid: int = 0, **more: Any
    ) -> subprocess.CompletedProcess[str]:
        """The rollback of a component; killed, or another process, right before a task."""
        environment = {"ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS), "ANSIBLE_CALLBACKS_ENABLED": "kill_before"}
        environment |= {"KILL_BEFORE": before, "KILL_PID": str(pid or "")}
        given = {"rollback_confirm": f"{name}@{CLUSTER}", **self.variables, **more}
        inventory = ("-i", "inventories/rehearsal", "-l", CLUSTER, "-e", json.dumps(given))
        return self.rehearsal.playbook(
            f"playbooks/rollback_{name}.yml", *inventory, *args, **(environment if before else {})
        )

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.bare, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def people(self, *arguments: str) -> None:
        """Git in a clone of people's, which reaches the repository without its server."""
        if not self.work.exists():
            subprocess.run(["git", "clone", "-q", str(self.bare), str(self.work)], check=True)
        who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
        subprocess.run(["git", *who, *arguments], cwd=self.work, capture_output=True, check=True)

    def push(self, subject: str, path: str, text: str) -> str:
        """A commit of people's."""
        self.people("pull", "-q", "--rebase")
        (self.work / path).parent.mkdir(parents=True, exist_ok=True)
        (self.work / path).write_text(text)
        self.people("add", "-A")
        self.people("commit", "-qm", subject)
        self.people("push", "-q")
        return self.head

    def undo(self) -> str:
        """Somebody reverts the last commit."""
        self.people("pull", "-q", "--rebase")
        self.people("revert", "--no-edit", "HEAD")
        self.people("push", "-q")
        return self.head

    @property
    def head(self) -> str:
        return self.git("rev-parse", "main")

    def in_git(self) -> bool:
        return FOLDER in self.git("ls-tree", "-r", "--name-only", "main")

    def suspended(self) -> dict[str, bool]:
        """Each Kustomization, and whether it is suspended."""
        items = self.rehearsal.get(CLUSTER, "kustomizations.kustomize.toolkit.fluxcd.io", "-n", "flux-system")["items"]
        return {each["metadata"]["name"]: each["spec"].get("suspend", False) for each in items}

    def there(self, kind: str, name: str, namespace: str = NAMESPACE) -> bool:
        return not self.rehearsal.kubectl(CLUSTER, "get", kind, name, "-n", namespace, check=False).returncode

    def is_open(self) -> bool:
        return self.there("configmap", "synergyflow-rollback", "default")

    def check_gone(self) -> None:
        """Strimzi is gone, from Git too; what is of people goes on, and nothing is suspended."""
        assert not self.is_open()
        assert not self.in_git()
        assert not self.there("helmrelease", "strimzi-kafka-operator")
        assert not self.there("deployment", "strimzi-cluster-operator")
        assert self.suspended() == {"flux-system": False, THEIRS: False}


@pytest.fixture(scope="module")
def site(small_rehearsal: Any, tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = Site(small_rehearsal, tmp_path_factory.mktemp("git"))
    made.deploy()
    made.push("theirs", "people/object.yaml", THEIR_OBJECT.format("1"))
    small_rehearsal.kubectl(CLUSTER, "apply", "-f", "-", input=PEOPLE)
    return made


def test_check_mode_says_what_is_suspended_and_leaves_git_and_writes_nothing(site: Site) -> None:
    before, watch = site.head, Watch(site.rehearsal, CLUSTER)
    done = site.rollback("--check")
    assert done.returncode == 0, output(done)
    for words in (
        f"Suspended first, so that Flux makes nothing again: Kustomization flux-system/{KUSTOMIZATION}",
        FOLDER.rstrip("/"),
        f"Kustomization flux-system/{THEIRS}, not ready without it",
        "HelmRelease strimzi-kafka-operator",
    ):
        assert words in output(done)
    assert (site.head, watch.writes) == (before, [])


def test_what_is_not_confirmed_writes_nothing_to_git_or_the_cluster(site: Site) -> None:
    before, suspended, watch = site.head, site.suspended(), Watch(site.rehearsal, CLUSTER)
    done = site.rollback(rollback_confirm="strimzi@infra")
    assert done.returncode != 0
    assert f"it must be strimzi@{CLUSTER}" in output(done)
    assert (site.head, site.suspended(), watch.writes) == (before, suspended, [])
    assert not site.is_open()


def test_killed_twice_it_is_finished_and_reverts_what_people_had_changed_with_it(site: Site) -> None:
    theirs = site.push("their change with it", "people/object.yaml", THEIR_OBJECT.format("2"))
    given = {"rollback_revert": theirs}
    assert site.rollback(before=DELETE, **given).returncode == -signal.SIGKILL
    assert site.is_open()
    assert not site.in_git()
    assert site.there("helmrelease", "strimzi-kafka-operator")
    assert site.suspended().get(KUSTOMIZATION, True)
    assert site.suspended()[THEIRS]
    assert site.git("log", "-2", "--format=%s").splitlines()[1] == 'Revert "their change with it"'
    head = site.head

    assert site.rollback(before=RESUME, **given).returncode == -signal.SIGKILL
    assert not site.there("helmrelease", "strimzi-kafka-operator")
    done = site.rollback(**given)
    assert done.returncode == 0, output(done)
    assert "this run goes on with it" in output(done)
    check_others(done)
    assert site.head == head
    site.check_gone()

    watch = Watch(site.rehearsal, CLUSTER)
    again = site.rollback(**given)
    assert again.returncode == 0, output(again)
    assert "nothing to do" in output(again)
    assert (site.head, watch.writes) == (head, [])


def test_the_platform_is_there_again_by_git(site: Site) -> None:
    before = site.head
    site.deploy()
    assert site.git("rev-parse", "main^") == before
    assert site.in_git()
    assert site.there("deployment", "strimzi-cluster-operator")
    assert site.suspended() == {"flux-system": False, THEIRS: False, KUSTOMIZATION: False}


def test_without_git_in_the_middle_it_ends_clearly_and_deletes_nothing(site: Site) -> None:
    assert site.rollback(before=WITHDRAW).returncode == -signal.SIGKILL
    server = Supervisor(site.paths)
    server.remove(store.PROGRAM)
    done = site.rollback()
    assert done.returncode != 0
    assert "The rollback stays open: run it again to go on" in output(done)
    assert f"Suspended meanwhile, if it had come to that: Kustomization flux-system/{KUSTOMIZATION}" in output(done)
    assert site.there("deployment", "strimzi-cluster-operator")
    assert site.in_git()
    site.rehearsal.command("up", "--clusters", CLUSTER)
    done = site.rollback()
    assert done.returncode == 0, output(done)
    site.check_gone()


def test_without_an_api_server_in_the_middle_it_ends_clearly_or_rides_it_out(site: Site) -> None:
    """The API server dies, and is there again soon after."""
    if not site.in_git():
        site.deploy()
    components = Cluster(CLUSTER, site.paths).components()
    victim = next(each.pid for each in components if each.name == "kube-apiserver")
    repair = threading.Thread(target=_repair, args=(site, victim))
    repair.start()
    done = site.rollback(before=DELETE, pid=victim)
    repair.join()
    assert not psutil.pid_exists(victim)
    if done.returncode:
        assert "cannot be reached" in output(done), output(done)
        done = site.rollback()
    assert done.returncode == 0, output(done)
    site.check_gone()


def test_what_git_has_and_flux_has_not_brought_yet_is_withdrawn(site: Site) -> None:
    """Git has it again, by people. Should Flux be faster than the run, the run says so, and the next one ends it."""
    head = site.undo()
    assert site.in_git()
    done = site.rollback()
    if done.returncode:
        assert "The plan that was confirmed no longer holds" in output(done), output(done)
        done = site.rollback()
    assert done.returncode == 0, output(done)
    assert "nothing to do" not in output(done)
    assert site.git("rev-parse", "main^") == head
    site.check_gone()


def _repair(site: Site, victim: int) -> None:
    end = time.monotonic() + 120
    while psutil.pid_exists(victim) and time.monotonic() < end:
        time.sleep(0.2)
    site.rehearsal.command("up", "--clusters", CLUSTER)
