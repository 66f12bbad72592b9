# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Up, crash, repair, reset and down of a rehearsal of its own, driven by its commands as a user drives it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.object_store import ObjectStore, ObjectStoreError
from until import until

from rehearsal import external_secrets, ports, processes, s3, uploads, wanted
from rehearsal.clusters import Cluster
from rehearsal.paths import Paths
from rehearsal.sources import store
from rehearsal.supervise import Supervisor

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = "apps"  # one control plane: what both do is the same, and each start costs seconds of processor time

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Own:
    paths: Paths

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "rehearsal", *arguments],
            cwd=ROOT,
            env={**os.environ, **self.paths.environment()},
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )

    def up(self) -> str:
        done = self.run("up", "--clusters", CLUSTER)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        done = subprocess.run(
            [self.paths.state / "bin" / "kubectl", "--kubeconfig", self.paths.kubeconfig(CLUSTER), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def pid(self, component: str) -> int:
        return next(c.pid for c in Cluster(CLUSTER, self.paths).components() if c.name == component) or 0

    def audited(self, offset: int) -> list[dict[str, Any]]:
        """The events written after this byte of the audit log; those at its ends may be cut."""
        events = []
        for line in self.paths.audit_log(CLUSTER).read_bytes()[offset:].splitlines():
            with suppress(ValueError):
                events.append(json.loads(line))
        return events

    def pods(self) -> dict[str, str]:
        """Phases by name, without the pods that an empty cluster has."""
        other = f"metadata.namespace!={external_secrets.NAMESPACE},metadata.namespace!={uploads.NAMESPACE}"
        items = json.loads(self.kubectl("get", "pods", "-A", "--field-selector", other, "-o", "json"))["items"]
        return {item["metadata"]["name"]: item["status"]["phase"] for item in items}

    def bucket(self, **given: str) -> ObjectStore:
        account = s3.keys(self.paths)._asdict() | {"bucket": s3.BUCKET, "keys_from": "Secret a/b"}
        return ObjectStore(**account | given, endpoint=s3.endpoint(self.paths))

    def listening(self) -> set[tuple[str, int]]:
        found = set()
        for process in processes.find(self.paths):
            for connection in process.net_connections("inet"):
                if connection.status == psutil.CONN_LISTEN:
                    found.add((connection.laddr.ip, connection.laddr.port))
        return found


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """A rehearsal that is up; stopped at the end whatever became of it."""
    # Spaces, quotes and depth are what a checkout's path may have, and kwokctl and supervisord would trip over.
    state = tmp_path_factory.mktemp("lifecycle") / "a 100% user's checkout" / ("deep-" * 12) / "state"
    it = Own(Paths(state=state, cache=Paths.from_environment().cache))
    try:
        it.up()
        yield it
    finally:
        it.run("down")


@pytest.fixture
def up(own: Own) -> Own:
    """Whatever the test before left, this one finds the rehearsal up."""
    own.up()
    return own


def _answers(own: Own) -> bool:
    try:
        return own.bucket().list("a/") is not None
    except ObjectStoreError:
        return False


def _processes(own: Own) -> dict[int, str]:
    found = {}
    for process in processes.find(own.paths):
        with suppress(psutil.NoSuchProcess):  # it ended while it was looked at
            found[process.pid] = process.name()
    return found


def test_a_second_up_does_nothing(up: Own) -> None:
    # its pod comes after `up` ended
    up.kubectl("rollout", "status", "deployment/external-secrets", "-n", external_secrets.NAMESPACE, "--timeout=120s")
    before, size = _processes(up), up.paths.audit_log(CLUSTER).stat().st_size
    said = up.up()
    assert "The rehearsal is up already." in said
    assert _processes(up) == before
    assert [e for e in up.audited(size) if "fieldManager=rehearsal" in e["requestURI"]] == []


def test_only_loopback_is_listened_on_below_the_ephemeral_ports(up: Own) -> None:
    listening = up.listening()
    assert len(listening) >= 6
    assert {address.partition(".")[0] for address, _ in listening} == {"127"}
    # pods have loopback addresses of their own, where they have their own ports
    assert all(ports.FIRST <= port <= ports.LAST for address, port in listening if address == "127.0.0.1")


def test_the_cluster_has_its_nodes_zones_and_default_class(up: Own) -> None:
    nodes = json.loads(up.kubectl("get", "nodes", "-o", "json"))["items"]
    zones = {node["metadata"]["name"]: node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes}
    assert zones == {"apps-node-a": "apps-a", "apps-node-b": "apps-b", "apps-node-c": "apps-c"}
    (storage,) = json.loads(up.kubectl("get", "storageclass", "-o", "json"))["items"]
    assert storage["metadata"]["name"] == "rook-ceph-block"
    assert storage["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"


def test_the_kubeconfig_is_private_and_named_as_the_cluster(up: Own) -> None:
    assert up.kubectl("config", "current-context").strip() == CLUSTER
    assert up.kubectl("auth", "can-i", "*", "*").strip() == "yes"
    assert up.paths.kubeconfig(CLUSTER).stat().st_mode & 0o077 == 0


def test_the_audit_log_tells_a_dry_run_from_a_write(up: Own) -> None:
    size = up.paths.audit_log(CLUSTER).stat().st_size
    up.kubectl("create", "namespace", "audited", "--dry-run=server")

    def creations() -> list[dict[str, Any]]:
        uris = "/api/v1/namespaces?"
        return [e for e in up.audited(size) if e["verb"] == "create" and e["requestURI"].startswith(uris)]

    until(lambda: bool(creations()))
    (created,) = creations()
    assert "dryRun=All" in created["requestURI"]
    assert "requestObject" not in created


def test_other_pods_run_and_those_of_the_process_node_wait_for_it(up: Own) -> None:
    """The node is stopped first, so that what is seen is what KWOK's stages do, and do not."""
    Supervisor(up.paths).remove(wanted.node_program(CLUSTER))
    up.kubectl("run", "web", "--image", "docker.io/library/nginx:1.29")
    up.kubectl("run", "broker", "--image", "quay.io/strimzi/kafka:1.2.0-kafka-4.3.1")
    up.kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
    up.kubectl("wait", "--for=condition=PodScheduled", "pod/broker", "--timeout=60s")
    assert up.pods() == {"web": "Running", "broker": "Pending"}
    up.kubectl("delete", "pod", "web", "--wait=true", "--timeout=60s")
    up.kubectl("delete", "pod", "broker", "--force", "--grace-period=0")
    assert up.pods() == {}


@pytest.mark.parametrize("component", ["etcd", "kwok-controller"])
def test_a_crash_is_reported_with_its_log_and_repaired_by_up(up: Own, component: str) -> None:
    os.kill(up.pid(component), signal.SIGKILL)
    until(lambda: up.pid(component) == 0)
    said = up.run("status")
    assert said.returncode == 1
    assert f"{component} crashed. The end of its log:\n  | " in said.stdout
    up.up()
    assert up.run("status").returncode == 0
    # A KWOK that waits for the leases of the one before would leave this pod Pending for minutes.
    up.kubectl("run", "after-repair", "--image", "nginx")
    up.kubectl("wait", "--for=condition=Ready", "pod/after-repair", "--timeout=30s")
    up.kubectl("delete", "pod", "after-repair", "--timeout=60s")


def test_a_crash_of_supervisord_is_reported_and_repaired(up: Own) -> None:
    psutil.Process(Supervisor(up.paths).pid()).kill()
    said = up.run("status")
    assert said.returncode == 1
    assert "supervisord crashed" in said.stdout
    assert "supervisord started" in up.up()
    assert up.run("status").returncode == 0


def test_a_crash_of_the_s3_store_is_repaired_and_it_keeps_its_objects(up: Own) -> None:
    up.bucket().client.put_object(Bucket=s3.BUCKET, Key="a/b", Body=b"abc")
    psutil.Process(Supervisor(up.paths).state(s3.PROGRAM).pid).kill()
    until(lambda: Supervisor(up.paths).state(s3.PROGRAM).state == "RUNNING")  # supervisord starts it again
    until(lambda: _answers(up))  # it listens a moment after it runs
    assert [(each.key, each.size) for each in up.bucket().list("a/")] == [("a/b", 3)]
    Supervisor(up.paths).remove(s3.PROGRAM)
    assert "s3 crashed" in up.run("status").stdout
    assert "S3 store started" in up.up()
    assert up.bucket().exists("a/b")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"secret_key": "wrong"}, r"refuses access to bucket synergyflow-backups \(.+\): check the keys in Secret a/b"),
        ({"bucket": "another"}, "there is no bucket another in http://127.0.0.1:"),
    ],
)
def test_the_s3_store_refuses_as_a_real_one_does(up: Own, given: dict[str, str], words: str) -> None:
    store = up.bucket(**given)
    for look in (store.list, lambda: store.exists("a")):
        with pytest.raises(ObjectStoreError, match=words):
            look()


def test_reset_empties_at_the_same_kubeconfig(up: Own) -> None:
    up.bucket().client.put_object(Bucket=s3.BUCKET, Key="backup", Body=b"")
    volume = up.paths.volumes / CLUSTER / "kept" / "claim-1"
    volume.mkdir(parents=True)
    Supervisor(up.paths).remove(wanted.node_program(CLUSTER))
    up.kubectl("create", "namespace", "kept")
    up.kubectl("create", "deployment", "web", "--image", "nginx", "-n", "kept")
    up.kubectl("rollout", "status", "deployment/web", "-n", "kept", "--timeout=60s")
    before = up.paths.kubeconfig(CLUSTER).read_text()
    done = up.run("reset", "--clusters", CLUSTER)
    assert done.returncode == 0, done.stdout + done.stderr
    assert up.paths.kubeconfig(CLUSTER).read_text() == before
    namespaces = up.kubectl("get", "namespaces", "-o", "name").split()
    own = ("default", external_secrets.NAMESPACE, "kube-node-lease", "kube-public", "kube-system", uploads.NAMESPACE)
    assert sorted(namespaces) == [f"namespace/{name}" for name in own]
    assert up.pods() == {}
    assert not volume.exists()
    assert up.bucket().list() == []
    up.kubectl("run", "after-reset", "--image", "nginx")
    up.kubectl("wait", "--for=condition=Ready", "pod/after-reset", "--timeout=30s")


def test_down_leaves_no_process_and_no_port_and_up_finds_the_data(up: Own) -> None:
    up.kubectl("create", "configmap", "kept", "--from-literal=a=b")
    was_listening = up.listening()
    for program in (s3.PROGRAM, store.PROGRAM):
        assert ("127.0.0.1", ports.reserved(up.paths)[program]) in was_listening
    done = up.run("down")
    assert done.returncode == 0, done.stderr
    assert _processes(up) == {}
    for _, port in was_listening:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, f"something listens on {port}"
    assert up.run("status").returncode == 0
    up.up()
    assert up.kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.a}") == "b"


def test_down_after_a_crash_of_supervisord_and_lost_pid_files(up: Own) -> None:
    supervisor = Supervisor(up.paths)
    psutil.Process(supervisor.pid()).kill()
    for file in up.paths.cluster(CLUSTER).glob("kwok/clusters/*/pids/*"):
        file.unlink()
    assert _processes(up)
    done = up.run("down")
    assert done.returncode == 0, done.stderr
    assert _processes(up) == {}


def test_a_taken_port_is_named_before_anything_starts(up: Own) -> None:
    assert up.run("down").returncode == 0
    port = ports.reserved(up.paths)[f"{CLUSTER}.kube-apiserver"]
    with socket.create_server(("127.0.0.1", port)):
        done = up.run("up", "--clusters", CLUSTER)
    assert done.returncode == 1
    assert f"port {port} of {CLUSTER}'s kube-apiserver is taken by another program" in done.stderr
    assert not any(name.startswith("etcd") for name in _processes(up).values())


@pytest.mark.nightly
def test_an_interrupted_creation_is_made_good_by_the_next_up(own: Own, tmp_path: Path) -> None:
    other = Own(Paths(state=tmp_path / "interrupted", cache=own.paths.cache))
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "rehearsal", "up", "--clusters", CLUSTER],
            cwd=ROOT,
            env={**os.environ, **other.paths.environment()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as process:
            until(lambda: any("kube-apiserver" in name for name in _processes(other).values()))
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=300)
        assert process.returncode == 130, errors.decode()
        assert other.run("status").returncode == 1
        other.up()
        assert other.run("status").returncode == 0
    finally:
        other.run("down")
    assert _processes(other) == {}
