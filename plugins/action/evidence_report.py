# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers the evidence of all clusters as a table, and writes it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence import records
from ansible_collections.synergyflow.platform.plugins.plugin_utils import role_values
from ansible_collections.synergyflow.platform.plugins.plugin_utils.role_values import plain


class ActionModule(ActionBase):
    """See the module of the same name for the documentation."""

    _requires_connection = False
    _supports_check_mode = True

    ARGUMENTS = {  # noqa: RUF012
        "results": {"type": "list", "elements": "str", "required": True},
        "broken_off": {"type": "str"},
        "path": {"type": "path"},
    }

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _result, args = self.validate_argument_spec(self.ARGUMENTS)
        variables = task_vars or {}
        by_cluster = {
            host: gathered(variables["hostvars"][host], args["results"], args["broken_off"])
            for host in variables.get("ansible_play_hosts_all") or []
        }
        counts = records.tally(by_cluster)
        enabled = {host: self._enabled(variables["hostvars"][host]) for host in by_cluster}
        result: dict[str, Any] = {
            "changed": False,
            "counts": counts,
            "evidence": by_cluster,
            "shortcomings": shortcomings(by_cluster, enabled),
            "table": f"{records.table(by_cluster)}\n\n{closing(counts)}",
        }
        if args["path"] and not self._task.check_mode:
            result["path"] = write(Path(args["path"]), by_cluster, counts)
        return result

    def _enabled(self, host: Mapping[str, Any]) -> bool:
        return any(role_values.enabled(role, host, self._templar) for role in role_values.role_names())


def shortcomings(by_cluster: Mapping[str, list[dict[str, Any]]], enabled: Mapping[str, bool]) -> list[str]:
    """Why this evidence proves less than it should. What is blocked because a stand-in runs is as it should be."""
    if not any(by_cluster.values()):
        return ["nothing was measured: 0 criteria on all hosts"]
    found = [f"{host}: nothing was measured" for host, seen in by_cluster.items() if enabled[host] and not seen]
    failed = records.tally(by_cluster)[records.FAILED]
    if failed:
        found.append(f"{failed} criteria were not met; the table above has them")
    found += [
        f"{host}: {record['title']}: could not be measured: {record['detail']}"
        for host, seen in by_cluster.items()
        for record in seen
        if record["status"] == records.BLOCKED and not record["stand_in"]
    ]
    return found


def gathered(host: Mapping[str, Any], names: list[str], broken_off: str | None) -> list[dict[str, Any]]:
    """The records of one host's registered results, and one more if measuring was broken off."""
    found: list[dict[str, Any]] = []
    for name in names:
        result = host.get(name)
        if isinstance(result, Mapping):
            found += plain(result.get("evidence")) or []
    if broken_off and host.get(broken_off):
        reason = str(plain(host[broken_off]))
        found.append(records.Record("broken_off", "Everything was measured", records.FAILED, detail=reason).plain())
    return found


def closing(counts: Mapping[str, int]) -> str:
    """The last line."""
    words = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return f"{sum(counts.values())} criteria: {words or 'nothing was measured'}."


def write(path: Path, by_cluster: Mapping[str, Any], counts: Mapping[str, int]) -> str:
    """The evidence as JSON, in one piece or not at all."""
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "counts": counts,
        "clusters": by_cluster,
    }
    path = path.expanduser().absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(document, stream, indent=2)
        stream.write("\n")
    os.chmod(name, 0o644)
    os.replace(name, path)
    return str(path)
