# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process node with real brokers, from objects as Strimzi's real operator makes them; no operator takes part."""

from __future__ import annotations

import copy
import json
import os
import re
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import strimzi_broker_objects as strimzi
from until import until

from rehearsal import programs
from rehearsal.node.recipes import kafka_wire
from rehearsal.paths import Paths
from rehearsal.supervise import ABSENT, Supervisor

LONG = 300  # seconds; brokers start in some five, on a busy machine in a hundred
NODE = "node-apps"
Object = dict[str, Any]


class Field:
    """One namespace of the cluster `apps`, and what runs there."""

    def __init__(self, rehearsal: Any, namespace: str) -> None:
        self.rehearsal = rehearsal
        self.namespace = namespace
        self.supervisor = Supervisor(Paths.from_environment())

    def kubectl(self, *args: str, **kwargs: Any) -> subprocess.CompletedProcess[str]:
        return self.rehearsal.kubectl("apps", "-n", self.namespace, *args, **kwargs)

    def apply(self, *objects: Object) -> None:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.kubectl("apply", "-f", "-", input=text)

    def pod(self, name: str) -> Object:
        done = self.kubectl("get", "pod", name, "-o", "json", "--ignore-not-found")
        return json.loads(done.stdout) if done.stdout else {}

    def container(self, name: str) -> Object:
        return (self.pod(name).get("status", {}).get("containerStatuses") or [{}])[0]

    def ready(self, name: str) -> bool:
        conditions = self.pod(name).get("status", {}).get("conditions") or []
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def wait_ready(self, *names: str) -> None:
        for name in names:
            until(lambda name=name: self.ready(name), f"{name} ready; it has {self.container(name)}")

    def waiting(self, name: str) -> Object:
        return self.container(name).get("state", {}).get("waiting") or {}

    def events(self, name: str) -> list[tuple[str, str]]:
        selector = f"involvedObject.name={name}"
        found = json.loads(self.kubectl("get", "events", "--field-selector", selector, "-o", "json").stdout)
        return [(each["reason"], each["message"]) for each in found["items"]]

    def exec(self, pod: str, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.kubectl("exec", pod, "-c", "kafka", "--", *command, check=check, timeout=LONG)

    def tool(self, pod: str, tool: str, *args: str) -> str:
        connection = ("--bootstrap-server", "localhost:9091", "--command-config", "client.properties")
        return self.exec(pod, f"bin/{tool}.sh", *connection, *args).stdout

    def program(self, pod: str, container: str = "kafka") -> str:
        return f"apps.{self.namespace}.{pod}.{container}"

    def pid(self, pod: str) -> int | None:
        return self.supervisor.state(self.program(pod)).pid

    def folder(self, pod: str) -> Path:
        return next((self.rehearsal.state / "pods" / "apps" / self.namespace).glob(f"{pod}-*"))

    @contextmanager
    def forwarded(self, pod: str, port: int) -> Iterator[int]:
        """A local port that kubectl forwards to a port of the pod."""
        command = [str(programs.binary("kubectl")), "--kubeconfig", str(self.rehearsal.kubeconfig("apps"))]
        command += ["-n", self.namespace, "port-forward", pod, f":{port}"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            assert process.stdout
            line = process.stdout.readline()
            match = re.search(r"127\.0\.0\.1:(\d+) ->", line)
            assert match, line
            yield int(match[1])
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture(scope="module")
def field(rehearsal: Any) -> Iterator[Field]:
    """A namespace of its own, and nothing left of it afterwards."""
    made = Field(rehearsal, f"node-{uuid.uuid4().hex[:6]}")
    rehearsal.kubectl("apps", "create", "namespace", made.namespace)
    yield made
    rehearsal.kubectl("apps", "delete", "namespace", made.namespace, f"--timeout={LONG}s", timeout=LONG + 10)


@pytest.fixture(scope="module")
def brokers(field: Field) -> strimzi.Brokers:
    """Three brokers of the current generation, ready."""
    made = strimzi.Brokers(strimzi.CURRENT, field.namespace)
    field.apply(*made.objects())
    field.wait_ready(*made.pods)
    return made


def test_pods_say_who_runs_them_and_how(field, brokers):
    addresses = set()
    for name in brokers.pods:
        pod = field.pod(name)
        metadata, status = pod["metadata"], pod["status"]
        assert metadata["labels"]["synergyflow.platform/run-by"] == "process-node"
        assert "group.initial.rebalance.delay.ms=0" in metadata["annotations"]["synergyflow.platform/process-node"]
        assert "finalizers" not in metadata
        assert not any("kopf" in key for key in metadata["annotations"])
        assert status["phase"] == "Running"
        assert status["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
        assert not status["podIP"].startswith("127.")
        addresses.add(status["podIP"])
    assert len(addresses) == 3


def test_the_service_has_the_ready_brokers(field, brokers):
    selector = f"kubernetes.io/service-name={brokers.cluster}-kafka-bootstrap"

    def addresses() -> set[str]:
        slices = json.loads(field.kubectl("get", "endpointslices", "-l", selector, "-o", "json").stdout)["items"]
        return {
            address
            for each in slices
            for endpoint in each.get("endpoints") or []
            if endpoint["conditions"]["ready"]
            for address in endpoint["addresses"]
        }

    wanted = {field.pod(name)["status"]["podIP"] for name in brokers.pods}
    until(lambda: addresses() == wanted, f"endpoints {wanted}", 60)


def test_the_brokers_are_one_cluster_in_three_racks(field, brokers):
    field.tool(brokers.pods[0], "kafka-topics", "--create", "--topic", "kept", "--partitions", "3")
    described = until(
        lambda: (
            (text := field.tool(brokers.pods[2], "kafka-topics", "--describe", "--topic", "kept"))
            and len(re.findall(r"Isr: \d,\d,\d\s", text)) == 3
            and text
        ),
        "all replicas in sync",
    )
    assert "ReplicationFactor: 3" in described
    nodes = {field.pod(name)["spec"]["nodeName"] for name in brokers.pods}
    for name in brokers.pods:
        properties = (field.folder(name) / "containers" / "kafka" / "server.properties").read_text()
        assert re.search(r"^broker\.rack=apps-[abc]$", properties, re.MULTILINE)
    assert nodes <= {"apps-node-a", "apps-node-b", "apps-node-c"}


def test_exec_runs_in_the_brokers_home_and_failures_surface(field, brokers):
    pod = brokers.pods[0]
    assert field.exec(pod, "bin/kafka-topics.sh", "--version").stdout.startswith("4.3.1")
    failed = field.exec(pod, "sh", "-c", "exit 3", check=False)
    assert failed.returncode != 0
    assert "exit status 3" in failed.stderr


def test_logs_are_the_brokers_own(field, brokers):
    log = field.kubectl("logs", brokers.pods[0], "-c", "kafka").stdout
    assert "Kafka Server started" in log
    last = field.kubectl("logs", brokers.pods[0], "-c", "kafka", "--tail=1", "--timestamps").stdout
    assert re.match(r"\d{4}-\d\d-\d\dT", last)
    assert len(last.splitlines()) == 1


def test_port_forward_reaches_the_broker_by_both_ports(field, brokers):
    pod = brokers.pods[1]
    state = json.loads((field.folder(pod) / "containers" / "kafka" / "state.json").read_text())
    real = state["run"]["ports"]["9091"]
    ready = state["run"]["ready"]
    for port in (9091, real):
        with field.forwarded(pod, port) as local:
            seen = kafka_wire.brokers(local, brokers.host(pod), ready["identity"], ready["trusted"], timeout=20)
        assert seen[1] == f"{brokers.host(pod)}:{real}"
        assert sorted(seen) == [0, 1, 2]


@pytest.mark.nightly
def test_a_killed_broker_is_started_again(field, brokers):
    pod = brokers.pods[2]
    before = field.container(pod)
    os.kill(field.pid(pod), signal.SIGKILL)
    until(lambda: field.container(pod).get("restartCount") == before["restartCount"] + 1, "a restart")
    after = field.container(pod)
    assert after["lastState"]["terminated"]["exitCode"] == 137
    assert after["lastState"]["terminated"]["reason"] == "Error"
    assert "Kafka Server started" in field.kubectl("logs", "-p", pod, "-c", "kafka").stdout
    field.wait_ready(pod)


def test_a_deleted_pod_is_stopped_and_one_that_returns_has_its_data(field, brokers):
    number, pod = 1, brokers.pods[1]
    folder, uid = field.folder(pod), field.pod(pod)["metadata"]["uid"]
    field.kubectl("delete", "pod", pod, timeout=LONG)
    assert not field.pod(pod)
    assert field.supervisor.state(field.program(pod)).state == ABSENT
    until(lambda: not folder.exists(), "the pod's folder removed", 30)
    for kind in ("clusterlogs", "clusterexecs", "clusterportforwards"):
        found = field.kubectl("get", f"{kind}.kwok.x-k8s.io", f"{field.namespace}.{pod}", "--ignore-not-found").stdout
        assert not found
    shown = field.tool(
        brokers.pods[0], "kafka-topics", "--describe", "--topic", "kept", "--under-replicated-partitions"
    )
    assert shown.count("Partition:") == 3
    field.apply(brokers.pod(number))
    field.wait_ready(pod)
    assert field.pod(pod)["metadata"]["uid"] != uid
    assert "Formatting" not in field.kubectl("logs", pod, "-c", "kafka").stdout
    until(
        lambda: (
            not field.tool(
                brokers.pods[0], "kafka-topics", "--describe", "--topic", "kept", "--under-replicated-partitions"
            ).strip()
        ),
        "all replicas in sync again",
    )


@pytest.mark.nightly
def test_a_node_that_dies_and_returns_leaves_the_brokers_alone(field, brokers):
    pids = {name: field.pid(name) for name in brokers.pods}
    restarts = {name: field.container(name)["restartCount"] for name in brokers.pods}
    node = field.supervisor.state(NODE).pid
    os.kill(node, signal.SIGKILL)
    returned = until(
        lambda: (state := field.supervisor.state(NODE)).runs and state.pid not in (None, node) and state.pid,
        "the node runs again",
    )
    found = f"{field.program(brokers.pods[0])} is found running and ready"
    until(lambda: found in field.supervisor.tail(NODE, 1 << 16), "the node looked at the broker")
    assert {name: field.pid(name) for name in brokers.pods} == pids
    assert {name: field.container(name)["restartCount"] for name in brokers.pods} == restarts
    assert all(field.ready(name) for name in brokers.pods)
    # and it still does its work
    os.kill(pids[brokers.pods[0]], signal.SIGKILL)
    until(lambda: field.container(brokers.pods[0])["restartCount"] == restarts[brokers.pods[0]] + 1, "a restart")
    assert field.supervisor.state(NODE).pid == returned
    field.wait_ready(*brokers.pods)


@pytest.mark.nightly
def test_a_pod_removed_without_grace_leaves_no_process(field, brokers):
    number, pod = 0, brokers.pods[0]
    pid = field.pid(pod)
    field.kubectl("delete", "pod", pod, "--grace-period=0", "--force")
    field.apply(brokers.pod(number))  # at once: the name is taken over
    field.wait_ready(pod)
    assert field.pid(pod) not in (None, pid)
    assert not Path(f"/proc/{pid}").exists()


# --- failures


@pytest.fixture
def alone(rehearsal: Any) -> Iterator[Field]:
    """A namespace for one test."""
    made = Field(rehearsal, f"node-{uuid.uuid4().hex[:6]}")
    rehearsal.kubectl("apps", "create", "namespace", made.namespace)
    yield made
    rehearsal.kubectl("apps", "delete", "namespace", made.namespace, "--wait=false")


def test_the_seeds_generation_waits_for_its_secret_then_runs(alone):
    """One broker of 3.8.1 with PKCS12 settings; until its Secret is there the pod is as on any kubelet."""
    brokers = strimzi.Brokers(strimzi.SEED, alone.namespace, count=1)
    pod = brokers.pods[0]
    objects = brokers.objects()
    late = next(each for each in objects if each["metadata"]["name"] == f"{brokers.cluster}-kafka-brokers")
    assert late["kind"] == "Service"
    late = next(each for each in objects if each["kind"] == "Secret" and "kafka-brokers" in each["metadata"]["name"])
    alone.apply(*[each for each in objects if each is not late])
    # before it the claims may be waited for
    missing = f'MountVolume.SetUp failed for volume "broker-certs" : secret "{late["metadata"]["name"]}" not found'
    until(lambda: ("FailedMount", missing) in alone.events(pod), f"an event FailedMount: {missing}")
    until(lambda: alone.waiting(pod).get("reason") == "ContainerCreating", "ContainerCreating")
    assert alone.pod(pod)["status"]["phase"] == "Pending"
    assert alone.supervisor.state(alone.program(pod)).state == ABSENT
    alone.apply(late)
    alone.wait_ready(pod)
    assert alone.exec(pod, "bin/kafka-topics.sh", "--version").stdout.startswith("3.8.1")
    assert "Kafka version: 3.8.1" in alone.kubectl("logs", pod, "-c", "kafka").stdout
    volumes = alone.rehearsal.state / "volumes" / "apps" / alone.namespace
    assert list(volumes.iterdir())
    alone.kubectl("delete", "pod", pod, timeout=LONG)
    assert list(volumes.iterdir()), "data lives as long as the claim, not the pod"
    alone.kubectl("delete", "pvc", "--all", timeout=LONG)
    until(lambda: not volumes.exists(), "the claim's folder removed", 60)


def test_a_version_without_jars_is_an_image_that_cannot_be_pulled(alone):
    brokers = strimzi.Brokers(strimzi.Release("1.2.0", "4.2.0", "4.2-IV1"), alone.namespace, count=1)
    alone.apply(*brokers.objects())
    pod = brokers.pods[0]
    until(lambda: alone.waiting(pod).get("reason") == "ErrImagePull", "ErrImagePull")
    assert "no Kafka 4.2.0 for the rehearsal: there are" in alone.waiting(pod)["message"]
    assert alone.pod(pod)["status"]["phase"] == "Pending"
    assert any(reason == "Failed" and "no Kafka 4.2.0" in message for reason, message in alone.events(pod))


@pytest.mark.nightly
def test_a_broker_that_fails_again_and_again_is_in_a_crash_loop(alone):
    brokers = strimzi.Brokers(strimzi.CURRENT, alone.namespace, count=1)
    objects = copy.deepcopy(brokers.objects())
    config = next(each for each in objects if each["kind"] == "ConfigMap")
    config["data"]["server.config"] += "log.segment.bytes=not-a-number\n"
    alone.apply(*objects)
    pod = brokers.pods[0]
    until(lambda: alone.waiting(pod).get("reason") == "CrashLoopBackOff", "CrashLoopBackOff")
    status = alone.container(pod)
    assert status["restartCount"] >= 1
    assert status["lastState"]["terminated"]["exitCode"] == 1
    assert not status["ready"]
    assert alone.pod(pod)["status"]["phase"] == "Running"
    assert "not-a-number" in alone.kubectl("logs", pod, "-c", "kafka").stdout
    assert any(reason == "BackOff" for reason, _ in alone.events(pod))
    # mended, it comes up by itself
    alone.apply(next(each for each in brokers.objects() if each["kind"] == "ConfigMap"))
    alone.wait_ready(pod)


@pytest.mark.nightly
def test_logs_of_another_cluster_are_refused_by_the_broker(alone):
    brokers = strimzi.Brokers(strimzi.CURRENT, alone.namespace, count=1)
    objects = brokers.objects()
    alone.apply(*objects)
    pod = brokers.pods[0]
    alone.wait_ready(pod)
    alone.kubectl("delete", "pod", pod, timeout=LONG)
    config = next(each for each in objects if each["kind"] == "ConfigMap")
    config["data"]["cluster.id"] = "AAAAAAAAAAAAAAAAAAAAAQ"
    alone.apply(config, brokers.pod(0))
    until(lambda: alone.waiting(pod).get("reason") == "CrashLoopBackOff", "CrashLoopBackOff")
    log = alone.kubectl("logs", pod, "-c", "kafka").stdout
    assert strimzi.CLUSTER_ID in log


def test_cruise_control_says_that_nothing_runs(alone):
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "cruise-control", "namespace": alone.namespace},
        "spec": {
            "containers": [
                {
                    "name": "cruise-control",
                    "image": strimzi.CURRENT.image,
                    "args": ["/opt/cruise-control/cruise_control_run.sh"],
                }
            ]
        },
    }
    alone.apply(pod)
    alone.wait_ready("cruise-control")
    labels = alone.pod("cruise-control")["metadata"]["labels"]
    assert labels["synergyflow.platform/stand-in"] == "cruise-control"
    log = until(lambda: alone.kubectl("logs", "cruise-control").stdout, "a log", 30)
    assert "nothing runs in this container" in log


def test_no_port_but_loopback(field, brokers):
    """Every port a broker listens on is 127.0.0.1's."""
    state = json.loads((field.folder(brokers.pods[0]) / "containers" / "kafka" / "state.json").read_text())
    for port in state["run"]["ports"].values():
        assert 10_000 <= port < 32768
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
    pid = field.pid(brokers.pods[0])
    sockets = {os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink()}
    inodes = {match[1] for each in sockets if (match := re.match(r"socket:\[(\d+)\]", each))}
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            local, state_code, inode = line.split()[1], line.split()[3], line.split()[9]
            if state_code == "0A" and inode in inodes:
                listening.append(local.rpartition(":")[0])
    assert listening
    loopback = {"0100007F", "0000000000000000FFFF00000100007F"}
    assert set(listening) <= loopback
