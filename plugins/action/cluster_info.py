# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about a cluster, asked from the controller."""

from __future__ import annotations

from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.cluster_facts import cluster_facts
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {"timeout": {"type": "int", "default": 30}}  # noqa: RUF012

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        return {"changed": False, "cluster": cluster_facts(self.api(args, args["timeout"]))}
