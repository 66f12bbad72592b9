# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders for claims: made when one waits for it, gone with it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rehearsal.node.provisioner import PROVISIONED_BY, SELECTED_NODE, STORAGE_CLASS, Provisioner, wants

UID = "0f6b3a52-8f0e-4f0c-9d53-3a1c2b7e9d11"
NAME = f"pvc-{UID}"
VOLUME_PATH = f"/api/v1/persistentvolumes/{NAME}"
PROVISIONER = "rehearsal.synergyflow.platform/folder"


def storage_class(mode: str = "Immediate") -> dict:
    return {
        "kind": "StorageClass",
        "metadata": {"name": STORAGE_CLASS},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": mode,
    }


def claim(name: str = STORAGE_CLASS, **annotations: str) -> dict:
    marked = {"volume.kubernetes.io/storage-provisioner": PROVISIONER, **annotations}
    return {
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": "n", "name": "data", "uid": UID, "resourceVersion": "1", "annotations": marked},
        "spec": {
            "storageClassName": name,
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


@pytest.fixture
def make(paths, fake_api):
    def _make(*objects: dict):
        api = fake_api(list(objects))
        events = SimpleNamespace(normal=lambda *_: None, warning=lambda *_: None)
        return Provisioner("apps", paths, api, events), api, paths.volumes / "apps" / "n" / f"data-{UID}"

    return _make


def test_a_waiting_claim_gets_a_folder_and_a_volume(make):
    provisioner, api, folder = make(storage_class(), claim())
    provisioner.reconcile_claim("n", "data")
    assert folder.stat().st_mode & 0o777 == 0o700
    path, volume = api.created[0]
    assert path == "/api/v1/persistentvolumes"
    assert volume["metadata"]["name"] == NAME
    assert volume["metadata"]["annotations"][PROVISIONED_BY] == PROVISIONER
    assert volume["spec"]["claimRef"]["uid"] == UID
    assert volume["spec"]["hostPath"]["path"] == str(folder)
    assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"


@pytest.mark.parametrize(
    "waiting", [claim(name="another"), {**claim(), "spec": {**claim()["spec"], "volumeName": "bound"}}]
)
def test_others_claims_and_bound_ones_are_left_alone(make, waiting):
    provisioner, api, folder = make(storage_class(), waiting)
    provisioner.reconcile_claim("n", "data")
    assert not api.created
    assert not folder.exists()


def test_with_wait_for_first_consumer_the_scheduler_chooses_first():
    late = storage_class("WaitForFirstConsumer")
    assert not wants(claim(), late)
    assert wants(claim(**{SELECTED_NODE: "apps-node-a"}), late)


def volume(folder, phase: str, policy: str = "Delete") -> dict:
    return {
        "kind": "PersistentVolume",
        "metadata": {"name": NAME, "labels": {"synergyflow.platform/run-by": "process-node"}},
        "spec": {
            "persistentVolumeReclaimPolicy": policy,
            "hostPath": {"path": str(folder)},
            "claimRef": {"name": "data"},
        },
        "status": {"phase": phase},
    }


def filled(folder):
    folder.mkdir(parents=True)
    (folder / "data").touch()


@pytest.mark.parametrize(
    ("phase", "policy", "gone"),
    [("Released", "Delete", True), ("Bound", "Delete", False), ("Released", "Retain", False)],
)
def test_a_released_volume_goes_with_its_folder(make, phase, policy, gone):
    _, _, folder = make()
    provisioner, api, folder = make(volume(folder, phase, policy))
    filled(folder)
    provisioner.reconcile_volume(NAME)
    assert folder.exists() is not gone
    assert (VOLUME_PATH in api.deleted) is gone


def test_a_folder_whose_volume_is_gone_goes_and_others_stay(make):
    provisioner, _, folder = make()
    filled(folder)
    other = folder.with_name("data-11111111-1111-1111-1111-111111111111")
    filled(other)
    assert sorted(provisioner.left_behind()) == sorted([NAME, "pvc-11111111-1111-1111-1111-111111111111"])
    provisioner.reconcile_volume(NAME)
    assert not folder.exists()
    assert other.exists()


def test_a_folder_made_for_a_claim_stays_until_its_volume_is_there(make):
    provisioner, _, folder = make(claim())
    filled(folder)
    provisioner.reconcile_volume(NAME)
    assert folder.exists()


def test_a_volume_elsewhere_is_never_removed(make, tmp_path):
    elsewhere = tmp_path / "home"
    filled(elsewhere)
    provisioner, _, _ = make(volume(elsewhere, "Released"))
    with pytest.raises(ValueError, match="is not a volume's folder"):
        provisioner.reconcile_volume(NAME)
    assert (elsewhere / "data").exists()
