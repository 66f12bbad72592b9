# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes a broker's pod while messages are written, from the controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_brokers, kafka_own
from ansible_collections.synergyflow.platform.plugins.module_utils import kafka_failover as failover
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import BLOCKED, SKIPPED, Record
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_strimzi import BlockedError, Strimzi
from ansible_collections.synergyflow.platform.plugins.plugin_utils import kafka_access
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction, display

#: seconds to look at brokers and objects before anything is written
LOOK = 30.0


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        **kafka_access.ARGUMENTS,
        "enabled": {"type": "bool", "default": True},
        "brokers": {"type": "int"},
        "replicas": {"type": "int", "default": 3},
        "stall": {"type": "int", "default": 15},
        "recovery": {"type": "int", "default": 300},
        "fail": {"type": "bool", "default": True},
    }

    def unmeasured(self, args: Mapping[str, Any], reason: str) -> list[Record]:
        return failover.not_run(BLOCKED, reason, [])

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        kafka_access.importable()
        for name, least in (("replicas", 2), ("stall", 1), ("recovery", 1)):
            if args[name] < least:
                raise ClusterError(f"{name} must be at least {least}, it is {args[name]}.")
        api = self.api(args, LOOK)
        reason = "check mode deletes no pod" if self._task.check_mode else "not asked for: it deletes a broker's pod"
        if self._task.check_mode or not args["enabled"]:
            return kafka_access.measured(api, args, failover.not_run(SKIPPED, reason, []), f"{reason}.")
        strimzi = kafka_access.read(api, args, compare_resources=True)
        # what is late is waited for, so that it can be told how late
        patience = 2.0 * max(args["recovery"], args["stall"])
        request = failover.Request(args["replicas"], args["stall"], args["recovery"], patience)
        check: failover.Failover | None = None
        try:
            with kafka_access.reached(args, strimzi, kafka_own.RIGHTS) as way:

                def look(asking: Api, objects: Strimzi | None = None) -> str:
                    """Why no broker may be taken away now."""
                    seen = objects or kafka_access.read(asking, args, compare_resources=True)
                    reading = kafka_brokers.read_topics(way.login, list(seen.topics or {}), LOOK, way.hopeless)
                    reasons = (
                        failover.refusal(seen, reading, args["brokers"]),
                        failover.operator_missing(asking, args["namespace"]),
                    )
                    return "; ".join(filter(None, reasons))

                why = look(api, strimzi)
                if why:
                    raise BlockedError(f"no broker's pod is deleted while not all is well: {why}.")
                check = failover.Failover(
                    api,
                    way.login,
                    request,
                    strimzi.pods or [],
                    look=look,
                    progress=lambda text: display.display(f"  {text}"),
                )
                found = check.run()
        except ClusterError as error:
            records = failover.not_run(BLOCKED, str(error), strimzi.stand_in)
            if check is not None:
                records[-1] = failover.removed(check.remains, strimzi.stand_in)
            return kafka_access.measured(api, args, records, "", strimzi)
        records = failover.records(request, found, strimzi.stand_in)
        good = f"Kafka {args['cluster']} lost no acknowledged message with pod {found.pod}."
        return kafka_access.measured(api, args, records, good, strimzi)
