# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The control planes: etcd, API server, controllers, scheduler and KWOK of each cluster, run by kwokctl.

For machines of a single user: etcd and KWOK's kubelet port (exec into programs, logs) listen on loopback without any
authentication, so whoever has an account on the machine can read and do everything in a cluster.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import psutil
import yaml

from rehearsal import artifacts, cluster_objects, ports, prerequisites, processes, programs
from rehearsal.api_server import ApiServer
from rehearsal.errors import RehearsalError
from rehearsal.files import shell_safe, tail, write_atomically
from rehearsal.paths import Paths

NAMES = ("apps", "infra")
# kwokctl's option for each port, and the component that listens on it
PORTS = {
    "kubeApiserverPort": "kube-apiserver",
    "etcdPort": "etcd",
    "etcdPeerPort": "etcd-peer",
    "kubeControllerManagerPort": "kube-controller-manager",
    "kubeSchedulerPort": "kube-scheduler",
    "kwokControllerPort": "kwok-controller",
}
# names as kwokctl gives them to pid files and logs
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok-controller")
BINARIES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok")
CUSTOM_RESOURCES = ["Stage", "ClusterPortForward", "ClusterExec", "ClusterLogs", "PortForward", "Exec", "Logs"]
CLIENT_LIMITS = {"kube-api-qps": "200", "kube-api-burst": "400"}
SECONDS_TO_START = 60

Result = TypeVar("Result")


@dataclass(frozen=True)
class Component:
    """One process of a control plane, as it is found now."""

    name: str
    pid: int | None
    port: int | None
    log: Path


class Cluster:
    """One control plane of a state folder."""

    def __init__(self, name: str, paths: Paths) -> None:
        self.name = name
        self.paths = paths
        self.part = f"cluster:{name}"
        self._work = paths.cluster(name) / "kwok" / "clusters" / name
        self._record = paths.cluster(name) / "created.json"
        self._empty_state = paths.cluster(name) / "empty-etcd"

    # --- life

    def create(self) -> None:
        """Make the cluster anew, empty but for nodes, storage class and stages. What was there is removed."""
        self._remove()
        folder = self.paths.cluster(self.name)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # kwokctl lets everybody read the keys inside
        log = self.paths.audit_log(self.name)
        log.unlink(missing_ok=True)
        log.symlink_to(Path("kwok", "clusters", self.name, "logs", "audit.log"))
        shutil.copyfile(cluster_objects.AUDIT_POLICY, folder / "audit-policy.yaml")
        write_atomically(folder / "kwokctl.yaml", yaml.safe_dump(self._configuration(), sort_keys=False))
        configuration = str(shell_safe(folder) / "kwokctl.yaml")
        self._kwokctl("create", "cluster", "--config", configuration, "--kubeconfig", "", timeout=180)
        write_atomically(self.paths.kubeconfig(self.name), yaml.safe_dump(self._kubeconfig(), sort_keys=False))
        self._apply_objects()
        self._keep_empty()

    def start(self) -> bool:
        """Start what does not run; whether anything had to be. Creates the cluster when it is not whole."""
        if not self.created():
            self.create()
            return True
        self._keep_ports()
        stopped = {component.name: component for component in self.components() if component.pid is None}
        if stopped:
            self._start(stopped)
        if self._objects_digest() != self._recorded().get("objects"):
            _remove(self._empty_state)  # has the objects of before: the next reset makes the cluster anew
            self._apply_objects()
            return True
        return bool(stopped)

    def empty(self) -> None:
        """Take the cluster back to how it was created: by the kept state of then, or anew where that is outdated."""
        recorded = self._recorded()
        renewed = recorded.get("objects") != self._objects_digest() or bool(self.outdated())
        if not self.created() or renewed or not self._empty_state.is_dir() or self._blocked_ports():
            self.create()
            return
        self._keep_ports()
        self.stop()
        record = self._record.read_text()
        self._record.unlink()  # not whole while its parts are exchanged
        with ThreadPoolExecutor(1) as aside:
            removed = aside.submit(self._remove_volumes)  # nobody looks at them before the node starts
            _remove(self._work / "etcd")
            shutil.copytree(self._empty_state, self._work / "etcd")
            for log in (self._work / "logs").iterdir():
                log.unlink()
            self._kwokctl("start", "cluster", timeout=180)
            self._wait_ready()
            self._wait_nodes()
        removed.result()
        write_atomically(self._record, record)

    def stop(self) -> None:
        """End the cluster's processes, as kwokctl does without asking, and those it lost sight of; the data stays."""
        left = processes.end(processes.find(self.paths, self.part), grace=0)
        if left:
            raise RehearsalError(f"cannot end process {left[0].pid} of cluster {self.name}: end it by hand")
        self._drop_stale_pids()

    def wait_for_secrets(self) -> None:
        """Return when Secrets can come from Vault's place: who deploys asks that first."""
        api = self._api()
        self._wait(lambda: ", ".join(_retry(api.unready_stores)), "has a ClusterSecretStore that does not become ready")

    # --- looks

    def created(self) -> bool:
        """Whether the cluster was made to the end."""
        return self._record.is_file() and (self._work / "kwok.yaml").is_file()

    def outdated(self) -> list[str]:
        """Programs that the cluster runs in another version than is built now."""
        recorded = self._recorded().get("binaries", {})
        return sorted(name for name, path in self._binaries().items() if recorded.get(name, path) != path)

    def components(self) -> list[Component]:
        """The control plane's processes."""
        recorded = self._recorded().get("ports", {})
        return [
            Component(name, self._pid(name), recorded.get(name), self._work / "logs" / f"{name}.log")
            for name in COMPONENTS
        ]

    def server(self) -> str | None:
        """The API server's address."""
        port = self._recorded().get("ports", {}).get("kube-apiserver")
        return f"https://127.0.0.1:{port}" if port else None

    def unready(self) -> str | None:
        """None when the API server says that it is ready, else why it is not."""
        return self._api().unready()

    # --- inside

    def _configuration(self) -> dict:
        cache = shell_safe(self.paths.cache)
        binaries = {
            name: str(cache / Path(path).relative_to(self.paths.cache)) for name, path in self._binaries().items()
        }
        numbers = {option: ports.reserve_free(self._port_name(owner), self.paths) for option, owner in PORTS.items()}
        return {
            "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
            "kind": "KwokctlConfiguration",
            "options": {
                "runtime": "binary",
                "bindAddress": "127.0.0.1",  # the default is every interface
                **numbers,
                "etcdBinary": binaries["etcd"],
                "kubeApiserverBinary": binaries["kube-apiserver"],
                "kubeControllerManagerBinary": binaries["kube-controller-manager"],
                "kubeSchedulerBinary": binaries["kube-scheduler"],
                "kwokControllerBinary": binaries["kwok"],
                "kubeVersion": _version("kubernetes"),
                "etcdVersion": _version("etcd"),
                "kwokVersion": _version("kwok"),
                "kubeAuditPolicy": str(shell_safe(self.paths.cluster(self.name)) / "audit-policy.yaml"),
                "enableCRDs": CUSTOM_RESOURCES,
            },
            "componentsPatches": [
                # A rehearsal need not outlive a power cut, and must not wait for the disk.
                _flags("etcd", {"unsafe-no-fsync": "true"}),
                # The defaults (20 and 50 requests a second) are for thousands of clients; the API server keeps its own.
                # There is one of each: electing a leader would make each start wait 15 s for the lease before.
                _flags("kube-controller-manager", CLIENT_LIMITS | {"leader-elect": "false"}),
                _flags("kube-scheduler", CLIENT_LIMITS | {"leader-elect": "false"}),
            ],
        }

    def _kubeconfig(self) -> dict:
        pki = self._work / "pki"
        certificate, key, authority = (
            base64.b64encode((pki / name).read_bytes()).decode() for name in ("admin.crt", "admin.key", "ca.crt")
        )
        port = ports.reserve(self._port_name("kube-apiserver"), self.paths)
        cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority-data": authority}
        user = {"client-certificate-data": certificate, "client-key-data": key}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": self.name, "cluster": cluster}],
            "users": [{"name": f"{self.name}-admin", "user": user}],
            "contexts": [{"name": self.name, "context": {"cluster": self.name, "user": f"{self.name}-admin"}}],
            "current-context": self.name,
        }

    def _start(self, stopped: dict[str, Component]) -> None:
        self._drop_stale_pids()
        if blocked := self._blocked_ports():
            component = blocked[0]
            raise RehearsalError(
                f"port {component.port} of {self.name}'s {component.name} is taken by another program:"
                " stop that one, or give the clusters new ports with make rehearsal-reset (makes them empty)"
            )
        if set(stopped) != {"kwok-controller"}:
            self._kwokctl("start", "cluster", timeout=180)
            self._wait_ready()
        if "kwok-controller" in stopped:
            # Started once with the others, it found the leases of the one before and would wait for their end.
            self._stop_kwok()
            self._api().drop_node_leases()
            self._kwokctl("start", "cluster", timeout=180)
        self._wait_nodes()

    def _keep_empty(self) -> None:
        """Keep etcd's data as it is now, for `empty`. Without node leases: the next KWOK is another holder."""
        self._stop_kwok()
        self._api().drop_node_leases()
        etcd = psutil.Process(self._pid("etcd"))
        etcd.suspend()  # what lies on the disk is what a crash would leave, which etcd recovers from
        try:
            _remove(self._empty_state)
            partial = self._empty_state.with_suffix(".partial")
            _remove(partial)
            shutil.copytree(self._work / "etcd", partial)
            partial.rename(self._empty_state)
        finally:
            etcd.resume()
        self._kwokctl("start", "cluster", timeout=180)
        self._wait_nodes()
        self._write_record()

    def _stop_kwok(self) -> None:
        if pid := self._pid("kwok-controller"):
            processes.end([psutil.Process(pid)], grace=0)
        self._drop_stale_pids()

    def _remove(self) -> None:
        """Remove the cluster's processes and data."""
        self._record.unlink(missing_ok=True)
        self.stop()
        _remove(self._work)
        _remove(self._empty_state)
        self._remove_volumes()

    def _remove_volumes(self) -> None:
        _remove(self.paths.volumes / self.name)
        _remove(self.paths.pods / self.name)
        _remove(self.paths.nodes / self.name)
        own = {self._port_name(owner) for owner in PORTS.values()}
        for name in ports.reserved(self.paths):
            if name.startswith(f"{self.name}.") and name not in own:
                ports.release(name, self.paths)

    def _apply_objects(self) -> None:
        self._wait_ready()
        api = self._api()
        files = prerequisites.definitions(self.paths)
        with ThreadPoolExecutor(len(files)) as pool:  # each takes a while, the API server several at once
            texts = {name: prerequisites.served(file.read_text()) for name, file in files.items()}
            list(pool.map(lambda name: _retry(partial(api.define, name, texts[name])), files))
        for obj in cluster_objects.objects(self.name, self.paths):
            _retry(partial(api.apply, obj))
        self._wait_nodes()
        if self.created():
            self._write_record()

    def _write_record(self) -> None:
        record = {
            "objects": self._objects_digest(),
            "binaries": self._binaries(),
            "ports": {owner: ports.reserve(self._port_name(owner), self.paths) for owner in PORTS.values()},
        }
        write_atomically(self._record, json.dumps(record, indent=1) + "\n")

    def _wait_ready(self) -> None:
        self._wait(self.unready, "is not ready")

    def _wait_nodes(self) -> None:
        api = self._api()
        self._wait(lambda: ", ".join(_retry(api.unready_nodes)), "has nodes that do not become ready")

    def _wait(self, obstacle: Callable[[], str | None], what: str) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while reason := obstacle():
            if time.monotonic() > deadline:
                raise RehearsalError(
                    f"cluster {self.name} {what} after {SECONDS_TO_START} s: {self._why(reason)}",
                )
            time.sleep(0.1)

    def _api(self) -> ApiServer:
        known = self._recorded().get("ports", {}).get("kube-apiserver")
        port = known or ports.reserve(self._port_name("kube-apiserver"), self.paths)
        return ApiServer(port, self._work / "pki")

    def _binaries(self) -> dict[str, str]:
        return {name: str(programs.binary_path(name, self.paths)) for name in BINARIES}

    def _objects_digest(self) -> str:
        described = json.dumps(cluster_objects.objects(self.name, self.paths), sort_keys=True)
        digest = hashlib.sha256(described.encode())
        for file in prerequisites.definitions(self.paths).values():
            digest.update(b"served versions of " + file.read_bytes())
        return digest.hexdigest()

    def _recorded(self) -> dict:
        try:
            return json.loads(self._record.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def _keep_ports(self) -> None:
        """The cluster's record decides, also where the reservations were lost: its programs have these ports."""
        recorded = self._recorded().get("ports", {})
        ports.keep({self._port_name(owner): port for owner, port in recorded.items()}, self.paths)

    def _port_name(self, owner: str) -> str:
        return f"{self.name}.{owner}"

    def _pid(self, component: str) -> int | None:
        try:
            pid = int((self._work / "pids" / f"{component}.pid").read_text())
            process = psutil.Process(pid)
            # After a restart of the machine the number may be another program's.
            ours = processes.mark(process, processes.OWNER_VARIABLE) == str(self.paths.state)
            return pid if ours and process.status() != psutil.STATUS_ZOMBIE else None
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None

    def _drop_stale_pids(self) -> None:
        """Remove pid files that name no process of ours: kwokctl would kill whoever has the number now."""
        for component in COMPONENTS:
            if self._pid(component) is None:
                (self._work / "pids" / f"{component}.pid").unlink(missing_ok=True)

    def _blocked_ports(self) -> list[Component]:
        """Components that do not run and whose port somebody else listens on."""
        return [c for c in self.components() if c.pid is None and c.port and not ports.is_free(c.port)]

    def _kwokctl(self, *arguments: str, timeout: float) -> None:
        command = [str(programs.binary("kwokctl", self.paths)), *arguments, "--name", self.name]
        shell_safe(self.paths.cache)  # made again where a restart of the machine cleared the links away
        home = shell_safe(self.paths.cluster(self.name)) / "kwok"
        environment = {**processes.environment(self.paths, self.part), "KWOK_WORKDIR": str(home)}
        # kwokctl prefers any kubectl it finds to the one it is told of
        own = str(programs.binary("kubectl", self.paths).parent)
        environment["PATH"] = os.pathsep.join([own, environment.get("PATH", os.defpath)])
        try:
            done = _run(command, environment, timeout)
        except subprocess.TimeoutExpired as expired:
            raise RehearsalError(f"kwokctl {arguments[0]} of {self.name} takes more than {timeout:.0f} s") from expired
        if done.returncode:
            raise RehearsalError(f"kwokctl {arguments[0]} of {self.name} failed: {self._why(done.stderr)}")

    def _why(self, errors: str) -> str:
        parts = ["\n".join(errors.strip().splitlines()[-5:])]
        for component in self.components():
            if component.pid is None and (last := tail(component.log, 1500).strip()):
                parts.append(f"--- end of {component.log}\n" + "\n".join(last.splitlines()[-4:]))
        return "\n".join(parts)


def _run(command: list[str], environment: dict[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    # A session of its own: Ctrl-C reaches us alone, and what kwokctl leaves running is not hit by it.
    return subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        start_new_session=True,
    )


def _retry(act: Callable[[], Result]) -> Result:
    """A definition is not served in the moment it is made, nor the first request after a start answered."""
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            return act()
        except RehearsalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _flags(component: str, flags: dict[str, str]) -> dict:
    return {"name": component, "extraArgs": [{"key": key, "value": value} for key, value in flags.items()]}


def _version(family: str) -> str:
    return f"v{artifacts.go_families()[family].version}"


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise RehearsalError(f"cannot remove {folder}: {error}") from error
