# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uses a schema registry as its clients do, from the controller, and measures it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, ApiError, Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.component_objects import stand_ins
from ansible_collections.synergyflow.platform.plugins.module_utils.discovery import PODS, Resource
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import (
    BLOCKED,
    FAILED,
    Record,
    all_passed,
    not_looked_at,
    reasons,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.schema_registry import LEVELS
from ansible_collections.synergyflow.platform.plugins.module_utils.schema_registry_probe import Probe, not_run
from ansible_collections.synergyflow.platform.plugins.plugin_utils import registry_access
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction

SERVICES = Resource("", "v1", "Service", "services", True)


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        **registry_access.ARGUMENTS,
        "compatibility": {"type": "str", "choices": list(LEVELS)},
        "requests": {"type": "int", "default": 100},
        "latency_target": {"type": "int", "default": 100},
        "fail": {"type": "bool", "default": True},
        "timeout": {"type": "int", "default": 60},
    }

    def unmeasured(self, args: Mapping[str, Any], reason: str) -> list[Record]:
        return not_run(BLOCKED, reason)

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        for name in ("requests", "latency_target"):
            if args[name] < 1:
                raise ClusterError(f"{name} must be at least 1, it is {args[name]}.")
        standing_in = [] if args["url"] else self._stand_ins(args)
        with registry_access.registry(args, Deadline(args["timeout"])) as registry:
            probe = Probe(
                registry, args["compatibility"], args["requests"], args["latency_target"], registry_access.route(args)
            )
            records = probe.run(write=not self._task.check_mode)
        for record in records:
            record.stand_in = standing_in
        return judged(records, args)

    def _stand_ins(self, args: Mapping[str, Any]) -> list[str]:
        """What behind the Service is not the real thing; nothing where that may not be read."""
        api: Api = self.api(args, args["timeout"])
        try:
            service = api.get(SERVICES, args["namespace"], args["service"])
            selector = ((service or {}).get("spec") or {}).get("selector")
            if not selector:
                return []
            labels = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
            return stand_ins(api.list(PODS, namespace=args["namespace"], selector=labels))
        except ApiError as error:
            if error.code not in (403, 404):
                raise
            return []


def judged(records: list[Record], args: Mapping[str, Any]) -> dict[str, Any]:
    """The result of the task."""
    failed = [record for record in records if record.status == FAILED]
    evidence = [record.plain() for record in records]
    result: dict[str, Any] = {
        "changed": False,
        "passed": all_passed(evidence),
        "evidence": evidence,
    }
    if failed:
        return result | {
            "failed": args["fail"],
            "msg": f"The registry {registry_access.route(args)} is not as expected: {reasons(failed)}.",
        }
    text = f"The registry {registry_access.route(args)} is as expected."
    return result | {"msg": f"{text}{not_looked_at(evidence)}"}
