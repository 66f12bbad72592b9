# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backs up and restores data of its own, from the controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils import volsync_check as check
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import (
    BLOCKED,
    FAILED,
    SKIPPED,
    Record,
    reasons,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.volsync_reach import (
    certificates,
    secret_values,
    volsync_page,
)
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction, display

#: seconds for reading and making objects, beside the targets
MARGIN = 300


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    _supports_async = True
    ARGUMENTS = {  # noqa: RUF012
        "secret": {"type": "str", "required": True},
        "secret_namespace": {"type": "str", "required": True},
        "megabytes": {"type": "int", "default": 64},
        "image": {"type": "str", "default": "docker.io/library/busybox:1.37.0-musl"},
        "copy_method": {"type": "str", "choices": ["Snapshot", "Clone", "Direct"], "default": "Snapshot"},
        "snapshot_class": {"type": "str", "default": ""},
        "storage_class": {"type": "str", "default": ""},
        "cache_size": {"type": "str", "default": "1Gi"},
        "backup_seconds": {"type": "int", "default": 300},
        "restore_seconds": {"type": "int", "default": 600},
        "metrics": {"type": "bool", "default": True},
        "s3_endpoint": {"type": "str", "default": ""},
        "ca_secret": {"type": "str", "default": ""},
        "fail": {"type": "bool", "default": True},
    }

    def unmeasured(self, args: Mapping[str, Any], reason: str) -> list[Record]:
        return check.not_run(BLOCKED, reason)

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if args["megabytes"] < 0:
            raise ClusterError(f"megabytes: expected 0 (no check) or more, found {args['megabytes']}.")
        reason = "check mode writes nothing" if self._task.check_mode else "the size of its data is 0"
        if self._task.check_mode or not args["megabytes"]:
            records = check.not_run(SKIPPED, reason)
            return {"changed": False, "passed": True, "msg": reason, "evidence": [each.plain() for each in records]}
        api = self.api(args, args["backup_seconds"] + args["restore_seconds"] + 3 * check.POD_SECONDS + MARGIN)
        request = check.CheckRequest(**{name: args[name] for name in check.CheckRequest.__dataclass_fields__})
        values = secret_values(api, args["secret_namespace"], args["secret"])
        ca = certificates(api, args["secret_namespace"], args["ca_secret"])
        found = check.VolSyncCheck(
            api,
            request,
            values,
            metrics=lambda: volsync_page(api, args["secret_namespace"], args),
            progress=lambda text: display.display(f"  {text}"),
            ca=ca,
        ).run()
        records = check.records(request, found)
        bad = [record for record in records if record.status in (FAILED, BLOCKED)]
        result: dict[str, Any] = {
            "changed": False,
            "passed": not bad,
            "evidence": [api.masker.clean_foreign(record.plain()) for record in records],
            "msg": reasons(bad) or f"{request.megabytes} MiB were backed up and restored, and are the same.",
        }
        if bad:
            result["failed"] = args["fail"]
        return result
