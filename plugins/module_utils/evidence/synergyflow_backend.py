# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend is deployed: pods run and are spread, trust Kafka and log in to it, their sidecars decide rightly."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..backend_kafka import KafkaLogin
from ..backend_secrets import behind
from ..component_objects import Seen
from ..objects import labels_of
from ..policy_agent import Decision
from ..preflight.kafka_cluster import ZONE
from ..readiness import judge
from .pods import metrics_record, pods_record, serving
from .records import BLOCKED, SKIPPED, Record, judged, unmeasured, unread

CERTIFICATE_DAYS = 30


@dataclass(frozen=True)
class Asked:
    """What one pod's sidecar decided on each of synergyflow_backend_policy_checks, or why it could not be asked."""

    decisions: list[Decision] = field(default_factory=list)
    #: milliseconds of many decisions, the sidecar's own time
    latencies: list[float] = field(default_factory=list)
    error: str = ""


@dataclass(frozen=True)
class Measured:
    """What was asked beside the objects."""

    login: KafkaLogin
    #: when the last of the backend's Secrets was written; None when that is not known
    secrets_written: datetime | None
    #: by pod
    asked: Mapping[str, Asked]
    metrics: Mapping[str, str | BaseException]


def records(
    values: Mapping[str, Any], seen: Seen, measured: Measured, expires: Callable[[str], datetime], now: datetime
) -> list[Record]:
    """The criteria in the order a reader asks. `expires` tells when a PEM certificate does."""
    wanted = values["synergyflow_backend_replicas"]
    return [
        available(values, seen),
        pods_record("synergyflow_backend.pods", "Backend's pods run", seen["pods"], wanted),
        spread(values, seen),
        secrets(values, seen),
        secrets_taken_up(seen, measured.secrets_written),
        authority(values, seen, measured.login, expires, now),
        password(values, seen, measured.login),
        decisions(values, seen, measured.asked),
        latency(values, seen, measured.asked),
        guarded(seen),
        service_monitor(seen),
        metrics_record(
            "synergyflow_backend.metrics", "Backend's metrics can be scraped (8080)", seen["pods"], measured.metrics
        ),
    ]


def available(values: Mapping[str, Any], seen: Seen) -> Record:
    """Every replica of the newest generation, of the right image."""
    identity, title = "synergyflow_backend.deployment", "Backend is available"
    image = values["synergyflow_backend_image"]
    deployment = seen.named("deployments", values["synergyflow_backend_name"])
    expected = f"{image}, ready"
    if deployment is None:
        reason = seen.unread.get("deployments") or f"no Deployment in {values['synergyflow_backend_namespace']}"
        return judged(identity, title, ("nothing", expected), False, detail=reason)
    containers = deployment["spec"]["template"]["spec"]["containers"]
    runs = next((each["image"] for each in containers if each["name"] == "backend"), "no backend")
    verdict = serving(deployment)
    good = verdict.done and runs == image
    objects = [deployment, *seen["pods"]]
    return judged(identity, title, (f"{runs}, {verdict.state}", expected), good, objects=objects, detail=verdict.reason)


def spread(values: Mapping[str, Any], seen: Seen) -> Record:
    """One zone, or one node, does not take all pods with it. Which of them are preferred, not required."""
    identity, title = "synergyflow_backend.spread", "Pods are spread over nodes and zones"
    if values["synergyflow_backend_replicas"] < 2:
        return unmeasured(identity, title, SKIPPED, "one replica")
    if not seen["nodes"]:
        return unmeasured(identity, title, BLOCKED, seen.unread.get("nodes") or "no node to be seen")
    zone_of = {node["metadata"]["name"]: labels_of(node).get(ZONE) for node in seen["nodes"]}
    nodes = {pod["spec"].get("nodeName") for pod in seen["pods"] if judge(pod).done} - {None}
    zones = {zone_of.get(str(name)) for name in nodes} - {None}
    zones_there = {zone for zone in zone_of.values() if zone}
    enough = len(nodes) >= min(2, len(zone_of)) and len(zones) >= min(2, len(zones_there))
    return judged(
        identity,
        title,
        (f"{len(nodes)} nodes, {len(zones)} zones", "more than one of each there is"),
        enough,
        objects=[*seen["pods"], *seen["nodes"]],
    )


def secrets(values: Mapping[str, Any], seen: Seen) -> Record:
    """External Secrets has brought everything from Vault."""
    identity, title = "synergyflow_backend.secrets", "Secrets come from Vault"
    if not values["synergyflow_backend_external_secrets"]:
        reason = "switched off (synergyflow_backend_external_secrets)"
        return unmeasured(identity, title, SKIPPED, reason)
    there = seen["external_secrets"]
    verdicts = {secret["metadata"]["name"]: judge(secret) for secret in there}
    bad = "; ".join(f"{name}: {verdict.reason}" for name, verdict in verdicts.items() if not verdict.done)
    good = sum(verdict.done for verdict in verdicts.values())
    detail = bad or seen.unread.get("external_secrets", "")
    return judged(
        identity,
        title,
        (good, max(len(there), 1)),
        bool(there) and not bad,
        objects=there,
        unit="Secrets",
        detail=detail,
    )


def secrets_taken_up(seen: Seen, written: datetime | None) -> Record:
    """The pods started after the last change of their Secrets, which they read at no other time."""
    identity, title = "synergyflow_backend.secrets_taken_up", "Pods have the Secrets as they are now"
    if written is None:
        return unmeasured(identity, title, BLOCKED, "when the Secrets were written cannot be read")
    late = behind(seen["pods"], written)
    detail = f"started before the last change: {', '.join(late)}; site.yml restarts them one by one" if late else ""
    there = len(seen["pods"])
    return judged(
        identity, title, (there - len(late), there), not late, objects=seen["pods"], unit="pods", detail=detail
    )


def authority(
    values: Mapping[str, Any], seen: Seen, login: KafkaLogin, expires: Callable[[str], datetime], now: datetime
) -> Record:
    """The copy that the pods trust is Kafka's own authority, and valid for a while yet."""
    identity, title = "synergyflow_backend.kafka_ca", "Backend trusts the brokers' authority"
    name = f"{values['synergyflow_backend_name']}-kafka-ca"
    copy = seen.named("config_maps", name)
    if login.ca is None and login.unread:
        return unmeasured(identity, title, BLOCKED, login.unread)
    if login.ca is None:
        detail = "there is no Secret with Kafka's authority"
        return judged(identity, title, ("unknown", "Kafka's own"), False, objects=seen["pods"], detail=detail)
    if copy is None:
        return judged(identity, title, ("nothing", "Kafka's own"), False, detail=f"there is no ConfigMap {name}")
    if (copy.get("data") or {}).get("ca.crt") != login.ca:
        detail = "Strimzi has renewed it since: run site.yml again, which copies it and restarts the pods one by one"
        return judged(identity, title, ("another", "Kafka's own"), False, objects=seen["pods"], detail=detail)
    days = min((expires(f"{pem}{END}") - now).days for pem in login.ca.split(END) if pem.strip())
    return judged(
        identity,
        title,
        (days, f"> {CERTIFICATE_DAYS}"),
        days > CERTIFICATE_DAYS,
        objects=seen["pods"],
        unit="days left",
    )


END = "-----END CERTIFICATE-----\n"


def password(values: Mapping[str, Any], seen: Seen, login: KafkaLogin) -> Record:
    """The backend logs in to Kafka with what the KafkaUser has. Only whether they are equal is known here."""
    identity, title = "synergyflow_backend.kafka_password", "Backend's password in Kafka is the KafkaUser's"
    if login.same_password is None and login.unread:
        return unmeasured(identity, title, BLOCKED, login.unread)
    if login.same_password is None:
        detail = "the backend's Secret or the KafkaUser's is not there, or has no password"
        return judged(identity, title, ("unknown", "equal"), False, objects=seen["pods"], detail=detail)
    detail = "" if login.same_password else different(values, login)
    observed = "equal" if login.same_password else "different"
    return judged(identity, title, (observed, "equal"), login.same_password, objects=seen["pods"], detail=detail)


def different(values: Mapping[str, Any], login: KafkaLogin) -> str:
    """Why the passwords can differ, and what to do."""
    user = values["synergyflow_backend_kafka_user"]
    if login.makes_own_password:
        return f"the operator makes the KafkaUser's: set kafka_cluster_vault_users: [{user}]"
    return "one side has not taken up a change in Vault yet: annotate both ExternalSecrets with force-sync"


def decisions(values: Mapping[str, Any], seen: Seen, asked: Mapping[str, Asked]) -> Record:
    """Every sidecar allows what is to be allowed, and denies what is to be denied."""
    identity, title = "synergyflow_backend.decisions", "Policy sidecars decide as they should"
    checks = values["synergyflow_backend_policy_checks"]
    if not checks:
        return unmeasured(identity, title, SKIPPED, "nothing to ask (synergyflow_backend_policy_checks)")
    if not asked:
        return unmeasured(identity, title, BLOCKED, "there is no pod to ask")
    wrong, good = [], 0
    for pod, answers in asked.items():
        if answers.error:
            wrong.append(f"{pod}: {answers.error}")
        for check, decision in zip(checks, answers.decisions, strict=False):
            if decision.allow == check["allow"]:
                good += 1
            else:
                said = "allowed" if decision.allow else f"denied ({'; '.join(decision.reasons) or 'no reason given'})"
                wrong.append(f"{pod}: {check['title']}: {said}")
    wanted = len(asked) * len(checks)
    return judged(
        identity,
        title,
        (good, wanted),
        good == wanted,
        objects=seen["pods"],
        unit="decisions",
        detail="; ".join(wrong),
    )


def latency(values: Mapping[str, Any], seen: Seen, asked: Mapping[str, Asked]) -> Record:
    """A decision is quick in the sidecar itself (95th percentile)."""
    identity, title = "synergyflow_backend.policy_latency", "A decision is quick (95th percentile, in the sidecar)"
    spent = [each for answers in asked.values() for each in answers.latencies]
    if not spent:
        return unmeasured(identity, title, BLOCKED, "no sidecar could be timed")
    limit = values["synergyflow_backend_policy_latency"]
    value = round(percentile(spent, 0.95), 2)
    record = judged(
        identity,
        title,
        (value, f"< {limit}"),
        value < limit,
        objects=seen["pods"],
        unit="ms",
        detail=f"{len(spent)} decisions",
    )
    record.figures = {f"p{share}": round(percentile(spent, share / 100), 2) for share in (50, 95, 99)}
    return record


def percentile(numbers: Sequence[float], share: float) -> float:
    """The smallest number that so large a share of the numbers does not exceed."""
    return sorted(numbers)[max(math.ceil(share * len(numbers)), 1) - 1]


def guarded(seen: Seen) -> Record:
    """A NetworkPolicy stands before the pods, and a disruption budget keeps a drain from taking two."""
    found = [item["kind"] for name in ("policies", "budgets") for item in seen[name]]
    wanted = ["NetworkPolicy", "PodDisruptionBudget"]
    return judged(
        "synergyflow_backend.guarded",
        "Network and drains are limited",
        (", ".join(found) or "nothing", ", ".join(wanted)),
        found == wanted,
        detail="; ".join(seen.unread[name] for name in ("policies", "budgets") if name in seen.unread),
    )


def service_monitor(seen: Seen) -> Record:
    """Who scrapes by ServiceMonitors finds the backend."""
    identity, title = "synergyflow_backend.service_monitor", "A ServiceMonitor names the metrics"
    if "service_monitors" in seen.unread:
        return unread(identity, title, seen.unread["service_monitors"])
    paths = [end.get("path") for found in seen["service_monitors"] for end in found["spec"].get("endpoints") or []]
    expected = "/actuator/prometheus"
    return judged(identity, title, (", ".join(map(str, paths)) or "none", expected), paths == [expected])
