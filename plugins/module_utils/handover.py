# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands a set's objects from one way of delivery to the other: nothing is deleted, nothing restarts.

Both ways give the objects the same content and the same label of the set, since operators such as Strimzi copy labels
to their pods. What changes hands is in managedFields alone, and Flux's own labels, which operators leave alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from .api import APPLY, MERGE, Api, ApiError
from .apply_plan import PART_OF, Parent, Plan, parent_of, plan, waves
from .apply_set import MANAGER_IN_CAUSE, ApplySet, Report, SetRequest
from .discovery import Served
from .errors import ClusterError
from .flux_graph import KUSTOMIZE, first_kustomization
from .flux_objects import SUSPENDED, FluxObjects, FluxRequest
from .flux_status import is_suspended
from .object_diff import content
from .objects import Key, Manifest, annotations_of, key_of, labels_of, listed
from .ownership import is_applied_by
from .readiness import conditions
from .tree_files import plain_folder

#: the field manager of Flux's Kustomizations
FLUX = "kustomize-controller"
NAME_LABEL, NAMESPACE_LABEL = f"{KUSTOMIZE}/name", f"{KUSTOMIZE}/namespace"
PRUNE, RECONCILE = f"{KUSTOMIZE}/prune", f"{KUSTOMIZE}/reconcile"
ATTEMPTS = 4
#: how Flux says that it has applied and pruned everything
CHECKING_HEALTH = "Running health checks"
#: why it calls itself reconciling after a failure, until it begins anew
RETRYING = "ProgressingWithRetry"


def find_kustomization(api: Api, key: Key) -> Manifest | None:
    """A Kustomization as it is; None where there is none, or no Flux."""
    resource = api.discover().preferred(KUSTOMIZE, "Kustomization")
    live = api.get(resource, key.namespace, key.name) if resource else None
    return {**live, "apiVersion": resource.api_version, "kind": key.kind} if live and resource else None


def inventory(kustomization: Mapping[str, Any] | None) -> set[Key]:
    """What a Kustomization has applied: `<namespace>_<name>_<group>_<kind>`, a colon in a name as two underscores."""
    entries = (((kustomization or {}).get("status") or {}).get("inventory") or {}).get("entries") or []
    found = set()
    for entry in entries:
        rest, group, kind = str(entry["id"]).rsplit("_", 2)
        namespace, _line, name = rest.partition("_")
        found.add(Key(group, kind, namespace, name.replace("__", ":")))
    return found


def recorded(kustomization: Mapping[str, Any] | None, namespace: str) -> Parent | None:
    """Where a set's objects may be, by the inventory; None without one."""
    keys = inventory(kustomization)
    if not keys:
        return None
    return Parent({key.group_kind for key in keys}, {key.namespace for key in keys if key.namespace} | {namespace})


def labelled(objects: Iterable[Manifest], kustomization: Key) -> list[Manifest]:
    """The objects as Flux applies them."""
    own = {NAME_LABEL: kustomization.name, NAMESPACE_LABEL: kustomization.namespace}
    return [
        {**each, "metadata": {**each["metadata"], "labels": {**labels_of(each), **own}}} for each in map(dict, objects)
    ]


def is_of(live: Mapping[str, Any], kustomization: Key) -> bool:
    """Whether a Kustomization has applied an object."""
    labels = labels_of(live)
    named = (labels.get(NAMESPACE_LABEL), labels.get(NAME_LABEL))
    return named == (kustomization.namespace, kustomization.name) and is_applied_by(live, FLUX)


def is_ours(kustomization: Mapping[str, Any], folder: str) -> bool:
    """Whether a Kustomization is a component's: the cluster's root has applied it, and its path is the component's.

    The workloads' folder may be another one by now; a name alone proves nothing.
    """
    root = first_kustomization(str(kustomization["metadata"].get("namespace") or ""))
    return is_of(kustomization, root) and f"/{folder_of(kustomization)}".endswith(f"/{folder}")


def is_applied_directly(members: Iterable[Mapping[str, Any]], manager: str) -> bool:
    """Whether any member of a set has been applied directly and not been given up: a run may have died on the way."""
    return any(is_applied_by(live, manager) for live in members)


def folder_of(kustomization: Mapping[str, Any]) -> str:
    """The folder that a Kustomization brings, from the root of its source."""
    return plain_folder((kustomization.get("spec") or {}).get("path"))


def refuse_foreign(kustomization: Mapping[str, Any] | None, folder: str) -> None:
    """Flux deletes what a Kustomization has applied and has no more: one of other people is never taken over."""
    if kustomization is None or is_ours(kustomization, folder):
        return
    raise ClusterError(
        f"Nothing has been changed. {key_of(dict(kustomization))} exists and is not this collection's (its path is"
        f" ./{folder_of(kustomization)}, expected …/{folder}, applied by the cluster's first Kustomization): Flux would"
        " delete what it has applied. Give it another name there, or take it away with deletionPolicy: Orphan."
    )


class FluxSet(ApplySet):
    """What Flux would make of a set: each object tried as Flux applies it, what it would prune, what data would die."""

    def __init__(self, api: Api, request: SetRequest, kustomization: Manifest | None) -> None:
        if not request.dry:
            raise ValueError("a set of Flux's is predicted, not applied")
        super().__init__(api, request)
        self._kustomization = kustomization

    def _read_parent(self) -> Manifest | None:
        parent = recorded(self._kustomization, self.request.namespace)
        return parent.manifest(self.request.name, self.request.namespace) if parent else None

    def _plan(self) -> Plan:
        """Flux prunes what its inventory has and Git has no more, whichever set it is of."""
        result = plan(self.desired, self.live.values(), self.request.manager, prune=False)
        result.foreign = []  # what Flux has not applied, it leaves alone
        if self._kustomization is None or not self.request.prune:
            return result
        wanted = {key_of(manifest) for manifest in self.desired}
        gone = sorted(inventory(self._kustomization) - wanted)
        own = key_of(self._kustomization)
        found = [live for live in self.api.all(self._find, gone) if live is not None and _is_pruned(live, own)]
        foreign = [str(key_of(live)) for live in found if PART_OF not in labels_of(live)]
        if foreign:
            raise ClusterError(
                f"Nothing has been changed. {own} has applied {listed(foreign)}, which this collection has not"
                " rendered, and Flux would delete it: move it to a Kustomization of its own, or annotate it with"
                f" {PRUNE}: disabled."
            )
        self.live.update({key_of(live): live for live in found})
        result.prune = waves(found)[::-1]
        return result

    def _find(self, key: Key) -> Manifest | None:
        if key in self.live:
            return self.live[key]
        resource = self.api.discover().preferred(key.group, key.kind)
        live = self.api.get(resource, key.namespace, key.name) if resource else None
        return {**live, "apiVersion": resource.api_version, "kind": key.kind} if live and resource else None

    def _is_settled(self, manifest: Manifest) -> bool:
        key = key_of(manifest)
        live = self.live.get(key)
        if key not in self.tried or live is None:
            return False
        # Flux fills in what is empty, such as a Namespace's spec: its managedFields have more than the dry run's
        created, after = self.tried[key]
        return not created and content(after) == content(live)


def _is_pruned(live: Mapping[str, Any], kustomization: Key) -> bool:
    """Whether Flux deletes an object that has left Git: it looks at its own labels, and at what forbids it."""
    labels, marks = labels_of(live), annotations_of(live)
    named = (labels.get(NAMESPACE_LABEL), labels.get(NAME_LABEL))
    kept = "disabled" in (marks.get(PRUNE), labels.get(PRUNE), marks.get(RECONCILE), labels.get(RECONCILE))
    return named == (kustomization.namespace, kustomization.name) and not kept


class DirectSet(ApplySet):
    """A set that is applied directly, also when Flux has had it so far: its Kustomization is suspended first."""

    def __init__(
        self, api: Api, request: SetRequest, kustomization: Key, folder: str, tell: Callable[[str], None]
    ) -> None:
        super().__init__(api, request, tell)
        self.kustomization = kustomization
        #: the component's, below the workloads' folder
        self.folder = folder
        #: the Kustomization, if it is the component's
        self.found: Manifest | None = None
        self._unread: ApiError | None = None
        self._parent: Parent | None = None
        #: what Flux has applied so far
        self.taken: set[Key] = set()

    def run(self) -> Report:
        try:
            found = find_kustomization(self.api, self.kustomization)
            self.found = found if found and is_ours(found, self.folder) else None
        except ApiError as error:
            if error.code != 403:
                raise
            self._unread = error  # who never had anything by Git need not be allowed to look there
        return super().run()

    def _read_parent(self) -> Manifest | None:
        """Kinds that the set has no more may be in the inventory alone."""
        name, namespace = self.request.name, self.request.namespace
        live = super()._read_parent()
        self._parent = Parent.read(live, name, namespace)
        known = recorded(self.found, namespace)
        return ((self._parent or known) | known).manifest(name, namespace) if known else live

    def _look(self, served: Served, parent: Parent | None) -> None:
        super()._look(served, parent)
        self.taken = {key for key, live in self.live.items() if is_of(live, self.kustomization)}
        if self.taken and self._unread:
            raise self._unread
        if self.request.dry:
            # as it would be after the hand-over
            self.live |= {key: renamed(self.live[key], self.request.manager) for key in self.taken}
            return
        if not self.taken and (self.found is None or is_suspended(self.found)):
            return
        # everything that may be refused is refused before the first write
        tried = replace(self.request, predict=True, want_diff=False, expected_kinds=(), expected_namespaces=())
        DirectSet(self.api, tried, self.kustomization, self.folder, lambda text: None).run()
        if self.taken:  # a run that dies from here on finds the set by its record, whoever takes it up
            there = parent_of(self.taken, self.request.namespace)
            self._write_parent(parent, (parent or there) | there)
        if self.found is not None:
            self.progress(f"taking over from {self.kustomization}, which is suspended for it")
            suspend(self.api, self.kustomization)
        for live in self.api.all(self._take, [self.live[key] for key in sorted(self.taken)]):
            self.live[key_of(live)] = live

    def _write_parent(self, before: Parent | None, after: Parent) -> None:
        super()._write_parent(self._parent, after)  # what is `before` may be in the inventory alone
        self._parent = after

    def _patch(self, manifest: Manifest, dry_run: bool = False, force: bool = False) -> tuple[bool, Manifest]:
        try:
            return super()._patch(manifest, dry_run, force)
        except ApiError as error:
            if not (self.request.dry and key_of(manifest) in self.taken and _is_with_flux_alone(error)):
                raise
        return super()._patch(manifest, dry_run, force=True)  # what Flux has applied is ours by then

    def _take(self, live: Manifest) -> Manifest:
        """Put our name into the place of Flux's in managedFields; no field changes."""
        key = key_of(live)
        for _attempt in range(ATTEMPTS):
            metadata = live["metadata"]
            named = renamed(live, self.request.manager)["metadata"]["managedFields"]
            body = {
                "metadata": {
                    "managedFields": named,
                    "uid": metadata["uid"],
                    "resourceVersion": metadata["resourceVersion"],
                }
            }
            answer = self.api.call(
                "PATCH",
                self._resource(live).path(key.namespace, key.name),
                query={"fieldManager": self.request.manager},
                body=body,
                content_type=MERGE,
                expect=(409,),
                about=str(key),
            )
            if answer.status != 409:
                return {**self.api.document(answer), "apiVersion": live["apiVersion"], "kind": live["kind"]}
            found = self._get(live)
            if found is None:
                break
            live = {**found, "apiVersion": live["apiVersion"], "kind": live["kind"]}
        raise ClusterError(f"{key} changes all the time, it could not be taken over from Flux; run it again.")


def _is_with_flux_alone(error: ApiError) -> bool:
    """Whether an apply conflicts with what Flux has applied, and with nobody else's."""
    managers = set()
    for cause in error.causes:
        match = MANAGER_IN_CAUSE.search(cause.get("message") or "")
        managers.add(match.group(1) if match and cause.get("reason") == "FieldManagerConflict" else "")
    return error.code == 409 and managers == {FLUX}


def suspend(api: Api, kustomization: Key, beat: Callable[[], None] = lambda: None) -> None:
    """Suspend a Kustomization and wait until a reconciliation that has begun writes nothing more.

    `beat` is called at every turn of the wait.
    """
    try:
        FluxObjects(api, FluxRequest(SUSPENDED, [kustomization])).run()
    except ClusterError:
        if find_kustomization(api, kustomization) is not None:
            raise
        return  # it goes with the sync of its repository, and leaves what it has applied
    while True:
        live = find_kustomization(api, kustomization)
        if live is None or not _is_writing(live):
            return
        if api.deadline.passed:
            raise ClusterError(f"{kustomization} is suspended and still reconciling after {api.deadline.seconds:g} s.")
        beat()
        time.sleep(0.5)


def _is_writing(kustomization: Mapping[str, Any]) -> bool:
    """Whether Flux may still apply or prune: it does both before it looks at health, which may take its whole timeout.

    One that has failed says that it will try again, and no more once it is suspended.
    https://github.com/fluxcd/kustomize-controller/blob/v1.9.5/internal/controller/kustomization_controller.go
    """
    reconciling = conditions(kustomization).get("Reconciling") or {}
    idle = reconciling.get("reason") == RETRYING or str(reconciling.get("message")).startswith(CHECKING_HEALTH)
    return reconciling.get("status") == "True" and not idle


def renamed(live: Manifest, manager: str) -> Manifest:
    """The object with what Flux has applied as `manager`'s, merged with what is `manager`'s already."""
    kept: list[dict[str, Any]] = []
    merged: dict[str, dict[str, Any]] = {}
    for entry in live["metadata"].get("managedFields") or []:
        applied = entry.get("operation") == "Apply" and not entry.get("subresource")
        if not applied or entry.get("manager") not in (FLUX, manager):
            kept.append(entry)
            continue
        version = str(entry.get("apiVersion"))
        fields = _union((merged.get(version) or {}).get("fieldsV1") or {}, entry.get("fieldsV1") or {})
        merged[version] = {**entry, "manager": manager, "fieldsV1": fields}
    return {**live, "metadata": {**live["metadata"], "managedFields": [*kept, *merged.values()]}}


def _union(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _union(one.get(name) or {}, other.get(name) or {}) for name in {**one, **other}}


def release(api: Api, request: SetRequest, kustomization: Key, staged: set[Key], tell: Callable[[str], None]) -> int:
    """Give up a set that Flux has applied by now, and remove what is no longer in it. How many were given up.

    An apply without any field gives up what the field manager had applied before; what Flux applies too stays.
    """
    found = find_kustomization(api, kustomization)
    have = inventory(found)
    late = staged - have
    if late:
        raise ClusterError(f"{kustomization} does not have {listed(map(str, sorted(late)))} yet; run it again.")
    given_up = _Members(api, request).give_up(have, recorded(found, request.namespace))
    tell(f"{given_up} objects of the set {request.name} are Flux's alone now")
    ApplySet(api, request, tell).run()
    return given_up


class _Members(ApplySet):
    """The live members of a set, to be given up."""

    def give_up(self, keys: set[Key], known: Parent | None) -> int:
        served = self.api.discover()
        parent = Parent.read(self._read_parent(), self.request.name, self.request.namespace)
        if known:  # the record of a run that has died may be gone, or never have been
            parent = (parent or known) | known
        self._look(served, parent)
        ours = [
            live
            for key, live in self.live.items()
            if key in keys and labels_of(live).get(PART_OF) == self.id and is_applied_by(live, self.request.manager)
        ]
        strange = [live for live in ours if not is_applied_by(live, FLUX)]
        if strange:
            names = listed(str(key_of(live)) for live in strange)
            raise ClusterError(f"Flux has not applied {names}, so they are not given up to it; run it again.")
        self.api.all(self._give_up, ours)
        return len(ours)

    def _give_up(self, live: Manifest) -> None:
        key = key_of(live)
        metadata = {"name": key.name, **({"namespace": key.namespace} if key.namespace else {})}
        self.api.call(
            "PATCH",
            self._resource(live).path(key.namespace, key.name),
            query={"fieldManager": self.request.manager, "force": "true"},
            body={"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata},
            content_type=APPLY,
            about=str(key),
        )
