# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Volumes for the claims of the rehearsal's storage class: a folder each, which lives as long as its claim.

Does what an external provisioner does (sigs.k8s.io/sig-storage-lib-external-provisioner, controller.go): the
persistent volume controller marks a claim with the provisioner it wants, and with WaitForFirstConsumer the scheduler
marks it with a node first; the volume is made for the claim, and removed when it is released.
"""

from __future__ import annotations

import logging
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from rehearsal.labels import PROCESS_NODE, RUN_BY, STAND_IN
from rehearsal.node.api import Api, ConflictError, core
from rehearsal.node.events import Events
from rehearsal.paths import Paths

log = logging.getLogger(__name__)

STORAGE_CLASS = "rook-ceph-block"
WANTED = ("volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner")
SELECTED_NODE = "volume.kubernetes.io/selected-node"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"


class Provisioner:
    """Makes and removes the volumes of one cluster."""

    def __init__(self, cluster: str, paths: Paths, api: Api, events: Events) -> None:
        self._root = paths.volumes / cluster
        self._api = api
        self._events = events

    def reconcile_claim(self, namespace: str, name: str) -> None:
        """Make a volume for the claim if it waits for one of ours."""
        claim = self._api.find(core(namespace, "persistentvolumeclaims", name))
        if claim is None or claim["spec"].get("volumeName") or claim["metadata"].get("deletionTimestamp"):
            return
        if claim["spec"].get("storageClassName") != STORAGE_CLASS:
            return
        storage_class = self._api.find(f"/apis/storage.k8s.io/v1/storageclasses/{STORAGE_CLASS}")
        if storage_class is None or not wants(claim, storage_class):
            return
        folder = self._root / namespace / f"{name}-{claim['metadata']['uid']}"
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        body = volume(claim, storage_class, folder)
        try:
            self._api.create(core(None, "persistentvolumes"), body)
        except ConflictError:
            return  # made already; the controller will bind it
        volume_name = body["metadata"]["name"]
        log.info("claim %s/%s gets volume %s: %s", namespace, name, volume_name, folder)
        claim.setdefault("kind", "PersistentVolumeClaim")
        self._events.normal(claim, "ProvisioningSucceeded", f"Successfully provisioned volume {volume_name}")

    def reconcile_volume(self, name: str) -> None:
        """Remove a volume of ours that was released, with its folder; or a folder whose volume somebody removed."""
        found = self._api.find(core(None, "persistentvolumes", name))
        if found is None:
            uid = name.removeprefix("pvc-")
            for folder in self._root.glob(f"*/*-{uid}"):
                if not self._claimed(folder, uid):  # a claim may be about to get its volume
                    self._remove(folder, f"volume {name} and its claim are gone")
            return
        spec, metadata = found["spec"], found["metadata"]
        ours = (metadata.get("labels") or {}).get(RUN_BY) == PROCESS_NODE
        released = (found.get("status") or {}).get("phase") in ("Released", "Failed")
        if not ours or not released or spec.get("persistentVolumeReclaimPolicy") != "Delete":
            return
        self._remove(Path(spec["hostPath"]["path"]), f"its claim {spec['claimRef']['name']} is gone")
        self._api.delete(core(None, "persistentvolumes", name))

    def left_behind(self) -> list[str]:
        """Names of the volumes that folders were made for."""
        return [f"pvc-{folder.name[-36:]}" for folder in self._root.glob("*/*")]

    def _claimed(self, folder: Path, uid: str) -> bool:
        namespace, claim = folder.parent.name, folder.name.removesuffix(f"-{uid}")
        found = self._api.find(core(namespace, "persistentvolumeclaims", claim))
        return found is not None and found["metadata"]["uid"] == uid

    def _remove(self, folder: Path, why: str) -> None:
        if self._root not in folder.parents:
            raise ValueError(f"{folder} is not a volume's folder")
        if folder.is_dir():
            log.info("folder %s removed: %s", folder, why)
            shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # of the namespace: goes with its last volume
            folder.parent.rmdir()


def wants(claim: dict[str, Any], storage_class: dict[str, Any]) -> bool:
    """Whether the claim waits for a volume of this class to be made now."""
    annotations = claim["metadata"].get("annotations") or {}
    if storage_class["provisioner"] not in (annotations.get(key) for key in WANTED):
        return False
    immediate = storage_class.get("volumeBindingMode", "Immediate") == "Immediate"
    return immediate or SELECTED_NODE in annotations


def volume(claim: dict[str, Any], storage_class: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The PersistentVolume for a claim."""
    metadata, spec = claim["metadata"], claim["spec"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": f"pvc-{metadata['uid']}",
            "labels": {RUN_BY: PROCESS_NODE, STAND_IN: "volume"},
            "annotations": {PROVISIONED_BY: storage_class["provisioner"]},
        },
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "volumeMode": spec.get("volumeMode", "Filesystem"),
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
            "storageClassName": storage_class["metadata"]["name"],
            "mountOptions": storage_class.get("mountOptions") or None,
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"],
            },
            "hostPath": {"path": str(folder), "type": "Directory"},
        },
    }
