# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a store of logs, and compares the number of lines with what is expected, from the controller."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.store_expectations import Expectation
from ansible_collections.synergyflow.platform.plugins.plugin_utils import store_access
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction

AGO = re.compile(r"^(\d+)([smhd])$")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        **store_access.arguments("victoria-logs", 9428),
        "start": {"type": "str", "default": "15m"},
        "end": {"type": "str", "default": ""},
        "limit": {"type": "int", "default": 10},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        expectation = Expectation(args["at_least"], args["at_most"], args["absent"])
        expectation.check()
        if args["limit"] < 0:
            raise ClusterError(f"limit must be 0 (no lines) or more, it is {args['limit']}.")
        now = datetime.now(UTC)
        start, end = moment("start", args["start"], now), moment("end", args["end"] or "0s", now)
        started = time.monotonic()
        with store_access.store(args) as store:
            count = store.count_logs(args["query"], start, end)
            lines = store.logs(args["query"], start, end, args["limit"]) if args["limit"] else []
        result = store_access.result(
            args, expectation, (count, "lines"), expectation.counted(count, "lines"), "logs_query"
        )
        result["evidence"][0]["seconds"] = round(time.monotonic() - started, 3)
        return result | {"lines": lines, "start": start, "end": end}


def moment(name: str, given: str, now: datetime) -> str:
    """A time as the store takes it: so long ago, or a moment with its time zone."""
    if ago := AGO.match(given):
        return written(now - timedelta(**{UNITS[ago[2]]: int(ago[1])}))
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ClusterError(
            f"{name}: expected how long ago, such as 15m, or a time such as 2026-11-21T12:00:00Z, found {given!r}."
        )
    return written(found)


def written(time: datetime) -> str:
    """To the second, which is taken as a whole."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
