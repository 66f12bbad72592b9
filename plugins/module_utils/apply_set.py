# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies a set: look, plan, refuse what must not be, dry-run, write, prune."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import data_loss
from .api import APPLY, Api, ApiError
from .apply_plan import PART_OF, Parent, Plan, parent_of, plan, prepare, set_id
from .discovery import Resource, Served
from .errors import ClusterError
from .object_diff import diff, without_times
from .objects import Key, Manifest, key_of, labels_of, listed
from .served_kinds import resolve, unserved

#: new objects of one kind that are tried before the first write; those of one kind come from one hand, and so do
#: their mistakes, so the first few show them
TRIED_OF_A_KIND = 10
NAMES_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
MANAGER_IN_CAUSE = re.compile(r'conflict with "([^"]+)"')
#: how the server says that a field cannot change on an existing object
IMMUTABLE = ("is immutable", "updates to statefulset spec for fields other than", "may not change once set")


@dataclass
class SetRequest:
    """What a task asks for."""

    name: str
    namespace: str
    objects: list[Any]
    manager: str = "synergyflow.platform"
    prune: bool = True
    force: bool = False
    validate: str = "auto"
    confirm_data_loss: str = ""
    data_loss_phrase: str = ""
    check_mode: bool = False
    #: in check mode: kinds and namespaces that an earlier task would have brought by now
    expected_kinds: tuple[str, ...] = ()
    expected_namespaces: tuple[str, ...] = ()
    want_diff: bool = False


@dataclass
class Report:
    """What happened, or in check mode what would."""

    results: dict[Key, str] = field(default_factory=dict)
    diffs: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: dict[Key, str] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        counts = dict.fromkeys(("created", "changed", "unchanged", "pruned"), 0)
        for action in self.results.values():
            counts[action] += 1
        return counts

    @property
    def changed(self) -> bool:
        return any(action != "unchanged" for action in self.results.values())


class ApplySet:
    """One run over one set."""

    def __init__(self, api: Api, request: SetRequest, progress: Callable[[str], None] = lambda text: None) -> None:
        self.api = api
        self.request = request
        self.progress = progress
        self.report = Report()
        self.id = set_id(request.name, request.namespace)
        self.desired: list[Manifest] = []
        self.resources: dict[tuple[str, str], Resource] = {}
        #: kinds whose CRD comes with this set
        self.pending: set[tuple[str, str]] = set()
        self.live: dict[Key, Manifest] = {}
        #: namespaces that this set makes and that do not exist yet
        self.new_namespaces: set[str] = set()
        #: dry-run answers, so that an object is not asked about twice
        self.tried: dict[Key, tuple[bool, Manifest]] = {}

    # -- the run

    def run(self) -> Report:
        request = self.request
        self.desired = prepare(request.objects, self.id)
        self.api.masker.learn(self.desired)
        served, parent_live = self.api.all(lambda work: work(), [self.api.discover, self._read_parent])
        parent = Parent.read(parent_live, request.name, request.namespace)
        self.resources, self.pending = resolve(
            self.desired, served, request.expected_kinds if request.check_mode else ()
        )
        keys = [key_of(manifest) for manifest in self.desired]
        if Key("", "ConfigMap", request.namespace, request.name) in keys:
            raise ClusterError(
                f"ConfigMap {request.namespace}/{request.name} is the set's own record and cannot be one of its"
                " objects; choose another name for the set."
            )
        self._look(served, parent)
        the_plan = plan(self.desired, self.live.values(), request.manager, request.prune)
        self._tell_foreign(the_plan)
        self._guard_data(the_plan)
        self._guard_terminating(the_plan)
        self._try(the_plan)
        for key in the_plan.unchanged:
            self.report.results[key] = "unchanged"
        if request.check_mode:
            self._predict(the_plan)
        else:
            self._write(the_plan, parent, keys)
        return self.report

    def _resource(self, manifest: Mapping[str, Any]) -> Resource:
        return self.resources[(manifest["apiVersion"], manifest["kind"])]

    # -- look

    def _read_parent(self) -> Manifest | None:
        resource = Resource("", "v1", "ConfigMap", "configmaps", True)
        return self.api.get(resource, self.request.namespace, self.request.name)

    def _look(self, served: Served, parent: Parent | None) -> None:
        """List the live members: one list a kind, plus those kinds that the set once had."""
        kinds = {kind: resource for kind, resource in self.resources.items() if kind not in self.pending}
        covered = {(resource.group, resource.kind) for resource in kinds.values()}
        for group_kind in parent.group_kinds if parent else ():
            kind, _dot, group = group_kind.partition(".")
            resource = served.preferred(group, kind)
            # a kind that is served no more has no objects any more
            if resource and (group, kind) not in covered:
                kinds[(resource.api_version, kind)] = resource
                self.resources.setdefault((resource.api_version, kind), resource)
        namespaces = {manifest["metadata"].get("namespace") for manifest in self.desired} - {None}
        namespaces |= parent.namespaces if parent else set()

        def members(resource: Resource) -> list[Manifest]:
            return self._members(resource, sorted(namespaces))

        for resource, items in zip(kinds.values(), self.api.all(members, kinds.values()), strict=True):
            for item in items:
                # items of a list carry neither
                item["apiVersion"], item["kind"] = resource.api_version, resource.kind
                self.live[key_of(item)] = item
        self.api.masker.learn(self.live.values())

    def _members(self, resource: Resource, namespaces: list[str]) -> list[Manifest]:
        selector = f"{PART_OF}={self.id}"
        if not resource.namespaced:
            return self.api.list(resource, selector=selector)
        if len(namespaces) > 1:
            try:
                everywhere = self.api.list(resource, selector=selector)
                return [item for item in everywhere if item["metadata"]["namespace"] in namespaces]
            except ApiError as error:
                if error.code != 403:
                    raise
        return [item for namespace in namespaces for item in self.api.list(resource, namespace, selector=selector)]

    # -- refuse

    def _tell_foreign(self, the_plan: Plan) -> None:
        for key in the_plan.foreign:
            self.report.notes[key] = f"has the set's label, but {self.request.manager} has not applied it: left alone"

    def _guard_data(self, the_plan: Plan) -> None:
        lost = data_loss.losses(the_plan.pruned)
        request = self.request
        confirmed = request.data_loss_phrase and request.confirm_data_loss == request.data_loss_phrase
        if not lost or confirmed:
            return
        question = data_loss.question(lost, request.data_loss_phrase)
        if request.check_mode:
            self.report.warnings.append(f"Without check mode this would be refused. {question}")
        else:
            raise ClusterError(f"Nothing has been changed. {question}")

    def _guard_terminating(self, the_plan: Plan) -> None:
        """Objects that are being deleted cannot be applied: wait until they are gone, or say what holds them."""
        for manifest in the_plan.applied:
            key = key_of(manifest)
            live = self.live.get(key)
            if live is None or not live["metadata"].get("deletionTimestamp"):
                continue
            if self.request.check_mode:
                raise ClusterError(_stuck(key, live))
            self.progress(f"waiting until the old {key} is gone")
            self._wait_gone([live])
            del self.live[key]

    # -- try

    def _try(self, the_plan: Plan) -> None:
        """Dry runs before the first write, so that a refusal leaves nothing half done."""
        if self.request.validate == "none" and not self.request.check_mode:
            return
        first = [m for m in the_plan.applied if m["kind"] in ("Namespace", "CustomResourceDefinition")]
        rest = [m for m in the_plan.applied if m["kind"] not in ("Namespace", "CustomResourceDefinition")]
        self._dry_run(first)
        if self.request.check_mode:
            self.new_namespaces |= {name for name in self.request.expected_namespaces if not self._exists(name)}
        for manifest in first:
            key = key_of(manifest)
            if key in self.tried and self.tried[key][0] and manifest["kind"] == "Namespace":
                self.new_namespaces.add(key.name)
        rest = [manifest for manifest in rest if not self._too_early(manifest)]
        if not self.request.check_mode and self.request.validate == "auto":
            rest = self._worth_trying(rest)
        self._dry_run(rest)

    def _exists(self, namespace: str) -> bool:
        return self.api.get(Resource("", "v1", "Namespace", "namespaces", False), "", namespace) is not None

    def _too_early(self, manifest: Manifest) -> str:
        """Why the server cannot validate this object yet; "" if it can."""
        if (manifest["apiVersion"], manifest["kind"]) in self.pending:
            return "its CRD does not exist yet"
        if manifest["metadata"].get("namespace") in self.new_namespaces:
            return "its Namespace does not exist yet"
        return ""

    def _worth_trying(self, manifests: list[Manifest]) -> list[Manifest]:
        """Every object that exists already, and the first new ones of each kind."""
        groups: dict[tuple[Resource, str], list[Manifest]] = {}
        for manifest in manifests:
            place = (self._resource(manifest), manifest["metadata"].get("namespace") or "")
            groups.setdefault(place, []).append(manifest)
        chosen = []
        for (resource, namespace), members in groups.items():
            unknown = [manifest for manifest in members if key_of(manifest) not in self.live]
            chosen += [manifest for manifest in members if key_of(manifest) in self.live]
            if len(unknown) > TRIED_OF_A_KIND:
                names = self._names(resource, namespace)
                chosen += [m for m in unknown[TRIED_OF_A_KIND:] if names is None or m["metadata"]["name"] in names]
            chosen += unknown[:TRIED_OF_A_KIND]
        return chosen

    def _names(self, resource: Resource, namespace: str) -> set[str] | None:
        """Names of all objects of a kind; None if that may not be asked."""
        try:
            items = self.api.list(resource, namespace, accept=NAMES_ONLY)
        except ApiError as error:
            if error.code in (403, 404, 405, 406):
                return None
            raise
        return {item["metadata"]["name"] for item in items}

    def _dry_run(self, manifests: list[Manifest]) -> None:
        outcomes = self.api.each(lambda manifest: self._patch(manifest, dry_run=True), manifests)
        self._raise_refusals(manifests, outcomes, "Nothing has been changed. ")
        adopted = []
        for manifest, outcome in zip(manifests, outcomes, strict=True):
            created, after = outcome  # type: ignore[misc]
            self.tried[key_of(manifest)] = (created, after)
            if not created and key_of(manifest) not in self.live:
                adopted.append(manifest)
        for manifest, live in zip(adopted, self.api.all(self._get, adopted), strict=True):
            if live is None:
                continue
            other = labels_of(live).get(PART_OF)
            if other and other != self.id:
                raise ClusterError(
                    f"Nothing has been changed. {key_of(manifest)} belongs to another set ({PART_OF}: {other});"
                    " remove it from one of the two."
                )
            self.live[key_of(manifest)] = live
        self.api.masker.learn(self.live.values())

    def _get(self, manifest: Manifest) -> Manifest | None:
        key = key_of(manifest)
        return self.api.get(self._resource(manifest), key.namespace, key.name)

    def _is_settled(self, manifest: Manifest) -> bool:
        """Whether a dry run has shown that an apply would change nothing."""
        key = key_of(manifest)
        live = self.live.get(key)
        if key not in self.tried or live is None:
            return False
        created, after = self.tried[key]
        return not created and without_times(after) == without_times(live)

    # -- write

    def _patch(self, manifest: Manifest, dry_run: bool = False) -> tuple[bool, Manifest]:
        """Server-side apply of one object: whether it was created, and the object that came back."""
        key = key_of(manifest)
        query = {
            "fieldManager": self.request.manager,
            "fieldValidation": "Strict",
            "force": "true" if self.request.force else "false",
            "dryRun": "All" if dry_run else "",
        }
        path = self._resource(manifest).path(key.namespace, key.name)
        answer = self.api.call("PATCH", path, query=query, body=manifest, content_type=APPLY, about=str(key))
        return answer.status == 201, self.api.document(answer)

    def _predict(self, the_plan: Plan) -> None:
        for manifest in the_plan.applied:
            key = key_of(manifest)
            reason = self._too_early(manifest)
            if reason:
                self.report.results[key] = "created"
                self.report.notes[key] = f"not validated by the server: {reason}"
                self._diff(key, None, manifest)
            else:
                created, after = self.tried[key]
                settled = self._is_settled(manifest)
                self.report.results[key] = "created" if created else "unchanged" if settled else "changed"
                if not settled:
                    self._diff(key, None if created else self.live.get(key), after)
        for manifest in the_plan.pruned:
            self.report.results[key_of(manifest)] = "pruned"
            self._diff(key_of(manifest), manifest, None)

    def _diff(self, key: Key, before: Manifest | None, after: Manifest | None) -> None:
        if self.request.want_diff:
            self.report.diffs.append(diff(str(key), before, after, self.api.masker))

    def _write(self, the_plan: Plan, parent: Parent | None, keys: list[Key]) -> None:
        wanted = parent_of(keys, self.request.namespace)
        waves = []
        for wave in the_plan.apply:
            settled = [manifest for manifest in wave if self._is_settled(manifest)]
            self.report.results.update({key_of(manifest): "unchanged" for manifest in settled})
            waves.append([manifest for manifest in wave if key_of(manifest) not in self.report.results])
        home = [m for wave in waves for m in wave if _is_namespace(m, self.request.namespace)]
        self._apply_wave(home)  # the parent lives there
        if keys or parent:
            # kinds are added before their first object is written, and dropped after their last one is gone: a run
            # that dies in between is picked up by the next one
            self._write_parent(parent, (parent or wanted) | wanted)
        for wave in waves:
            rest = [manifest for manifest in wave if key_of(manifest) not in self.report.results]
            self._apply_wave(rest)
            self._wait_served(rest)
        for wave in the_plan.prune:
            self._prune_wave(wave)
        if parent and not self.request.prune:
            wanted |= parent
        if keys:
            self._write_parent((parent or wanted) | wanted, wanted)
        elif parent and self.request.prune:
            self._drop_parent()

    def _apply_wave(self, manifests: list[Manifest]) -> None:
        if not manifests:
            return
        kinds = sorted({manifest["kind"] for manifest in manifests})
        self.progress(f"applying {len(manifests)} objects ({listed(kinds, 6)})")
        outcomes = self.api.each(self._patch, manifests)
        for manifest, outcome in zip(manifests, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                continue
            key = key_of(manifest)
            created, after = outcome
            before = None if created else self.live.get(key)
            version = before and before["metadata"].get("resourceVersion")
            same = version is not None and version == after["metadata"].get("resourceVersion")
            self.report.results[key] = "created" if created else "unchanged" if same else "changed"
            if not same:
                self._diff(key, before, after)
        done = sum(action != "unchanged" for action in self.report.results.values())
        self._raise_refusals(manifests, outcomes, f"{done} objects were written before this. " if done else "")

    def _raise_refusals(self, manifests: list[Manifest], outcomes: Iterable[Any], preface: str) -> None:
        refusals = []
        for manifest, outcome in zip(manifests, outcomes, strict=True):
            if isinstance(outcome, ApiError):
                refusals.append(explained(key_of(manifest), outcome))
            elif isinstance(outcome, BaseException):
                raise outcome
        if refusals:
            unique = list(dict.fromkeys(refusals))
            raise ClusterError(
                preface
                + " ".join(unique[:10])
                + (f" And {len(unique) - 10} more refusals." if len(unique) > 10 else "")
            )

    def _write_parent(self, before: Parent | None, after: Parent) -> None:
        if before == after and before is not None:
            return
        name, namespace = self.request.name, self.request.namespace
        path = Resource("", "v1", "ConfigMap", "configmaps", True).path(namespace, name)
        query = {"fieldManager": self.request.manager, "force": "true"}
        self.api.call(
            "PATCH",
            path,
            query=query,
            body=after.manifest(name, namespace),
            content_type=APPLY,
            about=f"the record of the set, ConfigMap {namespace}/{name}",
        )

    def _drop_parent(self) -> None:
        path = Resource("", "v1", "ConfigMap", "configmaps", True).path(self.request.namespace, self.request.name)
        self.api.call("DELETE", path, expect=(404,))

    # -- wait for CRDs

    def _wait_served(self, manifests: list[Manifest]) -> None:
        """After CRDs: until they are established and discovery has their kinds."""
        definitions = [m for m in manifests if m["kind"] == "CustomResourceDefinition"]
        if not definitions:
            return
        needed = [m for m in self.desired if (m["apiVersion"], m["kind"]) in self.pending]
        waiting = {key_of(manifest): manifest for manifest in definitions}
        pause = 0.05
        while True:
            reasons = {}
            live = self.api.all(self._get, waiting.values())
            for key, definition in zip(list(waiting), live, strict=True):
                reason = _not_established(definition)
                if reason:
                    reasons[key] = reason
                else:
                    del waiting[key]
            if not waiting:
                served = self.api.discover(again=True)
                missing = [m for m in needed if served.find(m["apiVersion"], m["kind"]) is None]
                if not missing:
                    return
            if self.api.deadline.left < pause:
                if reasons:
                    text = listed(f"{key}: {reason}" for key, reason in reasons.items())
                    raise ClusterError(f"Not established within {self.api.deadline.seconds:g} s: {text}.")
                raise ClusterError(unserved(missing, served))
            time.sleep(pause)
            pause = min(pause * 1.5, 1.0)

    # -- prune

    def _prune_wave(self, manifests: list[Manifest]) -> None:
        self.progress(f"pruning {listed(str(key_of(manifest)) for manifest in manifests)}")
        outcomes = self.api.each(self._delete, manifests)
        going = []
        for manifest, outcome in zip(manifests, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                continue
            if outcome is None:
                self.report.notes[key_of(manifest)] = "left the set or this field manager while this ran: left alone"
                continue
            self.report.results[key_of(manifest)] = "pruned"
            self._diff(key_of(manifest), manifest, None)
            if not outcome:
                going.append(manifest)
        self._raise_refusals(manifests, outcomes, "")
        self._wait_gone(going)

    def _delete(self, manifest: Manifest) -> bool | None:
        """Delete exactly the object that was looked at: whether it is gone already; None if it is not ours any more."""
        key, live = key_of(manifest), manifest
        path = self._resource(manifest).path(key.namespace, key.name)
        while True:
            metadata = live["metadata"]
            if metadata.get("deletionTimestamp"):
                return False
            body = {
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "preconditions": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
                "propagationPolicy": "Background",
            }
            answer = self.api.call("DELETE", path, body=body, expect=(404, 409), about=str(key))
            if answer.status != 409:
                # a Status instead of the object: nothing holds it, and it is gone
                return answer.status == 404 or self.api.document(answer).get("kind") == "Status"
            # it moved since the list: look again, and delete it only if it is still what was planned
            found = self._get(manifest)
            if found is None or found["metadata"]["uid"] != metadata["uid"]:
                return True
            still = plan(
                [],
                [{**found, "apiVersion": manifest["apiVersion"], "kind": manifest["kind"]}],
                self.request.manager,
                True,
            )
            if labels_of(found).get(PART_OF) != self.id or not still.pruned:
                return None
            live = found

    def _wait_gone(self, manifests: list[Manifest]) -> None:
        waiting = list(manifests)
        pause = 0.05
        while waiting:
            live = self.api.all(self._get, waiting)
            still = [
                (manifest, found)
                for manifest, found in zip(waiting, live, strict=True)
                if found is not None and found["metadata"]["uid"] == manifest["metadata"]["uid"]
            ]
            waiting = [manifest for manifest, _found in still]
            if waiting and self.api.deadline.left < pause:
                text = " ".join(_stuck(key_of(manifest), found) for manifest, found in still[:5])
                raise ClusterError(f"Not gone within {self.api.deadline.seconds:g} s: {text}")
            if waiting:
                time.sleep(pause)
                pause = min(pause * 1.5, 2.0)


def _is_namespace(manifest: Manifest, name: str) -> bool:
    return key_of(manifest) == Key("", "Namespace", "", name)


def _not_established(definition: Mapping[str, Any] | None) -> str:
    if definition is None:
        return "it is gone"
    conditions = {c["type"]: c for c in (definition.get("status") or {}).get("conditions") or []}
    names = conditions.get("NamesAccepted") or {}
    if names.get("status") == "False":
        return f"NamesAccepted is False: {names.get('message')}"
    if (conditions.get("Established") or {}).get("status") != "True":
        return "condition Established is not True yet"
    return ""


def _stuck(key: Key, live: Mapping[str, Any]) -> str:
    """Why an object that is being deleted is still there."""
    metadata = live.get("metadata") or {}
    if not metadata.get("deletionTimestamp"):
        return f"{key} is still there."
    text = f"{key} is being deleted since {metadata['deletionTimestamp']}"
    finalizers = metadata.get("finalizers") or []
    if finalizers:
        text += f"; it waits for the finalizers {', '.join(finalizers)}: is what removes them running?"
    remains = [
        condition.get("message", "")
        for condition in (live.get("status") or {}).get("conditions") or []
        if condition.get("status") == "True" and condition.get("type", "").startswith("Namespace")
    ]
    return text + (f" {' '.join(remains)}" if remains else "") + ("" if text.endswith("?") or remains else ".")


def explained(key: Key, error: ApiError) -> str:
    """A refusal of one object, with what to do about it."""
    conflicts = [cause for cause in error.causes if cause.get("reason") == "FieldManagerConflict"]
    if error.code == 409 and conflicts:
        by_manager: dict[str, list[str]] = {}
        for cause in conflicts:
            match = MANAGER_IN_CAUSE.search(cause.get("message") or "")
            manager = match.group(1) if match else cause.get("message") or "another field manager"
            by_manager.setdefault(manager, []).append(cause.get("field") or "?")
        owned = "; ".join(f"{', '.join(fields)} by {manager}" for manager, fields in by_manager.items())
        return (
            f"{key}: conflict with other field managers over {owned}."
            " Give up these fields in the set, or take them over with force: true."
        )
    text = str(error)
    if text.startswith(f"{key}: "):
        text = text[len(f"{key}: ") :]
    text = text.rstrip(".")
    if error.code == 422 and any(sign in text for sign in IMMUTABLE):
        return f"{key}: {text}. This field cannot change on an existing object: restore it, or delete the object first."
    if error.code == 404 and (error.status.get("details") or {}).get("kind") == "namespaces":
        return f"{key}: its namespace does not exist; create it, or put a Namespace {key.namespace} into the set."
    return f"{key}: {text}."
