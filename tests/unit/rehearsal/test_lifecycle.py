# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

import psutil
import pytest

from rehearsal import lifecycle, processes
from rehearsal.clusters import Cluster
from rehearsal.paths import Paths
from rehearsal.supervise import PART, Program, Supervisor


def test_reset_empties_no_cluster_under_programs_that_a_crashed_supervisord_left(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = Supervisor(paths)
    supervisor.start()
    supervisor.ensure(Program("apps.messaging.broker-0.kafka", ["sleep", "600"]))
    psutil.Process(supervisor.pid()).kill()
    left: list[list[str]] = []

    def empty(cluster: Cluster) -> None:
        left.append(
            [name for each in processes.find(paths, PART) if (name := processes.mark(each, processes.PROGRAM_VARIABLE))]
        )

    monkeypatch.setattr(Cluster, "empty", empty)
    for step in ("_prepare", "_bring_up", "_settled"):
        monkeypatch.setattr(lifecycle, step, lambda *_: None)
    try:
        lifecycle.reset(["apps"], paths)
    finally:
        supervisor.stop()
    assert left == [[]]
