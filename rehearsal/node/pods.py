# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""A pod from its scheduling to its end, as the kubelet would have it. Level-triggered: only what is now counts."""

from __future__ import annotations

import hashlib
import logging
import math
import threading
import time
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import Faults

from rehearsal import ports, process_images
from rehearsal.labels import PROCESS_NODE, RUN_BY, STAND_IN
from rehearsal.node import addresses, host_logs, hosts, recipes, service_account, volumes
from rehearsal.node.api import STRATEGIC, Api, ConflictError, core
from rehearsal.node.containers import ContainerPrograms, Looked
from rehearsal.node.events import Events
from rehearsal.node.kwok_access import KwokAccess
from rehearsal.node.logs import ContainerLog, Pump
from rehearsal.node.pod_files import PodFiles, link_mounts
from rehearsal.node.recipes.recipe import CannotStartError, Container, Run
from rehearsal.node.status import Seen, differs, now, pod_status, terminated, waiting
from rehearsal.node.twins import Twins
from rehearsal.node.values import ValueFromError, environment
from rehearsal.paths import Paths
from rehearsal.supervise import Supervisor

log = logging.getLogger(__name__)

NOTES = "synergyflow.platform/process-node"
RETRY_MOUNT = 2.0  # seconds
LOOK_AGAIN = 60.0
UID_LENGTH = 36


class Pods:
    """The pods of one cluster that are run as processes."""

    def __init__(
        self, cluster: str, paths: Paths, api: Api, supervisor: Supervisor, events: Events, *, twins: Twins
    ) -> None:
        self._cluster = cluster
        self._paths = paths
        self._api = api
        self._events = events
        self._twins = twins
        self._access = KwokAccess(api)
        self.pump = Pump()
        self._containers = ContainerPrograms(cluster, supervisor, events, self.pump)
        self._hosts = hosts.Hosts(paths, cluster)
        self._exchanging = threading.Lock()
        self._addresses: dict[str, str] = {}  # pod uid -> address
        self._mounted: set[str] = set()  # uids of pods whose volumes are in place

    def left_behind(self) -> list[tuple[str, str]]:
        """Namespace and name of every pod that has a folder here, whether it still is or not."""
        root = self._paths.pods / self._cluster
        folders = [folder for folder in root.glob("*/*") if folder.is_dir()]
        return [(folder.parent.name, folder.name[: -UID_LENGTH - 1]) for folder in folders]

    def reconcile(self, namespace: str, name: str) -> float | None:
        """Bring the pod closer to what it should be; returns after how many seconds to look again."""
        try:
            return self._reconcile(namespace, name)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != Faults.SHUTDOWN_STATE:
                raise
            return LOOK_AGAIN  # the supervisor is going down, and this node with it

    def _reconcile(self, namespace: str, name: str) -> float | None:
        pod = self._api.find(core(namespace, "pods", name))
        if pod is None or not process_images.claimed(pod):
            self._forget(namespace, name, keep=None)
            return None
        pod.setdefault("kind", "Pod")
        if not pod["spec"].get("nodeName"):
            return None  # the scheduler's turn; its answer is an event
        self._forget(namespace, name, keep=pod["metadata"]["uid"])
        files = PodFiles.of(self._paths, self._cluster, pod)
        if pod["metadata"].get("deletionTimestamp"):
            self._end(pod, files)
            return None
        return self._run(pod, files)

    # --- running

    def _run(self, pod: dict[str, Any], files: PodFiles) -> float:
        spec = pod["spec"]
        files.make()
        self._mark(pod, {RUN_BY: PROCESS_NODE}, None)
        try:
            if pod["metadata"]["uid"] not in self._mounted:
                volumes.prepare(self._api, pod, files)
                self._mounted.add(pod["metadata"]["uid"])
        except volumes.MountError as error:
            log.warning("%s waits for a volume: %s", _called(pod), error)
            self._events.warning(pod, "FailedMount", str(error))
            creating = [Seen(each["name"], each["image"], waiting("ContainerCreating")) for each in spec["containers"]]
            inits = [
                Seen(each["name"], each["image"], waiting("PodInitializing"))
                for each in spec.get("initContainers") or []
            ]
            self._report(pod, inits, creating, mounted=False)
            return RETRY_MOUNT
        inits, failed = self._initialize(pod, files)
        if failed:
            pending = [Seen(each["name"], each["image"], waiting("PodInitializing")) for each in spec["containers"]]
            self._report(pod, inits, pending, mounted=True)
            return RETRY_MOUNT * 2
        looked = [self._look(pod, each, files) for each in spec["containers"]]
        if files.kubeconfig.exists():
            service_account.write_kubeconfig(self._api, pod, files.kubeconfig)
        self._publish(pod, files, looked)
        self._report(pod, inits, [each.seen for each in looked], mounted=True)
        again = min(each.again for each in looked)
        return LOOK_AGAIN if math.isinf(again) else min(again, LOOK_AGAIN)

    def _look(self, pod: dict[str, Any], spec: dict[str, Any], files: PodFiles) -> Looked:
        metadata = pod["metadata"]
        self._containers.take_over(files, metadata["namespace"], metadata["name"], spec["name"])
        return self._containers.look(pod, spec, files, partial(self._container, pod, spec, files))

    def _container(self, pod: dict[str, Any], spec: dict[str, Any], files: PodFiles) -> Container:
        """Everything a recipe may use, made when a container starts, its volumes as they are then."""
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        root = files.root(spec["name"])
        try:
            folders = volumes.prepare(self._api, pod, files)
        except volumes.MountError as error:
            raise CannotStartError("CreateContainerConfigError", str(error)) from error
        link_mounts(root, spec.get("volumeMounts") or [], folders)
        with_address = {**pod, "status": {**(pod.get("status") or {}), "podIP": self._address(pod)}}

        def kubeconfig() -> Path:
            service_account.write_kubeconfig(self._api, pod, files.kubeconfig)
            return files.kubeconfig

        def port(number: int, of: str = name) -> int:
            reservation = f"{self._cluster}.{namespace}.{of}.{number}"
            with self._exchanging:  # of two that find the port taken, the second gets what the first chose
                return ports.reserve_free(
                    reservation, self._paths, runs=lambda: self._containers.any_runs(namespace, of)
                )

        return Container(
            api=self._api,
            paths=self._paths,
            cluster=self._cluster,
            pod=pod,
            spec=spec,
            environment=environment(self._api, with_address, spec),
            root=root,
            folder=files.container(spec["name"]),
            kubeconfig=kubeconfig,
            node_labels=lambda: self._node(pod)["metadata"].get("labels") or {},
            port=port,
            address=with_address["status"]["podIP"],
        )

    def _initialize(self, pod: dict[str, Any], files: PodFiles) -> tuple[list[Seen], bool]:
        """Do what the init containers would; it is the same each time, and quick."""
        seen: list[Seen] = []
        failed = False
        for spec in pod["spec"].get("initContainers") or []:
            if failed:
                seen.append(Seen(spec["name"], spec["image"], waiting("PodInitializing")))
                continue
            done = next(
                (
                    each["state"]
                    for each in (pod.get("status") or {}).get("initContainerStatuses") or []
                    if each["name"] == spec["name"] and "terminated" in each.get("state", {})
                ),
                None,
            )
            try:
                if not done:
                    self._initialize_one(pod, spec, files)
                state = done or terminated(0, now(), now())
                seen.append(Seen(spec["name"], spec["image"], state, ready=True, program=f"{_called(pod)}/init"))
            except (CannotStartError, ValueFromError) as error:
                reason = getattr(error, "reason", "CreateContainerConfigError")
                log.warning("%s init container %s: %s", _called(pod), spec["name"], error)
                self._events.warning(pod, "Failed", f"Error: {error}")
                seen.append(Seen(spec["name"], spec["image"], waiting(reason, str(error))))
                failed = True
        return seen, failed

    def _initialize_one(self, pod: dict[str, Any], spec: dict[str, Any], files: PodFiles) -> None:
        container = self._container(pod, spec, files)
        found = recipes.find(container)
        run = recipes.RECIPES[found].prepare(container) if found else None
        if run is None or run.command is not None:
            raise CannotStartError("ErrImagePull", f'the process node has no program for image "{spec["image"]}"')

    # --- what others see

    def _publish(self, pod: dict[str, Any], files: PodFiles, looked: list[Looked]) -> None:
        """Names, port-forward, exec and logs of the containers that were ever started; marks on the pod."""
        metadata = pod["metadata"]
        key = (metadata["namespace"], metadata["name"])
        started: dict[str, tuple[Run, Path, Path]] = {
            each.seen.name: (each.run, each.log.current, each.log.previous) for each in looked if each.run
        }
        if not started:
            return
        self._hosts.publish(files.folder, [host for run, _, _ in started.values() for host in run.hosts])
        self._access.apply(*key, started)
        reached = {port: (run.address, real) for run, _, _ in started.values() for port, real in run.ports.items()}
        self._twins.publish(files.folder, addresses.loopback(self._address(pod)), reached)
        for container, (_, current, _) in started.items():
            host_logs.link(files, pod, container, current)
        labels = {RUN_BY: PROCESS_NODE}
        stands_in = [each.stands_in for each in looked if each.stands_in]
        if stands_in and STAND_IN not in (metadata.get("labels") or {}):
            labels[STAND_IN] = stands_in[0]
        notes = [note if len(looked) == 1 else f"{each.seen.name}: {note}" for each in looked for note in each.notes]
        self._mark(pod, labels, "; ".join(notes))

    def _mark(self, pod: dict[str, Any], labels: dict[str, str], notes: str | None) -> None:
        metadata = pod["metadata"]
        have, have_notes = metadata.get("labels") or {}, (metadata.get("annotations") or {}).get(NOTES)
        missing = {key: value for key, value in labels.items() if have.get(key) != value}
        if not missing and (notes is None or notes == (have_notes or "")):
            return
        patch: dict[str, Any] = {"metadata": {"uid": metadata["uid"], "labels": missing}}
        if notes is not None:
            patch["metadata"]["annotations"] = {NOTES: notes or None}
        self._api.patch(core(metadata["namespace"], "pods", metadata["name"]), patch)
        metadata.setdefault("labels", {}).update(missing)

    def _report(self, pod: dict[str, Any], inits: list[Seen], containers: list[Seen], mounted: bool) -> None:
        metadata = pod["metadata"]
        wanted = pod_status(
            pod,
            address=self._address(pod),
            host_address=self._host_address(pod),
            inits=inits,
            containers=containers,
            mounted=mounted,
        )
        if differs(pod.get("status") or {}, wanted):
            path = core(metadata["namespace"], "pods", metadata["name"], "status")
            self._api.patch(path, {"metadata": {"uid": metadata["uid"]}, "status": wanted}, STRATEGIC)

    def _address(self, pod: dict[str, Any]) -> str:
        """An address of its own in 10.128.0.0/10, where KWOK gives none. Nobody answers there."""
        uid = pod["metadata"]["uid"]
        known = (pod.get("status") or {}).get("podIP") or self._addresses.get(uid)
        attempt = 0
        while not known:
            digest = hashlib.sha256(f"{uid}{attempt}".encode()).digest()
            candidate = f"10.{128 + digest[0] % 64}.{digest[1]}.{1 + digest[2] % 254}"
            known = candidate if candidate not in self._addresses.values() else None
            attempt += 1
        self._addresses[uid] = known
        return known

    def _node(self, pod: dict[str, Any]) -> dict[str, Any]:
        return self._api.get(core(None, "nodes", pod["spec"]["nodeName"]))

    def _host_address(self, pod: dict[str, Any]) -> str:
        if known := (pod.get("status") or {}).get("hostIP"):
            return known
        addresses = self._node(pod).get("status", {}).get("addresses") or []
        return next((each["address"] for each in addresses if each["type"] == "InternalIP"), hosts.LOOPBACK)

    # --- ending

    def _end(self, pod: dict[str, Any], files: PodFiles) -> None:
        """Stop the programs within the grace period, all at once, then confirm: the pod is gone."""
        metadata = pod["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        grace = metadata.get("deletionGracePeriodSeconds")
        started = time.monotonic()
        for each in pod["spec"]["containers"]:
            self._events.normal(pod, "Killing", f"Stopping container {each['name']}")
        self._stop_all(namespace, name, files, grace)
        log.info("%s deleted: its programs ended in %.1f s", _called(pod), time.monotonic() - started)
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": metadata["uid"]},
        }
        with suppress(ConflictError):  # another pod has the name already
            self._api.delete(core(namespace, "pods", name), options)
        self._remove(namespace, name, files)

    def _forget(self, namespace: str, name: str, keep: str | None) -> None:
        """Remove what is left of pods of this name that are gone; `keep` is the uid of the one that is not."""
        parent = self._paths.pods / self._cluster / namespace
        for folder in parent.glob(f"{name}-*"):
            uid = folder.name[len(name) + 1 :]
            if len(uid) == UID_LENGTH and uid != keep:
                log.info("%s/%s (%s) is gone: its programs are ended", namespace, name, uid[:8])
                files = PodFiles(folder)
                self._stop_all(namespace, name, files, grace=0)
                self._remove(namespace, name, files)

    def _stop_all(self, namespace: str, name: str, files: PodFiles, grace: float | None) -> None:
        containers = [folder.name for folder in (files.folder / "containers").glob("*") if folder.is_dir()]
        with ThreadPoolExecutor(max(1, len(containers))) as pool:
            stops = [pool.submit(self._containers.stop, files, namespace, name, each, grace) for each in containers]
        for container in containers:
            ContainerLog(files.container(container) / "logs").pump()
        for stop in stops:
            stop.result()  # raises: a pod whose program may run still is not gone, the queue tries again

    def _remove(self, namespace: str, name: str, files: PodFiles) -> None:
        self.pump.forget(files.folder)
        self._twins.forget(files.folder)
        host_logs.unlink(files, namespace, name)
        self._access.remove(namespace, name)
        self._mounted.discard(files.folder.name[-UID_LENGTH:])
        self._addresses.pop(files.folder.name[-UID_LENGTH:], None)
        self._hosts.forget(files.folder)
        files.remove()


def _called(pod: dict[str, Any]) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
