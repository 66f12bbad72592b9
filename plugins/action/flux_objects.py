# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Suspends, resumes and reconciles Flux objects from the controller."""

from __future__ import annotations

from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.flux_graph import GROUPS
from ansible_collections.synergyflow.platform.plugins.module_utils.flux_objects import (
    RECONCILED,
    RESUMED,
    SUSPENDED,
    FluxObjects,
    FluxRequest,
    keys_from,
)
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction, display


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "state": {"type": "str", "choices": [RECONCILED, RESUMED, SUSPENDED], "required": True},
        "objects": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "kind": {"type": "str", "choices": sorted(GROUPS), "required": True},
                "name": {"type": "str", "required": True},
                "namespace": {"type": "str"},
            },
        },
        "namespace": {"type": "str", "default": "flux-system"},
        "revision": {"type": "str", "default": ""},
        "with_source": {"type": "bool", "default": True},
        "wait": {"type": "bool", "default": True},
        "force": {"type": "bool", "default": False},
        "failure_grace": {"type": "float", "default": 30.0},
        "timeout": {"type": "int", "default": 600},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        request = FluxRequest(
            state=args["state"],
            keys=keys_from(args["objects"], args["namespace"]),
            revision=args["revision"],
            with_source=args["with_source"],
            wait=args["wait"],
            force=args["force"],
            failure_grace=args["failure_grace"],
            check_mode=self._task.check_mode,
            want_diff=self._task.diff,
        )
        api = self.api(args, args["timeout"])
        report = FluxObjects(api, request, tell=lambda text: display.display(f"  {text}")).run()
        result: dict[str, Any] = {
            "changed": report.changed,
            "objects": api.masker.clean(list(report.results.values())),
            "seconds": round(api.deadline.spent, 1),
        }
        if report.diffs:
            result["diff"] = report.diffs
        return result
