# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends messages to the brokers and reads them back, from the controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_own
from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_round_trip as round_trip
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import BLOCKED, SKIPPED, Record
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_strimzi import BlockedError
from ansible_collections.synergyflow.platform.plugins.plugin_utils import kafka_access
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        **kafka_access.ARGUMENTS,
        "messages": {"type": "int", "default": 1000},
        "partitions": {"type": "int", "default": 3},
        "replicas": {"type": "int", "default": 3},
        "fail": {"type": "bool", "default": True},
        "timeout": {"type": "int", "default": 60},
    }

    def unmeasured(self, args: Mapping[str, Any], reason: str) -> list[Record]:
        return round_trip.not_run(BLOCKED, reason, [])

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        kafka_access.importable()
        for name in ("partitions", "replicas", "timeout"):
            if args[name] < 1:
                raise ClusterError(f"{name} must be at least 1, it is {args[name]}.")
        if args["messages"] < 0:
            raise ClusterError(f"messages: expected 0 (no check) or more, found {args['messages']}.")
        api = self.api(args, args["timeout"])
        reason = "check mode writes nothing" if self._task.check_mode else "the number of its messages is 0"
        if self._task.check_mode or not args["messages"]:
            return kafka_access.measured(api, args, round_trip.not_run(SKIPPED, reason, []), f"{reason}.")
        strimzi = kafka_access.read(api, args)
        request = round_trip.Request(args["messages"], args["partitions"], args["replicas"], args["timeout"])
        try:
            with kafka_access.reached(args, strimzi, kafka_own.RIGHTS) as way:
                found = round_trip.run(way.login, request, way.hopeless)
        except BlockedError as error:
            records = round_trip.not_run(BLOCKED, str(error), strimzi.stand_in)
            return kafka_access.measured(api, args, records, "", strimzi)
        records = round_trip.records(request, found, strimzi.stand_in)
        good = f"{len(found.read)} messages went to Kafka {args['cluster']} and came back, once and in order."
        return kafka_access.measured(api, args, records, good, strimzi)
