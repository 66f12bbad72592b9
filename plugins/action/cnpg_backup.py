# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes a base backup of a database and waits for it, from the controller."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils import cnpg_backups, cnpg_bucket
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api
from ansible_collections.synergyflow.platform.plugins.module_utils.cnpg_cluster import (
    BackupStore,
    BlockedError,
    Database,
    read_database,
    served,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.cnpg_create import create, operator_words
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.object_store import ObjectStoreError
from ansible_collections.synergyflow.platform.plugins.module_utils.objects import Manifest
from ansible_collections.synergyflow.platform.plugins.module_utils.readiness import FAILED as GIVEN_UP
from ansible_collections.synergyflow.platform.plugins.module_utils.waiting import NotReadyError, Wait
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction, display

FIELD_MANAGER = "synergyflow.platform"
PAUSE = 0.5
ARCHIVE_PAUSE = 3.0
#: seconds that the store is looked into for the size, after the deadline too
LOOK_TIMEOUT = 20.0


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "cluster": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "target": {"type": "str", "choices": ["primary", "prefer-standby"], "default": "primary"},
        "timeout": {"type": "int", "default": 1800},
        "operator_timeout": {"type": "int", "default": 30},
        "s3_endpoint": {"type": "str"},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        api = self.api(args, args["timeout"])
        database = read_database(api, args["cluster"], args["namespace"])
        store = possible(database)
        manifest = cnpg_backups.backup_manifest(database, store, datetime.now(UTC), args["target"])
        name = manifest["metadata"]["name"]
        resource = served(api, "Backup")
        create(
            api,
            resource,
            manifest,
            manager=FIELD_MANAGER,
            seconds=max(args["operator_timeout"], 1),
            dry=self._task.check_mode,
            expect=(409,),  # a request that was sent again, or another one's backup of this very second
        )
        result: dict[str, Any] = {
            "changed": True,
            "name": name,
            "method": store.method,
            "server_name": store.server,
            "destination": store.destination,
        }
        if self._task.check_mode:
            return result | {"msg": f"Backup {name} would be taken by {store.method}."}
        try:
            backup = self._wait(api, args, name)
        except NotReadyError as error:
            about = f"Backup {args['namespace']}/{name}"
            if any(each["verdict"] == GIVEN_UP for each in error.objects):
                raise ClusterError(f"{about} was not taken: {error}") from error
            raise ClusterError(
                f"{about} was not done in time: {error}\nIt has not failed, and the operator goes on with it: its"
                " status.phase says when it is completed. To give it up, delete it."
            ) from error
        return api.masker.clean(result | self._taken(api, args, store, backup))

    def _wait(self, api: Api, args: dict[str, Any], name: str) -> Manifest:
        """Until it is completed. Raises for a failure in the operator's words, and when nobody takes it up."""
        resource = served(api, "Backup")
        limit = time.monotonic() + args["operator_timeout"]
        while True:
            backup = api.get(resource, args["namespace"], name) or {}
            if (backup.get("status") or {}).get("phase"):
                break
            if time.monotonic() > limit or api.deadline.passed:
                path = resource.path(args["namespace"], name)
                api.call("DELETE", path, expect=(404,), about=f"Backup {name}")
                raise ClusterError(
                    f"nobody has taken up Backup {args['namespace']}/{name} within {args['operator_timeout']} s, so it"
                    f" was deleted again. {operator_words(api)}."
                )
            time.sleep(PAUSE)
        wait = Wait(api, progress=lambda text: display.display(f"  {text}"))
        identity = {"name": name, "namespace": args["namespace"]}
        wait.prepare([{"apiVersion": resource.api_version, "kind": "Backup", "metadata": identity}])
        wait.run()
        return api.get(resource, args["namespace"], name) or {}

    def _taken(self, api: Api, args: dict[str, Any], store: BackupStore, backup: Manifest) -> dict[str, Any]:
        status = backup.get("status") or {}
        began, stopped = cnpg_backups.moment(status.get("startedAt")), cnpg_backups.ended(backup)
        size, reason = self._size(api, args, store, backup)
        name = backup["metadata"]["name"]
        taken = {
            "backup_id": status.get("backupId"),
            "begin_wal": status.get("beginWal"),
            "end_wal": status.get("endWal"),
            "started": began.isoformat() if began else None,
            "stopped": stopped.isoformat() if stopped else None,
            "instance": (status.get("instanceID") or {}).get("podName"),
            "seconds": round(api.deadline.spent, 1),
            "size": size,
            "msg": f"Backup {name} was taken in {api.deadline.spent:.0f} s.",
        }
        return taken | ({"size_unknown_because": reason} if reason else {})

    def _size(self, api: Api, args: dict[str, Any], store: BackupStore, backup: Manifest) -> tuple[int | None, str]:
        """Bytes in the store, and why they are not known. That a completed backup is not there is an error."""
        told = False
        brief = api.within(LOOK_TIMEOUT)
        try:
            with cnpg_bucket.opened(brief, store, args["namespace"], args["s3_endpoint"]) as bucket:
                look = cnpg_bucket.look(bucket, store, backup)
                while look.to_come and not api.deadline.passed:
                    if not told:
                        display.display(f"  completed; waiting until segment {look.to_come[-1]} of the log is archived")
                    told = True
                    time.sleep(ARCHIVE_PAUSE)
                    look = cnpg_bucket.look(bucket, store, backup)
        except (BlockedError, ObjectStoreError) as error:
            return None, str(error).rstrip(".")
        if look.missing:
            raise ClusterError(
                f"Backup {backup['metadata']['name']} is completed, and the store has no {', no '.join(look.missing)}:"
                " it cannot be restored."
            )
        if look.to_come:
            raise ClusterError(
                f"Backup {backup['metadata']['name']} is completed, and segment {look.to_come[-1]} of the log that it"
                f" needs was not archived within {args['timeout']} s: it cannot be restored before that."
            )
        return look.size, ""


def possible(database: Database) -> BackupStore:
    """Where the backup will go. Raises ClusterError when none can be taken."""
    cluster = database.present()
    store = database.store()
    if store is None:
        raise ClusterError(
            f"Cluster {database.name} in namespace {database.namespace} has nowhere to put a backup: it has neither"
            " spec.backup.barmanObjectStore nor a plugin that archives."
        )
    annotations = cluster["metadata"].get("annotations") or {}
    if annotations.get("cnpg.io/hibernation") == "on":
        raise ClusterError(
            f"Cluster {database.name} is hibernated, and without an instance there is nobody to take a backup: take the"
            " annotation cnpg.io/hibernation away first."
        )
    return store
