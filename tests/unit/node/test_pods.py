# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod's end when the supervisor does not do as it is told."""

from __future__ import annotations

import socket
from types import SimpleNamespace

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.node.pod_files import PodFiles
from rehearsal.node.pods import Pods

UID = "00000000-0000-0000-0000-000000000001"


class FakeContainers:
    """Stops what it can."""

    def __init__(self) -> None:
        self.stopped: list[str] = []
        self.stubborn: set[str] = set()
        self.running: set[str] = set()

    def stop(self, files, namespace, pod, container, grace=None) -> None:
        if container in self.stubborn:
            raise RehearsalError(f"{container} does not stop")
        self.stopped.append(container)

    def any_runs(self, namespace, pod) -> bool:
        return pod in self.running


@pytest.fixture
def pods(paths, fake_api, monkeypatch):
    events = SimpleNamespace(normal=lambda *a: None, warning=lambda *a: None)
    twins = SimpleNamespace(publish=lambda *a: None, forget=lambda *a: None)
    made = Pods("apps", paths, fake_api([]), SimpleNamespace(), events, twins=twins)
    monkeypatch.setattr(made, "_containers", FakeContainers())
    return made


@pytest.fixture
def pod(paths):
    metadata = {"name": "b-0", "namespace": "n", "uid": UID, "deletionTimestamp": "2026-01-01T00:00:00Z"}
    spec = {"nodeName": "apps-node-a", "containers": [{"name": "kafka", "image": "strimzi/kafka:1-kafka-4.3.1"}]}
    pod = {"kind": "Pod", "metadata": metadata, "spec": spec}
    for name in ("kafka", "side"):
        PodFiles.of(paths, "apps", pod).container(name).mkdir(parents=True)
    return pod


@pytest.mark.parametrize("there", [True, False])
def test_a_pod_whose_program_does_not_stop_is_not_gone(pods, pod, paths, there):
    api, folder = pods._api, PodFiles.of(paths, "apps", pod).folder
    path = "/api/v1/namespaces/n/pods/b-0"
    if there:
        api.objects[path] = pod
    pods._containers.stubborn.add("side")
    with pytest.raises(RehearsalError, match="side does not stop"):
        pods.reconcile("n", "b-0")
    assert pods._containers.stopped == ["kafka"]
    assert folder.is_dir()
    assert api.deleted == []
    pods._containers.stubborn.clear()
    pods.reconcile("n", "b-0")
    assert not folder.exists()
    assert (path in api.deleted) is there


def test_a_port_that_a_stranger_took_is_exchanged_and_one_of_a_running_broker_never(pods, pod, paths):
    port = pods._container(pod, pod["spec"]["containers"][0], PodFiles.of(paths, "apps", pod)).port
    own, peers = port(9091), port(9091, "b-1")
    with socket.create_server(("127.0.0.1", own)), socket.create_server(("127.0.0.1", peers)):
        pods._containers.running = {"b-1"}
        exchanged = port(9091)
        assert exchanged != own
        assert port(9091, "b-1") == peers
    assert port(9091) == exchanged
