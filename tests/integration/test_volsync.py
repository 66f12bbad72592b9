# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""VolSync's real manager with restic on the rehearsal's S3: deployed by the role, backed up, restored, broken.

One deployment for the module; the tests stand in an order in which each leaves it fit for the next.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mechanisms import Mechanisms
from site_runs import Watch, changed, output, run
from tls_store import tls_store
from until import until

from rehearsal import s3
from rehearsal.paths import Paths

NAMESPACE = "volumes-test"
CLAIM = "files"
IMAGE = "docker.io/library/busybox:1.37.0-musl"
# a schedule that never comes while the tests run
SOURCE = {"name": "files", "namespace": NAMESPACE, "pvc": CLAIM, "schedule": "0 0 1 1 *"}
CHECK = {
    "secret": "volsync-check-restic",
    "secret_namespace": "volsync-system",
    "megabytes": 2,
    "copy_method": "Direct",
    "storage_class": "rook-ceph-block",
}
# its namespace is not there, and must not keep the others from being backed up
TO_COME = {"name": "later", "namespace": "volumes-to-come", "pvc": "later", "to_come": True}
OTHER_ROLES = ("strimzi", "kafka_cluster", "schema_registry", "cnpg", "synergyflow_backend", "obs_collectors")
ANSIBLE = Path(sys.executable).parent / "ansible-playbook"


def claim(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "rook-ceph-block",
            "resources": {"requests": {"storage": "64Mi"}},
        },
    }


def shell(name: str, script: str, of: str = CLAIM) -> dict[str, Any]:
    container = {
        "name": "shell",
        "image": IMAGE,
        "command": ["sh", "-c", script],
        "workingDir": "/data",
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "restartPolicy": "Never",
            "containers": [container],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": of}}],
        },
    }


class Volumes:
    """The deployed role, and what a user does with it."""

    def __init__(self, rehearsal: Any, folder: Path) -> None:
        self.rehearsal = rehearsal
        self.modules = Mechanisms(rehearsal, folder)
        self.paths = Paths(rehearsal.state, rehearsal.state)

    def playbook(self, name: str, *args: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        """A playbook of the collection, with this role alone."""
        off = {f"{role}_enabled": False for role in OTHER_ROLES}
        given = {"volsync_sources": [SOURCE, TO_COME], **off, **variables}
        return run(self.rehearsal, name, "apps", *args, **given)

    def apply(self, *objects: dict[str, Any]) -> None:
        document = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.rehearsal.kubectl("apps", "apply", "-f", "-", input=document)

    def sh(self, name: str, script: str, of: str = CLAIM) -> str:
        """Run a script over a volume; its log."""
        self.apply(shell(name, script, of))
        phase = until(
            lambda: phase if (phase := self.get("pod", name)["status"].get("phase")) in ("Succeeded", "Failed") else ""
        )
        log = self.rehearsal.kubectl("apps", "logs", "-n", NAMESPACE, name).stdout
        assert phase == "Succeeded", log
        return log

    def get(self, *args: str) -> dict[str, Any]:
        return self.rehearsal.get("apps", *args, "-n", NAMESPACE)

    def source(self) -> dict[str, Any]:
        return self.get("replicationsource", SOURCE["name"])

    def trigger(self, tag: str) -> None:
        patch = json.dumps({"spec": {"trigger": {"manual": tag}}})
        self.rehearsal.kubectl(
            "apps", "patch", "replicationsource", "files", "-n", NAMESPACE, "--type=merge", "-p", patch
        )

    def idle(self) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            live = self.source()
            return live if live.get("status", {}).get("nextSyncTime") else None

        return until(look)

    def backup(self, *args: str, **options: Any) -> Any:
        return self.modules.run("volsync_backup", *args, namespace=NAMESPACE, name="files", **options)

    def restore(self, to: str, **options: Any) -> Any:
        return self.modules.run("volsync_restore", namespace=NAMESPACE, claim=to, **options)

    def keys(self) -> list[str]:
        """What lies in the bucket under the repositories of the checks."""
        import boto3

        keys = s3.keys(self.paths)
        client = boto3.client(
            "s3",
            endpoint_url=s3.endpoint(self.paths),
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            region_name="us-east-1",
        )
        found = client.list_objects_v2(Bucket="synergyflow-backups", Prefix="volsync/check/")
        return [each["Key"] for each in found.get("Contents") or []]


@pytest.fixture(scope="module")
def volumes(rehearsal: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Volumes]:
    it = Volumes(rehearsal, tmp_path_factory.mktemp("volsync"))
    rehearsal.kubectl("apps", "create", "namespace", NAMESPACE)
    it.apply(claim(CLAIM))
    it.sh("first", "echo one > file")
    done = it.playbook("site")
    assert done.returncode == 0, done.stdout + done.stderr
    yield it
    # a session that goes on has the role as the inventory wants it
    back = run(rehearsal, "site", "apps", "--tags", "volsync")
    rehearsal.kubectl("apps", "delete", "namespace", NAMESPACE, "--wait=false")
    assert back.returncode == 0, back.stdout + back.stderr


def test_a_second_run_changes_nothing(volumes: Volumes):
    done = volumes.playbook("site")
    assert done.returncode == 0, output(done)
    assert changed(done, "apps") == 0


def test_fewer_kept_snapshots_ask_before_any_write(volumes: Volumes):
    watch = Watch(volumes.rehearsal, "apps")
    done = volumes.playbook("site", volsync_retain={"hourly": 24, "daily": 2, "weekly": 4})
    assert done.returncode != 0
    assert "daily snapshots kept from 7 to 2" in output(done)
    assert "-e confirm_data_loss=volsync@apps" in output(done)
    assert watch.writes == []


def test_a_trigger_left_behind_is_refused_and_nothing_is_written(volumes: Volumes):
    volumes.idle()
    volumes.trigger("left-behind")
    for arguments in ([], ["--check"]):
        outcome = volumes.backup(*arguments)
        assert outcome.code != 0
        assert "'left-behind' beside its schedule '0 0 1 1 *'" in outcome.message
    assert volumes.source()["spec"]["trigger"]["manual"] == "left-behind"
    # the sync that it started would be credited to the next trigger
    until(lambda: volumes.source()["status"].get("lastManualSync") == "left-behind")


def test_a_backup_is_not_credited_to_the_sync_under_way_and_the_schedule_goes_on(volumes: Volumes):
    volumes.trigger("somebody-elses")  # starts a sync, which does not have the second file
    until(lambda: volumes.source()["status"].get("lastSyncStartTime"))
    result = volumes.backup(take_over=True).ok()
    assert result["changed"]
    live = volumes.idle()
    assert "manual" not in live["spec"]["trigger"]
    assert live["status"]["lastManualSync"].startswith("synergyflow-")
    assert f"snapshot {result['snapshot']} saved" in live["status"]["latestMoverStatus"]["logs"]


def test_the_snapshot_before_the_last_holds_what_was_then(volumes: Volumes):
    volumes.sh("second", "echo two > file; echo new > new")
    done = volumes.playbook("backup", volsync_sources=[SOURCE])
    assert done.returncode == 0, output(done)
    which = {"restore_namespace": NAMESPACE, "restore_source": "files", "restore_claim": "then"}
    done = volumes.playbook("restore_volume", **which, restore_previous=1)
    assert done.returncode == 0, output(done)
    assert changed(done, "apps") == 1
    assert volumes.get("pvc", "then")["spec"]["resources"]["requests"]["storage"] == "64Mi"
    assert volumes.sh("look", "ls; cat file", of="then").split() == ["file", "one"]
    assert not volumes.get("replicationdestinations")["items"]
    assert volumes.get("pvc", "then")["status"]["phase"] == "Bound"


def test_a_claim_that_exists_is_not_overwritten(volumes: Volumes):
    outcome = volumes.restore("then", source="files")
    assert outcome.code != 0
    assert "confirm_overwrite=then@localhost" in outcome.message


def test_no_snapshot_of_that_age_is_a_failure_although_the_mover_succeeds(volumes: Volumes):
    outcome = volumes.restore("never", source="files", restore_as_of="2001-01-01T00:00:00Z")
    assert outcome.code != 0
    assert "the repository has no snapshot made at or before 2001" in outcome.message
    assert "never" not in [each["metadata"]["name"] for each in volumes.get("pvc")["items"]]


def test_an_interrupted_backup_takes_its_trigger_away(volumes: Volumes):
    arguments = volumes.modules.command("volsync_backup", {"namespace": NAMESPACE, "name": "files"})
    run = subprocess.Popen(
        [str(ANSIBLE), *arguments],
        env={**os.environ, **volumes.rehearsal.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: volumes.source()["spec"]["trigger"].get("manual"))
    run.send_signal(signal.SIGINT)
    assert run.wait(60) != 0
    until(lambda: "manual" not in volumes.source()["spec"]["trigger"])
    volumes.idle()


BESIDE = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Begin
      synergyflow.platform.volsync_check: "{{ options }}"
      async: 600
      poll: 0
      register: begun
    - name: What goes on meanwhile
      ansible.builtin.pause:
        seconds: 600
    - name: Wait
      synergyflow.platform.job_result:
        job: "{{ begun.ansible_job_id }}"
"""


@pytest.mark.parametrize("how", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.nightly)])
def test_a_check_beside_a_play_that_ends_takes_away_what_it_made(
    volumes: Volumes, tmp_path: Path, how: signal.Signals
) -> None:
    _playbook, *arguments = volumes.modules.command("volsync_check", CHECK)
    playbook, jobs = tmp_path / "beside.yml", tmp_path / "jobs"
    playbook.write_text(BESIDE)

    def made() -> list[str]:
        namespaces = [each["metadata"]["name"] for each in volumes.rehearsal.get("apps", "namespaces")["items"]]
        return [name for name in namespaces if name.startswith("volsync-check-")]

    run = subprocess.Popen(
        [str(ANSIBLE), str(playbook), *arguments],
        env={**os.environ, **volumes.rehearsal.environment, "ANSIBLE_ASYNC_DIR": str(jobs)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(volumes.keys)  # its mover writes
    assert len(made()) == 1
    assert len(list(jobs.iterdir())) == 1
    run.send_signal(how)
    assert run.wait(60) != 0
    until(lambda: not list(jobs.iterdir()))
    assert not made()
    assert volumes.keys() == []


@pytest.mark.nightly
def test_a_file_that_changes_between_backup_and_restore_fails_the_check(volumes: Volumes):
    root = volumes.paths.volumes / "apps"
    tampered: list[str] = []

    def tamper() -> None:
        """As soon as the restore begins, change what was backed up."""

        def restoring() -> str:
            found = volumes.rehearsal.get("apps", "replicationdestinations", "-A")["items"]
            return next((each["metadata"]["namespace"] for each in found), "")

        namespace = until(restoring)
        (folder,) = (root / namespace).glob("data-*")
        with (folder / "large").open("ab") as file:
            file.write(b"x")
        tampered.append(namespace)

    thread = threading.Thread(target=tamper)
    thread.start()
    result = volumes.modules.run("volsync_check", **CHECK, fail=False).ok()
    thread.join()
    records = {record["id"]: record for record in result["evidence"]}
    failed = {identity for identity, record in records.items() if record["status"] != "passed"}
    assert failed == {"AC3-integrity"}, records
    assert "original since the backup: ./large differs" in records["AC3-integrity"]["detail"]
    assert not result["passed"]
    # nothing is left, in the cluster or in the bucket
    assert volumes.rehearsal.kubectl("apps", "get", "namespace", tampered[0], check=False).returncode != 0
    assert volumes.keys() == []


@pytest.mark.nightly
def test_a_store_that_only_a_private_authority_vouches_for(volumes: Volumes, tmp_path: Path):
    """Over TLS: with the authority's certificate in a Secret everything works, without it restic's reason is told."""
    with tls_store(Paths.from_environment(), tmp_path) as (endpoint, authority):
        for namespace in (NAMESPACE, "volsync-system"):
            secret = {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "store-ca", "namespace": namespace},
                "stringData": {"ca.crt": authority},
            }
            volumes.rehearsal.kubectl("apps", "apply", "-f", "-", input=json.dumps(secret))
        store = {"volsync_s3_endpoint": endpoint, "volsync_s3_ca_secret": "store-ca"}
        try:
            done = volumes.playbook("site", **store)
            assert done.returncode == 0, output(done)
            assert volumes.backup().ok()["changed"]
            assert volumes.restore("over-tls", source="files").ok()["changed"]
            # nobody vouches for it
            done = volumes.playbook("site", volsync_s3_endpoint=endpoint)
            assert done.returncode == 0, output(done)
            refused = volumes.backup()
            assert refused.code != 0
            assert "certificate" in refused.message
        finally:
            done = volumes.playbook("site")
    assert done.returncode == 0, output(done)


def test_a_wrong_password_fails_early_with_restics_reason_and_the_schedule_goes_on(volumes: Volumes):
    volumes.idle()
    # a Secret of its own: External Secrets would mend the one that it made
    data = volumes.get("secret", "files-restic")["data"] | {
        "RESTIC_PASSWORD": base64.b64encode(b"not the password").decode()
    }
    metadata = {"name": "wrong", "namespace": NAMESPACE}
    volumes.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    patch = json.dumps({"spec": {"restic": {"repository": "wrong"}}})
    volumes.rehearsal.kubectl(
        "apps", "patch", "replicationsource", "files", "-n", NAMESPACE, "--type=merge", "-p", patch
    )
    outcome = volumes.backup()
    assert outcome.code != 0
    assert "another password than RESTIC_PASSWORD" in outcome.message
    assert "Fatal: wrong password or no key found" in outcome.message
    assert "the schedule '0 0 1 1 *' goes on" in outcome.message
    assert "not the password" not in outcome.output
    assert "manual" not in volumes.source()["spec"]["trigger"]
    # the sync that goes on failing is named by the next run too, which asks for nothing
    outcome = volumes.restore("never", source="files")
    assert "another password" in outcome.message
    assert "never" not in [each["metadata"]["name"] for each in volumes.get("pvc")["items"]]
    again = volumes.backup()
    assert "the sync under way fails" in again.message
