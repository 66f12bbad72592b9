# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AC1: VolSync is deployed, and can reach where it backs up to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ..component_objects import Seen
from ..preflight.volsync import GROUP, KINDS, operator_version
from ..volsync_metrics import DURATION
from ..volsync_status import moment, sync_of
from .logs import log_record
from .pods import pods_record, serving
from .records import SKIPPED, Record, judged, unmeasured

# zap's development format: date, level, text, fields
ERROR_LINE = re.compile(r"^\S+\tERROR\t")
#: logged as errors, and none: a status written while somebody else changed the object is written again, and a
#: ReplicationSource that was deleted is reported as not found (internal/controller/replicationsource_controller.go)
HARMLESS = re.compile(
    r"the object has been modified; please apply your changes|Failed to get (Source|Destination)|"
    r"Precondition failed: UID in precondition|being terminated|\"replication(sources|destinations)\S* \S+ not found"
)
#: a sync that is so long due, and does not run, has not been begun by anybody
OVERDUE = timedelta(minutes=30)


def records(
    values: Mapping[str, Any],
    seen: Seen,
    served: Mapping[str, list[str]],
    *,
    logs: Mapping[str, str | BaseException],
    metrics: str | BaseException,
    bucket: int | BaseException,
    now: datetime,
) -> list[Record]:
    """The criteria in the order a reader asks; an exception stands for no answer. `bucket` is a count of objects."""
    return [
        available(values, seen),
        pods_record("AC1-pods", "VolSync's pods run", seen["pods"], None),
        definitions(served),
        log_clean(seen, logs, now),
        metrics_readable(values, seen, metrics),
        bucket_reachable(values, bucket),
        sources_synced(values, seen, now),
    ]


def available(values: Mapping[str, Any], seen: Seen) -> Record:
    """A Deployment of the right release, with every replica available."""
    identity, title = "AC1-operator", "VolSync's operator is available"
    version = values["volsync_version"]
    expected = f"VolSync {version}, ready"
    if not seen["deployments"]:
        reason = seen.unread.get("deployments") or f"no Deployment of VolSync in {values['volsync_namespace']}"
        return judged(identity, title, ("nothing", expected), False, detail=reason)
    deployment = seen["deployments"][0]
    verdict, release = serving(deployment), operator_version(deployment)
    observed = f"VolSync {release or 'of unknown release'}, {verdict.state}"
    good = verdict.done and release in (None, version)
    return judged(identity, title, (observed, expected), good, objects=[deployment], detail=verdict.reason)


def definitions(served: Mapping[str, list[str]]) -> Record:
    """Both kinds are served."""
    missing = [kind for kind in KINDS if not served.get(f"{kind}.{GROUP}")]
    detail = f"missing: {', '.join(missing)}" if missing else ""
    measured = (len(KINDS) - len(missing), len(KINDS))
    return judged("AC1-crds", "VolSync's kinds are served", measured, not missing, unit="kinds", detail=detail)


def log_clean(seen: Seen, logs: Mapping[str, str | BaseException], now: datetime) -> Record:
    """No error in the operator's log of the last minutes but those that are none."""
    title = "No error in VolSync's log"
    return log_record("AC1-log", title, seen, logs, now, error=ERROR_LINE, harmless=HARMLESS)


def metrics_readable(values: Mapping[str, Any], seen: Seen, page: str | BaseException) -> Record:
    """The endpoint gives a page of metrics to who may read it."""
    identity, title = "AC1-metrics", "VolSync's metrics can be scraped"
    if not values["volsync_metrics"]:
        return unmeasured(identity, title, SKIPPED, "switched off (volsync_metrics)")
    if isinstance(page, BaseException):
        return judged(identity, title, ("no answer", "metrics"), False, objects=seen["pods"], detail=str(page))
    good = "# TYPE " in page
    detail = "" if DURATION in page or not good else f"{DURATION} appears with the first sync"
    observed = "metrics" if good else "something else"
    return judged(identity, title, (observed, "metrics"), good, objects=seen["pods"], detail=detail)


def bucket_reachable(values: Mapping[str, Any], found: int | BaseException) -> Record:
    """The bucket can be listed with the keys that the movers have."""
    identity, title = "AC1-bucket", f"Bucket {values['volsync_s3_bucket']} is reachable with the movers' keys"
    if isinstance(found, BaseException):
        return judged(identity, title, ("no", "yes"), False, detail=str(found))
    return judged(identity, title, ("yes", "yes"), True)


def sources_synced(values: Mapping[str, Any], seen: Seen, now: datetime) -> Record:
    """Every source of the inventory has been backed up as its schedule says, and its last sync did not fail."""
    identity, title = "AC1-sources", "Every source is backed up"
    wanted = [source for source in values["volsync_sources"] if not source.get("to_come")]
    if not wanted:
        return unmeasured(identity, title, SKIPPED, "volsync_sources is empty")
    there = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in seen["sources"]}
    bad = []
    for source in wanted:
        key = (source["namespace"], source["name"])
        reason = source_trouble(there.get(key), now)
        if reason:
            bad.append(f"{key[0]}/{key[1]}: {reason}")
    measured = (len(wanted) - len(bad), len(wanted))
    return judged(identity, title, measured, not bad, objects=seen["sources"], unit="sources", detail="; ".join(bad))


def source_trouble(live: Mapping[str, Any] | None, now: datetime) -> str:
    """What is the matter with a source; empty when nothing is."""
    if live is None:
        return "it is not there"
    sync = sync_of(live)
    due = moment(sync.next_sync)
    overdue = bool(sync.schedule) and due is not None and now - due > OVERDUE and not sync.in_flight
    troubles = (
        (sync.paused, "it is paused"),
        (sync.error, sync.error),
        (sync.result == "Failed", "its last sync failed"),
        (sync.last_sync is None, "no sync has been finished"),
        (sync.schedule and sync.manual, f"trigger.manual {sync.manual!r} keeps its schedule off"),
        (overdue, f"by its schedule a sync is overdue since {sync.next_sync}"),
    )
    return next((words for holds, words in troubles if holds), "")
