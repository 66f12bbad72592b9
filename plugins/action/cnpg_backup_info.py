# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says how the backups of a database are, from the controller."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils import cnpg_backups, cnpg_bucket, cnpg_evidence
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api
from ansible_collections.synergyflow.platform.plugins.module_utils.cnpg_cluster import (
    BackupStore,
    BlockedError,
    Database,
    read_database,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import (
    BLOCKED,
    FAILED,
    Record,
    all_passed,
    not_looked_at,
    reasons,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.object_store import ObjectStoreError, StoredObject
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "cluster": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "max_age_hours": {"type": "float", "default": 26},
        "verify_objects": {"type": "bool", "default": True},
        "s3_endpoint": {"type": "str"},
        "fail": {"type": "bool", "default": True},
        "timeout": {"type": "int", "default": 60},
    }

    def unmeasured(self, args: Mapping[str, Any], reason: str) -> list[Record]:
        return cnpg_evidence.not_run(BLOCKED, reason)

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        started = time.monotonic()
        api = self.api(args, args["timeout"])
        database = read_database(api, args["cluster"], args["namespace"], backups=True)
        try:
            database.present()
            store = _store_of(database)
        except BlockedError as error:
            return self._without_backups(args, database, str(error).rstrip("."))
        found = cnpg_backups.window(database, store)
        look, newest, reason = self._look(api, args, database, store, found)
        now = datetime.now(UTC)
        records = [
            cnpg_evidence.archiving(database, newest, looked=not reason),
            cnpg_evidence.recent(database, found, args["max_age_hours"], now),
            cnpg_evidence.stored(found, look, store, reason, now),
            cnpg_evidence.recoverable(found, now),
            cnpg_evidence.planned(database, now),
        ]
        for record in records:
            record.seconds, record.stand_in = round(time.monotonic() - started, 3), database.stand_in
        bad = [record for record in records if record.status == FAILED]
        age = found.age(now)
        backups = cnpg_backups.rows(database.backups)
        evidence = [record.plain() for record in records]
        result = {
            "changed": False,
            "method": store.method,
            "server_name": store.server,
            "destination": store.destination,
            "archiving": (database.conditions.get("ContinuousArchiving") or {}).get("status") == "True",
            "last_archived_wal": newest.key.rpartition("/")[2].partition(".")[0] if newest else None,
            "last_archived_at": newest.modified.isoformat() if newest else None,
            "last_successful": found.last_successful.isoformat() if found.last_successful else None,
            "last_failed": found.last_failed.isoformat() if found.last_failed else None,
            "age_hours": round(age, 2) if age is not None else None,
            "first_recoverability_point": (
                found.first_recoverability_point.isoformat() if found.first_recoverability_point else None
            ),
            "next_schedule": min(
                filter(None, ((each.get("status") or {}).get("nextScheduleTime") for each in database.schedules)),
                default=None,
            ),
            "last_backup": (found.last_good or {}).get("metadata", {}).get("name"),
            "last_backup_size": look.size if look else None,
            "missing_objects": look.missing if look else [],
            "backups": backups,
            "passed": all_passed(evidence),
            "evidence": evidence,
        }
        if bad:
            result |= {"failed": args["fail"], "msg": f"The backups of {args['cluster']} are not well: {reasons(bad)}."}
        else:
            result["msg"] = f"The last good backup of {args['cluster']} is {age:.1f} h old.{not_looked_at(evidence)}"
        return api.masker.clean(result)

    def _without_backups(self, args: dict[str, Any], database: Database, reason: str) -> dict[str, Any]:
        """The result where there is nothing that backups could be of."""
        records = cnpg_evidence.without_backups(reason, args["max_age_hours"])
        for record in records:
            record.stand_in = database.stand_in
        return {
            "changed": False,
            "failed": args["fail"],
            "msg": f"{reason}.",
            "passed": False,
            "backups": [],
            "evidence": [record.plain() for record in records],
        }

    def _look(
        self,
        api: Api,
        args: dict[str, Any],
        database: Database,
        store: BackupStore,
        found: cnpg_backups.Window,
    ) -> tuple[cnpg_bucket.Look | None, StoredObject | None, str]:
        """What the bucket has, or why that is not known."""
        if not args["verify_objects"]:
            return None, None, "the store was not to be looked into (verify_objects)"
        try:
            with cnpg_bucket.opened(api, store, database.namespace, args["s3_endpoint"]) as bucket:
                newest = cnpg_bucket.newest_wal(bucket, store, found.last_good)
                look = cnpg_bucket.look(bucket, store, found.last_good) if found.last_good else None
                return look, newest, ""
        except (BlockedError, ObjectStoreError) as error:
            return None, None, str(error).rstrip(".")


def _store_of(database: Database) -> BackupStore:
    """Where the backups go. Raises BlockedError where there are to be none."""
    store = database.store()
    if store is None:
        raise BlockedError(
            f"Cluster {database.name} in namespace {database.namespace} has no backups: it has neither"
            " spec.backup.barmanObjectStore nor a plugin that archives."
        )
    return store
