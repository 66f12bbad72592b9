# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for a list of objects together: one clock, one list a kind and namespace at each look."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .api import JSON, METADATA_ONLY, Api, ApiError
from .causes import as_text, causes, pods_verdict
from .discovery import DEPLOYMENTS, STORAGE_CLASSES, Resource
from .errors import ClusterError
from .kafka_rollout import cluster_of, rollout, selector
from .objects import Key, Manifest, check_identity, key_of, listed
from .readiness import (
    FAILED,
    FAILING,
    PROGRESSING,
    READY,
    Verdict,
    failure_grace,
    has_health,
    judge,
    progressing,
    worse,
)
from .ready_rules import Rule, predicate_for
from .served_kinds import unserved

#: up to so many objects of a kind and namespace are asked for one by one, so that a list of strangers is not read
FEW = 2
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 2.0
#: seconds between two lines of progress, and between two that say the same
PROGRESS_EVERY = 5.0
SAME_PROGRESS_EVERY = 30.0
#: seconds between two looks at the pods behind an object that is not ready
PODS_EVERY = 4.0
MOST_EXPLAINED = 5
#: seconds by which a failure may be older than the wait and still be of what was written just before it
FRESH = 30.0
#: kinds whose pods are in StrimziPodSets
KAFKAS = (("kafka.strimzi.io", "Kafka"), ("kafka.strimzi.io", "KafkaNodePool"))
#: its status counts pods that are there, ready or not; the operator's Deployment has its name (pooler_status.go)
POOLER = ("postgresql.cnpg.io", "Pooler")


@dataclass
class Awaited:
    """One object that is waited for."""

    key: Key
    resource: Resource | None
    verdict: Verdict = field(default_factory=lambda: progressing("not looked at yet"))
    live: Manifest | None = None
    #: seconds after the start when it became ready, or was seen last while it was not
    seconds: float = 0.0
    failing_since: float | None = None
    #: seconds after the start when its pods were looked at
    pods_seen: float = 0.0
    pods_verdict: Verdict | None = None

    def result(self) -> dict[str, Any]:
        state = FAILED if self.verdict.state == FAILING else self.verdict.state
        return {
            "apiVersion": self.resource.api_version if self.resource else None,
            "kind": self.key.kind,
            "namespace": self.key.namespace or None,
            "name": self.key.name,
            "verdict": state,
            "reason": self.verdict.reason,
            "seconds": round(self.seconds, 1),
        }


class NotReadyError(ClusterError):
    """The wait has failed; `objects` has the verdict on each."""

    def __init__(self, message: str, objects: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.objects = objects


@dataclass
class Wait:
    """One wait over many objects."""

    api: Api
    #: seconds; None for each kind's own
    failure_grace: float | None = None
    rules: list[Rule] = field(default_factory=list)
    progress: Callable[[str], None] = lambda text: None
    #: the release of Strimzi that must have been through with each Kafka
    strimzi_version: str | None = None
    #: by the clock of this machine; the times of conditions are by the cluster's
    started: float = field(default_factory=time.time)
    awaited: list[Awaited] = field(default_factory=list)
    _binding_modes: dict[str, str] = field(default_factory=dict)
    #: (namespace, Kafka) -> its StrimziPodSets at this look; None if they cannot be read
    _pod_sets: dict[tuple[str, str], list[Manifest] | None] = field(default_factory=dict)
    _last_progress: float = 0.0
    _last_said: str = ""

    def prepare(self, objects: Iterable[Any], strict: bool = True) -> None:
        """Find the resource of each object. Not `strict`: kinds that are not served yet are only told."""
        served = self.api.discover()
        missing = []
        seen: set[Key] = set()
        for number, manifest in enumerate(objects, 1):
            check_identity(manifest, f"objects, number {number}")
            resource = served.find(manifest["apiVersion"], manifest["kind"])
            key = key_of(manifest)
            if resource is None:
                missing.append(manifest)
                self.awaited.append(Awaited(key, None, Verdict(PROGRESSING, "its kind is not served yet")))
                continue
            if not resource.namespaced:
                key = key._replace(namespace="")
            elif not key.namespace:
                raise ClusterError(f"objects, number {number}: {key} needs metadata.namespace.")
            if key not in seen:
                seen.add(key)
                self.awaited.append(Awaited(key, resource))
        if missing and strict:
            raise ClusterError(unserved(missing, served))

    def look(self) -> None:
        """Look once at everything: what was ready may be so no more, as a Kafka whose node pools change."""
        self._pod_sets.clear()
        groups: dict[tuple[Resource, str], list[Awaited]] = {}
        for awaited in self.awaited:
            if awaited.resource:
                groups.setdefault((awaited.resource, awaited.key.namespace), []).append(awaited)

        def found(group: tuple[Resource, str]) -> dict[str, Manifest]:
            return self._found(*group, names=[awaited.key.name for awaited in groups[group]])

        for group, objects in zip(groups, self.api.all(found, groups), strict=True):
            for awaited in groups[group]:
                self._judge(awaited, objects.get(awaited.key.name))

    def _found(self, resource: Resource, namespace: str, names: list[str]) -> dict[str, Manifest]:
        if len(names) <= FEW:
            items = [self.api.get(resource, namespace, name) for name in names]
        else:
            accept = JSON if self._needs_content(resource) else METADATA_ONLY
            items = list(self.api.list(resource, namespace, accept=accept))
        live = {}
        for item in items:
            if item is not None:
                item["apiVersion"], item["kind"] = resource.api_version, resource.kind
                live[item["metadata"]["name"]] = item
        return live

    def _needs_content(self, resource: Resource) -> bool:
        ruled = any(rule.kind == resource.kind for rule in self.rules)
        return ruled or has_health(resource.group, resource.kind)

    def _judge(self, awaited: Awaited, live: Manifest | None) -> None:
        now = self.api.deadline.spent
        was_done = awaited.verdict.done
        if live is None and was_done and (awaited.key.group, awaited.key.kind) == ("batch", "Job"):
            return  # its ttlSecondsAfterFinished has passed
        awaited.live = live
        own_rule = predicate_for(awaited.key, self.rules)
        verdict = judge(live, own_rule) if live is not None else Verdict(PROGRESSING, "it does not exist")
        if live is not None and verdict.state == READY and own_rule is None:
            verdict = self._rollout(awaited, live) or verdict
        if verdict.state == FAILED and self._is_stale(verdict):
            verdict = verdict._replace(state=FAILING)
        if live is not None and not verdict.done:
            verdict = self._nearer(awaited, live, verdict)
        if verdict.done:
            awaited.pods_verdict = None
        if not (was_done and verdict.done):
            awaited.seconds = now
        if verdict.state != FAILING:
            awaited.failing_since = None
        elif awaited.failing_since is None:
            awaited.failing_since = now
        awaited.verdict = verdict

    def _is_stale(self, verdict: Verdict) -> bool:
        """Whether a final failure is from before the wait: it may be gone with the next reconciliation."""
        try:
            since = datetime.fromisoformat(verdict.since)
        except ValueError:
            return False
        if since.tzinfo is None:
            since = since.replace(tzinfo=UTC)
        return self.started - since.timestamp() > FRESH

    def _late(self, waiting: list[Awaited]) -> str:
        return f"{len(waiting)} of {len(self.awaited)} objects are not ready after {self.api.deadline.seconds:g} s"

    def _nearer(self, awaited: Awaited, live: Manifest, verdict: Verdict) -> Verdict:
        """What the object itself does not say: the mode of its storage class, the state of its pods."""
        if (awaited.key.group, awaited.key.kind) == ("", "PersistentVolumeClaim"):
            return self._claim(live, verdict)
        now = self.api.deadline.spent
        if verdict.state == PROGRESSING and now - awaited.pods_seen >= PODS_EVERY:
            awaited.pods_seen = now
            awaited.pods_verdict = pods_verdict(self.api, live)
        return worse(verdict, awaited.pods_verdict)

    def _rollout(self, awaited: Awaited, live: Manifest) -> Verdict | None:
        """What a Kafka's or a Pooler's pods say against it; None as well when what makes them may not be read."""
        if (awaited.key.group, awaited.key.kind) == POOLER:
            return self._pool(awaited)
        if (awaited.key.group, awaited.key.kind) not in KAFKAS:
            return None
        if awaited.key.kind == "Kafka" and self.strimzi_version:
            seen = (live.get("status") or {}).get("operatorLastSuccessfulVersion")
            if seen != self.strimzi_version:
                return progressing(f"reconciled by Strimzi {seen or 'unknown'}, not yet by {self.strimzi_version}")
        place = (awaited.key.namespace, cluster_of(live))
        if place not in self._pod_sets:
            self._pod_sets[place] = self._read_pod_sets(*place)
        found = self._pod_sets[place]
        return None if found is None else rollout(live, found)

    def _pool(self, awaited: Awaited) -> Verdict | None:
        try:
            found = self.api.get(DEPLOYMENTS, awaited.key.namespace, awaited.key.name)
        except ApiError as error:
            if error.code != 403:
                raise
            return None
        if found is None:
            return progressing("its Deployment is not there yet")
        verdict = judge({**found, "apiVersion": DEPLOYMENTS.api_version, "kind": DEPLOYMENTS.kind})
        return None if verdict.done else verdict

    def _read_pod_sets(self, namespace: str, cluster: str) -> list[Manifest] | None:
        resource = self.api.discover().preferred("core.strimzi.io", "StrimziPodSet")
        if resource is None:
            return None
        try:
            found = self.api.list(resource, namespace, selector=selector(cluster))
        except ApiError as error:
            if error.code != 403:
                raise
            return None
        for item in found:
            item["apiVersion"], item["kind"] = resource.api_version, resource.kind
        return found

    def _claim(self, live: Mapping[str, Any], verdict: Verdict) -> Verdict:
        """A claim that waits for its first consumer is as ready as it can be."""
        name = (live.get("spec") or {}).get("storageClassName")
        if not name or verdict.state != PROGRESSING or (live.get("metadata") or {}).get("deletionTimestamp"):
            return verdict
        if name not in self._binding_modes:
            try:
                storage_class = self.api.get(STORAGE_CLASSES, "", name) or {}
            except ClusterError:
                storage_class = {}
            self._binding_modes[name] = storage_class.get("volumeBindingMode") or "Immediate"
        if self._binding_modes[name] == "WaitForFirstConsumer":
            return Verdict(READY, "it binds when a pod uses it")
        return verdict

    def run(self) -> list[dict[str, Any]]:
        """Wait until all are ready. Raises NotReadyError at the first final failure, or at the deadline."""
        pause = FIRST_PAUSE
        while True:
            self.look()
            waiting = [awaited for awaited in self.awaited if not awaited.verdict.done]
            if not waiting:
                return self.results()
            now = self.api.deadline.spent
            lost = [
                awaited
                for awaited in waiting
                if awaited.verdict.state == FAILED
                or (awaited.failing_since is not None and now - awaited.failing_since >= self._grace(awaited))
            ]
            if lost:
                raise self._failure(lost, f"{listed(str(awaited.key) for awaited in lost)} failed")
            if self.api.deadline.passed:
                raise self._failure(waiting, self._late(waiting))
            self._tell(waiting, now)
            time.sleep(min(pause, max(self.api.deadline.left, 0.05)))
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def _grace(self, awaited: Awaited) -> float:
        return failure_grace(awaited.key.group) if self.failure_grace is None else self.failure_grace

    def _tell(self, waiting: list[Awaited], now: float) -> None:
        first = waiting[0]
        more = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
        there = f"{len(self.awaited) - len(waiting)} of {len(self.awaited)} ready"
        reason = f"waiting for {first.key}: {first.verdict.reason}{more}"
        same = self._last_said == there + reason
        if now - self._last_progress < (SAME_PROGRESS_EVERY if same else PROGRESS_EVERY):
            return
        self._last_progress, self._last_said = now, there + reason
        self.progress(self.api.masker.text(f"{there} after {now:.0f} s, {reason}"))

    def _failure(self, lost: list[Awaited], head: str) -> NotReadyError:
        # the deadline may be over: what explains the failure may take a few seconds more
        self.api.deadline.seconds = self.api.deadline.spent + 10
        parts = []
        for awaited in lost[:MOST_EXPLAINED]:
            line = f"\n  {awaited.key}: {awaited.verdict.reason or awaited.verdict.state}"
            parts.append(line + (as_text(causes(self.api, awaited.live)) if awaited.live else ""))
        if len(lost) > MOST_EXPLAINED:
            parts.append(f"\n  and {len(lost) - MOST_EXPLAINED} more")
        # only now: explaining may have read Secrets
        return NotReadyError(self.api.masker.text(f"{head}:{''.join(parts)}"), self.results())

    def results(self) -> list[dict[str, Any]]:
        return self.api.masker.clean([awaited.result() for awaited in self.awaited])
