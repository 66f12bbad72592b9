# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole drill, for `make drill`: each rollback killed before every one of its tasks, finished, and deployed again.

It takes hours; `make test` has a sample of it (test_rollback.py).
"""

from __future__ import annotations

import signal

import pytest
from site_runs import output, run
from test_rollback import rollback
from test_rollback_git import Site, site  # noqa: F401 - a fixture

HOURS = 3600
ANEW = ("cnpg", "all")


@pytest.mark.timeout(6 * HOURS)
@pytest.mark.parametrize(
    "name",
    ["obs_collectors", "volsync", "synergyflow_backend", "cnpg", "schema_registry", "kafka_cluster", "all"],
)
def test_killed_before_every_task(platform, name):
    confirmed = {"rollback_confirm": f"{name}@apps", "rollback_without_backup": True}
    number, finished = 1, False
    while not finished:
        killed = rollback(platform, name, kill_before=str(number), **confirmed)
        finished = killed.returncode == 0  # it has fewer tasks
        if not finished:
            assert killed.returncode == -signal.SIGKILL, output(killed)
            done = rollback(platform, name, **confirmed)
            assert done.returncode == 0, f"killed before task {number}: {output(done)}"
        assert platform.kubectl("apps", "get", "configmap", "synergyflow-rollback", check=False).returncode != 0
        # a database that begins anew archives into a folder of its own
        back = run(platform, "site", "apps", **({"cnpg_server_name": f"{name}-{number}"} if name in ANEW else {}))
        assert back.returncode == 0, f"killed before task {number}: {output(back)}"
        number += 1
    assert number > 5, "nothing was killed"


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
