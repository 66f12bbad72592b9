# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the acceptance criteria of components on a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils import component_objects as objects
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api, Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import Answer
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence import kafka_cluster, strimzi
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import FAILED, Record
from ansible_collections.synergyflow.platform.plugins.module_utils.masking import Masker
from ansible_collections.synergyflow.platform.plugins.plugin_utils import role_values
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction

METRICS_PORT = {"strimzi": 8080, "kafka_cluster": 9404}
# seconds: an endpoint that says nothing for so long is not scraped either
METRICS_TIMEOUT = 3.0
LOG_LINES = 2000


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "roles": {"type": "list", "elements": "str", "default": []},
        "timeout": {"type": "int", "default": 60},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        api = self.api(args, args["timeout"])
        records: list[Record] = []
        for role in role_values.chosen_roles(args["roles"], self._task._role, task_vars, self._templar):
            started = time.monotonic()
            found = self._measure(role, api, role_values.typed_values(role, task_vars, self._templar))
            spent = round(time.monotonic() - started, 3)
            for record in found:
                record.seconds = spent
            records += found
        return {
            "changed": False,
            "evidence": [plain_masked(record, api.masker) for record in records],
            "met": not any(record.status == FAILED for record in records),
        }

    def _measure(self, role: str, api: Api, values: Mapping[str, Any]) -> list[Record]:
        seen = objects.read(api, objects.wanted(role, values))
        now = datetime.now(UTC)
        metrics = self._metrics(api, seen, METRICS_PORT[role])
        if role == "strimzi":
            logs = self._logs(api, seen)
            return strimzi.records(values, seen, api.discover().kinds(), logs=logs, metrics=metrics, now=now)
        return kafka_cluster.records(values, seen, metrics, expires, now)

    def _logs(self, api: Api, seen: objects.Seen) -> dict[str, str | BaseException]:
        query = {"sinceSeconds": strimzi.LOG_MINUTES * 60, "timestamps": "true", "tailLines": LOG_LINES}
        return each_pod(api, seen, lambda path: api.call("GET", f"{path}/log", query=query, accept="*/*"))

    def _metrics(self, api: Api, seen: objects.Seen, port: int) -> dict[str, str | BaseException]:
        # the API server's own proxy: works where the API server reaches pods, as on any usual cluster
        brief = Api(api.connection, Deadline(METRICS_TIMEOUT), api.concurrency, api.masker)
        return each_pod(brief, seen, lambda path: brief.call("GET", f"{path}:{port}/proxy/metrics", accept="*/*"))


def plain_masked(record: Record, masker: Masker) -> dict[str, Any]:
    """The record as it is returned. What was observed quotes logs and conditions; what identifies it stays."""
    plain = record.plain()
    return plain | masker.clean_foreign({part: plain[part] for part in ("observed", "detail")})


def each_pod(api: Api, seen: objects.Seen, ask: Callable[[str], Answer]) -> dict[str, str | BaseException]:
    """The answer about each pod by its name, or the error in its place."""

    def one(pod: Mapping[str, Any]) -> str:
        metadata = pod["metadata"]
        answer = ask(f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}")
        return answer.body.decode(errors="replace")

    names = [pod["metadata"]["name"] for pod in seen["pods"]]
    return dict(zip(names, api.each(one, seen["pods"]), strict=True))


def expires(pem: str) -> datetime:
    """When a certificate in PEM does; ValueError if it is none."""
    from cryptography import x509  # ansible-core needs it too

    return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
