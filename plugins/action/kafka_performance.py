# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures throughput and latency next to the brokers, by Kafka's own tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_own
from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_performance as performance
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import kubernetes_client
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import BLOCKED, SKIPPED, Record
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_strimzi import BlockedError, Strimzi
from ansible_collections.synergyflow.platform.plugins.plugin_utils import kafka_access
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction, display

#: seconds to look at objects before anything is written
LOOK = 30.0


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        **kafka_access.ARGUMENTS,
        "replicas": {"type": "int", "default": 3},
        "records": {"type": "int", "default": 50000},
        "record_size": {"type": "int", "default": 512},
        "producer_rate": {"type": "int", "default": 10000},
        "consumer_rate": {"type": "int", "default": 15000},
        "latency_p95": {"type": "int", "default": 50},
        "latency_p99": {"type": "int", "default": 100},
        "fail": {"type": "bool", "default": True},
        "timeout": {"type": "int", "default": 60},
    }

    def unmeasured(self, args: Mapping[str, Any], reason: str) -> list[Record]:
        return performance.not_run(BLOCKED, reason, [])

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        kafka_access.importable()
        for name in ("replicas", "record_size", "timeout"):
            if args[name] < 1:
                raise ClusterError(f"{name} must be at least 1, it is {args[name]}.")
        if args["records"] < 0:
            raise ClusterError(f"records: expected 0 (no measurement) or more, found {args['records']}.")
        api = self.api(args, LOOK)
        reason = "check mode writes nothing" if self._task.check_mode else "the number of its messages is 0"
        if self._task.check_mode or not args["records"]:
            return kafka_access.measured(api, args, performance.not_run(SKIPPED, reason, []), f"{reason}.")
        strimzi = kafka_access.read(api, args)
        request = performance.Request(**{name: args[name] for name in performance.Request.__dataclass_fields__})
        try:
            with kafka_access.reached(args, strimzi, kafka_own.RIGHTS) as way:
                found = performance.Performance(
                    way.login,
                    request,
                    performance.place(strimzi.pods or []),
                    bootstrap=_bootstrap(args, strimzi),
                    api_client=kubernetes_client(args),
                    progress=lambda text: display.display(f"  {text}"),
                ).run()
        except BlockedError as error:
            records = performance.not_run(BLOCKED, str(error), strimzi.stand_in)
            return kafka_access.measured(api, args, records, "", strimzi)
        records = performance.records(request, found, strimzi.stand_in)
        return kafka_access.measured(api, args, records, f"Kafka {args['cluster']} is as fast as expected.", strimzi)


def _bootstrap(args: dict[str, Any], strimzi: Strimzi) -> str:
    """The address as it is in the pod, whatever way leads to the brokers from here."""
    if strimzi.kafka is None:
        return str(args["bootstrap_servers"][0])
    return strimzi.bootstrap(strimzi.listener(args["listener"]))
