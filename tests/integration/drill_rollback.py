# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole drill, for `make drill`: each rollback killed before every one of its tasks, finished, and deployed again;
that of everything killed once before each of them; and each on a platform that Git delivers.

It takes hours; `make test` has a sample of it (test_rollback.py).
"""

from __future__ import annotations

import json
import signal
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import test_gitops
from site_runs import changed, check_others, output, run
from test_rollback import consume, produce, rollback
from test_rollback_git import Site, site  # noqa: F401 - a fixture

HOURS = 3600
CLUSTER = "apps"
#: with these the database goes
ANEW = ("cnpg", "all")
#: with these Kafka goes, and the topic whose messages are to be there again
MESSAGES_IN = {"kafka_cluster": "user-events", "all": "cmdb-events"}
#: what Git and Flux lose with each
KUSTOMIZATIONS = {
    "obs_collectors": {"cluster-apps-observability"},
    "volsync": {"cluster-apps-infrastructure-volsync", "cluster-apps-backup"},
    "synergyflow_backend": {"cluster-apps-synergyflow"},
    "cnpg": {"cluster-apps-infrastructure-cloudnative-pg", "cluster-apps-synergyflow-database"},
    "schema_registry": {"cluster-apps-messaging-schema-registry"},
    "kafka_cluster": {"cluster-apps-messaging-kafka"},
    "strimzi": {"cluster-apps-infrastructure-strimzi"},
    "flux": set(),
    "all": test_gitops.KUSTOMIZATIONS[CLUSTER] - {"flux-system"},
}


@pytest.fixture(scope="module")
def server() -> dict[str, str]:
    """Where the database archives: one that begins anew has a folder of its own, and keeps it."""
    return {}


@pytest.mark.timeout(6 * HOURS)
@pytest.mark.parametrize("name", [name for name in KUSTOMIZATIONS if name not in ("flux", "all")])
def test_killed_before_every_task(platform: Any, server: dict[str, str], name: str) -> None:
    confirmed = {"rollback_confirm": f"{name}@{CLUSTER}", "rollback_without_backup": True}
    number, finished = 1, False
    while not finished:
        killed = rollback(platform, name, kill_before=str(number), **confirmed, **server)
        finished = killed.returncode == 0  # it has fewer tasks
        if not finished:
            assert killed.returncode == -signal.SIGKILL, output(killed)
            done = rollback(platform, name, **confirmed, **server)
            assert done.returncode == 0, f"killed before task {number}: {output(done)}"
        assert platform.kubectl(CLUSTER, "get", "configmap", "synergyflow-rollback", check=False).returncode != 0
        if name in ANEW:
            server["cnpg_server_name"] = f"{name}-{number}"
        back = run(platform, "site", CLUSTER, "--tags", name, **server)
        assert back.returncode == 0, f"killed before task {number}: {output(back)}"
        number += 1
    assert number > 5, "nothing was killed"
    everything = run(platform, "site", CLUSTER, **server)
    assert everything.returncode == 0, output(everything)


@pytest.mark.timeout(2 * HOURS)
def test_all_killed_again_and_again(platform: Any, server: dict[str, str]) -> None:
    """One rollback of everything: each run takes up what the one before has left, and is killed a task later.

    It has about 155 tasks.
    """
    confirmed = {"rollback_confirm": f"all@{CLUSTER}", "rollback_without_backup": "cnpg"}
    number, code = 0, -signal.SIGKILL
    while code == -signal.SIGKILL:
        number += 1
        done = rollback(platform, "all", kill_before=str(number), **confirmed, **server)
        code = done.returncode
    assert code == 0, f"to be killed before task {number}: {output(done)}"
    assert number > 20, "nothing was killed"
    # the last of them may have found nothing to do; this one does
    again = rollback(platform, "all", **confirmed, **server)
    assert again.returncode == 0, output(again)
    assert changed(again, CLUSTER) == 0
    assert platform.kubectl(CLUSTER, "get", "configmap", "synergyflow-rollback", check=False).returncode != 0
    server["cnpg_server_name"] = "all-again"
    back = run(platform, "site", CLUSTER, **server)
    assert back.returncode == 0, output(back)


@pytest.mark.timeout(6 * HOURS)
def test_by_git_killed_before_every_task(site: Site) -> None:  # noqa: F811
    number, finished = 1, False
    while not finished:
        killed = site.rollback(before=str(number))
        finished = killed.returncode == 0  # it has fewer tasks
        if not finished:
            assert killed.returncode == -signal.SIGKILL, output(killed)
            done = site.rollback()
            assert done.returncode == 0, f"killed before task {number}: {output(done)}"
        site.check_gone()
        site.deploy()
        number += 1
    assert number > 8, "nothing was killed"


@pytest.mark.timeout(2 * HOURS)
def test_flux_killed_before_every_task(site: Site) -> None:  # noqa: F811
    """Of Flux its management of itself goes: everything that it delivers goes on."""
    number, finished = 1, False
    while not finished:
        killed = site.rollback(name="flux", before=str(number))
        finished = killed.returncode == 0  # it has fewer tasks
        if not finished:
            assert killed.returncode == -signal.SIGKILL, output(killed)
            done = site.rollback(name="flux")
            assert done.returncode == 0, f"killed before task {number}: {output(done)}"
        assert not site.is_open()
        assert not site.there("helmrelease", "flux-instance", "flux-system")
        assert site.there("fluxinstance", "flux", "flux-system")
        assert site.there("deployment", "strimzi-cluster-operator")
        assert not any(site.suspended().values())
        site.deploy()
        assert site.there("helmrelease", "flux-instance", "flux-system")
        number += 1
    assert number > 5, "nothing was killed"


class Whole(test_gitops.Site):
    """The whole platform, delivered by Git."""

    def __init__(self, rehearsal: Any) -> None:
        super().__init__(rehearsal)
        self.server: dict[str, str] = {}
        self.deploy("clusters")

    def deploy(self, hosts: str = CLUSTER) -> None:
        done = self.run("gitops", hosts=hosts, **self.server)
        assert done.returncode == 0, output(done)

    def rollback(self, name: str) -> CompletedProcess[str]:
        given = {"flux_enabled": True, "platform_delivery": "gitops", **self.server}
        given |= {"rollback_confirm": f"{name}@{CLUSTER}", "rollback_without_backup": "cnpg"}
        inventory = ("-i", "inventories/rehearsal", "-l", CLUSTER, "-e", json.dumps(given))
        return self.rehearsal.playbook(f"playbooks/rollback_{name}.yml", *inventory)


@pytest.fixture(scope="module")
def whole(own_rehearsal: Any) -> Whole:
    return Whole(own_rehearsal)


@pytest.mark.timeout(HOURS)
@pytest.mark.parametrize("name", KUSTOMIZATIONS)
def test_by_git_on_the_whole_platform_and_back(whole: Whole, name: str, tmp_path: Path) -> None:
    topic = MESSAGES_IN.get(name)
    if topic:
        produce(whole.rehearsal, tmp_path, topic)
    done = whole.rollback(name)
    assert done.returncode == 0, output(done)
    check_others(done)
    assert whole.rehearsal.kubectl(CLUSTER, "get", "configmap", "synergyflow-rollback", check=False).returncode != 0
    left = whole.kustomizations()
    assert set(left) == test_gitops.KUSTOMIZATIONS[CLUSTER] - KUSTOMIZATIONS[name]
    assert not [key for key, each in left.items() if each["spec"].get("suspend")]
    head = whole.head()

    again = whole.rollback(name)
    assert again.returncode == 0, output(again)
    assert "nothing to do" in output(again)
    assert whole.head() == head

    if name in ANEW:
        whole.server = {"cnpg_server_name": f"{name}-by-git"}
    whole.deploy()
    back = whole.kustomizations()
    assert set(back) == test_gitops.KUSTOMIZATIONS[CLUSTER]
    assert not [key for key, each in back.items() if each["spec"].get("suspend")]
    if topic:
        assert consume(whole.rehearsal, tmp_path, topic)
