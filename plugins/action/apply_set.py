# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies a set of objects from the controller."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api
from ansible_collections.synergyflow.platform.plugins.module_utils.apply_set import ApplySet, Report, SetRequest
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction, display

NAME = re.compile(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "objects": {"type": "list", "elements": "dict", "required": True},
        "prune": {"type": "bool", "default": True},
        "field_manager": {"type": "str", "default": "synergyflow.platform"},
        "force": {"type": "bool", "default": False},
        "validate": {"type": "str", "choices": ["auto", "all", "none"], "default": "auto"},
        "timeout": {"type": "int", "default": 120},
        "confirm_data_loss": {"type": "str", "default": ""},
        "data_loss_phrase": {"type": "str"},
        "concurrency": {"type": "int", "default": 8},
        "keep_definitions": {"type": "bool", "default": False},
        "expected_kinds": {"type": "list", "elements": "str", "default": []},
        "expected_namespaces": {"type": "list", "elements": "str", "default": []},
    }
    OBJECTS = "objects"

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        api = self.api(args, args["timeout"], args["concurrency"])
        run = ApplySet(api, self.request(args, task_vars), progress=display.v)
        return self.result(run.run(), api)

    def request(self, args: dict[str, Any], task_vars: dict[str, Any]) -> SetRequest:
        """What the options ask for."""
        if not NAME.match(args["name"]) or len(args["name"]) > 253:
            raise ClusterError(
                f"name: expected the name of a Kubernetes object (lower case, digits, - and .), found {args['name']!r}."
            )
        phrase = args["data_loss_phrase"] or f"{args['name']}@{task_vars.get('inventory_hostname', 'localhost')}"
        return SetRequest(
            name=args["name"],
            namespace=args["namespace"],
            objects=args["objects"],
            manager=args["field_manager"],
            prune=args["prune"],
            force=args["force"],
            validate=args["validate"],
            confirm_data_loss=args["confirm_data_loss"],
            data_loss_phrase=phrase,
            check_mode=self._task.check_mode,
            expected_kinds=tuple(args["expected_kinds"]),
            expected_namespaces=tuple(args["expected_namespaces"]),
            keep_definitions=args["keep_definitions"],
            want_diff=self._task.diff,
        )

    def result(self, report: Report, api: Api) -> dict[str, Any]:
        """What the task returns."""
        result: dict[str, Any] = {
            "changed": report.changed,
            "counts": report.counts(),
            "results": [
                {"kind": key.kind, "name": key.name, "namespace": key.namespace or None, "action": action}
                | ({"note": report.notes[key]} if key in report.notes else {})
                for key, action in report.results.items()
            ],
            "left_alone": [f"{key}: {note}" for key, note in report.notes.items() if key not in report.results],
            "requests": api.requests,
        }
        if report.warnings:
            result["warnings"] = [api.masker.text(warning) for warning in report.warnings]
        if self._task.diff:
            result["diff"] = report.diffs
        return result
