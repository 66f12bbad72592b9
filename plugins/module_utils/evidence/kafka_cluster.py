# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AC5: the Kafka cluster is deployed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ..component_objects import Seen
from ..readiness import judge
from .pods import metrics_record, pods_record, zones_record
from .records import BLOCKED, SKIPPED, Record, judged, unmeasured

CERTIFICATE_DAYS = 30


def records(
    values: Mapping[str, Any],
    seen: Seen,
    metrics: Mapping[str, str | BaseException],
    expires: Callable[[str], datetime],
    now: datetime,
) -> list[Record]:
    """The criteria in the order a reader asks. `expires` tells when a PEM certificate does."""
    kafka = seen.named("kafkas", values["kafka_cluster_name"])
    return [
        kafka_ready(values, seen, kafka),
        pods_record("kafka_cluster.brokers", "Brokers run", seen["pods"], values["kafka_cluster_brokers"]),
        controllers(values, seen, kafka),
        claims(values, seen),
        listener(values, kafka),
        certificates(kafka, expires, now),
        zones(values, seen),
        budget(seen),
        users(values, seen),
        metrics_record("kafka_cluster.metrics", "Brokers' metrics can be scraped (9404)", seen["pods"], metrics)
        if values["kafka_cluster_metrics"]
        else unmeasured("kafka_cluster.metrics", "Brokers' metrics can be scraped (9404)", SKIPPED, "switched off"),
    ]


def kafka_ready(values: Mapping[str, Any], seen: Seen, kafka: Mapping[str, Any] | None) -> Record:
    """Ready in its newest generation, with the release that was asked for."""
    identity, title = "kafka_cluster.ready", "Kafka is Ready"
    expected = f"Ready, Kafka {values['kafka_cluster_kafka_version']}"
    if kafka is None:
        reason = seen.unread.get("kafkas") or f"there is no Kafka {values['kafka_cluster_name']}"
        return judged(identity, title, ("nothing", expected), False, detail=reason)
    verdict = judge(kafka)
    version = (kafka.get("status") or {}).get("kafkaVersion")
    good = verdict.done and version == values["kafka_cluster_kafka_version"]
    observed = f"{'Ready' if verdict.done else verdict.state}, Kafka {version or 'unknown'}"
    return judged(identity, title, (observed, expected), good, objects=[kafka], detail=verdict.reason)


def controllers(values: Mapping[str, Any], seen: Seen, kafka: Mapping[str, Any] | None) -> Record:
    """KRaft: the pools have as many controllers as there should be, and the metadata has a version."""
    identity, title = "kafka_cluster.controllers", "Controllers of the KRaft quorum"
    wanted = values["kafka_cluster_brokers"]
    if not seen["node_pools"]:
        return unmeasured(identity, title, BLOCKED, seen.unread.get("node_pools") or "there is no KafkaNodePool")
    pools = [pool.get("status") or {} for pool in seen["node_pools"]]
    there = sum(len(pool.get("nodeIds") or []) for pool in pools if "controller" in (pool.get("roles") or []))
    metadata = ((kafka or {}).get("status") or {}).get("kafkaMetadataVersion")
    detail = f"metadata {metadata}" if metadata else "the Kafka's status names no metadata version"
    return judged(
        identity,
        title,
        (there, wanted),
        there == wanted and bool(metadata),
        objects=seen["node_pools"],
        unit="controllers",
        detail=detail,
    )


def claims(values: Mapping[str, Any], seen: Seen) -> Record:
    """A bound volume of the right class for each broker. What a scale-down has left is named, not counted."""
    wanted, storage_class = values["kafka_cluster_brokers"], values["kafka_cluster_storage_class"]
    kept = [claim for claim in seen["claims"] if not of_current_broker(claim, values, seen)]
    good, bad = 0, []
    for claim in seen["claims"]:
        if claim in kept:
            continue
        phase, found = (claim.get("status") or {}).get("phase"), claim["spec"].get("storageClassName")
        if phase == "Bound" and storage_class in ("", found):
            good += 1
        else:
            bad.append(f"{claim['metadata']['name']} is {phase}, class {found}")
    where = f" on {storage_class}" if storage_class else ""
    enough = good == wanted and not bad
    names = ", ".join(claim["metadata"]["name"] for claim in kept)
    notes = [*bad, *([f"kept from brokers that are gone, not counted: {names}"] if kept else [])]
    return judged(
        "kafka_cluster.storage",
        f"Volumes are bound{where}",
        (good, wanted),
        enough,
        objects=seen["claims"],
        unit="volumes",
        detail="; ".join(notes) or seen.unread.get("claims", ""),
    )


def of_current_broker(claim: Mapping[str, Any], values: Mapping[str, Any], seen: Seen) -> bool:
    """Whether a node pool has the broker whose volume this is; Strimzi names it <volume>-<cluster>-<pool>-<id>.

    A pool that has not said which brokers it has leaves it open: then every volume counts.
    """
    cluster, claimed = values["kafka_cluster_name"], claim["metadata"]["name"]
    ids = {pool["metadata"]["name"]: (pool.get("status") or {}).get("nodeIds") for pool in seen["node_pools"]}
    if not ids or None in ids.values():
        return True
    return any(claimed.endswith(f"-{cluster}-{pool}-{node}") for pool, nodes in ids.items() for node in nodes or [])


def listener(values: Mapping[str, Any], kafka: Mapping[str, Any] | None) -> Record:
    """Clients reach the brokers over TLS with SCRAM-SHA-512."""
    identity, title, expected = "kafka_cluster.listener", "Clients come over TLS with SCRAM", "tls, scram-sha-512"
    if kafka is None:
        return unmeasured(identity, title, BLOCKED, "there is no Kafka")
    listeners = (kafka["spec"].get("kafka") or {}).get("listeners") or []
    words = [security(found) for found in listeners]
    addresses = [found.get("bootstrapServers") for found in (kafka.get("status") or {}).get("listeners") or []]
    detail = ", ".join(filter(None, addresses)) or "the status names no address yet"
    good = bool(words) and set(words) == {expected} and bool(addresses)
    return judged(identity, title, ("; ".join(words) or "no listener", expected), good, objects=[kafka], detail=detail)


def security(listener_spec: Mapping[str, Any]) -> str:
    """How a listener is guarded, in two words."""
    authentication = (listener_spec.get("authentication") or {}).get("type", "no authentication")
    return f"{'tls' if listener_spec.get('tls') else 'plain'}, {authentication}"


def certificates(kafka: Mapping[str, Any] | None, expires: Callable[[str], datetime], now: datetime) -> Record:
    """The certificates that clients are to trust are valid for a while yet."""
    identity, title = "kafka_cluster.certificates", "Certificates are valid"
    listeners = ((kafka or {}).get("status") or {}).get("listeners") or []
    pems = [pem for found in listeners for pem in found.get("certificates") or []]
    if kafka is None or not pems:
        return unmeasured(identity, title, BLOCKED, "the Kafka's status names no certificates")
    try:
        days = min((expires(pem) - now).days for pem in pems)
    except ValueError as error:
        return judged(
            identity, title, ("unreadable", f"> {CERTIFICATE_DAYS}"), False, objects=[kafka], detail=str(error)
        )
    return judged(
        identity, title, (days, f"> {CERTIFICATE_DAYS}"), days > CERTIFICATE_DAYS, objects=[kafka], unit="days left"
    )


def zones(values: Mapping[str, Any], seen: Seen) -> Record:
    """The brokers stand in as many zones as they can."""
    identity, title = "kafka_cluster.zones", "Brokers are spread over zones"
    key = values["kafka_cluster_rack_topology_key"]
    if not key:
        return unmeasured(identity, title, SKIPPED, "switched off (kafka_cluster_rack_topology_key)")
    return zones_record(identity, title, key, values["kafka_cluster_brokers"], seen)


def budget(seen: Seen) -> Record:
    """A PodDisruptionBudget keeps a drain from taking two brokers."""
    found = [
        f"{name} {value}"
        for budget_ in seen["budgets"]
        for name, value in budget_["spec"].items()
        if name in ("minAvailable", "maxUnavailable") and budget_["metadata"]["name"].endswith("-kafka")
    ]
    return judged(
        "kafka_cluster.disruption_budget",
        "A disruption budget guards the brokers",
        (", ".join(found) or "none", "one"),
        len(found) == 1,
        objects=seen["budgets"],
        detail=seen.unread.get("budgets", ""),
    )


def users(values: Mapping[str, Any], seen: Seen) -> Record:
    """Every user exists and is Ready in its newest generation."""
    wanted = [str(user["name"]) for user in values["kafka_cluster_users"]]
    bad = []
    for name in wanted:
        found = seen.named("users", name)
        if found is None:
            bad.append(f"no KafkaUser {name}")
            continue
        verdict = judge(found)
        if not verdict.done:
            bad.append(f"{name}: {verdict.reason}")
    return judged(
        "kafka_cluster.users",
        "Users are ready",
        (len(wanted) - len(bad), len(wanted)),
        not bad,
        objects=seen["users"],
        unit="users",
        detail="; ".join(bad),
    )
