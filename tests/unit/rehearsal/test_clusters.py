# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

import json

import pytest

from rehearsal import clusters, ports
from rehearsal.clusters import Cluster
from rehearsal.errors import RehearsalError
from rehearsal.paths import Paths


def test_with_its_volumes_a_cluster_gives_back_the_ports_of_its_pods_alone(paths: Paths) -> None:
    for name in ("apps.etcd", "apps.messaging.broker-0.9091", "infra.messaging.broker-0.9091"):
        ports.reserve(name, paths)
    Cluster("apps", paths)._remove_volumes()
    assert set(ports.reserved(paths)) == {"apps.etcd", "infra.messaging.broker-0.9091"}


@pytest.mark.parametrize("reserved", [{}, {"apps.etcd": 11111, "apps.kube-apiserver": 11112}])
def test_lost_reservations_do_not_change_an_existing_clusters_ports(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, reserved: dict[str, int]
) -> None:
    made = {"etcd": 12001, "kube-apiserver": 12002}
    cluster = Cluster("apps", paths)
    for file in (cluster._record, cluster._work / "kwok.yaml", paths.run / "ports.json"):
        file.parent.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(Cluster, "_objects_digest", lambda _: "same")
    cluster._record.write_text(json.dumps({"objects": "same", "ports": made}))
    (cluster._work / "kwok.yaml").touch()
    (paths.run / "ports.json").write_text(json.dumps(reserved))
    asked: list[int] = []
    monkeypatch.setattr(clusters, "ApiServer", lambda port, pki: asked.append(port))
    monkeypatch.setattr(Cluster, "_start", lambda *_: None)
    cluster._api()
    assert asked == [12002]
    cluster.start()
    assert ports.reserved(paths) == {"apps.etcd": 12001, "apps.kube-apiserver": 12002}


def test_a_cluster_that_gets_other_objects_is_made_anew_at_the_next_reset(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster("apps", paths)
    cluster._empty_state.mkdir(parents=True)
    for name in ("_keep_ports", "_apply_objects", "_start"):
        monkeypatch.setattr(Cluster, name, lambda *_: None)
    monkeypatch.setattr(Cluster, "components", lambda _: [])
    monkeypatch.setattr(Cluster, "created", lambda _: True)
    monkeypatch.setattr(Cluster, "_recorded", lambda _: {"objects": "of before"})
    monkeypatch.setattr(Cluster, "_objects_digest", lambda _: "of now")
    assert cluster.start()
    assert not cluster._empty_state.exists()
    made: list[str] = []
    monkeypatch.setattr(Cluster, "create", lambda each: made.append(each.name))
    monkeypatch.setattr(Cluster, "_recorded", lambda _: {"objects": "of now"})
    monkeypatch.setattr(Cluster, "outdated", lambda _: [])
    cluster.empty()
    assert made == ["apps"]


def test_a_clusters_folder_is_for_nobody_elses_eyes(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []

    def configuration(cluster: Cluster) -> dict:
        modes.append(paths.cluster("apps").stat().st_mode & 0o777)
        raise RehearsalError("far enough")

    monkeypatch.setattr(Cluster, "_configuration", configuration)
    with pytest.raises(RehearsalError, match="far enough"):
        Cluster("apps", paths).create()
    assert modes == [0o700]
