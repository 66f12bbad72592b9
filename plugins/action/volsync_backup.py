# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backs up a volume now, from the controller."""

from __future__ import annotations

from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.volsync_backup import Backup
from ansible_collections.synergyflow.platform.plugins.module_utils.volsync_client import VolSync
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction, display


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "take_over": {"type": "bool", "default": False},
        "timeout": {"type": "int", "default": 300},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        api = self.api(args, args["timeout"])
        volsync = VolSync(api, progress=lambda text: display.display(f"  {text}"))
        backup = Backup(volsync, args["namespace"], args["name"], args["take_over"])
        if self._task.check_mode:
            predicted = backup.predict()
            waits = f" once it is quiet ({predicted['waits_for']})" if predicted["waits_for"] else ""
            return {"changed": True, "msg": f"{backup.about} would be backed up{waits}."}
        outcome, warnings = backup.run()
        result: dict[str, Any] = {
            "changed": True,
            "msg": f"{backup.about} is backed up: snapshot {outcome.snapshot} in {outcome.seconds:g} s.",
            "snapshot": outcome.snapshot,
            "seconds": outcome.seconds,
            "finished": outcome.finished,
            "stored": outcome.stored,
        }
        if warnings:
            result["warnings"] = warnings
        return result
