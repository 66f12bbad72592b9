# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret value in anything that is printed, logged or written, at the highest verbosity users have at hand.

Of runs that deploy and that prove everything the same is asserted in test_site.py.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from canaries import VERBOSE, assert_quiet, assert_report_quiet, canaries, forms, told
from site_runs import output, run
from until import until

from rehearsal import vault
from rehearsal.files import write_atomically
from rehearsal.paths import Paths

VOLUMES = "secret-volumes"
# a schedule that never comes while the tests run
SOURCES = [{"name": "files", "namespace": VOLUMES, "pvc": "files", "schedule": "0 0 1 1 *"}]
SECONDS = 120


def test_the_search_finds_what_it_is_for(secret_values: dict[str, str]) -> None:
    secret = next(value for value, where in secret_values.items() if where == "Vault postgresql/synergyflow password")
    everywhere = [f"a {secret} b", f"x\n  {secret[:9]}\n  {secret[9:]}", json.dumps({"k": secret})]
    assert [told(text, secret_values) for text in everywhere] == [["Vault postgresql/synergyflow password"]] * 3
    lines = ("BEGIN PRIVATE KEY-----", "MIGHAgEAMBMGByqGSM49", "the public half", "-----END PRIVATE KEY-----")
    key = "\n".join(("-----" + lines[0], *lines[1:], ""))
    assert forms(key) >= {"MIGHAgEAMBMGByqGSM49", base64.b64encode(key.encode()).decode()}
    assert not {"-----BEGIN PRIVATE KEY-----", "the public half"} & forms(key)


def test_what_would_change_is_shown_and_tells_none(
    platform: Any, secret_values: dict[str, str], ansible_log: Path
) -> None:
    looked = run(platform, "site", "apps", "--check", "--diff", VERBOSE, kafka_cluster_cpu="3")
    assert looked.returncode == 0, looked.stdout[-4000:]
    assert "+++ after" in looked.stdout
    assert_quiet(looked, ansible_log, secret_values)


def test_a_failed_proof_tells_none_nor_does_its_evidence(
    platform: Any, secret_values: dict[str, str], ansible_log: Path, tmp_path: Path
) -> None:
    evidence, reports = tmp_path / "evidence.json", tmp_path / "reports"
    # one that fails: a user who may not see what the check of the topics needs
    files = {"evidence_file": str(evidence), "report_dir": str(reports)}
    options = {"kafka_cluster_check_user": "synergyflow-backend", **files}
    done = run(platform, "validate", "apps", "--tags", "kafka_cluster", VERBOSE, **options)
    assert done.returncode == 2, done.stdout[-4000:]
    assert "not allowed (needs the ACL DescribeConfigs)" in output(done)
    assert_quiet(done, ansible_log, secret_values)
    assert json.loads(evidence.read_text())
    assert_report_quiet(evidence, reports, secret_values)
    done = run(platform, "status", "apps", VERBOSE)
    assert_quiet(done, ansible_log, secret_values)


def test_a_secret_that_is_refused_is_not_told(platform: Any, secret_values: dict[str, str], ansible_log: Path) -> None:
    """By the server in the first task, by ourselves in the second."""
    canary = secrets.token_hex(12)
    playbook = f"""
        - hosts: apps
          gather_facts: false
          connection: local
          module_defaults:
            group/synergyflow.platform.k8s: "{{{{ cluster_connection }}}}"
          tasks:
            - synergyflow.platform.apply_set:
                name: refused
                namespace: messaging
                objects:
                  - apiVersion: v1
                    kind: Secret
                    metadata: {{name: refused, namespace: messaging}}
                    type: kubernetes.io/tls
                    stringData: {{tls.crt: {canary}}}
              ignore_errors: true
              register: server
            - ansible.builtin.assert: {{that: server is failed}}
            - synergyflow.platform.apply_set:
                name: refused
                namespace: messaging
                objects: [{{kind: Secret, metadata: {{name: refused}}, stringData: {{password: {canary}}}}}]
        """
    done = platform.playbook(playbook, "-i", "inventories/rehearsal", "-l", "apps", "--diff", VERBOSE)
    assert done.returncode == 2, done.stdout
    assert "tls.key" in done.stdout
    assert_quiet(done, ansible_log, {**secret_values, canary: "the refused Secret"})


@contextmanager
def wrong_in_vault(platform: Any, path: str, key: str, namespace: str, secret: str) -> Iterator[dict[str, str]]:
    """As after a bad rotation: Vault has another value, and External Secrets has brought it. The value is a canary."""
    paths = Paths(state=platform.state, cache=platform.state)
    content, canary = vault.read(paths), secrets.token_urlsafe(24)

    def bring(value: str) -> None:
        write_atomically(paths.vault, json.dumps(content | {path: {**content[path], key: value}}))
        command = ("annotate", "externalsecret", secret, "-n", namespace, "--overwrite")
        platform.kubectl("apps", *command, f"force-sync={secrets.token_hex(4)}")
        name = ("apps", "secret", secret, "-n", namespace)
        until(lambda: value in decoded(platform.get(*name)), f"Secret {secret} has changed")

    bring(canary)
    try:
        yield dict.fromkeys(forms(canary), f"the wrong {key}")
    finally:
        bring(content[path][key])


def decoded(secret: dict[str, Any]) -> list[str]:
    return [base64.b64decode(value).decode(errors="replace") for value in (secret.get("data") or {}).values()]


@pytest.fixture(scope="module")
def backed_up(platform: Any) -> Iterator[dict[str, Any]]:
    """The variables with which the platform backs up a volume."""
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Mi"}}}
    mount = {"name": "data", "mountPath": "/data"}
    container = {
        "name": "shell",
        "image": "docker.io/library/busybox:1.37.0-musl",
        "command": ["sh", "-c", "echo one > file"],
        "workingDir": "/data",
        "volumeMounts": [mount],
    }
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "files"}}
    pod = {"restartPolicy": "Never", "containers": [container], "volumes": [volume]}
    metadata = {"name": "files", "namespace": VOLUMES}
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": VOLUMES}},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": claim},
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod},
    ]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    platform.kubectl("apps", "apply", "-f", "-", input=listed)
    succeeded = "--for=jsonpath={.status.phase}=Succeeded"
    platform.kubectl("apps", "wait", "pod/files", "-n", VOLUMES, succeeded, f"--timeout={SECONDS}s")
    variables: dict[str, Any] = {"volsync_sources": SOURCES}
    done = run(platform, "site", "apps", "--tags", "volsync", **variables)
    assert done.returncode == 0, output(done)
    yield variables
    done = run(platform, "site", "apps", "--tags", "volsync")
    assert done.returncode == 0, output(done)
    platform.kubectl("apps", "delete", "namespace", VOLUMES, "--wait=false")


@pytest.mark.nightly
def test_backing_up_and_restoring_a_volume_tell_none(
    platform: Any, backed_up: dict[str, Any], ansible_log: Path
) -> None:
    values = canaries(platform)
    done = run(platform, "backup", "apps", VERBOSE, cnpg_enabled=False, **backed_up)
    assert done.returncode == 0, output(done)
    assert_quiet(done, ansible_log, values)
    which = {"restore_namespace": VOLUMES, "restore_source": "files", "restore_claim": "restored"}
    done = run(platform, "restore_volume", "apps", VERBOSE, **which, **backed_up)
    assert done.returncode == 0, output(done)
    assert_quiet(done, ansible_log, values)


def test_a_wrong_restic_password_is_not_told(platform: Any, backed_up: dict[str, Any], ansible_log: Path) -> None:
    values = canaries(platform)
    with wrong_in_vault(platform, "volsync/restic", "password", VOLUMES, "files-restic") as wrong:
        done = run(platform, "backup", "apps", VERBOSE, cnpg_enabled=False, **backed_up)
    assert done.returncode == 2
    assert "another password than RESTIC_PASSWORD" in output(done)
    assert_quiet(done, ansible_log, values | wrong)


@pytest.mark.nightly
def test_backing_up_and_restoring_a_database_tell_none(platform: Any, ansible_log: Path) -> None:
    values = canaries(platform)
    done = run(platform, "backup", "apps", VERBOSE, volsync_enabled=False)
    assert done.returncode == 0, output(done)
    assert_quiet(done, ansible_log, values)
    try:
        done = run(platform, "restore_database", "apps", VERBOSE, restore_name="secret-restored")
        assert done.returncode == 0, output(done)
        assert_quiet(done, ansible_log, canaries(platform))
    finally:
        cluster = ("clusters.postgresql.cnpg.io", "secret-restored")
        platform.kubectl("apps", "delete", *cluster, "-n", "synergyflow", "--ignore-not-found")


@pytest.mark.nightly
def test_wrong_keys_of_the_store_are_not_told(platform: Any, ansible_log: Path, tmp_path: Path) -> None:
    values, evidence = canaries(platform), tmp_path / "evidence.json"
    with wrong_in_vault(platform, "s3/backup", "secret_access_key", "synergyflow", "synergyflow-db-s3") as wrong:
        failed = run(platform, "backup", "apps", VERBOSE, volsync_enabled=False)
        roles = ("strimzi", "kafka_cluster", "schema_registry", "volsync", "obs_collectors")
        others = {f"{role}_enabled": False for role in roles}
        proven = run(platform, "validate", "apps", VERBOSE, evidence_file=str(evidence), **others)
    assert failed.returncode == 2
    assert "was not taken" in output(failed)
    assert_quiet(failed, ansible_log, values | wrong)
    assert_quiet(proven, ansible_log, values | wrong)
    found = {record["id"]: record for record in json.loads(evidence.read_text())["clusters"]["apps"]}
    assert found["DB-backup"]["status"] == "failed" or found["DB-backup-stored"]["status"] == "blocked"
    assert told(evidence.read_text(), values | wrong) == []


@pytest.mark.nightly
def test_a_log_in_that_kafka_refuses_is_not_told(
    platform: Any, secret_values: dict[str, str], ansible_log: Path
) -> None:
    """Vault has another password for the registry than the one that Kafka's operator has made."""
    role = ("--tags", "schema_registry")
    try:
        done = run(
            platform, "site", "apps", VERBOSE, *role, schema_registry_external_secrets=True,
            schema_registry_ready_timeout=90,
        )  # fmt: skip
        now = canaries(platform)
    finally:
        back = run(platform, "site", "apps", *role)
    assert done.returncode == 2
    assert "SaslAuthenticationException" in output(done)
    assert_quiet(done, ansible_log, secret_values | now)
    assert back.returncode == 0, output(back)


def test_the_rehearsals_logs_tell_none(platform: Any, secret_values: dict[str, str]) -> None:
    """Those of the programs, of the control planes and of the pods, and the audit logs."""
    folders = [platform.state / "run" / "logs", platform.state / "clusters", platform.state / "pods"]
    logs = [file for folder in folders for file in folder.rglob("*.log") if file.is_file()]
    assert logs
    found, read = {}, 0
    for file in logs:
        with contextlib.suppress(FileNotFoundError):  # a pod's logs go with it
            if told_by := told(file.read_text(errors="replace"), secret_values):
                found[str(file)] = told_by
            read += 1
    assert read > len(logs) / 2
    assert found == {}
