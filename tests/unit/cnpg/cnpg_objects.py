# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudNativePG's objects as its operator 1.30 leaves them (api/v1 of its source), in a good state."""

from __future__ import annotations

from typing import Any

NAME, NAMESPACE = "synergyflow-db", "synergyflow"
IMAGE = "ghcr.io/cloudnative-pg/postgresql:16.15-system-trixie"
API = "postgresql.cnpg.io/v1"


def condition(kind: str, status: str = "True", **more: str) -> dict[str, str]:
    return {"type": kind, "status": status, "lastTransitionTime": "2026-11-21T10:00:00Z", **more}


def cluster(**status: Any) -> dict[str, Any]:
    """A Cluster with in-tree backups."""
    return {
        "apiVersion": API,
        "kind": "Cluster",
        "metadata": {"name": NAME, "namespace": NAMESPACE, "generation": 1},
        "spec": {
            "instances": 3,
            "imageName": IMAGE,
            "bootstrap": {"initdb": {"database": "synergyflow", "owner": "synergyflow"}},
            "backup": {
                "retentionPolicy": "30d",
                "barmanObjectStore": {
                    "destinationPath": "s3://synergyflow-backups/postgresql/",
                    "endpointURL": "http://127.0.0.1:9000",
                    "s3Credentials": {
                        "accessKeyId": {"name": f"{NAME}-s3", "key": "access_key_id"},
                        "secretAccessKey": {"name": f"{NAME}-s3", "key": "secret_access_key"},
                    },
                },
            },
        },
        "status": {
            "phase": "Cluster in healthy state",
            "instances": 3,
            "readyInstances": 3,
            "currentPrimary": f"{NAME}-1",
            "targetPrimary": f"{NAME}-1",
            "image": IMAGE,
            "conditions": [
                condition("Ready", reason="ClusterIsReady"),
                condition("ContinuousArchiving", reason="ContinuousArchivingSuccess"),
                condition("LastBackupSucceeded", reason="LastBackupSucceeded"),
            ],
            "firstRecoverabilityPoint": "2026-11-01T02:00:05Z",
            "lastSuccessfulBackup": "2026-11-21T02:00:09Z",
            "managedRolesStatus": {"byStatus": {"reconciled": ["platform-check"], "reserved": ["postgres"]}},
            **status,
        },
    }


def backup(name: str, phase: str = "completed", **status: Any) -> dict[str, Any]:
    done = {
        "backupId": "20261121T020003",
        "backupName": "backup-20261121020002",
        "serverName": NAME,
        "destinationPath": "s3://synergyflow-backups/postgresql/",
        "startedAt": "2026-11-21T02:00:03Z",
        "stoppedAt": "2026-11-21T02:00:09Z",
        "beginWal": "000000010000000000000004",
        "endWal": "000000010000000000000004",
        "method": "barmanObjectStore",
    }
    return {
        "apiVersion": API,
        "kind": "Backup",
        "metadata": {"name": name, "namespace": NAMESPACE, "creationTimestamp": "2026-11-21T02:00:00Z"},
        "spec": {"cluster": {"name": NAME}, "method": "barmanObjectStore"},
        "status": {"phase": phase, **(done if phase == "completed" else {}), **status},
    }


def scheduled(**status: Any) -> dict[str, Any]:
    return {
        "apiVersion": API,
        "kind": "ScheduledBackup",
        "metadata": {"name": f"{NAME}-daily", "namespace": NAMESPACE},
        "spec": {"cluster": {"name": NAME}, "schedule": "0 0 2 * * *", "method": "barmanObjectStore"},
        "status": {
            "lastCheckTime": "2026-11-21T02:00:00Z",
            "lastScheduleTime": "2026-11-21T02:00:00Z",
            "nextScheduleTime": "2026-11-22T02:00:00Z",
            **status,
        },
    }


def with_plugin(found: dict[str, Any]) -> dict[str, Any]:
    """The same Cluster backed up by plugin-barman-cloud: nothing of it in its status."""
    spec, status = dict(found["spec"]), dict(found["status"])
    spec.pop("backup")
    spec["plugins"] = [
        {
            "name": "barman-cloud.cloudnative-pg.io",
            "enabled": True,
            "isWALArchiver": True,
            "parameters": {"barmanObjectName": NAME},
        }
    ]
    for deprecated in ("firstRecoverabilityPoint", "lastSuccessfulBackup"):
        status.pop(deprecated)
    return {**found, "spec": spec, "status": status}


def object_store() -> dict[str, Any]:
    return {
        "apiVersion": "barmancloud.cnpg.io/v1",
        "kind": "ObjectStore",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {"configuration": cluster()["spec"]["backup"]["barmanObjectStore"], "retentionPolicy": "30d"},
        "status": {
            "serverRecoveryWindow": {
                NAME: {
                    "firstRecoverabilityPoint": "2026-11-02T02:00:05Z",
                    "lastSuccessfulBackupTime": "2026-11-21T02:00:09Z",
                    "lastFailedBackupTime": "2026-11-10T02:00:01Z",
                }
            }
        },
    }
