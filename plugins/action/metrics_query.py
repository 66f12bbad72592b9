# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a store of metrics, and compares the answer with what is expected, from the controller."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.store_expectations import Expectation
from ansible_collections.synergyflow.platform.plugins.plugin_utils import store_access
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        **store_access.arguments("victoria-metrics", 8428),
        "time": {"type": "str", "default": ""},
        "value": {"type": "str", "default": ""},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        expectation = Expectation(args["at_least"], args["at_most"], args["absent"], args["value"])
        expectation.check()
        started = time.monotonic()
        with store_access.store(args) as store:
            series = store.metrics(args["query"], args["time"])
        found = (len(series), "series")
        result = store_access.result(args, expectation, found, expectation.of_series(series), "metrics_query")
        result["evidence"][0]["seconds"] = round(time.monotonic() - started, 3)
        # JSON has no NaN and no infinity
        result["series"] = [
            {"labels": dict(each.labels), "value": each.value if abs(each.value) < float("inf") else str(each.value)}
            for each in series
        ]
        return result
