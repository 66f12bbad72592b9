# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a rollback: plain data in, plain data and text out, nothing asked and nothing sent.

It is what is shown, what is confirmed, what the journal keeps, and what the proof compares with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .. import data_loss
from ..apply_plan import PART_OF, waves
from ..flux_graph import HELM, KUSTOMIZE
from ..flux_status import is_suspended
from ..handover import is_of
from ..objects import Key, Manifest, annotations_of, key_of, labels_of, listed
from ..ownership import is_applied_by
from ..readiness import judge
from . import from_git as git
from .components import COMPONENTS, STAYING, Component, Set, Values, allowed
from .from_git import FromGit, identity
from .last_backup import TAKEN

MANAGER = "synergyflow.platform"
#: who applies what is compared: this collection, or Flux for it
APPLIERS = (MANAGER, "kustomize-controller")
#: on a claim that is kept: the Kafka whose data it holds
CLUSTER_ID = "synergyflow.platform/kafka-cluster-id"
UNMANAGE, REMEMBER, SUSPEND, RESUME = "unmanage", "remember", "suspend", "resume"
#: whether a live object has what its preparation writes
IN_EFFECT: dict[str, Callable[[Mapping[str, Any], Mapping[str, str]], bool]] = {
    UNMANAGE: lambda live, step: annotations_of(live).get("strimzi.io/managed") == "false",
    REMEMBER: lambda live, step: annotations_of(live).get(CLUSTER_ID) == step["value"],
    SUSPEND: lambda live, step: is_suspended(live),
    RESUME: lambda live, step: not is_suspended(live),
}
KAFKA = "kafka.strimzi.io"
#: label of an object that Flux applies -> kind of its owner, and its API group
FLUX_OWNERS = {
    "kustomize.toolkit.fluxcd.io/name": ("Kustomization", KUSTOMIZE),
    "helm.toolkit.fluxcd.io/name": ("HelmRelease", HELM),
}
LINES = 12
NO_RECORD = "There is what no record of a set says to be this collection's"
KEPT_ALONE = "Of it there is only what a rollback keeps"


@dataclass
class Seen:
    """What of the cluster a plan is made from."""

    #: the sets of the component, in the order in which they go -> their members
    sets: dict[Set, list[Manifest]] = field(default_factory=dict)
    #: every other set
    others: dict[Set, list[Manifest]] = field(default_factory=dict)
    claims: list[Manifest] = field(default_factory=list)
    #: Kustomizations and HelmReleases
    flux: list[Manifest] = field(default_factory=list)
    #: custom resources that need what goes, and stay
    needing: list[Manifest] = field(default_factory=list)
    #: what operators have made of the component
    made: list[Manifest] = field(default_factory=list)
    #: Kustomizations that bring the component from Git, and which part of it; "" for one that is not ours
    by_git: dict[Key, str] = field(default_factory=dict)
    #: what an earlier run of this rollback has suspended
    held: frozenset[str] = frozenset()


@dataclass
class Plan:
    """What a rollback does. Objects are entries: apiVersion, kind, namespace, name, uid."""

    component: str
    cluster: str
    sets: list[Set] = field(default_factory=list)
    delete: list[list[dict[str, str]]] = field(default_factory=list)
    #: members of the sets that stay, each with the reason
    stay: list[dict[str, str]] = field(default_factory=list)
    claims: list[dict[str, str]] = field(default_factory=list)
    delete_claims: bool = False
    #: the id of their Kafka's cluster that the kept claims get; "" for none
    remember: str = ""
    #: UIDs of the objects that had what they are prepared by when the plan was made
    already: list[str] = field(default_factory=list)
    #: lists that must be empty at the end
    made: list[dict[str, str]] = field(default_factory=list)
    dependants: list[str] = field(default_factory=list)
    #: sets that need not be ready afterwards
    broken: list[Set] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    #: data that dies
    destroyed: list[str] = field(default_factory=list)
    #: what becomes of the last backup of it, and how many minutes that may take
    backup: str = ""
    backup_minutes: int = 0
    kept: list[str] = field(default_factory=list)
    #: object -> its UID, its generation, whether it was ready; what tells its content when it has no generation
    others: dict[str, list[Any]] = field(default_factory=dict)
    suspended: list[str] = field(default_factory=list)
    #: what Git has of it, and what becomes of that; None for what is delivered directly
    from_git: FromGit | None = None
    #: what looks like the component's and is in no record of a set, when nothing else is there
    unrecorded: list[str] = field(default_factory=list)
    #: what could not be looked at
    unknown: list[str] = field(default_factory=list)
    #: why the rollback cannot be done
    refused: list[str] = field(default_factory=list)
    #: the version of the journal in whose place this plan is made; "" for none
    replaces: str = ""
    #: what the run that it had has changed, with what takes that back
    before: list[str] = field(default_factory=list)

    @property
    def pending(self) -> bool:
        """Whether there is anything to do."""
        return any(self.delete) or bool(self.delete_claims and self.claims) or self.from_git is not None

    @property
    def objects(self) -> list[dict[str, str]]:
        return [entry for wave in self.delete for entry in wave]

    @property
    def takes_backup(self) -> bool:
        """Whether data dies, and is backed up before."""
        return bool(self.destroyed) and self.backup == TAKEN

    @property
    def prepare(self) -> list[dict[str, str]]:
        """What every object must have before its deletion, so that less is lost by it, whether it has it or not.

        Not in the journal: it follows from what is deleted, and would be as large.
        """
        release = SUSPEND if COMPONENTS[self.component].forget_releases else RESUME
        what = {"KafkaTopic": UNMANAGE, "HelmRelease": release}
        found = [{"do": what[each["kind"]], **each} for each in self.objects if each["kind"] in what]
        if self.remember:
            found += [{"do": REMEMBER, "value": self.remember, **each} for each in self.claims]
        return found

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Plan:
        """From its plain form; sets are pairs again."""
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        for name in ("sets", "broken"):
            known[name] = [(str(each[0]), str(each[1])) for each in known.get(name) or []]
        if known.get("from_git"):
            known["from_git"] = FromGit.read(known["from_git"])
        found = cls(**known)
        if "prepare" in data:  # written by an earlier version: only what was to be changed then
            found.remember = next((each["value"] for each in data["prepare"] if each["do"] == REMEMBER), "")
            changed = {each["uid"] for each in data["prepare"]}
            found.already = [each["uid"] for each in found.prepare if each["uid"] not in changed]
        return found


def entry(manifest: Manifest) -> dict[str, str]:
    """An object by what tells it from all others, before and after."""
    metadata = manifest["metadata"]
    return {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "namespace": metadata.get("namespace") or "",
        "name": metadata["name"],
        "uid": metadata["uid"],
    }


def key_of_entry(each: Mapping[str, str]) -> Key:
    return Key(each["apiVersion"].rpartition("/")[0], each["kind"], each["namespace"], each["name"])


def as_manifest(each: Mapping[str, str]) -> Manifest:
    """What an entry's object looks like as far as deleting it goes."""
    metadata = {"name": each["name"], "uid": each["uid"]} | (
        {"namespace": each["namespace"]} if each["namespace"] else {}
    )
    return {"apiVersion": each["apiVersion"], "kind": each["kind"], "metadata": metadata}


def fingerprint(manifest: Manifest) -> list[Any]:
    """What of an object must be the same afterwards."""
    metadata = manifest["metadata"]
    mark = [metadata["uid"], metadata.get("generation"), judge(manifest).done]
    content = content_of(manifest)
    return [*mark, content] if content else mark


def content_of(manifest: Manifest) -> str:
    """What tells a change of an object that the API server counts none of (ConfigMap, Role …); "" where nothing does.

    Only of what was applied: operators write what is theirs (Strimzi its certificates, copied labels and all). Left out
    is what controllers add to a ServiceAccount and to a claim that they bind, and annotations. Of a Secret there is no
    hash, since a short one could be guessed by it.
    """
    metadata = manifest["metadata"]
    counted = metadata.get("generation") or manifest["kind"] == "PersistentVolumeClaim"
    if counted or not any(is_applied_by(manifest, each) for each in APPLIERS):
        return ""
    if manifest["kind"] == "Secret":
        return str(metadata.get("resourceVersion") or "")
    left_out = ("apiVersion", "kind", "metadata", "status", "secrets", "imagePullSecrets")
    content = {name: value for name, value in manifest.items() if name not in left_out}
    text = json.dumps([content, labels_of(manifest)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def build(
    name: str,
    cluster: str,
    values: Values,
    seen: Seen,
    *,
    broken: Mapping[str, Set] | None = None,
    delete_claims: bool = False,
) -> Plan:
    """The plan. `broken` are the dependants that are there: role -> set."""
    component = COMPONENTS[name]
    plan = Plan(name, cluster, sets=list(seen.sets), delete_claims=delete_claims)
    going: list[Manifest] = []
    for members in seen.sets.values():
        ours = [
            manifest
            for manifest in members
            if is_applied_by(manifest, MANAGER) or any(is_of(manifest, key) for key in seen.by_git)
        ]
        for manifest in ours:
            reason = STAYING.get(key_of(manifest).group_kind, "")
            if not labels_of(manifest).get(PART_OF):
                reason = "this collection has not rendered it"
            if reason or component.spared(key_of(manifest)):
                plan.stay.append({**entry(manifest), "why": reason or "the rollback is not about it"})
        left = {key_of_entry(each) for each in plan.stay}
        mine = [manifest for manifest in ours if key_of(manifest) not in left]
        going += mine
        plan.delete += [[entry(manifest) for manifest in wave] for wave in ordered(mine, component)]
    plan.claims = [entry(manifest) for manifest in seen.claims]
    owned = [manifest for manifest in seen.claims if manifest["metadata"].get("ownerReferences")]
    if not delete_claims:
        ids = [(manifest.get("status") or {}).get("clusterId") for manifest in going if manifest["kind"] == "Kafka"]
        plan.remember = next(filter(None, ids), "")
    live = {manifest["metadata"]["uid"]: manifest for manifest in [*going, *seen.claims]}
    plan.already = [step["uid"] for step in plan.prepare if IN_EFFECT[step["do"]](live[step["uid"]], step)]
    plan.made = [asdict(each) for each in component.made(values)]
    plan.lost, plan.kept = list(component.lost), [*component.kept, *component.kept_backups(values)]
    plan.destroyed = _destroyed(going, seen.claims if delete_claims else owned)
    if seen.claims and not delete_claims and len(owned) < len(seen.claims):
        names = listed(manifest["metadata"]["name"] for manifest in seen.claims if manifest not in owned)
        plan.kept.append(f"the volumes of {names}{component.in_claims and f', with {component.in_claims}'}")
    _others(plan, component, seen, broken or {})
    plan.refused = by_flux(name, going, seen)
    if not going:
        plan.unrecorded = [str(key_of(manifest)) for manifest in [*seen.made, *seen.claims]]
        if plan.pending and seen.made and not plan.refused:
            plan.refused = [f"{NO_RECORD}, and it may use the claims: {listed(plan.unrecorded, 5)}"]
    return plan


def made_anew(old: Plan, now: Plan) -> list[str]:
    """What has come since a plan was made: objects, which it would leave as they go by their UIDs, and data that dies.

    Data can come to that without a new object: a claim that gets an owner goes with it. Where nothing is left to
    delete, this rollback lets nothing die.
    """
    known = {each["uid"] for each in [*old.objects, *old.claims]}
    there = [*now.objects, *(now.claims if now.delete_claims else [])]
    found = [str(key_of_entry(each)) for each in there if each["uid"] not in known]
    dying = now.destroyed if now.pending else []
    return found + [f"{each}, which would die" for each in dying if each not in old.destroyed]


def goes_on(old: Plan, name: str, host: str, seen: Seen, still: list[Manifest]) -> Plan:
    """The plan of an earlier run, with what may have changed since: who delivers it, and how the host is called."""
    return replace(old, cluster=host, refused=by_flux(name, still, seen))


def data_left(old: Plan, seen: Seen, still: list[Manifest]) -> bool:
    """Whether data that a plan lets die is there still, and its object not being deleted yet."""
    claims = [each for each in seen.claims if old.delete_claims or each["metadata"].get("ownerReferences")]
    going, dying = (
        [manifest for manifest in every if not manifest["metadata"].get("deletionTimestamp")]
        for every in (still, claims)
    )
    return bool(_destroyed(going, dying))


def with_git(plan: Plan, seen: Seen, where: FromGit) -> Plan:
    """The plan with what Flux does about it. `where` has the repository, and nothing about Flux yet."""
    kustomizations = [each for each in seen.flux if each["kind"] == "Kustomization"]
    going = sorted(seen.by_git)
    before = set(plan.suspended)
    dependants = [key for key in git.depending(going, kustomizations) if identity(key) not in before]
    # what a run that died has suspended need not depend on it any more
    there = {identity(key_of(each)): key_of(each) for each in kustomizations}
    dependants += [there[each] for each in sorted(seen.held & there.keys()) if there[each] not in [*going, *dependants]]
    component = COMPONENTS[plan.component]
    broken = [] if component.dependants_go_on else list(component.dependants)
    unready = git.unready_after(going, dependants, kustomizations, broken, where.host)
    held = [key for key in going if identity(key) not in before] + dependants
    return replace(
        plan,
        from_git=replace(
            where,
            parts=sorted(seen.by_git.values()),
            going=[key.name for key in going],
            held=[identity(key) for key in held],
            unready=sorted(map(identity, unready)),
        ),
    )


def ordered(manifests: Iterable[Manifest], component: Component) -> list[list[Manifest]]:
    """In waves: what lives inside of another object before it, what others refer to after them."""
    every = list(manifests)
    last = [manifest for manifest in every if key_of(manifest).group_kind in component.last]
    first = [manifest for manifest in every if manifest not in last]
    return [*waves(first)[::-1], *([last] if last else [])]


def _destroyed(going: list[Manifest], claims: list[Manifest]) -> list[str]:
    """The data that dies: that of the claims which go, and what goes with its object for other reasons."""
    found = [f"the data of {key_of(claim)}" for claim in claims]
    # of Kafka the claims alone hold data: its topics are let go of before they are deleted
    others = [manifest for manifest in going if key_of(manifest).group != KAFKA]
    found += [f"{what} of {key}" for key, what in data_loss.losses(others)]
    return found


def _others(plan: Plan, component: Component, seen: Seen, broken: Mapping[str, Set]) -> None:
    """What has to be as before, and what will not be."""
    for role, there in broken.items():
        plan.dependants.append(f"{role} ({there[0]}/{there[1]}): {component.dependants[role]}")
        if not component.dependants_go_on:
            plan.broken.append(there)
    if seen.needing:
        plan.dependants.append(f"{listed(map(str, map(key_of, seen.needing)), 4)}: {component.needed_word}")
    for where, members in seen.others.items():
        for manifest in members:
            if manifest["metadata"].get("deletionTimestamp"):
                continue  # it goes anyhow
            mark = fingerprint(manifest)
            mark[2] = mark[2] and where not in plan.broken
            plan.others[identity(key_of(manifest))] = mark
    suspended = {identity(key_of(manifest)) for manifest in seen.flux if is_suspended(manifest)}
    plan.suspended = sorted(suspended - seen.held)


def by_flux(name: str, going: list[Manifest], seen: Seen) -> list[str]:
    """What Flux applies comes back at its next reconciliation, unless it is this collection's own to take out of Git.

    Leaving Git alone is no way: Flux would delete it all at once, in no order, and a KafkaTopic with its messages.
    """
    found = [
        f"{key} brings {name} from Git, and is not what this collection keeps for this host: roll back under the name"
        " that the host had (Kustomizations are named cluster-<host>-…), or take it away there with deletionPolicy:"
        " Orphan, then run site.yml with -e platform_delivery=direct"
        for key, part in seen.by_git.items()
        if not part
    ]
    owners: dict[str, list[Key]] = {}
    for manifest in going:
        labels = labels_of(manifest)
        for label, (kind, group) in FLUX_OWNERS.items():
            if label in labels:
                owner = Key(group, kind, labels.get(label.replace("/name", "/namespace"), ""), labels[label])
                owners.setdefault(str(owner), []).append(key_of(manifest))
    there = {str(key_of(manifest)) for manifest in seen.flux}
    known = set(map(str, seen.by_git))
    return found + [
        f"{owner} applies {listed(map(str, keys), 3)} and would make them again: have it let go of them first, without"
        " deleting them (kustomize.toolkit.fluxcd.io/prune: disabled, or helm.sh/resource-policy: keep, on each in its"
        " source; then take them out of it)"
        for owner, keys in sorted(owners.items())
        if owner in there and owner not in known
    ]


def text(plan: Plan, phrase: str) -> str:
    """The plan for people."""
    component = COMPONENTS[plan.component]
    head = f"Rollback{f' {component.number}' if component.number else ''} of {component.title} on {plan.cluster}"
    if plan.refused and not plan.pending:
        return "\n".join([f"{head}: not possible now", *_sentences("Refused", plan.refused)])
    if plan.unrecorded and not plan.pending:
        what = KEPT_ALONE if len(plan.unrecorded) == len(plan.claims) else NO_RECORD
        said = f"{head}: nothing to do. {what}: {listed(plan.unrecorded, 5)}."
        return "\n".join([said, *_sentences("Not known", plan.unknown)])
    if not plan.pending:
        return "\n".join([f"{head}: nothing to do, nothing of it is there.", *_sentences("Not known", plan.unknown)])
    parts = [head, *_sentences("Refused", plan.refused)]
    if plan.from_git:
        for title, lines in git.lines(plan.from_git).items():
            parts += _sentences(title, lines)
    already = set(plan.already)
    changing = dict.fromkeys(step["do"] for step in plan.prepare if step["uid"] not in already)
    parts += _sentences("Before", [PREPARATIONS[each] for each in changing])
    waves_text = [f"{number}. {_kinds(wave)}" for number, wave in enumerate(plan.delete, 1)]
    if plan.delete_claims and plan.claims:
        waves_text.append(f"{len(waves_text) + 1}. {_kinds(plan.claims)}")
    parts += _sentences("Deleted, each group gone before the next", waves_text)
    stays = [f"{key_of_entry(each)}: {each['why']}" for each in plan.stay[:LINES]]
    stays += [f"and {len(plan.stay) - LINES} more members of its sets"] if len(plan.stay) > LINES else []
    parts += _sentences("Stays", plan.kept + stays)
    parts += _sentences("Not known", plan.unknown)
    parts += _sentences("Breaks", plan.dependants)
    parts += _sentences("Lost", plan.lost)
    last = [f"last backup: {plan.backup}"] if plan.destroyed and plan.backup else []
    parts += _sentences("DATA THAT DIES", plan.destroyed + last)
    if time := allowed([plan.component]):
        parts.append(f"Time allowed for it: {time}")
    parts.append(f"To confirm: -e rollback_confirm={phrase}, or type it when asked")
    return "\n".join(parts)


def _sentences(title: str, lines: list[str]) -> list[str]:
    return [f"{title}:", *(f"  {line}" for line in lines)] if lines else []


PREPARATIONS = {
    UNMANAGE: 'KafkaTopics get strimzi.io/managed: "false", so that deleting them leaves the topics\' messages',
    REMEMBER: f"the brokers' claims get {CLUSTER_ID}, so that a new Kafka can have their data",
    SUSPEND: "the HelmRelease is suspended, so that deleting it uninstalls nothing",
    RESUME: "the HelmRelease is resumed, as Flux uninstalls nothing that is suspended",
}


def _kinds(entries: list[dict[str, str]]) -> str:
    """Objects by kind; their names as long as they are few."""
    kinds: dict[str, list[str]] = {}
    for each in entries:
        kinds.setdefault(each["kind"], []).append(each["name"])
    return "; ".join(f"{kind} {listed(names, 3)}" for kind, names in sorted(kinds.items()))
