# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does what a plan says: prepares, deletes wave by wave, waits for what operators take away. Safe to run again."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .. import removal, set_members
from ..api import MERGE, Api, ApiError
from ..apply_plan import parent_of, set_id
from ..component_objects import Wanted
from ..discovery import DEPLOYMENTS, Resource
from ..errors import ClusterError
from ..objects import Key, Manifest, key_of, labels_of, listed
from .components import COMPONENTS, Keeper, keeper
from .journal import OvertakenError
from .look import objects, of_others, still
from .plan import (
    CLUSTER_ID,
    IN_EFFECT,
    MANAGER,
    REMEMBER,
    RESUME,
    SUSPEND,
    UNMANAGE,
    Plan,
    as_manifest,
    key_of_entry,
)

#: seconds that the one who should take a finalizer away is given, before it is taken away in its place
PATIENCE = 20.0
#: seconds after which it is no use to wait for one that is not there at all
GRACE = 30.0
PREPARED: dict[str, Callable[[Mapping[str, str]], dict[str, Any]]] = {
    UNMANAGE: lambda step: {"metadata": {"annotations": {"strimzi.io/managed": "false"}}},
    REMEMBER: lambda step: {"metadata": {"annotations": {CLUSTER_ID: step["value"]}}},
    SUSPEND: lambda step: {"spec": {"suspend": True}},
    RESUME: lambda step: {"spec": {"suspend": None}},
}
#: preparation -> what an object is that has lost it
UNPREPARED = {
    UNMANAGE: "strimzi.io/managed is not false any more",
    SUSPEND: "it is resumed",
    RESUME: "it is suspended",
}
PREPARE_ATTEMPTS, PREPARE_PAUSE = 6, 0.3
#: an object that is prepared is deleted as it was seen; its operator may write it meanwhile
DELETE_ATTEMPTS = 10


@dataclass(frozen=True)
class Hold:
    """A finalizer, and the one Deployment that takes it away."""

    finalizer: str
    keeper: Keeper
    #: its namespace, "" for wherever it is
    namespace: str
    deployment: str

    @classmethod
    def of(cls, live: Mapping[str, Any], kind: str, finalizer: str) -> Hold:
        who = keeper(kind, finalizer)
        if who.deployment != "entity-operator":
            return cls(finalizer, who, "", who.deployment)
        cluster = labels_of(live).get("strimzi.io/cluster")
        name = f"{cluster}-{who.deployment}" if cluster else ""
        return cls(finalizer, who, live["metadata"].get("namespace") or "", name)


@dataclass
class Deletion:
    """One run over a plan."""

    api: Api
    plan: Plan
    #: finalizers that may be taken away when their own controller does not
    remove_finalizers: Collection[str] = ()
    tell: Callable[[str], None] = lambda text: None
    #: called again and again while it waits
    beat: Callable[[], None] = lambda: None
    deleted: list[str] = field(default_factory=list)
    #: finalizers that were taken away
    forced: list[str] = field(default_factory=list)
    #: seconds of waiting for the cluster; for what is deleted, from the first request for it
    waited: float = 0.0
    #: when a wave's first deletion was asked for
    _asked: float | None = None
    _seen: dict[str, float] = field(default_factory=dict)
    #: what holds objects -> when it was last looked at who should take it away
    _held: dict[Hold, float] = field(default_factory=dict)
    #: UID -> what its object must have when it is deleted
    _prepared: dict[str, dict[str, str]] = field(default_factory=dict)
    #: UID -> its object at the beginning of the run
    _found: dict[str, Manifest | None] = field(default_factory=dict)

    def run(self) -> None:
        going = {each["uid"] for each in self.plan.objects}
        prepare = self.plan.prepare
        self._prepared = {step["uid"]: step for step in prepare if step["do"] != REMEMBER}
        self._find([as_manifest(each) for each in self.plan.objects if each["uid"] not in self._prepared])
        self._prepare_all(prepare)
        for wave in self.plan.delete:
            uids = {each["uid"] for each in wave}
            self._prepare_all([each for each in prepare if each["uid"] in uids or each["do"] == REMEMBER])
            if any(key_of_entry(each).group_kind in COMPONENTS[self.plan.component].last for each in wave):
                self._nothing_left(going, ("Pod",))
            self._claims_stay()
            self._wave([as_manifest(each) for each in wave])
        self._nothing_left(going)
        # again: until its Kafka was gone, the operator may have written the claims as it makes them
        self._prepare_all([step for step in prepare if step["do"] == REMEMBER])
        if self.plan.delete_claims:
            self._wave([as_manifest(each) for each in self.plan.claims])
        self._records()

    # -- before

    def _find(self, manifests: list[Manifest]) -> None:
        """What goes, all of it at once: not an object before its deletion."""
        found = self.api.all(self._get, manifests)
        self._found = {manifest["metadata"]["uid"]: live for manifest, live in zip(manifests, found, strict=True)}

    def _claims_stay(self) -> None:
        """A claim with an owner goes with it. One that has got it since the plan was made would die unsaid."""
        if self.plan.delete_claims:
            return
        owned = [live for live in still(self.api, self.plan.claims) if live["metadata"].get("ownerReferences")]
        names = [str(key_of(live)) for live in owned if f"the data of {key_of(live)}" not in self.plan.destroyed]
        if names and still(self.api, self.plan.objects):
            raise ClusterError(
                f"{listed(names, 5)}: has got an owner since the plan was made (as by deleteClaim: true of a Kafka),"
                " and its data would die with it, so that nothing more is deleted. The rollback stays open: run it"
                " again for a plan that says so."
            )

    def _prepare_all(self, steps: Iterable[Mapping[str, str]]) -> None:
        """Until every live object has what it is prepared by: without it, its deletion would destroy data."""
        left = list(steps)
        for attempt in range(PREPARE_ATTEMPTS):
            if attempt > 1:
                time.sleep(PREPARE_PAUSE)
            written = self.api.all(self._prepare, left)
            left = [step for step, again in zip(left, written, strict=True) if again]
            if not left:
                return
        names = listed((str(key_of_entry(step)) for step in left), 5)
        raise ClusterError(
            f"{names}: what has to be there before the deletion ({listed(sorted({step['do'] for step in left}))}) does"
            " not stay, so that nothing more is deleted. Is something else writing these? The rollback stays open: run"
            " it again to go on."
        )

    def _prepare(self, step: Mapping[str, str]) -> bool:
        """A change of exactly this object, as long as it is there and not going already. Whether to look again."""
        key = key_of_entry(step)
        resource = self.api.discover().find(step["apiVersion"], step["kind"])
        live = resource and self.api.get(resource, key.namespace, key.name)
        if (
            not resource
            or not live
            or live["metadata"]["uid"] != step["uid"]
            or live["metadata"].get("deletionTimestamp")
            or IN_EFFECT[step["do"]](live, step)
        ):
            return False
        body = PREPARED[step["do"]](step)
        body["metadata"] = {**body.get("metadata", {}), "uid": step["uid"]}
        self.api.call(
            "PATCH",
            resource.path(key.namespace, key.name),
            query={"fieldManager": MANAGER},
            body=body,
            content_type=MERGE,
            expect=(404, 409),
            about=str(key),
        )
        return True

    # -- delete

    def _wave(self, manifests: list[Manifest]) -> None:
        if not manifests:
            return
        self.tell(f"deleting {listed((str(key_of(manifest)) for manifest in manifests), 4)}")
        self._asked = None
        try:
            self.deleted += [str(key) for key in self.api.all(self._delete, manifests) if key]
        finally:
            self.waited += time.monotonic() - self._asked if self._asked else 0.0
        with self._waiting():
            try:
                removal.wait_gone(self.api, manifests, self._get, self._look)
            except OvertakenError:
                raise
            except ClusterError as error:
                raise ClusterError(f"{error}{self._diagnosis(manifests)}") from error

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Time that the cluster takes."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.waited += time.monotonic() - began

    def _resource(self, manifest: Mapping[str, Any]) -> Resource | None:
        return self.api.discover().find(manifest["apiVersion"], manifest["kind"])

    def _get(self, manifest: Manifest) -> Manifest | None:
        key, resource = key_of(manifest), self._resource(manifest)
        return self.api.get(resource, key.namespace, key.name) if resource else None

    def _delete(self, manifest: Manifest) -> Key | None:
        """Ask for its deletion; its key if it was there. What is no longer as it was prepared is refused."""
        key, uid, resource = key_of(manifest), manifest["metadata"]["uid"], self._resource(manifest)
        step, early = self._prepared.get(uid), self._found.pop(uid, None)
        for __ in range(DELETE_ATTEMPTS):
            live = early or self._get(manifest)
            if live is None or resource is None or live["metadata"]["uid"] != uid:
                return None
            # somebody's own deletion, in the foreground say, would become another one by being asked for again
            if live["metadata"].get("deletionTimestamp"):
                return key
            # between the look and this request it may have gone and been made anew: that one is not ours
            only = {"uid": uid}
            if step and not IN_EFFECT[step["do"]](live, step):
                raise ClusterError(
                    f"{key} is not deleted, as somebody has changed what it was prepared by"
                    f" ({UNPREPARED[step['do']]}): its deletion would take more than the plan says."
                    " The rollback stays open: run it again to go on."
                )
            if step or early:
                only["resourceVersion"] = live["metadata"]["resourceVersion"]
            self._asked = self._asked or time.monotonic()
            answer = removal.delete(self.api, resource.path(key.namespace, key.name), key, only, expect=(409,))
            if answer.status != 409:
                return key
            early = None
        raise ClusterError(f"{key} changes all the time, it could not be deleted; run it again.")

    def _look(self, still: list[tuple[Manifest, Manifest]]) -> None:
        """Take finalizers away that may be, once their own controller has had its time; tell of those that hang."""
        self.beat()
        now = time.monotonic()
        hanging: dict[Hold, list[Key]] = {}
        for manifest, live in still:
            metadata, key = live["metadata"], key_of(manifest)
            if not metadata.get("deletionTimestamp"):
                continue
            if now - self._seen.setdefault(metadata["uid"], now) < PATIENCE:
                continue
            finalizers = metadata.get("finalizers") or []
            held = [each for each in finalizers if each in self.remove_finalizers]
            if held:
                self._take_away(live, held)
            for each in finalizers:
                if each not in held:
                    hanging.setdefault(Hold.of(live, key.kind, each), []).append(key)
        for hold, keys in hanging.items():
            self._hangs(hold, keys, now)

    def _hangs(self, hold: Hold, keys: list[Key], now: float) -> None:
        """Say once what holds objects; end when the one who should let them go is not there at all."""
        since = self._held.get(hold)
        if since is None:
            self.tell(f"still there: {listed(map(str, keys), 4)}.{self._word(hold)}")
        elif now - since < GRACE - PATIENCE:
            return
        elif hold.deployment and self._replicas(self._deployments(hold)) == 0:
            raise ClusterError(f"{listed(map(str, keys), 4)}: nobody is there to let go of what is being deleted.")
        self._held[hold] = now

    def _take_away(self, live: Manifest, held: list[str]) -> None:
        metadata = live["metadata"]
        resource = self._resource(live)
        if resource is None:
            return
        rest = [each for each in metadata["finalizers"] if each not in held]
        # exactly these: a finalizer that somebody has added meanwhile stays
        body = {
            "metadata": {"finalizers": rest, "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        }
        path = resource.path(metadata.get("namespace") or "", metadata["name"])
        query = {"fieldManager": MANAGER}
        answer = self.api.call("PATCH", path, query=query, body=body, content_type=MERGE, expect=(404, 409))
        if answer.status == 200:
            self.forced.append(f"{key_of(live)}: {', '.join(held)}")
            self.tell(f"{key_of(live)}: took {', '.join(held)} away, as its own controller did not")

    def _diagnosis(self, manifests: list[Manifest]) -> str:
        """Who should take the finalizers away that hold these objects, and whether that one runs."""
        self.api.deadline.seconds = self.api.deadline.spent + 10  # what explains the failure may take a little more
        holds: dict[Hold, None] = {}
        for manifest in manifests:
            live = self._get(manifest) or {"metadata": {}}
            for finalizer in live["metadata"].get("finalizers") or []:
                holds[Hold.of(live, key_of(manifest).kind, finalizer)] = None
        return "".join(self._word(hold) for hold in holds)

    def _word(self, hold: Hold) -> str:
        hint = f", or allow rollback_remove_finalizers: [{hold.finalizer}]" if hold.keeper.replaceable else ""
        return f" {hold.finalizer} is for {hold.keeper.who}{self._runs(hold) if hold.deployment else ''}{hint}."

    def _runs(self, hold: Hold) -> str:
        found, name = self._deployments(hold), f" (Deployment {hold.deployment}), which"
        if found is None:
            return f"{name} may not be looked at"
        if not found:
            return f"{name} is not there: bring it back"
        if not self._replicas(found):
            return f"{name} is scaled to 0: scale it up"
        ready = (found[0].get("status") or {}).get("readyReplicas") or 0
        return f"{name} {'runs: see its log' if ready else 'is not ready: mend it'}"

    def _deployments(self, hold: Hold) -> list[Manifest] | None:
        """The Deployments of that name; None when they may not be listed."""
        try:
            return self.api.list(DEPLOYMENTS, hold.namespace, fields=f"metadata.name={hold.deployment}")
        except ApiError as error:
            if error.code != 403:
                raise
            return None

    @staticmethod
    def _replicas(found: list[Manifest] | None) -> int | None:
        """How many pods they are to have; None when it is not known."""
        return None if found is None else sum(each.get("spec", {}).get("replicas", 1) for each in found)

    # -- after

    def _nothing_left(self, going: Collection[str], kinds: Collection[str] = ()) -> None:
        """Until operators and Kubernetes have taken away what they had made; of some kinds, or all of it."""
        pause = removal.FIRST_PAUSE
        with self._waiting():
            while left := leavings(self.api, self.plan, going, kinds):
                if self.api.deadline.left < pause:
                    raise ClusterError(
                        f"Not gone within {self.api.deadline.seconds:g} s: {listed(map(str, map(key_of, left)), 5)}."
                        " Is the operator that made them running?"
                    )
                self.beat()
                time.sleep(pause)
                pause = min(pause * 1.5, removal.LONGEST_PAUSE)

    def _records(self) -> None:
        """The records of the sets say what is left of them."""
        for namespace, name in self.plan.sets:
            record = set_members.record_of(self.api, name, namespace)
            if record is None:
                continue
            keys = [key_of(manifest) for manifest in set_members.every_member(self.api, name, namespace, record)]
            if keys:
                set_members.write_record(self.api, name, namespace, parent_of(keys, namespace), MANAGER)
            else:
                set_members.drop_record(self.api, name, namespace)


def leavings(api: Api, plan: Plan, going: Collection[str], kinds: Collection[str] = ()) -> list[Manifest]:
    """What operators have made for the component and is still there, without what others still need."""
    made = [Wanted(**each) for each in plan.made]
    found = objects(api, [each for each in made if not kinds or each.kind in kinds])
    mine = {set_id(name, namespace) for namespace, name in plan.sets}
    return [manifest for manifest in found if not of_others(manifest, mine, going)]
