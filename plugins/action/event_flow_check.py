# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small event-driven application that runs in the controller, over Kafka, the registry and the database's pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.synergyflow.platform.plugins.module_utils import cnpg_postgres, event_flow, kafka_own
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.bridge import Bridge
from ansible_collections.synergyflow.platform.plugins.module_utils.cnpg_cluster import read_database
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import kubernetes_client
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import BLOCKED, SKIPPED, Record
from ansible_collections.synergyflow.platform.plugins.plugin_utils import kafka_access, registry_access
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction

Store = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    _supports_async = True
    ARGUMENTS = {  # noqa: RUF012
        **kafka_access.ARGUMENTS,
        "events": {"type": "int", "default": 100},
        "replicas": {"type": "int", "default": 3},
        "registry_url": {"type": "str"},
        "registry_namespace": {"type": "str", "default": "messaging"},
        "registry_service": {"type": "str", "default": "schema-registry"},
        "registry_port": {"type": "int", "default": 8081},
        "registry_path": {"type": "str", "default": ""},
        "registry_ca": {"type": "str"},
        "database_cluster": {"type": "str"},
        "database_namespace": {"type": "str"},
        "database": {"type": "str"},
        "database_secret": {"type": "str"},
        "database_pooler": {"type": "str"},
        "fail": {"type": "bool", "default": True},
        "timeout": {"type": "int", "default": 60},
    }

    def unmeasured(self, args: Mapping[str, Any], reason: str) -> list[Record]:
        return event_flow.not_run(BLOCKED, reason)

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        kafka_access.importable()
        if event_flow.FASTAVRO_IMPORT_ERROR is not None:
            raise ClusterError(missing_required_lib("fastavro"))
        if args["events"] < 0:
            raise ClusterError(f"events: expected 0 (no check) or more, found {args['events']}.")
        for name in ("replicas", "timeout"):
            if args[name] < 1:
                raise ClusterError(f"{name} must be at least 1, it is {args[name]}.")
        for name in ("database_namespace", "database", "database_secret", "database_pooler"):
            if args["database_cluster"] and not args[name]:
                raise ClusterError(f"database_cluster without {name}: give both.")
        api = self.api(args, args["timeout"])
        reason = "check mode writes nothing" if self._task.check_mode else "the number of its events is 0"
        if self._task.check_mode or not args["events"]:
            return kafka_access.measured(api, args, event_flow.not_run(SKIPPED, reason), f"{reason}.")
        strimzi = kafka_access.read(api, args)
        try:
            records = self._run(api, args, strimzi)
        except ClusterError as error:
            records = event_flow.not_run(BLOCKED, str(error))
        for record in records:
            record.stand_in = strimzi.stand_in
        return kafka_access.measured(api, args, records, f"{args['events']} events went all the way.", strimzi)

    def _run(self, api: Api, args: dict[str, Any], strimzi: kafka_access.Strimzi) -> list[Record]:
        registry = {**args, "url_username": None, "url_password": None}
        registry |= {name: args[f"registry_{name}"] for name in ("url", "namespace", "service", "port", "path")}
        with (
            kafka_access.reached(args, strimzi, kafka_own.RIGHTS) as way,
            registry_access.registry(registry, Deadline(args["timeout"])) as client,
        ):
            return event_flow.EventFlow(
                login=way.login,
                registry=client,
                events=args["events"],
                replicas=args["replicas"],
                timeout=args["timeout"],
                store=_store(api, args) if args["database_cluster"] else None,
                store_skipped="no database is named",
            ).run()


def _store(api: Api, args: dict[str, Any]) -> Store:
    """What puts events into the database, through the pool, and reads them."""

    def keep(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        cnpg_postgres.importable()
        database = read_database(api, args["database_cluster"], args["database_namespace"])
        database.present()
        who = cnpg_postgres.login(api, database, args["database_secret"], args["database"])
        bridge = Bridge(kubernetes_client(args))
        # the pool's certificate has only the instances' names
        with cnpg_postgres.connected(
            bridge, args["database_pooler"], database.namespace, who, verify="verify-ca"
        ) as connection:
            return cnpg_postgres.keep(connection, events)

    return keep
