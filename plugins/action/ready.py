# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until objects are ready, from the controller."""

from __future__ import annotations

from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.ready_rules import read_rules
from ansible_collections.synergyflow.platform.plugins.module_utils.waiting import NotReadyError, Wait
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction, display


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "objects": {"type": "list", "elements": "dict", "required": True},
        "timeout": {"type": "int", "default": 600},
        "failure_grace": {"type": "int"},
        "concurrency": {"type": "int", "default": 8},
        "strimzi_version": {"type": "str"},
        "rules": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "kind": {"type": "str", "required": True},
                "group": {"type": "str"},
                "namespace": {"type": "str"},
                "name": {"type": "str"},
                "ready": {"type": "str", "required": True},
                "failed": {"type": "str"},
                "message": {"type": "str"},
            },
        },
    }
    OBJECTS = "objects"

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        rules = read_rules(args["rules"])
        api = self.api(args, args["timeout"], args["concurrency"])
        api.masker.learn(manifest for manifest in args["objects"] if isinstance(manifest, dict))
        wait = Wait(api, args["failure_grace"], rules, progress=lambda text: display.display(f"  {text}"))
        wait.strimzi_version = args["strimzi_version"]
        wait.prepare(args["objects"], strict=not self._task.check_mode)
        if self._task.check_mode:
            wait.look()
            return {
                "changed": False,
                "msg": "Check mode: looked once, waited for nothing.",
                "objects": wait.results(),
                "seconds": 0.0,
            }
        try:
            objects = wait.run()
        except NotReadyError as failure:
            return {
                "failed": True,
                "changed": False,
                "msg": str(failure),
                "objects": failure.objects,
                "seconds": round(api.deadline.spent, 1),
            }
        return {"changed": False, "objects": objects, "seconds": round(api.deadline.spent, 1)}
