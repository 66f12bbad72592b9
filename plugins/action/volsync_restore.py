# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores a volume from its repository, from the controller."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.volsync_client import VolSync
from ansible_collections.synergyflow.platform.plugins.module_utils.volsync_restore import Restore, RestoreRequest
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction, display


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "claim": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "source": {"type": "str", "default": ""},
        "repository": {"type": "str", "default": ""},
        "capacity": {"type": "str", "default": ""},
        "storage_class": {"type": "str", "default": ""},
        "access_modes": {"type": "list", "elements": "str", "default": []},
        "previous": {"type": "int", "default": 0},
        "restore_as_of": {"type": "str", "default": ""},
        "cache_capacity": {"type": "str", "default": ""},
        "delete_extra_files": {"type": "bool", "default": False},
        "mover_security_context": {"type": "dict", "default": {}},
        "confirm_overwrite": {"type": "str", "default": ""},
        "timeout": {"type": "int", "default": 600},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if args["previous"] < 0:
            raise ClusterError(f"previous: expected 0 (the newest) or more, found {args['previous']}.")
        check_time(args["restore_as_of"])
        request = RestoreRequest(
            namespace=args["namespace"],
            claim=args["claim"],
            source=args["source"],
            repository=args["repository"],
            capacity=args["capacity"],
            storage_class=args["storage_class"],
            access_modes=tuple(args["access_modes"]),
            previous=args["previous"],
            restore_as_of=args["restore_as_of"],
            cache_capacity=args["cache_capacity"],
            delete_extra_files=args["delete_extra_files"],
            mover_security_context=args["mover_security_context"],
            confirmed=args["confirm_overwrite"],
            phrase=f"{args['claim']}@{task_vars.get('inventory_hostname', 'localhost')}",
        )
        restore = Restore(
            VolSync(self.api(args, args["timeout"]), progress=lambda text: display.display(f"  {text}")), request
        )
        plan = restore.plan()
        if self._task.check_mode:
            into = "into it" if plan.existing else f"into a new claim of {plan.capacity}"
            return {"changed": True, "msg": f"{restore.about} would be restored {into}.", "capacity": plan.capacity}
        restored = restore.run(plan)
        return {
            "changed": True,
            "msg": f"{restore.about} is restored from snapshot {restored.snapshot} in {restored.seconds:g} s.",
            "claim": restored.claim,
            "capacity": restored.capacity,
            "snapshot": restored.snapshot,
            "seconds": restored.seconds,
        }


def check_time(text: str) -> None:
    """Raises ClusterError unless it is empty or a time as VolSync wants it."""
    if not text:
        return
    try:
        well = datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        well = False
    if not well:
        raise ClusterError(
            f"restore_as_of: expected a time with its zone such as 2026-11-20T22:00:00Z, found {text!r}."
        )
