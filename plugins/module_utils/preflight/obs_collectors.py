# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold before the role obs_collectors changes anything."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from ..quantity import quantity
from ..topics_and_users import DNS_SUBDOMAIN
from . import capacity
from .findings import Findings

PROMETHEUS_RULE = "PrometheusRule.monitoring.coreos.com"
QUANTITIES = (
    "fluent_bit_cpu",
    "fluent_bit_memory",
    "fluent_bit_memory_limit",
    "vmagent_cpu",
    "vmagent_memory",
    "vmagent_memory_limit",
    "metrics_buffer",
)
LEAST = {
    "log_rate": 0,
    "series_per_target": 0,
    "series_per_day": 0,
    "kafka_produce_ms": 1,
    "schema_registry_ms": 1,
    "backup_seconds": 1,
    "restore_seconds": 1,
    "flux_seconds": 1,
    "postgresql_lag_seconds": 1,
    "postgresql_backup_hours": 1,
    "check_minutes": 1,
}
PATTERNS = {
    "namespace": (DNS_SUBDOMAIN, "a Kubernetes name"),
    # values of labels that need no quoting anywhere on their way
    "cluster": (re.compile(r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"), "letters, digits, -, _ and ., for a label"),
    "logs_buffer": (re.compile(r"^[1-9]\d*[KMG]$"), "a size in Fluent Bit's units, such as 500M or 1G"),
    "scrape_interval": (re.compile(r"^[1-9]\d*[sm]$"), "such as 30s or 1m"),
    "host_path": (re.compile(r"^/var/lib/[^/.]"), "a folder below /var/lib/ of the nodes"),
}
#: of vmagent's volume; the file system wants some, and a block is written before the oldest goes
QUEUE_SHARE = Decimal("0.9")


@dataclass(frozen=True)
class Live:
    """What is there already. What may not be read counts as there."""

    namespace_exists: bool = True
    #: names of the Secrets that the variables name -> their keys; None for one that is not there
    secrets: Mapping[str, list[str] | None] = field(default_factory=dict)
    #: vmagent's StatefulSet
    vmagent: Mapping[str, Any] | None = None
    #: what the collectors' own pods request now: cores, bytes
    requested: Mapping[str, float] = field(default_factory=dict)


def check(values: Mapping[str, Any], cluster: Mapping[str, Any], live: Live) -> Findings:
    """Everything that can be known before the first write."""
    findings = Findings()
    check_names(values, findings)
    check_numbers(values, findings)
    check_stores(values, live, findings)
    check_rules(values, cluster, findings)
    if not values["obs_collectors_collect"]:
        if not live.namespace_exists:
            findings.problem(
                f"there is no namespace {values['obs_collectors_namespace']} (obs_collectors_namespace) for dashboards "
                "and rules: name the one where Grafana finds them"
            )
        return findings
    check_jobs(values, findings)
    check_volume(values, cluster, live, findings)
    check_capacity(values, cluster, live, findings)
    return findings


def check_names(values: Mapping[str, Any], findings: Findings) -> None:
    """What has to look a certain way."""
    for name, (pattern, wanted) in PATTERNS.items():
        value = str(values[f"obs_collectors_{name}"])
        if not pattern.match(value):
            findings.problem(f"obs_collectors_{name} must be {wanted}, it is {value!r}")
    for name in ("log_drop", "drop_metrics"):
        try:
            re.compile(str(values[f"obs_collectors_{name}"]))
        except re.error as error:
            findings.problem(f"obs_collectors_{name} is no regular expression: {error}")


def check_numbers(values: Mapping[str, Any], findings: Findings) -> None:
    """Numbers and quantities on their own."""
    for name in QUANTITIES:
        try:
            if quantity(values[f"obs_collectors_{name}"]) <= 0:
                findings.problem(f"obs_collectors_{name} must be more than 0")
        except ValueError as error:
            findings.problem(f"obs_collectors_{name}: {error}")
    for part in ("fluent_bit", "vmagent"):
        asked, limit = values[f"obs_collectors_{part}_memory"], values[f"obs_collectors_{part}_memory_limit"]
        if _number(asked) > _number(limit) > 0:
            findings.problem(f"obs_collectors_{part}_memory is {asked}, more than its limit ({limit})")
    for name, least in LEAST.items():
        if (value := values[f"obs_collectors_{name}"]) < least:
            findings.problem(f"obs_collectors_{name} must be at least {least}, it is {value}")


def check_stores(values: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """Where to send to is known, and the log-in is there."""
    for what in ("metrics", "logs"):
        variable = f"obs_collectors_{what}_url"
        if values["obs_collectors_collect"] and not values[variable]:
            findings.problem(
                f"{variable} is empty: give the address of the store of {what}, http://host:port or https://host"
            )
        for name in (variable, f"{variable}_here"):
            if values[name]:
                findings.problem(_address_problem(name, str(values[name])))
    for variable, keys in (("store_secret", ("username", "password")), ("store_ca_secret", ("ca.crt",))):
        name = values[f"obs_collectors_{variable}"]
        if not name or name not in live.secrets:
            continue
        there = live.secrets[name]
        missing = keys if there is None else [key for key in keys if key not in there]
        if missing:
            findings.problem(
                f"there is no Secret {name} with {' and '.join(missing)} in {values['obs_collectors_namespace']} "
                f"(obs_collectors_{variable}): make it"
            )


def _address_problem(name: str, url: str) -> str | None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        good = False
    if not good:
        return f"{name} must be http://host:port or https://host:port, a path may follow, it is {url!r}"
    if "@" in parts.netloc or parts.query:
        return f"{name} must have no log-in and no query: the log-in is in the Secret obs_collectors_store_secret"
    return None


def check_jobs(values: Mapping[str, Any], findings: Findings) -> None:
    """Every job has a name of its own, and shows its token where it may alone."""
    jobs = values["obs_collectors_scrape_jobs"]
    counted = Counter(job["name"] for job in jobs)
    findings.problems_from(
        f"obs_collectors_scrape_jobs has {name} more than once" for name, count in counted.items() if count > 1
    )
    for job in jobs:
        where = f"obs_collectors_scrape_jobs, {job['name']}"
        if not job["selector"].strip():
            findings.problem(f"{where}: an empty selector would scrape every pod of the cluster")
        if not 1 <= job["port"] <= 65535:
            findings.problem(f"{where}: port must be between 1 and 65535, it is {job['port']}")
        if job.get("token") and not (job.get("namespaces") and job.get("scheme") == "https"):
            findings.problem(
                f"{where}: with `token` name `namespaces`, and take `scheme: https`: whoever makes a pod with such "
                "labels elsewhere would be shown the token"
            )


def check_volume(values: Mapping[str, Any], cluster: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """The buffer's volume can be had, and is not to become another, which a StatefulSet does not do."""
    wanted, buffer = values["obs_collectors_storage_class"], values["obs_collectors_metrics_buffer"]
    findings.facts["queue_bytes"] = int(Decimal(str(_number(buffer))) * QUEUE_SHARE)
    classes = cluster["storage_classes"]
    if "storageclasses" not in (cluster.get("unreadable") or []):
        names = [each["name"] for each in classes]
        if wanted and wanted not in names:
            findings.problem(
                f"there is no storage class {wanted} (obs_collectors_storage_class); the cluster has "
                f"{', '.join(names) or 'none'}"
            )
        elif not wanted and not any(each["default"] for each in classes):
            findings.problem("obs_collectors_storage_class is empty and the cluster has no default storage class")
    if live.vmagent is None:
        return
    for template in live.vmagent["spec"].get("volumeClaimTemplates") or []:
        spec = template["spec"]
        size, storage_class = spec["resources"]["requests"]["storage"], spec.get("storageClassName") or ""
        if _number(size) != _number(buffer) or (wanted and storage_class != wanted):
            findings.problem(
                f"vmagent's volume is {size} of class {storage_class or '(the default)'}, and a StatefulSet does not "
                "change it: let obs_collectors_metrics_buffer and obs_collectors_storage_class say so, or delete the "
                "StatefulSet and its claim queue-vmagent-0, which holds what is not delivered yet"
            )


def requests(values: Mapping[str, Any], nodes: int) -> list[capacity.Request]:
    """What the pods ask for: one on each node, and vmagent."""
    return [
        capacity.Request(
            "pod of Fluent Bit",
            nodes,
            quantity(values["obs_collectors_fluent_bit_cpu"]),
            quantity(values["obs_collectors_fluent_bit_memory"]),
        ),
        capacity.Request(
            "pod of vmagent",
            1,
            quantity(values["obs_collectors_vmagent_cpu"]),
            quantity(values["obs_collectors_vmagent_memory"]),
            quantity(values["obs_collectors_metrics_buffer"]),
        ),
    ]


def check_capacity(values: Mapping[str, Any], cluster: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """The sums of requests against what the nodes have left."""
    try:
        asked = requests(values, len(cluster["nodes"]))
    except ValueError:
        return  # said by check_numbers
    capacity.check(capacity.Demand(tuple(asked), live.requested), cluster, findings)


def check_rules(values: Mapping[str, Any], cluster: Mapping[str, Any], findings: Findings) -> None:
    """Rules are made where somebody could read them."""
    served = bool(cluster["served"].get(PROMETHEUS_RULE))
    findings.facts["prometheus_rule"] = served
    if values["obs_collectors_views"] and not served:
        findings.skip(
            "PrometheusRules", "the cluster does not serve monitoring.coreos.com: nobody here would read alerts"
        )


def _number(value: Any) -> float:
    try:
        return float(quantity(value))
    except ValueError:
        return 0.0  # said by check_numbers
