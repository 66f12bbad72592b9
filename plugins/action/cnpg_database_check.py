# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a database whether it is as it should be, from the controller."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils import cnpg_database, cnpg_postgres
from ansible_collections.synergyflow.platform.plugins.module_utils.bridge import Bridge, BridgeError
from ansible_collections.synergyflow.platform.plugins.module_utils.cnpg_cluster import (
    BlockedError,
    Database,
    read_database,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import kubernetes_client
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import (
    FAILED,
    Record,
    all_passed,
    not_looked_at,
    reasons,
)
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction
from ansible_collections.synergyflow.platform.plugins.plugin_utils.explained import explain_by


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "cluster": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "database": {"type": "str"},
        "owner": {"type": "str"},
        "secret": {"type": "str"},
        "extensions": {"type": "list", "elements": "str", "default": []},
        "schemas": {"type": "list", "elements": "str", "default": []},
        "max_lag": {"type": "float", "default": 30},
        "pooler": {"type": "str"},
        "fail": {"type": "bool", "default": True},
        "timeout": {"type": "int", "default": 60},
    }

    def unmeasured(self, args: Mapping[str, Any], reason: str) -> list[Record]:
        return cnpg_database.unreachable(reason.rstrip("."))

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        cnpg_postgres.importable()
        started = time.monotonic()
        api = self.api(args, args["timeout"])
        database = read_database(api, args["cluster"], args["namespace"])
        found = cnpg_postgres.Answers()
        expected = expected_of(database, args)
        try:
            database.present()
            who = cnpg_postgres.login(api, database, *login_of(database, args))
            bridge = Bridge(kubernetes_client(args))
            with cnpg_postgres.connected(bridge, f"{database.name}-rw", database.namespace, who) as connection:
                found = cnpg_postgres.ask(connection, [expected.owner])
                written = "" if self._task.check_mode else attempt(connection)
            pooled = self._through_pooler(bridge, args, database, who)
            tried = cnpg_database.Tried(None if self._task.check_mode else written, pooled)
            records = cnpg_database.records(expected, found, tried)
        except (BlockedError, BridgeError, cnpg_postgres.PostgresError) as error:
            records = cnpg_database.unreachable(api.masker.text(str(error)).rstrip("."))
        for record in records:
            record.seconds, record.stand_in = round(time.monotonic() - started, 3), database.stand_in
        explain_by(api, records, [database.cluster or {}, *database.pods])
        bad = [record for record in records if record.status == FAILED]
        evidence = [record.plain() for record in records]
        result = {
            "changed": False,
            "passed": all_passed(evidence),
            "database": dict(found.database),
            "extensions": {each["name"]: each["version"] for each in found.extensions},
            "schemas": {each["name"]: each["owner"] for each in found.schemas},
            "replicas": found.replicas,
            "evidence": evidence,
        }
        if bad:
            text = f"Database {expected_name(database, args)} of {args['cluster']} is not as expected: {reasons(bad)}."
            result |= {"failed": args["fail"], "msg": text}
        else:
            text = f"Database {expected_name(database, args)} of {args['cluster']} is as expected."
            result["msg"] = f"{text}{not_looked_at(evidence)}"
        return api.masker.clean(result)

    def _through_pooler(
        self, bridge: Bridge, args: dict[str, Any], database: Database, who: cnpg_postgres.Login
    ) -> str | None:
        """Why a write through the pool does not work; "" if it does, None if it is not to be tried."""
        if not args["pooler"] or self._task.check_mode:
            return None
        try:
            with cnpg_postgres.connected(
                bridge, args["pooler"], database.namespace, who, verify="verify-ca"
            ) as connection:
                return attempt(connection)
        except (BridgeError, cnpg_postgres.PostgresError) as error:
            return str(error).rstrip(".")


def attempt(connection: Any) -> str:
    """Why a write does not work; "" if it does."""
    try:
        cnpg_postgres.write(connection)
    except cnpg_postgres.PostgresError as error:
        return str(error)
    return ""


def birth(database: Database) -> dict[str, Any]:
    """How the Cluster was made: initdb or recovery, both name database, owner and Secret."""
    bootstrap = database.spec.get("bootstrap") or {}
    return dict(bootstrap.get("initdb") or bootstrap.get("recovery") or {})


def expected_name(database: Database, args: dict[str, Any]) -> str:
    """The name of the database."""
    return str(args["database"] or birth(database).get("database") or "app")


def login_of(database: Database, args: dict[str, Any]) -> tuple[str, str]:
    """The Secret to log in with, and the database."""
    secret = args["secret"] or (birth(database).get("secret") or {}).get("name") or f"{database.name}-app"
    return str(secret), expected_name(database, args)


def expected_of(database: Database, args: dict[str, Any]) -> cnpg_database.Expected:
    """What the database should be."""
    return cnpg_database.Expected(
        owner=str(args["owner"] or birth(database).get("owner") or expected_name(database, args)),
        extensions=args["extensions"],
        schemas=args["schemas"],
        replicas=max(int(database.spec.get("instances") or 1) - 1, 0),
        max_lag=args["max_lag"],
        archives=database.store() is not None,
    )
