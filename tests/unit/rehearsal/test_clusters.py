# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

from rehearsal import ports
from rehearsal.clusters import Cluster
from rehearsal.paths import Paths


def test_with_its_volumes_a_cluster_gives_back_the_ports_of_its_pods_alone(paths: Paths) -> None:
    for name in ("apps.etcd", "apps.messaging.broker-0.9091", "infra.messaging.broker-0.9091"):
        ports.reserve(name, paths)
    Cluster("apps", paths)._remove_volumes()
    assert set(ports.reserved(paths)) == {"apps.etcd", "infra.messaging.broker-0.9091"}
