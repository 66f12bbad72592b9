# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says how components are on a cluster."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils import component_objects as objects
from ansible_collections.synergyflow.platform.plugins.module_utils import component_status as status
from ansible_collections.synergyflow.platform.plugins.plugin_utils import role_values
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "roles": {"type": "list", "elements": "str", "default": []},
        "timeout": {"type": "int", "default": 30},
        "next_steps": {"type": "list", "elements": "str"},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        roles = role_values.chosen_roles(args["roles"], self._task._role, task_vars, self._templar)
        api = self.api(args, args["timeout"])
        seen = {
            role: objects.read(api, objects.wanted(role, role_values.typed_values(role, task_vars, self._templar)))
            for role in roles
        }
        rows = [row for role, found in seen.items() for row in status.rows(role, found)]
        table, standing_in = status.table(rows), status.all_stand_ins(seen.values())
        host = task_vars.get("inventory_hostname", "localhost")
        steps = args["next_steps"] if args["next_steps"] is not None else next_steps(args, roles, task_vars)
        heading = f"Cluster {host} at {api.connection.host}" + ("" if roles else ": no component is enabled here")
        return {
            "changed": False,
            "objects": rows,
            "stand_in": standing_in,
            "table": table,
            "summary": status.summary(heading, table, standing_in, steps if roles else []),
        }


def next_steps(args: Mapping[str, Any], roles: list[str], task_vars: Mapping[str, Any]) -> list[str]:
    """Commands for who has Ansible and kubectl at hand, in the folder of this run."""
    sources = " ".join(f"-i {source}" for source in task_vars.get("ansible_inventory_sources") or [])
    kubeconfig, context = args.get("kubeconfig"), args.get("context")
    login = f" --kubeconfig {os.path.abspath(os.path.expanduser(kubeconfig))}" if isinstance(kubeconfig, str) else ""
    login += f" --context {context}" if context else ""
    steps = [f"ansible-playbook synergyflow.platform.validate {sources}".rstrip() + "   # prove it"]
    if "kafka_cluster" in roles:
        namespace = task_vars.get("kafka_cluster_namespace", "messaging")
        steps.append(f"kubectl{login} get kafka,kafkatopic,kafkauser -n {namespace}")
    return steps
