# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives a Kafka over kept claims its old identity, from the controller."""

from __future__ import annotations

from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_identity import Reattachment
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "cluster": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "set_name": {"type": "str", "required": True},
        "objects": {"type": "list", "elements": "dict", "required": True},
        "cluster_id": {"type": "str", "default": ""},
        "timeout": {"type": "int", "default": 120},
    }
    OBJECTS = "objects"

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        run = Reattachment(self.api(args, args["timeout"]), args["cluster"], args["namespace"], args["set_name"])
        identity = run.look(args["cluster_id"])
        if not identity.cluster_id:
            return {"changed": False, "cluster_id": "", "claims": 0, "paused": identity.paused}
        kafkas = [
            manifest
            for manifest in args["objects"]
            if manifest.get("kind") == "Kafka" and manifest["metadata"]["name"] == args["cluster"]
        ]
        if len(kafkas) != 1:
            raise ClusterError(f"objects: expected one Kafka {args['cluster']}, found {len(kafkas)}.")
        if not self._task.check_mode:
            run.run(kafkas[0], identity.cluster_id)
        return {"changed": True, "cluster_id": identity.cluster_id, "claims": identity.claims, "paused": True}
