# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AC4: the Strimzi operator is deployed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .. import strimzi_versions as versions
from ..component_objects import STRIMZI, Seen
from ..preflight import cluster_operator
from ..preflight.kafka_cluster import KINDS
from ..readiness import outdated
from .logs import log_record
from .pods import metrics_record, pods_record, serving
from .records import BLOCKED, SKIPPED, Record, judged, unmeasured

# Strimzi's log4j2 layout: date, time, level, logger:line - text
ERROR_LINE = re.compile(r"^\S+\s+(?:\S+\s+)?(?:ERROR|FATAL)\b")


def records(
    values: Mapping[str, Any],
    seen: Seen,
    served: Mapping[str, list[str]],
    *,
    logs: Mapping[str, str | BaseException],
    metrics: Mapping[str, str | BaseException],
    now: datetime,
) -> list[Record]:
    """The criteria in the order a reader asks. `logs` and `metrics` are by pod; an exception stands for no answer."""
    return [
        available(values, seen),
        pods_record("strimzi.pods", "Operator's pods run", seen["pods"], None),
        definitions(values, served),
        reconciling(seen),
        log_clean(seen, logs, now),
        metrics_record("strimzi.metrics", "Operator's metrics can be scraped", seen["pods"], metrics),
    ]


def available(values: Mapping[str, Any], seen: Seen) -> Record:
    """A Deployment of the right release, with every replica available."""
    identity, title, version = "strimzi.deployment", "Operator is available", values["strimzi_version"]
    expected = f"Strimzi {version}, ready"
    if not seen["deployments"]:
        reason = seen.unread.get("deployments") or f"no Deployment of an operator in {values['strimzi_namespace']}"
        return judged(identity, title, ("nothing", expected), False, detail=reason)
    deployment, verdict = seen["deployments"][0], serving(seen["deployments"][0])
    release = cluster_operator.release(deployment)
    observed = f"Strimzi {release or 'of unknown release'}, {verdict.state}"
    good = verdict.done and release in (None, version)
    return judged(identity, title, (observed, expected), good, objects=[deployment], detail=verdict.reason)


def definitions(values: Mapping[str, Any], served: Mapping[str, list[str]]) -> Record:
    """The kinds that the platform uses are served in a version of this release."""
    release = versions.release_of(values["strimzi_version"])
    fitting = [
        kind
        for kind in KINDS
        if served.get(f"{kind}.{STRIMZI}") and (not release or set(served[f"{kind}.{STRIMZI}"]) & set(release.apis))
    ]
    missing = [kind for kind in KINDS if kind not in fitting]
    detail = f"missing, or in no version of this release: {', '.join(missing)}" if missing else ""
    return judged(
        "strimzi.crds", "Kafka kinds are served", (len(fitting), len(KINDS)), not missing, unit="kinds", detail=detail
    )


def reconciling(seen: Seen) -> Record:
    """The operator has seen the newest generation of every Kafka it watches."""
    identity, title = "strimzi.reconciling", "Operator has seen every Kafka"
    kafkas = seen["kafkas"]
    if "kafkas" in seen.unread:
        return unmeasured(identity, title, BLOCKED, seen.unread["kafkas"], seen["pods"])
    if not kafkas:
        return unmeasured(identity, title, SKIPPED, "there is no Kafka to reconcile")
    behind = [kafka["metadata"]["name"] for kafka in kafkas if outdated(kafka)]
    detail = f"not in its newest generation: {', '.join(behind)}" if behind else ""
    return judged(
        identity,
        title,
        (len(kafkas) - len(behind), len(kafkas)),
        not behind,
        objects=seen["pods"],
        unit="Kafkas",
        detail=detail,
    )


def log_clean(seen: Seen, logs: Mapping[str, str | BaseException], now: datetime) -> Record:
    """No error in the operator's log of the last minutes."""
    return log_record("strimzi.log", "No error in the operator's log", seen, logs, now, error=ERROR_LINE)
