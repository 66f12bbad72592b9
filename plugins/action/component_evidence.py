# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the acceptance criteria of components on a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from ansible_collections.synergyflow.platform.plugins.module_utils import backend_kafka, backend_secrets, flux_drift
from ansible_collections.synergyflow.platform.plugins.module_utils import component_objects as objects
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api
from ansible_collections.synergyflow.platform.plugins.module_utils.bridge import Bridge
from ansible_collections.synergyflow.platform.plugins.module_utils.cluster_facts import identity_facts
from ansible_collections.synergyflow.platform.plugins.module_utils.collected import caught, collected
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import Answer, kubernetes_client
from ansible_collections.synergyflow.platform.plugins.module_utils.discovery import SECRETS
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence import (
    cnpg,
    flux,
    kafka_cluster,
    logs,
    obs_collectors,
    schema_registry,
    strimzi,
    synergyflow_backend,
    volsync,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.facts import facts_of
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import FAILED, Record, broken_off
from ansible_collections.synergyflow.platform.plugins.module_utils.masking import Masker
from ansible_collections.synergyflow.platform.plugins.module_utils.policy_agent import NoDecisionError, policy_agent
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.synergyflow_backend import SECRET_KEYS
from ansible_collections.synergyflow.platform.plugins.module_utils.scrape_jobs import expected_jobs
from ansible_collections.synergyflow.platform.plugins.module_utils.volsync_reach import reachable, volsync_page
from ansible_collections.synergyflow.platform.plugins.plugin_utils import role_values
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import ClusterAction
from ansible_collections.synergyflow.platform.plugins.plugin_utils.explained import explain

# seconds: an endpoint that says nothing for so long is not scraped either
METRICS_TIMEOUT = 3.0
OPA_PORT = 8181
# decisions of each policy sidecar that are timed
TIMED_DECISIONS = 20
# seconds between two looks at what has arrived, and what the looks after the last one need
COLLECT_AGAIN, SPARE = 5.0, 20.0

Found = TypeVar("Found")


@dataclass(frozen=True)
class Look:
    """What a role's criteria are measured on: its values and objects, and a way to ask for more."""

    api: Api
    values: Mapping[str, Any]
    seen: objects.Seen
    args: Mapping[str, Any]
    now: datetime
    #: whether a variable of the host is true; one that is not set is
    on: Callable[[str], bool]


class ActionModule(ClusterAction):
    """See the module of the same name for the documentation."""

    ARGUMENTS = {  # noqa: RUF012
        "roles": {"type": "list", "elements": "str", "default": []},
        "fail": {"type": "bool", "default": True},
        "timeout": {"type": "int", "default": 60},
    }

    def act(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        api = self.api(args, args["timeout"])
        records: list[Record] = []
        facts: dict[str, Any] = {}
        for role in role_values.chosen_roles(args["roles"], self._task._role, task_vars, self._templar):
            started = time.monotonic()
            try:
                look = self._look(role, api, task_vars, args)
                found = getattr(self, f"_measure_{role}")(look)
            except ClusterError as error:
                if args["fail"]:
                    raise
                records.append(broken_off(role, str(error)))
                continue
            spent = round(time.monotonic() - started, 3)
            for record in found:
                record.seconds = spent
            explain(api, found)
            records += found
            facts[role] = facts_of(role, look.values, look.seen)
        facts |= identity_facts(api)
        return {
            "changed": False,
            "evidence": [plain_masked(record, api.masker) for record in records],
            "facts": api.masker.clean_foreign(facts),
            "met": not any(record.status == FAILED for record in records),
        }

    def _look(self, role: str, api: Api, task_vars: Mapping[str, Any], args: Mapping[str, Any]) -> Look:
        values = role_values.typed_values(role, task_vars, self._templar)
        seen = objects.read(api, objects.wanted(role, values))
        on = partial(role_values.switched_on, task_vars=task_vars, templar=self._templar)
        return Look(api, values, seen, args, datetime.now(UTC), on)

    def _measure_strimzi(self, look: Look) -> list[Record]:
        logs, metrics = self._logs(look.api, look.seen), self._metrics(look.api, look.seen, 8080)
        kinds = look.api.discover().kinds()
        return strimzi.records(look.values, look.seen, kinds, logs=logs, metrics=metrics, now=look.now)

    def _measure_kafka_cluster(self, look: Look) -> list[Record]:
        metrics = self._metrics(look.api, look.seen, 9404)
        return kafka_cluster.records(look.values, look.seen, metrics, expires, look.now)

    def _measure_schema_registry(self, look: Look) -> list[Record]:
        return schema_registry.records(look.values, look.seen, self._metrics(look.api, look.seen, 9404))

    def _measure_cnpg(self, look: Look) -> list[Record]:
        return cnpg.records(look.values, look.seen, self._metrics(look.api, look.seen, 9187))

    def _measure_synergyflow_backend(self, look: Look) -> list[Record]:
        measured = synergyflow_backend.Measured(
            login=backend_kafka.read(look.api, look.values),
            secrets_written=self._secrets_written(look.api, look.values),
            asked=self._decisions(look.api, look.values, look.seen, look.args),
            metrics=self._metrics(look.api, look.seen, 8080, "actuator/prometheus"),
        )
        return synergyflow_backend.records(look.values, look.seen, measured, expires, look.now)

    def _measure_flux(self, look: Look) -> list[Record]:
        drift: flux_drift.Drift | BaseException | None = None
        if look.values["flux_git_url"]:
            drift = caught(lambda: flux_drift.measure(look.api, look.values, look.seen["kustomizations"]))
        return flux.records(look.values, look.seen, self._metrics(look.api, look.seen, 8080), drift)

    def _measure_volsync(self, look: Look) -> list[Record]:
        values = look.values
        namespace = values["volsync_namespace"]
        return volsync.records(
            values,
            look.seen,
            look.api.discover().kinds(),
            logs=self._logs(look.api, look.seen),
            metrics=caught(lambda: volsync_page(look.api, namespace, look.args)) if values["volsync_metrics"] else "",
            bucket=caught(
                lambda: reachable(
                    look.api, namespace, values["volsync_s3_endpoint_here"], values["volsync_s3_ca_secret"]
                )
            ),
            now=look.now,
        )

    def _measure_obs_collectors(self, look: Look) -> list[Record]:
        found = collected(look.api, look.values, look.seen, look.now)
        while (
            obs_collectors.awaited(look.seen, found, datetime.now(UTC))
            and look.api.deadline.left > COLLECT_AGAIN + SPARE
        ):
            time.sleep(COLLECT_AGAIN)
            found = collected(look.api, look.values, look.seen, datetime.now(UTC))
        texts = self._logs(look.api, look.seen)
        expected = expected_jobs(look.on)
        return obs_collectors.records(look.values, look.seen, found, texts, datetime.now(UTC), expected=expected)

    def _logs(self, api: Api, seen: objects.Seen) -> dict[str, str | BaseException]:
        return each_pod(api, seen, lambda path: api.call("GET", f"{path}/log", query=logs.QUERY, accept="*/*"))

    def _secrets_written(self, api: Api, values: Mapping[str, Any]) -> datetime | None:
        """When the last of the backend's Secrets was; None when they may not be read. Their content stays here."""
        names = [f"{values['synergyflow_backend_name']}-{part}" for part in SECRET_KEYS]
        namespace = values["synergyflow_backend_namespace"]
        found = api.each(lambda name: api.get(SECRETS, namespace, name), names)
        return backend_secrets.newest(secret for secret in found if isinstance(secret, dict))

    def _decisions(
        self, api: Api, values: Mapping[str, Any], seen: objects.Seen, args: Mapping[str, Any]
    ) -> dict[str, synergyflow_backend.Asked]:
        """Every sidecar's decisions, over the API server's port-forward: they listen to their own pod alone."""
        bridge = Bridge(kubernetes_client(args))
        service = f"{values['synergyflow_backend_name']}.{values['synergyflow_backend_namespace']}.svc"
        questions = [check["input"] for check in values["synergyflow_backend_policy_checks"]]

        def ask(name: str) -> synergyflow_backend.Asked:
            try:
                with bridge.forward(f"{name}.{service}", OPA_PORT) as address, policy_agent(*address) as agent:
                    answers = [agent.decide(question) for question in questions]
                    timed = [agent.decide(question).milliseconds for question in questions[:1] * TIMED_DECISIONS]
            except NoDecisionError as error:
                reasons = [each.sentence for each in bridge.errors if each.host.startswith(f"{name}.")]
                return synergyflow_backend.Asked(error="; ".join([str(error), *reasons[-1:]]))
            except ClusterError as error:
                return synergyflow_backend.Asked(error=str(error))
            return synergyflow_backend.Asked(answers, timed)

        names = [each["metadata"]["name"] for each in seen["pods"] if "deletionTimestamp" not in each["metadata"]]
        return dict(zip(names, api.all(ask, names), strict=True)) if questions else {}

    def _metrics(
        self, api: Api, seen: objects.Seen, port: int, page: str = "metrics"
    ) -> dict[str, str | BaseException]:
        # the API server's own proxy: works where the API server reaches pods, as on any usual cluster
        brief = api.within(METRICS_TIMEOUT)
        return each_pod(brief, seen, lambda path: brief.call("GET", f"{path}:{port}/proxy/{page}", accept="*/*"))


def plain_masked(record: Record, masker: Masker) -> dict[str, Any]:
    """The record as it is returned. What was observed quotes logs and conditions; what identifies it stays."""
    plain = record.plain()
    return plain | masker.clean_foreign({part: plain[part] for part in ("observed", "detail", "behind")})


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
