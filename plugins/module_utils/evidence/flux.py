# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AC11: Flux runs, manages itself, and has brought the cluster to what Git says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..component_objects import NOT_SERVED, Seen
from ..flux_drift import Drift
from ..flux_status import is_suspended, revision_of, same_revision
from ..objects import Manifest, key_of
from ..readiness import judge
from .pods import metrics_record, pods_record, serving
from .records import BLOCKED, SKIPPED, Record, judged, unmeasured

#: Go's way to write a duration
DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|µs|us|ns)")
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}
IMAGE_LISTS = ("image_repositories", "image_policies", "image_automations")


def records(
    values: Mapping[str, Any],
    seen: Seen,
    metrics: Mapping[str, str | BaseException],
    drift: Drift | BaseException | None = None,
) -> list[Record]:
    """The criteria in the order a reader asks. `metrics` are by pod; an exception stands for no answer."""
    return [
        instance_ready(values, seen),
        self_managed(values, seen),
        controllers_ready(values, seen),
        pods_record("AC11-pods", "Flux's pods run", seen["pods"], None),
        source_fetched(values, seen),
        kustomizations_at_revision(values, seen),
        helm_releases_ready(seen),
        images_followed(values, seen),
        without_drift(values, seen, drift),
        reconciled_in_time(values, seen),
        metrics_record("flux.metrics", "Flux's metrics can be scraped", seen["pods"], metrics),
    ]


def _one(identity: str, title: str, found: Manifest | None, reason: str) -> Record:
    if found is None:
        return judged(identity, title, ("not there", "ready"), False, detail=reason)
    verdict = judge(found)
    good = verdict.done and not is_suspended(found)
    observed = f"{verdict.state}{', suspended' if is_suspended(found) else ''}"
    return judged(identity, title, (observed, "ready"), good, objects=[found], detail=verdict.reason)


def instance_ready(values: Mapping[str, Any], seen: Seen) -> Record:
    """flux-operator has installed what the FluxInstance asks for, and that is the release of the inventory."""
    identity, title, wanted = "AC11-instance", "FluxInstance flux is ready", str(values["flux_version"])
    found = seen.named("instances", "flux")
    expected = f"Flux {wanted}, ready"
    if found is None:
        reason = seen.unread.get("instances") or "there is no FluxInstance flux"
        return judged(identity, title, ("not there", expected), False, detail=reason)
    verdict = judge(found)
    asked = (found["spec"].get("distribution") or {}).get("version")
    installed = str((found.get("status") or {}).get("lastAppliedRevision") or "").partition("@")[0]
    detail = "; ".join(filter(None, [verdict.reason, f"installed is {installed}" if installed else ""]))
    good = verdict.done and asked == wanted
    measured = (f"Flux {asked}, {verdict.state}", expected)
    return judged(identity, title, measured, good, objects=[found], detail=detail)


def self_managed(values: Mapping[str, Any], seen: Seen) -> Record:
    """The HelmRelease that holds the instance is ready."""
    identity, title = "AC11-self", "HelmRelease flux-instance is ready"
    if not values["flux_self_managed"]:
        return unmeasured(identity, title, SKIPPED, "switched off (flux_self_managed)")
    own = [each for each in seen["helm_releases"] if each["metadata"]["namespace"] == values["flux_namespace"]]
    found = next((each for each in own if each["metadata"]["name"] == "flux-instance"), None)
    return _one(identity, title, found, seen.unread.get("helm_releases") or "there is no HelmRelease flux-instance")


def controllers_ready(values: Mapping[str, Any], seen: Seen) -> Record:
    """Every controller's Deployment is available."""
    wanted = values["flux_components"]
    there = {each["metadata"]["name"]: each for each in seen["deployments"]}
    bad = [name for name in wanted if name not in there or not serving(there[name]).done]
    told = [f"{name}: {serving(there[name]).reason if name in there else 'not there'}" for name in bad]
    return judged(
        "AC11-controllers",
        "Flux's controllers are available",
        (len(wanted) - len(bad), len(wanted)),
        not bad,
        objects=list(there.values()),
        unit="controllers",
        detail="; ".join(told),
    )


def source_fetched(values: Mapping[str, Any], seen: Seen) -> Record:
    """The repository's newest revision has been fetched."""
    identity, title = "AC11-source", "Flux follows the Git repository"
    if not values["flux_git_url"]:
        return unmeasured(identity, title, SKIPPED, "no repository (flux_git_url)")
    found = seen.named("git_repositories", values["flux_namespace"])
    if found is None:
        reason = seen.unread.get("git_repositories") or f"there is no GitRepository {values['flux_namespace']}"
        return judged(identity, title, ("not there", "a revision"), False, detail=reason)
    verdict = judge(found)
    good = verdict.done and bool(revision_of(found)) and not is_suspended(found)
    observed = revision_of(found)[:24] or verdict.state
    return judged(identity, title, (observed, "a revision"), good, objects=[found], detail=verdict.reason)


def _no_kustomization(values: Mapping[str, Any], seen: Seen, identity: str, title: str) -> Record | None:
    """The record where there is no Kustomization to look at; where Git is to be followed, that is a failure."""
    reason = seen.unread.get("kustomizations", "")
    if reason and not reason.startswith(NOT_SERVED):
        return unmeasured(identity, title, BLOCKED, reason)
    if seen["kustomizations"]:
        return None
    reason = reason or "there is no Kustomization"
    if not values["flux_git_url"]:
        return unmeasured(identity, title, SKIPPED, reason)
    detail = f"{reason}: nobody brings what Git says to the cluster"
    return judged(identity, title, ("no Kustomization", "Kustomizations"), False, detail=detail)


def kustomizations_at_revision(values: Mapping[str, Any], seen: Seen) -> Record:
    """Every Kustomization is ready, at its source's revision, and none is suspended: what Git says is applied."""
    identity, title = "AC11-kustomizations", "Every Kustomization is at its source's revision"
    nothing = _no_kustomization(values, seen, identity, title)
    if nothing:
        return nothing
    every = seen["kustomizations"]
    artifacts = {
        (each["metadata"]["namespace"], each["metadata"]["name"]): revision_of(each)
        for each in seen["git_repositories"]
    }
    bad = [f"{key_of(each)}: {reason}" for each in every if (reason := _behind(each, artifacts))]
    measured = (len(every) - len(bad), len(every))
    return judged(identity, title, measured, not bad, objects=every, unit="Kustomizations", detail="; ".join(bad))


def _behind(found: Manifest, artifacts: Mapping[tuple[str, str], str]) -> str:
    """What is the matter with a Kustomization; empty when nothing is."""
    if is_suspended(found):
        return "suspended, so that nobody corrects what is changed by hand"
    verdict = judge(found)
    if not verdict.done:
        return verdict.reason or verdict.state
    reference = found["spec"]["sourceRef"]
    place = (reference.get("namespace") or found["metadata"]["namespace"], reference["name"])
    if reference["kind"] != "GitRepository" or place not in artifacts:
        return ""
    at, newest = revision_of(found), artifacts[place]
    return "" if same_revision(at, newest) else f"at {at or 'no revision'}, its source is at {newest or 'none'}"


def without_drift(values: Mapping[str, Any], seen: Seen, drift: Drift | BaseException | None) -> Record:
    """No object differs from what Git says of it. Flux would correct it at its interval, and say nothing."""
    identity, title = "AC11-drift", "Nothing differs from Git"
    if not values["flux_git_url"] or drift is None:
        return unmeasured(identity, title, SKIPPED, "no repository (flux_git_url)")
    nothing = _no_kustomization(values, seen, identity, title)
    if nothing:
        return nothing
    if isinstance(drift, BaseException):
        return unmeasured(identity, title, BLOCKED, str(drift))
    others = f"not compared, as others keep them or they are not at Git's revision: {', '.join(drift.not_compared)}"
    remarks = [others] if drift.not_compared else []
    if not drift.tried:
        return unmeasured(identity, title, SKIPPED, "; ".join(["nothing in Git is of this collection", *remarks]))
    told = [f"{key}: {what}" for key, what in drift.differing.items()]
    measured = (len(drift.tried) - len(told), len(drift.tried))
    return judged(identity, title, measured, not told, unit="objects", detail="; ".join([*told, *remarks]))


def helm_releases_ready(seen: Seen) -> Record:
    """Every HelmRelease of the cluster is ready, and none is suspended."""
    identity, title = "AC11-helmreleases", "Every HelmRelease is ready"
    if "helm_releases" in seen.unread:
        return unmeasured(identity, title, BLOCKED, seen.unread["helm_releases"])
    every = seen["helm_releases"]
    if not every:
        return unmeasured(identity, title, SKIPPED, "there is no HelmRelease")
    bad = []
    for each in every:
        verdict = judge(each)
        if is_suspended(each) or not verdict.done:
            bad.append(f"{key_of(each)}: {'suspended' if is_suspended(each) else verdict.reason}")
    measured = (len(every) - len(bad), len(every))
    return judged(identity, title, measured, not bad, objects=every, unit="HelmReleases", detail="; ".join(bad))


def images_followed(values: Mapping[str, Any], seen: Seen) -> Record:
    """Image automation does what is configured."""
    identity, title = "AC11-images", "Image automation works"
    if not values["flux_images"]:
        return unmeasured(identity, title, SKIPPED, "not configured (flux_images)")
    every: Sequence[Manifest] = [each for name in IMAGE_LISTS for each in seen[name]]
    wanted = 2 * len(values["flux_images"]) + (1 if values["flux_git_url"] else 0)
    bad = [f"{key_of(each)}: {judge(each).reason}" for each in every if not judge(each).done]
    good = len(every) - len(bad)
    detail = "; ".join([*bad, *(seen.unread[name] for name in IMAGE_LISTS if name in seen.unread)])
    return judged(identity, title, (good, wanted), good >= wanted, objects=every, unit="objects", detail=detail)


def reconciled_in_time(values: Mapping[str, Any], seen: Seen) -> Record:
    """How long the slowest Kustomization's last reconciliation took (AC13)."""
    identity, title = "AC13-flux", "Slowest last reconciliation"
    nothing = _no_kustomization(values, seen, identity, title)
    if nothing:
        return nothing
    limit = values["flux_reconcile_seconds"]
    timed = {}
    for each in seen["kustomizations"]:
        history = (each.get("status") or {}).get("history") or []
        if history and history[0].get("lastReconciledDuration"):
            timed[str(key_of(each))] = duration(str(history[0]["lastReconciledDuration"]))
    if not timed:
        return unmeasured(identity, title, BLOCKED, "no Kustomization has been reconciled", seen["kustomizations"])
    slowest = max(timed, key=lambda name: timed[name])
    seconds = round(timed[slowest], 1)
    return judged(
        identity,
        title,
        (seconds, f"at most {limit} s"),
        seconds <= limit,
        objects=seen["kustomizations"],
        unit="s",
        detail=f"it is {slowest}",
    )


def duration(text: str) -> float:
    """Seconds of a duration such as 1m2.5s."""
    return sum(float(number) * SECONDS[unit] for number, unit in DURATION.findall(text))
