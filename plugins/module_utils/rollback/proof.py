# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves a rollback: the component is gone, everything else is as it was."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from .. import removal
from ..api import Api
from ..component_objects import Wanted
from ..flux_graph import HELM, KUSTOMIZE
from ..flux_status import is_suspended
from ..objects import Key, Manifest, annotations_of, key_of, listed
from ..readiness import judge
from .deletion import leavings
from .from_git import identity, key_from
from .held_back import remaining
from .look import objects
from .plan import CLUSTER_ID, REMEMBER, Plan, as_manifest, content_of

#: seconds that others have to be ready again, when they are not at the first look
SETTLING = 60.0
#: megabytes of them; one that was established stays so until it is deleted, which its metadata tell
METADATA_ENOUGH = ("CustomResourceDefinition",)


@dataclass
class Proof:
    """What was found."""

    #: what of the component is there still, or again
    remains: list[str] = field(default_factory=list)
    #: what else is not as it was
    changed: list[str] = field(default_factory=list)
    #: how many other objects were compared, and how many of them are as they were
    compared: int = 0
    same: int = 0
    #: seconds of waiting until others were ready again
    waited: float = 0.0


def prove(api: Api, plan: Plan) -> Proof:
    """Look at everything that the plan names."""
    proof = Proof(compared=len(plan.others))
    proof.remains += api_remains(api, plan)
    proof.remains += remaining(api, plan.from_git) if plan.from_git else []
    proof.remains += [f"{key_of(found)} was left behind" for found in leavings(api, plan, _uids(plan))]
    proof.changed += _claims(api, plan)
    others = _others(api, plan, proof)
    proof.changed += others
    proof.same = proof.compared - len(others)
    now = objects(api, [Wanted(KUSTOMIZE, "Kustomization"), Wanted(HELM, "HelmRelease")])
    suspended = {identity(key_of(manifest)) for manifest in now if is_suspended(manifest)} - set(plan.suspended)
    proof.changed += [f"{key_from(each)} is suspended, and was not" for each in sorted(suspended)]
    return proof


def _uids(plan: Plan) -> set[str]:
    return {each["uid"] for each in plan.objects}


def _get(api: Api, manifest: Manifest) -> Manifest | None:
    resource = api.discover().find(manifest["apiVersion"], manifest["kind"])
    key = key_of(manifest)
    return api.get(resource, key.namespace, key.name) if resource else None


def api_remains(api: Api, plan: Plan) -> list[str]:
    """Of the objects that were deleted those that are there: the same ones, or made anew by somebody."""
    gone = [as_manifest(each) for each in plan.objects]
    gone += [as_manifest(each) for each in plan.claims] if plan.delete_claims else []
    found = []
    for manifest, live in zip(gone, api.all(lambda each: _get(api, each), gone), strict=True):
        if live is None:
            continue
        if live["metadata"]["uid"] == manifest["metadata"]["uid"]:
            found.append(removal.stuck(key_of(manifest), live).rstrip("."))
        else:
            managers = {each.get("manager") for each in live["metadata"].get("managedFields") or []} - {None}
            found.append(f"{key_of(manifest)} has been made anew by {listed(sorted(map(str, managers)))}")
    return found


def _claims(api: Api, plan: Plan) -> list[str]:
    """Each claim that is kept, and of a Kafka's whether it knows whose it is."""
    if plan.delete_claims:
        return []
    ids = {step["uid"]: step["value"] for step in plan.prepare if step["do"] == REMEMBER}
    found = []
    kept = [as_manifest(each) for each in plan.claims]
    for manifest, live in zip(kept, api.all(lambda each: _get(api, each), kept), strict=True):
        key, uid = key_of(manifest), manifest["metadata"]["uid"]
        if live is None or live["metadata"]["uid"] != uid:
            if f"the data of {key}" not in plan.destroyed:
                found.append(f"{key} should have been kept, and is gone")
        elif uid in ids and annotations_of(live).get(CLUSTER_ID) != ids[uid]:
            found.append(f"{key} has lost the annotation {CLUSTER_ID}: {ids[uid]}")
    return found


def _others(api: Api, plan: Plan, proof: Proof) -> list[str]:
    """Each other object: the same one, its spec untouched, and ready if it was."""
    began = api.deadline.spent
    waiting = {key_from(text): mark for text, mark in plan.others.items()}
    pause = removal.FIRST_PAUSE
    while True:
        live = _read(api, waiting)
        problems = {key: text for key, mark in waiting.items() if (text := _differs(live.get(key), mark))}
        unsettled = [key for key in problems if "not ready" in problems[key]]
        if not unsettled or api.deadline.spent - began > SETTLING or api.deadline.passed:
            return [f"{key} {text}" for key, text in problems.items()]
        time.sleep(pause)
        proof.waited += pause
        pause = min(pause * 2, 5.0)


def _read(api: Api, keys: Iterable[Key]) -> dict[Key, Manifest]:
    """The objects that are there, a list for each kind and namespace."""
    lists = {(key.group, key.kind, key.namespace) for key in keys}
    wanted = [Wanted(group, kind, namespace) for group, kind, namespace in sorted(lists)]
    found = objects(api, wanted, metadata_only=METADATA_ENOUGH)
    return {key_of(manifest): manifest for manifest in found}


def _differs(live: Manifest | None, mark: list[object]) -> str:
    """How an object differs from what it was; "" if it does not."""
    uid, generation, ready, *content = mark
    if live is None or live["metadata"]["uid"] != uid:
        return "was made anew" if live else "is gone"
    if live["metadata"].get("deletionTimestamp"):
        return "is being deleted"
    if live["metadata"].get("generation") != generation or (content and content_of(live) != content[0]):
        return "has been changed"
    if ready and live["kind"] not in METADATA_ENOUGH and not (verdict := judge(live)).done:
        return f"is not ready any more: {verdict.reason or verdict.state}"
    return ""
