# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AC4: the Strimzi operator is deployed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from .. import strimzi_versions as versions
from ..component_objects import STRIMZI, Seen
from ..preflight.kafka_cluster import KINDS, operator_version
from ..readiness import judge, outdated
from .pods import metrics_record, pods_record
from .records import BLOCKED, SKIPPED, Record, judged, unmeasured

LOG_MINUTES = 5
# Strimzi's log4j2 layout: date, time, level, logger:line - text
ERROR_LINE = re.compile(r"^\S+\s+(?:\S+\s+)?(?:ERROR|FATAL)\b")
# the API server's timestamps=true puts one before each line
STAMP = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)\s+(.*)$")


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
    deployment, verdict = seen["deployments"][0], judge(seen["deployments"][0])
    release = operator_version(deployment)
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
    identity, title = "strimzi.log", f"No error in the operator's log, last {LOG_MINUTES} min"
    if not logs:
        return unmeasured(identity, title, BLOCKED, "there is no operator's pod to read a log of")
    unreadable = {pod: error for pod, error in logs.items() if isinstance(error, BaseException)}
    errors = [line for text in logs.values() if isinstance(text, str) for line in error_lines(text, now)]
    if unreadable and not errors:
        reason = "; ".join(f"{pod}: {error}" for pod, error in unreadable.items())
        read = ", ".join(pod for pod in logs if pod not in unreadable)
        rest = f"; no error in what was read ({read})" if read else ""
        return unmeasured(identity, title, BLOCKED, f"the log cannot be had: {reason}{rest}", seen["pods"])
    detail = f"the last: {errors[-1][:200]}" if errors else ""
    return judged(identity, title, (len(errors), 0), not errors, objects=seen["pods"], unit="errors", detail=detail)


def error_lines(text: str, now: datetime) -> list[str]:
    """Lines of level ERROR or FATAL that are not older than the limit."""
    oldest, found = now - timedelta(minutes=LOG_MINUTES), []
    for line in text.splitlines():
        stamp = STAMP.match(line)
        if stamp and datetime.fromisoformat(stamp.group(1) + "+00:00") < oldest:
            continue
        words = stamp.group(2) if stamp else line
        if ERROR_LINE.match(words):
            found.append(words)
    return found
