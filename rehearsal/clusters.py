# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The control planes: etcd, API server, controllers, scheduler and KWOK of each cluster, run by kwokctl."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

from rehearsal import artifacts, cluster_objects, ports, processes, programs
from rehearsal.errors import RehearsalError
from rehearsal.files import tail, write_atomically
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
SECONDS_TO_START = 60


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
        self._kwok_home = paths.cluster(name) / "kwok"
        self._work = self._kwok_home / "clusters" / name
        self._record = paths.cluster(name) / "created.json"

    # --- life

    def create(self) -> None:
        """Make the cluster anew, empty but for nodes, storage class and stages. What was there is removed."""
        self.delete()
        folder = self.paths.cluster(self.name)
        folder.mkdir(parents=True, exist_ok=True)
        log = self.paths.audit_log(self.name)
        log.unlink(missing_ok=True)
        log.symlink_to(Path("kwok", "clusters", self.name, "logs", "audit.log"))
        configuration = folder / "kwokctl.yaml"
        write_atomically(configuration, yaml.safe_dump(self._configuration(), sort_keys=False))
        self._kwokctl("create", "cluster", "--config", str(configuration), "--kubeconfig", "", timeout=180)
        write_atomically(self.paths.kubeconfig(self.name), yaml.safe_dump(self._kubeconfig(), sort_keys=False))
        self._apply_objects()

    def start(self) -> bool:
        """Start what does not run; whether anything had to be. Creates the cluster when it is not whole."""
        if not self.created():
            self.create()
            return True
        stopped = [component for component in self.components() if component.pid is None]
        if stopped:
            self._drop_stale_pids()
            self._check_ports(stopped)
            self._kwokctl("start", "cluster", timeout=180)
            self._wait_ready()
        if self._objects_digest() != self._recorded().get("objects"):
            self._apply_objects()
            return True
        return bool(stopped)

    def stop(self) -> None:
        """Stop the cluster's processes, known to kwokctl or not; its data stays."""
        if self._work.is_dir():
            self._drop_stale_pids()
            if any(component.pid for component in self.components()):
                self._kwokctl("stop", "cluster", timeout=60)
        # etcd is never asked politely by kwokctl either: what it has answered is in the file system.
        left = processes.end(processes.find(self.paths, self.part), grace=0)
        if left:
            raise RehearsalError(f"cannot end process {left[0].pid} of cluster {self.name}: end it by hand")

    def delete(self) -> None:
        """Remove the cluster's processes and data."""
        self._record.unlink(missing_ok=True)
        self.stop()
        for folder in (self._work, self.paths.volumes / self.name, self.paths.pods / self.name):
            _remove(folder)

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

    def ready(self) -> str | None:
        """None when the API server says that it is ready, else why it is not."""
        answer = self._kubectl("get", "--raw", "/readyz", "--request-timeout=5s")
        if answer.returncode == 0 and answer.stdout.strip() == "ok":
            return None
        return (
            (answer.stderr or answer.stdout).strip().splitlines()[-1] if answer.stderr or answer.stdout else "no answer"
        )

    # --- inside

    def _configuration(self) -> dict:
        binaries = self._binaries()
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
                "kubectlBinary": binaries["kubectl"],
                "kubeVersion": _version("kubernetes"),
                "etcdVersion": _version("etcd"),
                "kwokVersion": _version("kwok"),
                "kubeAuditPolicy": str(cluster_objects.AUDIT_POLICY),
                "enableCRDs": CUSTOM_RESOURCES,
            },
            "componentsPatches": [
                # A rehearsal need not outlive a power cut, and must not wait for the disk.
                _flags("etcd", {"unsafe-no-fsync": "true"}),
                # The defaults (20 and 50 requests a second) are for thousands of clients; the API server keeps its own.
                _flags("kube-controller-manager", {"kube-api-qps": "200", "kube-api-burst": "400"}),
                _flags("kube-scheduler", {"kube-api-qps": "200", "kube-api-burst": "400"}),
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

    def _apply_objects(self) -> None:
        self._wait_ready()
        listed = {"apiVersion": "v1", "kind": "List", "items": cluster_objects.objects(self.name, self.paths)}
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            applied = self._kubectl(
                *("apply", "--server-side", "--force-conflicts", "--field-manager=rehearsal", "-f", "-"),
                stdin=json.dumps(listed),
            )
            if applied.returncode == 0:
                break
            # KWOK's definitions and the default namespaces come a moment after the API server.
            if time.monotonic() > deadline:
                raise RehearsalError(f"cluster {self.name} does not take its first objects: {applied.stderr.strip()}")
            time.sleep(0.2)
        self._wait_nodes(deadline)
        record = {
            "objects": self._objects_digest(),
            "binaries": self._binaries(),
            "ports": {owner: ports.reserve(self._port_name(owner), self.paths) for owner in PORTS.values()},
        }
        write_atomically(self._record, json.dumps(record, indent=1) + "\n")

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while reason := self.ready():
            if time.monotonic() > deadline:
                raise RehearsalError(f"cluster {self.name} is not ready after {SECONDS_TO_START} s: {reason}")
            time.sleep(0.2)

    def _wait_nodes(self, deadline: float) -> None:
        names = [node["metadata"]["name"] for node in cluster_objects.nodes(self.name)]
        left = max(1, int(deadline - time.monotonic()))
        waited = self._kubectl("wait", "--for=condition=Ready", f"--timeout={left}s", "node", *names)
        if waited.returncode:
            raise RehearsalError(f"the nodes of cluster {self.name} do not become ready: {waited.stderr.strip()}")

    def _binaries(self) -> dict[str, str]:
        return {name: str(programs.binary(name, self.paths)) for name in BINARIES}

    def _objects_digest(self) -> str:
        described = json.dumps(cluster_objects.objects(self.name, self.paths), sort_keys=True)
        return hashlib.sha256(described.encode()).hexdigest()

    def _recorded(self) -> dict:
        try:
            return json.loads(self._record.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

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

    def _check_ports(self, stopped: list[Component]) -> None:
        for component in stopped:
            if component.port and not ports.is_free(component.port):
                raise RehearsalError(
                    f"port {component.port} of {self.name}'s {component.name} is taken by another program:"
                    " stop that one, or make the clusters anew with make rehearsal-reset"
                )

    def _kwokctl(self, *arguments: str, timeout: float) -> None:
        command = [str(programs.binary("kwokctl", self.paths)), *arguments, "--name", self.name]
        environment = {**processes.environment(self.paths, self.part), "KWOK_WORKDIR": str(self._kwok_home)}
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

    def _kubectl(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(programs.binary("kubectl", self.paths)), "--kubeconfig", str(self.paths.kubeconfig(self.name))]
        command += ["--cache-dir", str(self.paths.cluster(self.name) / "kubectl-cache"), *arguments]
        return _run(command, processes.environment(self.paths, "client"), timeout=SECONDS_TO_START + 30, stdin=stdin)


def _run(command: list[str], environment: dict[str, str], timeout: float, stdin: str = ""):
    # A session of its own: Ctrl-C reaches us alone, and what kwokctl leaves running is not hit by it.
    return subprocess.run(
        command,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        start_new_session=True,
    )


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
