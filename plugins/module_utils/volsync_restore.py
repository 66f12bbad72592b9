# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume back from its repository: a ReplicationDestination into a new claim, waited for, and taken away again.

The claim is made here and not by VolSync, whose own would go with the ReplicationDestination.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from . import volsync_status as status
from .discovery import CLAIMS, PODS, Resource
from .errors import ClusterError
from .interruption import InterruptedRunError, interruptible
from .quantity import quantity
from .volsync_backup import ERROR_GRACE, new_tag
from .volsync_client import Pauses, VolSync
from .volsync_movers import failed_movers, mover_causes, why_failed
from .volsync_status import DESTINATION, Sync


@dataclass(frozen=True)
class RestoreRequest:
    """What to restore and where to. What is empty is taken from the source's claim."""

    namespace: str
    claim: str
    source: str = ""
    repository: str = ""
    capacity: str = ""
    storage_class: str = ""
    access_modes: tuple[str, ...] = ()
    previous: int = 0
    restore_as_of: str = ""
    cache_capacity: str = ""
    delete_extra_files: bool = False
    mover_security_context: Mapping[str, Any] = field(default_factory=dict)
    confirmed: str = ""
    phrase: str = ""


@dataclass(frozen=True)
class Plan:
    """What a run will do."""

    request: RestoreRequest
    repository: str
    capacity: str
    storage_class: str | None
    access_modes: tuple[str, ...]
    cache: Mapping[str, Any]
    mover_security_context: Mapping[str, Any]
    existing: Mapping[str, Any] | None

    def claim(self) -> dict[str, Any]:
        """The claim to restore to."""
        spec: dict[str, Any] = {
            "accessModes": list(self.access_modes),
            "resources": {"requests": {"storage": self.capacity}},
        }
        if self.storage_class:
            spec["storageClassName"] = self.storage_class
        return {"metadata": {"name": self.request.claim, "namespace": self.request.namespace}, "spec": spec}

    def destination(self, tag: str) -> dict[str, Any]:
        """The ReplicationDestination."""
        request = self.request
        restic: dict[str, Any] = {
            "repository": self.repository,
            "copyMethod": "Direct",
            "destinationPVC": request.claim,
            "cleanupCachePVC": True,
            "enableFileDeletion": request.delete_extra_files,
            **self.cache,
        }
        if request.previous:
            restic["previous"] = request.previous
        if request.restore_as_of:
            restic["restoreAsOf"] = request.restore_as_of
        if self.mover_security_context:
            restic["moverSecurityContext"] = dict(self.mover_security_context)
        name = f"{request.claim[:40].rstrip('-.')}-restore-{secrets.token_hex(3)}"
        return {
            "metadata": {"name": name, "namespace": request.namespace},
            "spec": {"trigger": {"manual": tag}, "restic": restic},
        }


@dataclass(frozen=True)
class Restored:
    """A restored claim: `seconds` as VolSync measured it."""

    claim: str
    capacity: str
    snapshot: str
    seconds: float
    logs: str
    destination: str


class NotRestoredError(ClusterError):
    """The restore has failed, and no time would mend it."""


class Restore:
    """One restore."""

    def __init__(self, volsync: VolSync, request: RestoreRequest) -> None:
        self._volsync = volsync
        self._request = request
        self.about = f"PersistentVolumeClaim {request.namespace}/{request.claim}"

    def plan(self) -> Plan:
        """Read what is there; raises what stands against it. Writes nothing."""
        request, api = self._request, self._volsync.api
        source: Mapping[str, Any] = {}
        restic: Mapping[str, Any] = {}
        if request.source:
            live = self._volsync.source(request.namespace, request.source)
            restic = live["spec"].get("restic") or {}
            if not restic:
                raise ClusterError(
                    f"ReplicationSource {request.namespace}/{request.source} does not use restic: there is no snapshot"
                    " to restore."
                )
            source = api.get(CLAIMS, request.namespace, live["spec"]["sourcePVC"]) or {}
        if not (request.source or request.repository):
            raise ClusterError("name the ReplicationSource whose snapshot is wanted (source), or a repository Secret.")
        repository = request.repository or restic["repository"]
        self._check_secret(repository)
        existing = api.get(CLAIMS, request.namespace, request.claim)
        capacity = request.capacity or _capacity(existing or source)
        if not capacity:
            raise ClusterError(
                f"capacity: the size of {self.about} must be given, because there is no claim of a source to take it"
                " from."
            )
        if source:
            check_capacity(capacity, _capacity(source))
        if existing is not None:
            self._check_existing(existing)
        spec = (existing or source).get("spec") or {}
        cache = {
            name: value
            for name, value in {
                "cacheCapacity": request.cache_capacity or restic.get("cacheCapacity"),
                "cacheStorageClassName": restic.get("cacheStorageClassName"),
                "cacheAccessModes": restic.get("cacheAccessModes"),
                "storageClassName": request.storage_class or spec.get("storageClassName"),
                "customCA": restic.get("customCA"),
            }.items()
            if value
        }
        return Plan(
            request,
            repository,
            capacity,
            request.storage_class or spec.get("storageClassName"),
            request.access_modes or tuple(spec.get("accessModes") or ("ReadWriteOnce",)),
            cache,
            request.mover_security_context or restic.get("moverSecurityContext") or {},
            existing,
        )

    def run(self, plan: Plan) -> Restored:
        """Restore; raises ClusterError with the mover's reason. The ReplicationDestination is gone afterwards.

        A restore that has not failed and takes longer than there is time is left going on.
        """
        resource = self._volsync.kind(DESTINATION)
        tag = new_tag()
        made: list[tuple[Resource, dict[str, Any]]] = []
        with interruptible() as signals:
            try:
                if plan.existing is None:
                    made.append((CLAIMS, self._volsync.create(CLAIMS, plan.claim())))
                destination = self._volsync.create(resource, plan.destination(tag))
                made.append((resource, destination))
                self._volsync.progress(f"{self.about}: restoring by ReplicationDestination {_name(destination)}")
                restored = self._wait(destination, tag, plan)
            except (ClusterError, InterruptedRunError) as error:
                going_on = next((live for kind, live in made if kind is resource), None)
                if going_on and isinstance(error, ClusterError) and not isinstance(error, NotRestoredError):
                    raise ClusterError(f"{str(error).rstrip('.')}. {self._left(going_on, tag, plan)}") from error
                with signals.hold():
                    self._take_away(made)
                if isinstance(error, ClusterError) and plan.existing is None and made:
                    raise ClusterError(f"{str(error).rstrip('.')}. The new claim is deleted again.") from error
                raise
            with signals.hold():
                self._take_away([(kind, live) for kind, live in made if kind is not CLAIMS])
        return restored

    def _take_away(self, made: list[tuple[Resource, dict[str, Any]]]) -> None:
        """Delete what this run made; what nobody needs must not hide why it failed."""
        tidy = self._volsync.tidying_up()
        for resource, live in reversed(made):
            try:
                tidy.delete(resource, live)
            except ClusterError as error:
                self._volsync.progress(f"{resource.kind} {_name(live)} is left behind: {error}")

    def _left(self, destination: Mapping[str, Any], tag: str, plan: Plan) -> str:
        """What goes on without this run, and what to do with it."""
        name = f"ReplicationDestination {self._request.namespace}/{_name(destination)}"
        both = f"{name} and the new claim" if plan.existing is None else name
        return (
            f"No mover has failed, and nothing is deleted: {name} goes on writing into the claim. It is done when its"
            f" status.lastManualSync is {tag}; status.latestMoverStatus says what was restored. Delete it then, before"
            f" the claim is used. To give up, delete {both}."
        )

    # --- steps

    def _check_secret(self, name: str) -> None:
        if not self._volsync.repository_is_there(self._request.namespace, name):
            raise ClusterError(
                f"there is no repository Secret {name} in namespace {self._request.namespace}: it must be in the"
                " namespace that is restored to."
            )

    def _check_existing(self, existing: Mapping[str, Any]) -> None:
        request = self._request
        if request.confirmed != request.phrase or not request.phrase:
            raise ClusterError(
                f"{self.about} exists already: its files would be overwritten. Restore to another name, or confirm with"
                f" confirm_overwrite={request.phrase}."
            )
        if existing["metadata"].get("deletionTimestamp"):
            raise ClusterError(f"{self.about} is being deleted: wait until it is gone.")
        users = [
            pod["metadata"]["name"]
            for pod in self._volsync.api.list(PODS, request.namespace)
            if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed") and mounts(pod, request.claim)
        ]
        if users:
            raise ClusterError(
                f"{self.about} is in use by {', '.join(users)}: stop what uses it first, for files must not change"
                " under a running program."
            )

    def _wait(self, destination: Mapping[str, Any], tag: str, plan: Plan) -> Restored:
        api = self._volsync.api
        resource = self._volsync.kind(DESTINATION)
        began = datetime.fromisoformat(destination["metadata"]["creationTimestamp"])
        pauses = Pauses(api.deadline)
        erring_since: float | None = None
        while True:
            live = api.get(resource, self._request.namespace, _name(destination))
            if live is None:
                raise NotRestoredError(f"ReplicationDestination {_name(destination)} was deleted before it was done.")
            sync = self._volsync.sync(live)
            if sync.last_manual == tag:
                return self._restored(sync, plan, _name(destination))
            reason = why_failed(failed_movers(api, live, began))
            if reason is None and sync.result == status.FAILED:
                reason = f"the mover failed: {status.last_lines(sync.logs)}"
            erring_since = (erring_since or api.deadline.spent) if sync.error else None
            if reason is None and erring_since is not None and api.deadline.spent - erring_since > ERROR_GRACE:
                reason = sync.error
            if reason:
                raise NotRestoredError(f"{self.about} was not restored: {reason}.")
            if not pauses.wait():
                raise ClusterError(
                    f"{self.about} was not restored within {api.deadline.seconds:g} s:"
                    f" {sync.message or 'VolSync has not taken it up'}; {mover_causes(api, live)}."
                )

    def _restored(self, sync: Sync, plan: Plan, destination: str) -> Restored:
        snapshot = status.restored_snapshot(sync.logs)
        if snapshot is None:
            raise NotRestoredError(f"{self.about} was not restored: {no_snapshot(self._request, sync.logs)}.")
        return Restored(self._request.claim, plan.capacity, snapshot, round(sync.duration, 1), sync.logs, destination)


def no_snapshot(request: RestoreRequest, logs: str) -> str:
    """Why nothing was restored by a mover that succeeded."""
    if not status.NOTHING_RESTORED.search(logs):
        return f"the mover's log names no snapshot: {status.last_lines(logs)}"
    if "Initialize Dir" in logs:
        return (
            "there was no repository yet where the Secret points (RESTIC_REPOSITORY); the mover has made an empty one"
        )
    conditions = []
    if request.restore_as_of:
        conditions.append(f"made at or before {request.restore_as_of}")
    if request.previous:
        conditions.append(f"with {request.previous} newer ones")
    return f"the repository has no snapshot{' ' + ' and '.join(conditions) if conditions else ''}"


def check_capacity(wanted: str, source: str) -> None:
    """The new claim holds what the old one may."""
    try:
        smaller = bool(source) and quantity(wanted) < quantity(source)
    except ValueError as error:
        raise ClusterError(f"capacity: {error}.") from error
    if smaller:
        raise ClusterError(f"capacity {wanted} is smaller than the source's {source}: give at least that.")


def mounts(pod: Mapping[str, Any], claim: str) -> bool:
    """Whether a pod has the claim among its volumes."""
    volumes = (pod.get("spec") or {}).get("volumes") or []
    return any((volume.get("persistentVolumeClaim") or {}).get("claimName") == claim for volume in volumes)


def _capacity(claim: Mapping[str, Any]) -> str:
    requested = (((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}).get("storage")
    return ((claim.get("status") or {}).get("capacity") or {}).get("storage") or requested or ""


def _name(live: Mapping[str, Any]) -> str:
    return str(live["metadata"]["name"])
