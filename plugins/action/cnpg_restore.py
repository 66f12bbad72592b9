# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores a database to a new Cluster and asks it whether it is the right one, from the controller."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils import (
    cnpg_backups,
    cnpg_bucket,
    cnpg_postgres,
    cnpg_restore,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api
from ansible_collections.synergyflow.platform.plugins.module_utils.bridge import Bridge, BridgeError
from ansible_collections.synergyflow.platform.plugins.module_utils.cnpg_cluster import (
    BackupStore,
    BlockedError,
    Database,
    read_database,
    served,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.cnpg_create import create
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import kubernetes_client
from ansible_collections.synergyflow.platform.plugins.module_utils.discovery import JOBS
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import PASSED
from ansible_collections.synergyflow.platform.plugins.module_utils.object_store import ObjectStoreError
from ansible_collections.synergyflow.platform.plugins.module_utils.readiness import FAILED as GIVEN_UP
from ansible_collections.synergyflow.platform.plugins.module_utils.readiness import Verdict
from ansible_collections.synergyflow.platform.plugins.module_utils.waiting import NotReadyError, Wait
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction, display

#: not the manager of the roles: what a role later applies to the new Cluster takes nothing of this away
FIELD_MANAGER = "synergyflow.platform-restore"
#: until the operator's webhooks must have let the new Cluster in
OPERATOR_SECONDS = 30
#: one pod of the recovery may die with its node; what fails twice fails always
GIVE_UP_AFTER = 2


class RestoreWait(Wait):
    """A wait that also sees the Job that makes the data: the Cluster itself never says that it has failed."""

    def look(self) -> None:
        super().look()
        cluster = self.awaited[0]
        if cluster.verdict.done:
            return
        selector = f"cnpg.io/cluster={cluster.key.name},cnpg.io/jobRole=full-recovery"
        for job in self.api.list(JOBS, cluster.key.namespace, selector=selector):
            failures = (job.get("status") or {}).get("failed") or 0
            if failures >= GIVE_UP_AFTER:
                reason = f"the recovery (Job {job['metadata']['name']}) has failed {failures} times"
                cluster.verdict = Verdict(GIVEN_UP, reason)


def not_restored(args: dict[str, Any], error: NotReadyError) -> str:
    """What has become of the new Cluster: a recovery that takes longer than there was time is none that failed."""
    about = f"Cluster {args['namespace']}/{args['name']}"
    if any(each["verdict"] == GIVEN_UP for each in error.objects):
        return (
            f"{about} was not restored: {error}\nIt is left as it is, to be looked at; {args['cluster']} was not"
            " touched. Delete it before the next attempt."
        )
    return (
        f"{about} was not restored in time: {error}\nIt has not failed, and goes on by itself; {args['cluster']} was"
        " not touched. When the Cluster is ready, ask it what it holds: nothing has been proven. To give it up, delete"
        " it."
    )


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "cluster": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "target_time": {"type": "str"},
        "instances": {"type": "int", "default": 1},
        "backup": {"type": "bool", "default": True},
        "query": {"type": "str"},
        "expected": {"type": "raw"},
        "database": {"type": "str"},
        "secret": {"type": "str"},
        "s3_endpoint": {"type": "str"},
        "timeout": {"type": "int", "default": 1800},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if args["query"]:
            cnpg_postgres.importable()
            cnpg_restore.read_only(args["query"])
        elif args["expected"] is not None:
            raise ClusterError("expected is what query answers: give a query too.")
        started, now = time.monotonic(), datetime.now(UTC)
        target = cnpg_backups.target_moment(args["target_time"]) if args["target_time"] else None
        api = self.api(args, args["timeout"])
        source = read_database(api, args["cluster"], args["namespace"], backups=True)
        request = cnpg_restore.Request(args["name"], args["instances"], target, args["backup"], now)
        store, warnings = self._possible(api, args, source, request)
        manifest = cnpg_restore.cluster_manifest(source, store, request)
        resource = served(api, "Cluster")
        dry = self._task.check_mode
        create(api, resource, manifest, manager=FIELD_MANAGER, seconds=OPERATOR_SECONDS, dry=dry, expect=())
        result: dict[str, Any] = {
            "changed": True,
            "name": args["name"],
            "source_server_name": store.server,
            "server_name": cnpg_restore.server_name(args["name"], now) if args["backup"] else None,
            "target_time": cnpg_restore.target_text(target) if target else None,
        }
        if warnings:
            result["warnings"] = warnings
        if self._task.check_mode:
            moment = f"to {result['target_time']}" if target else "as far as the log reaches"
            return result | {"msg": f"Cluster {args['name']} would be restored from {store.server} {moment}."}
        wait = RestoreWait(api, progress=lambda text: display.display(f"  {text}"))
        wait.prepare([manifest])
        try:
            wait.run()
        except NotReadyError as error:
            raise ClusterError(not_restored(args, error)) from error
        result["seconds"] = round(time.monotonic() - started, 1)
        return api.masker.clean(result | self._proof(api, args, result["seconds"]))

    def _possible(
        self, api: Api, args: dict[str, Any], source: Database, request: cnpg_restore.Request
    ) -> tuple[BackupStore, list[str]]:
        """Where to restore from, and what to be warned of. Raises ClusterError when nothing can be restored."""
        source.present()
        store = source.store()
        if store is None:
            raise ClusterError(f"Cluster {source.name} has no backups that could be restored.")
        problem = cnpg_restore.name_problem(request, source)
        if problem is None and api.get(served(api, "Cluster"), source.namespace, request.name) is not None:
            problem = (
                f"there is a Cluster {request.name} in namespace {source.namespace} already: a database is restored to"
                " a new one. Give another name, or delete it first if it is a leftover"
            )
        found = cnpg_backups.window(source, store)
        if problem is None:
            if request.target:
                problem = cnpg_backups.target_problem(request.target, found, request.now)
            elif found.last_successful is None:
                problem = f"Cluster {source.name} has no good base backup: take one first (cnpg_backup)"
        if problem:
            raise ClusterError(f"{problem}.")
        return store, self._warnings(api, args, source, store, request)

    def _warnings(
        self,
        api: Api,
        args: dict[str, Any],
        source: Database,
        store: BackupStore,
        request: cnpg_restore.Request,
    ) -> list[str]:
        """That the log may not reach the moment that is asked for."""
        if not request.target:
            return []
        try:
            with cnpg_bucket.opened(api, store, source.namespace, args["s3_endpoint"]) as bucket:
                last = cnpg_backups.window(source, store).last_good
                newest = cnpg_bucket.newest_wal(bucket, store, last)
        except (BlockedError, ObjectStoreError) as error:
            return [f"whether the log reaches target_time is not known: {error}"]
        if newest is None or newest.modified < request.target:
            when = f"of {newest.modified.isoformat()}" if newest else "not there"
            return [
                f"the newest archived log is {when}, target_time is {cnpg_restore.target_text(request.target)}:"
                " PostgreSQL refuses to stop at a moment that the log does not reach"
            ]
        return []

    def _proof(self, api: Api, args: dict[str, Any], seconds: float) -> dict[str, Any]:
        """What the restored database answers."""
        restored = read_database(api, args["name"], args["namespace"])
        if not args["query"]:
            return {"msg": f"Cluster {args['name']} is restored and ready; nothing was asked of it.", "rows": []}
        birth = ((restored.spec.get("bootstrap") or {}).get("recovery")) or {}
        secret = args["secret"] or (birth.get("secret") or {}).get("name") or f"{args['name']}-app"
        name = args["database"] or birth.get("database") or "app"
        try:
            who = cnpg_postgres.login(api, restored, secret, name)
            bridge = Bridge(kubernetes_client(args))
            with cnpg_postgres.connected(bridge, f"{args['name']}-rw", args["namespace"], who) as connection:
                cnpg_postgres.rows(connection, "SET default_transaction_read_only = on")
                rows = cnpg_postgres.rows(connection, args["query"])
        except (BlockedError, BridgeError, cnpg_postgres.PostgresError) as error:
            raise ClusterError(
                f"Cluster {args['name']} is restored and ready, and could not be asked: {str(error).rstrip('.')}."
            ) from error
        record = cnpg_restore.proof(args, rows, seconds, restored.stand_in)
        good = record.status == PASSED
        words = "holds what it should" if good else f"does not hold what it should: {record.observed!r}"
        found = {
            "answer": record.observed,
            "rows": [{name: cnpg_restore.plain([{name: value}]) for name, value in row.items()} for row in rows],
            "evidence": [record.plain()],
            "msg": f"Cluster {args['name']} is restored and {words}.",
        }
        return found | ({} if good else {"failed": True})
