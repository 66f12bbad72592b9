# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for what goes on beside the play, in the controller."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.plugin_utils import job


class ActionModule(ActionBase):
    """See the module of the same name for the documentation."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _result, args = self.validate_argument_spec({"job": {"type": "str", "required": True}})
        folder = job.folder_of(self)
        try:
            if not args["job"].startswith(job.PREFIX) or "/" in args["job"]:
                raise ClusterError(f"job: {args['job']} is no job of this collection; those begin with {job.PREFIX}.")
            return job.result(folder / args["job"])
        except ClusterError as error:
            return {"failed": True, "changed": False, "msg": str(error), "ansible_job_id": args["job"]}
