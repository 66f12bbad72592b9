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

from . import data_loss, removal, set_members
from .api import APPLY, MERGE, METADATA_ONLY, Api, ApiError
from .apply_plan import PART_OF, Parent, Plan, parent_of, plan, prepare, set_id
from .discovery import CONFIG_MAPS, Resource, Served
from .errors import ClusterError
from .object_diff import diff, without_times
from .objects import Key, Manifest, key_of, labels_of, listed
from .served_kinds import resolve, unserved

#: new objects of one kind and namespace that are tried before the first write; those of one kind come from one hand,
#: and so do their mistakes, so the first few show them, and each try is a request
TRIED_OF_A_KIND = 2
DEFINITION = "CustomResourceDefinition"
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
    #: say what would happen and write nothing, but refuse what would be refused: somebody else applies it (Flux)
    predict: bool = False
    #: in check mode: kinds and namespaces that an earlier task would have brought by now
    expected_kinds: tuple[str, ...] = ()
    expected_namespaces: tuple[str, ...] = ()
    want_diff: bool = False
    #: CRDs that leave the set stay, with every object of theirs
    keep_definitions: bool = False

    @property
    def dry(self) -> bool:
        """Whether nothing is written."""
        return self.check_mode or self.predict


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

    def add(self, other: Report) -> None:
        """What another prediction of the same objects finds beside this one: what it prunes, and its warnings."""
        self.results |= {key: action for key, action in other.results.items() if action == "pruned"}
        self.warnings += [warning for warning in other.warnings if warning not in self.warnings]


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
        self.resources, self.pending = resolve(self.desired, served, request.expected_kinds if request.dry else ())
        keys = [key_of(manifest) for manifest in self.desired]
        if Key("", "ConfigMap", request.namespace, request.name) in keys:
            raise ClusterError(
                f"ConfigMap {request.namespace}/{request.name} is the set's own record and cannot be one of its"
                " objects; choose another name for the set."
            )
        self._look(served, parent)
        the_plan = self._plan()
        self._tell_foreign(the_plan)
        kept = self._keep(the_plan) if request.keep_definitions else []
        self._guard_terminating(the_plan)
        self._try(the_plan)
        self._guard_data(the_plan)
        for key in the_plan.unchanged:
            self.report.results[key] = "unchanged"
        if request.dry:
            self._predict(the_plan)
            self.report.results.update({key_of(manifest): "changed" for manifest in kept})
        else:
            self._write(the_plan, parent, keys, kept)
        return self.report

    def _resource(self, manifest: Mapping[str, Any]) -> Resource:
        return self.resources[(manifest["apiVersion"], manifest["kind"])]

    # -- look

    def _read_parent(self) -> Manifest | None:
        return self.api.get(CONFIG_MAPS, self.request.namespace, self.request.name)

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
            return set_members.members(self.api, resource, self.id, sorted(namespaces))

        for resource, items in zip(kinds.values(), self.api.all(members, kinds.values()), strict=True):
            for item in items:
                # items of a list carry neither
                item["apiVersion"], item["kind"] = resource.api_version, resource.kind
                self.live[key_of(item)] = item
        self.api.masker.learn(self.live.values())

    def _plan(self) -> Plan:
        return plan(self.desired, self.live.values(), self.request.manager, self.request.prune)

    def _keep(self, the_plan: Plan) -> list[Manifest]:
        """Take the definitions out of what is pruned: an operator may be installed by other means, its objects stay."""
        kept = [manifest for manifest in the_plan.pruned if manifest["kind"] == DEFINITION]
        if kept:
            rest = [[m for m in wave if m["kind"] != DEFINITION] for wave in the_plan.prune]
            the_plan.prune = [wave for wave in rest if wave]
            names = listed(manifest["metadata"]["name"] for manifest in kept)
            self.report.warnings.append(
                f"These CRDs are no longer in the set {self.request.name}; they are kept, with every object of theirs,"
                f" and no longer looked after by it: {names}."
            )
        for manifest in kept:
            self.report.notes[key_of(manifest)] = "no longer in the set: kept, with every object of its kind"
        return kept

    # -- refuse

    def _tell_foreign(self, the_plan: Plan) -> None:
        for key in the_plan.foreign:
            self.report.notes[key] = f"has the set's label, but {self.request.manager} has not applied it: left alone"

    def _guard_data(self, the_plan: Plan) -> None:
        """One question for everything that would be lost; asked after the dry runs, which say what would become."""
        pruned = {key_of(manifest) for manifest in the_plan.pruned}
        live = {key: manifest for key, manifest in self.live.items() if key not in pruned}
        become = {**live, **{key: after for key, (_created, after) in self.tried.items()}}
        lost = data_loss.losses(the_plan.pruned)
        changed = data_loss.changes(live.values(), become.values())
        request = self.request
        confirmed = request.data_loss_phrase and request.confirm_data_loss == request.data_loss_phrase
        if not (lost or changed) or confirmed:
            return
        question = data_loss.question(lost, changed, request.data_loss_phrase)
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
            if self.request.dry:
                raise ClusterError(removal.stuck(key, live))
            self.progress(f"waiting until the old {key} is gone")
            self._wait_gone([live])
            del self.live[key]

    # -- try

    def _try(self, the_plan: Plan) -> None:
        """Dry runs before the first write, so that a refusal leaves nothing half done."""
        if self.request.validate == "none" and not self.request.dry:
            # what holds data is tried all the same: who else could say that a change destroys it
            guarded = [m for m in the_plan.applied if not self._too_early(m) and data_loss.may_lose_by_change(m)]
            self._dry_run(self._worth_trying(guarded, 0))
            return
        first = [m for m in the_plan.applied if m["kind"] in ("Namespace", "CustomResourceDefinition")]
        rest = [m for m in the_plan.applied if m["kind"] not in ("Namespace", "CustomResourceDefinition")]
        self._dry_run(first)
        if self.request.dry:
            self.new_namespaces |= {name for name in self.request.expected_namespaces if not self._exists(name)}
        for manifest in first:
            key = key_of(manifest)
            if key in self.tried and self.tried[key][0] and manifest["kind"] == "Namespace":
                self.new_namespaces.add(key.name)
        rest = [manifest for manifest in rest if not self._too_early(manifest)]
        if not self.request.dry and self.request.validate == "auto":
            rest = self._worth_trying(rest, TRIED_OF_A_KIND)
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

    def _worth_trying(self, manifests: list[Manifest], new_ones: int) -> list[Manifest]:
        """Every object that exists already, and the first `new_ones` of each kind and namespace that do not."""
        groups: dict[tuple[Resource, str], list[Manifest]] = {}
        for manifest in manifests:
            place = (self._resource(manifest), manifest["metadata"].get("namespace") or "")
            groups.setdefault(place, []).append(manifest)
        chosen = []
        for (resource, namespace), members in groups.items():
            unknown = [manifest for manifest in members if key_of(manifest) not in self.live]
            chosen += [manifest for manifest in members if key_of(manifest) in self.live]
            if len(unknown) > new_ones:
                names = self._names(resource, namespace)
                chosen += [m for m in unknown[new_ones:] if names is None or m["metadata"]["name"] in names]
            chosen += unknown[:new_ones]
        return chosen

    def _names(self, resource: Resource, namespace: str) -> set[str] | None:
        """Names of all objects of a kind; None if that may not be asked."""
        try:
            items = self.api.list(resource, namespace, accept=METADATA_ONLY)
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

    def _patch(self, manifest: Manifest, dry_run: bool = False, force: bool = False) -> tuple[bool, Manifest]:
        """Server-side apply of one object: whether it was created, and the object that came back."""
        key = key_of(manifest)
        query = {
            "fieldManager": self.request.manager,
            "fieldValidation": "Strict",
            "force": "true" if self.request.force or force else "false",
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

    def _write(self, the_plan: Plan, parent: Parent | None, keys: list[Key], kept: list[Manifest]) -> None:
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
        self._release(kept)
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
        set_members.write_record(self.api, self.request.name, self.request.namespace, after, self.request.manager)

    def _drop_parent(self) -> None:
        set_members.drop_record(self.api, self.request.name, self.request.namespace)

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

    def _release(self, kept: list[Manifest]) -> None:
        """Take the set's label off, so that no later run takes them for members."""
        for manifest in kept:
            key = key_of(manifest)
            self.api.call(
                "PATCH",
                self._resource(manifest).path(key.namespace, key.name),
                query={"fieldManager": self.request.manager},
                body={"metadata": {"labels": {PART_OF: None}}},
                content_type=MERGE,
                expect=(404,),
                about=str(key),
            )
            self.report.results[key] = "changed"

    def _delete(self, manifest: Manifest) -> bool | None:
        """Delete exactly the object that was looked at: whether it is gone already; None if it is not ours any more."""
        key, live = key_of(manifest), manifest
        path = self._resource(manifest).path(key.namespace, key.name)
        while True:
            metadata = live["metadata"]
            if metadata.get("deletionTimestamp"):
                return False
            exactly = {name: metadata[name] for name in ("uid", "resourceVersion")}
            answer = removal.delete(self.api, path, key, exactly, expect=(409,))
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
        removal.wait_gone(self.api, manifests, self._get)


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
