# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PostgreSQL cluster is deployed: what Kubernetes and the operator say of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..cnpg_versions import has_database_extensions, operator_version
from ..component_objects import NOT_SERVED, Seen
from ..objects import Manifest
from ..readiness import conditions, is_true, judge
from .pods import metrics_record, pods_record, serving, zones_record
from .records import BLOCKED, SKIPPED, Record, judged, unmeasured

CLUSTER_LABEL = "cnpg.io/cluster"


def records(values: Mapping[str, Any], seen: Seen, metrics: Mapping[str, str | BaseException]) -> list[Record]:
    """The criteria in the order a reader asks. `metrics` is by pod; an exception stands for no answer."""
    cluster = seen.named("clusters", values["cnpg_name"])
    scraped = "Instances' metrics can be scraped (9187)"
    return [
        operator(seen),
        healthy(values, seen, cluster),
        pods_record("cnpg.instances", "Instances run", seen["pods"], values["cnpg_instances"]),
        claims(values, seen),
        zones_record(
            "cnpg.zones",
            "Instances are spread over zones",
            values["cnpg_topology_key"],
            values["cnpg_instances"],
            seen,
        ),
        budgets(values, seen),
        secrets(values, seen),
        roles(values, cluster),
        database(values, seen),
        pooler(values, seen),
        metrics_record("cnpg.metrics", scraped, seen["pods"], metrics)
        if values["cnpg_metrics"]
        else unmeasured("cnpg.metrics", scraped, SKIPPED, "switched off"),
    ]


def operator(seen: Seen) -> Record:
    """An operator of a known release has every replica available."""
    identity, title = "cnpg.operator", "Operator is available"
    if not seen["operators"]:
        reason = seen.unread.get("operators") or "no Deployment of CloudNativePG's operator"
        return judged(identity, title, ("nothing", "ready"), False, detail=reason)
    found = seen["operators"][0]
    verdict = serving(found)
    observed = f"CloudNativePG {operator_version(found) or 'of unknown release'}, {verdict.state}"
    return judged(identity, title, (observed, "ready"), verdict.done, objects=[found], detail=verdict.reason)


def healthy(values: Mapping[str, Any], seen: Seen, cluster: Manifest | None) -> Record:
    """In healthy state, every instance ready, the primary where it should be, on the image that was asked for."""
    identity, title, expected = "cnpg.cluster", "Cluster is healthy", f"ready, {short(values['cnpg_image'])}"
    if cluster is None:
        reason = seen.unread.get("clusters") or f"there is no Cluster {values['cnpg_name']}"
        return judged(identity, title, ("nothing", expected), False, detail=reason)
    verdict = judge(cluster)
    image = (cluster.get("status") or {}).get("image") or ""
    # a Cluster that sleeps is as it was asked to be, and serves nobody
    asleep = is_true(conditions(cluster).get("cnpg.io/hibernation"))
    good = verdict.done and not asleep and image == values["cnpg_image"]
    state = "hibernated" if asleep else verdict.state
    observed = f"{state}, {short(image) or 'unknown image'}"
    return judged(identity, title, (observed, expected), good, objects=[cluster, *seen["pods"]], detail=verdict.reason)


def short(image: str) -> str:
    """An image without its registry and folders."""
    return image.rpartition("/")[2]


def claims(values: Mapping[str, Any], seen: Seen) -> Record:
    """A bound volume of the right class for each instance."""
    wanted, storage_class = values["cnpg_instances"], values["cnpg_storage_class"]
    good, bad = 0, []
    for claim in seen["claims"]:
        phase, found = (claim.get("status") or {}).get("phase"), claim["spec"].get("storageClassName")
        if phase == "Bound" and storage_class in ("", found):
            good += 1
        else:
            bad.append(f"{claim['metadata']['name']} is {phase}, class {found}")
    title = f"Volumes are bound{f' on {storage_class}' if storage_class else ''}"
    enough = good == wanted and not bad
    return judged(
        "cnpg.storage", title, (good, wanted), enough, objects=seen["claims"], unit="volumes", detail="; ".join(bad)
    )


def budgets(values: Mapping[str, Any], seen: Seen) -> Record:
    """The operator's PodDisruptionBudgets: one for the primary and, from three instances on, one for the replicas."""
    own = [
        budget
        for budget in seen["budgets"]
        if ((budget["spec"].get("selector") or {}).get("matchLabels") or {}).get(CLUSTER_LABEL) == values["cnpg_name"]
    ]
    wanted = 2 if values["cnpg_instances"] > 2 else 1
    names = ", ".join(budget["metadata"]["name"] for budget in own)
    return judged(
        "cnpg.disruption_budget",
        "Disruption budgets guard the instances",
        (len(own), wanted),
        len(own) >= wanted,
        objects=own,
        unit="budgets",
        detail=seen.unread.get("budgets", names),
    )


def secrets(values: Mapping[str, Any], seen: Seen) -> Record:
    """External Secrets has brought every Secret in its newest form."""
    identity, title = "cnpg.secrets", "Secrets come from Vault"
    if not values["cnpg_external_secrets"]:
        return unmeasured(identity, title, SKIPPED, "they exist already (cnpg_external_secrets)")
    wanted = [values["cnpg_owner_secret"]]
    wanted += [values["cnpg_check_secret"]] if values["cnpg_check_user"] else []
    wanted += [values["cnpg_s3_secret"]] if values["cnpg_backup"] else []
    bad = []
    for name in wanted:
        found = seen.named("external_secrets", name)
        verdict = judge(found) if found else None
        if verdict is None or not verdict.done:
            bad.append(f"{name}: {verdict.reason if verdict else 'no ExternalSecret'}")
    good = len(wanted) - len(bad)
    return judged(
        identity,
        title,
        (good, len(wanted)),
        not bad,
        objects=seen["external_secrets"],
        unit="Secrets",
        detail="; ".join(bad),
    )


def roles(values: Mapping[str, Any], cluster: Manifest | None) -> Record:
    """The operator has made the user of the checks."""
    identity, title, user = "cnpg.roles", "The checks' user is there", values["cnpg_check_user"]
    if not user:
        return unmeasured(identity, title, SKIPPED, "there is to be none (cnpg_check_user)")
    if cluster is None:
        return unmeasured(identity, title, BLOCKED, "there is no Cluster")
    status = (cluster.get("status") or {}).get("managedRolesStatus") or {}
    states = {name: state for state, names in (status.get("byStatus") or {}).items() for name in names}
    observed = states.get(user, "not mentioned")
    detail = "; ".join((status.get("cannotReconcile") or {}).get(user) or [])
    good = observed == "reconciled" and not detail
    return judged(identity, title, (observed, "reconciled"), good, objects=[cluster], detail=detail)


def database(values: Mapping[str, Any], seen: Seen) -> Record:
    """The operator has applied the Database with its extensions and schemas."""
    identity, title = "cnpg.database", "Database is applied"
    found = [
        each
        for each in seen["databases"]
        if each["spec"]["cluster"]["name"] == values["cnpg_name"] and each["spec"]["name"] == values["cnpg_database"]
    ]
    if not found:
        release = operator_version(seen["operators"][0]) if seen["operators"] else None
        if "databases" not in seen.unread and has_database_extensions(release or "") is not False:
            reason = f"there is no Database for {values['cnpg_database']}"
            return judged(identity, title, ("nothing", "ready"), False, detail=reason)
        if NOT_SERVED in seen.unread.get("databases", NOT_SERVED):
            reason = "this operator has no Database that keeps extensions: they were made once, at the birth"
            return unmeasured(identity, title, SKIPPED, reason)
        return unmeasured(identity, title, BLOCKED, seen.unread["databases"])
    verdict = judge(found[0])
    parts = [*(found[0].get("status") or {}).get("extensions", []), *(found[0].get("status") or {}).get("schemas", [])]
    bad = [f"{part['name']}: {part.get('message') or 'not applied'}" for part in parts if not part.get("applied")]
    detail = "; ".join(bad) or verdict.reason
    return judged(identity, title, (verdict.state, "ready"), verdict.done and not bad, objects=found[:1], detail=detail)


def pooler(values: Mapping[str, Any], seen: Seen) -> Record:
    """The connection pool has all its pods."""
    identity, title, wanted = "cnpg.pooler", "Connection pool runs", values["cnpg_pooler_instances"]
    if not values["cnpg_pooler"]:
        return unmeasured(identity, title, SKIPPED, "switched off (cnpg_pooler)")
    if not seen["poolers"]:
        reason = seen.unread.get("poolers") or f"there is no Pooler {values['cnpg_name']}-pooler-rw"
        return judged(identity, title, (0, wanted), False, unit="pods", detail=reason)
    verdicts = [judge(found) for found in [*seen["poolers"], *seen["pooler_deployments"]]]
    ready = sum((found.get("status") or {}).get("readyReplicas") or 0 for found in seen["pooler_deployments"])
    good = all(verdict.done for verdict in verdicts) and ready == wanted
    detail = "; ".join(verdict.reason for verdict in verdicts if not verdict.done)
    objects = [*seen["poolers"], *seen["pooler_deployments"]]
    return judged(identity, title, (ready, wanted), good, objects=objects, unit="pods", detail=detail)
