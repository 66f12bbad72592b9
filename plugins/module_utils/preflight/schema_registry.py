# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold before the role schema_registry changes anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import schema_registry_versions, strimzi_versions
from ..quantity import quantity
from ..topics_and_users import DNS_SUBDOMAIN
from . import capacity
from .findings import Findings
from .kafka_cluster import GROUP, TOPIC_NAME, topic_change_problems, topic_name

KINDS = ("KafkaTopic", "KafkaUser")
JAAS = "sasl.jaas.config"
CA_KEYS = ("ca.p12", "ca.password")
SERVICE_MONITOR = "ServiceMonitor.monitoring.coreos.com"
# as slow as a log-in may be: what can be read in the Deployment must not help to guess a password
ROUNDS = 200_000


@dataclass(frozen=True)
class Live:
    """What is there already; every object as the API server gives it, None when it is not there or not ours to see."""

    namespace_exists: bool = True
    kafka: Mapping[str, Any] | None = None
    user: Mapping[str, Any] | None = None
    topics: list[Mapping[str, Any]] = field(default_factory=list)
    #: the Secret with Kafka's CA, and the one with the log-in; False when they may not be read
    ca: Mapping[str, Any] | bool | None = None
    credentials: Mapping[str, Any] | bool | None = None
    #: the change of a log-in from Vault that the replicas were, or are to be, replaced for
    restart_for: str = ""
    # what the registry's own pods request now: cores, bytes
    requested: Mapping[str, float] = field(default_factory=dict)


def check(
    values: Mapping[str, Any],
    cluster: Mapping[str, Any],
    live: Live,
    kafka_to_come: Mapping[str, Any] | None = None,
    namespace_to_come: str | None = None,
) -> Findings:
    """Everything that can be known before the first write.

    `kafka_to_come` are the values of the role kafka_cluster when the same run deploys the Kafka and has not yet,
    `namespace_to_come` is the one that the role strimzi makes then.
    """
    findings = Findings()
    if kafka_to_come is not None and (
        kafka_to_come["kafka_cluster_name"] != values["schema_registry_kafka_cluster"]
        or kafka_to_come["kafka_cluster_namespace"] != values["schema_registry_namespace"]
    ):
        kafka_to_come = None
    findings.facts["expected_namespaces"] = [namespace_to_come] if namespace_to_come else []
    namespace = values["schema_registry_namespace"]
    if not live.namespace_exists and namespace != namespace_to_come:
        findings.problem(f"there is no namespace {namespace} (schema_registry_namespace): it has to be the Kafka's")
    check_settings(values, findings)
    check_kafka(values, cluster, live, kafka_to_come, findings)
    check_user(values, live, kafka_to_come, findings)
    check_versions(values, live, kafka_to_come, findings)
    check_topic(values, live, kafka_to_come, findings)
    check_credentials(values, live, kafka_to_come is not None, findings)
    check_capacity(values, cluster, live, findings)
    check_service_monitor(values, cluster, findings)
    return findings


def check_settings(values: Mapping[str, Any], findings: Findings) -> None:
    """Numbers, names and quantities on their own."""
    for name in ("schema_registry_replicas", "schema_registry_topic_replicas", "schema_registry_latency_target"):
        if values[name] < 1:
            findings.problem(f"{name} must be at least 1, it is {values[name]}")
    for name in ("schema_registry_namespace", "schema_registry_kafka_cluster", "schema_registry_user"):
        if not DNS_SUBDOMAIN.match(str(values[name])):
            findings.problem(f"{name} must be a Kubernetes name (a-z, 0-9, - and .), it is {values[name]!r}")
    if not TOPIC_NAME.match(str(values["schema_registry_topic"])):
        findings.problem(
            f"schema_registry_topic: a name has 1 to 249 of a-z, A-Z, 0-9, . _ and -, it is "
            f"{values['schema_registry_topic']!r}"
        )
    for resource in ("cpu", "memory"):
        try:
            least, most = (quantity(values[f"schema_registry_{kind}"][resource]) for kind in ("requests", "limits"))
        except ValueError as error:
            findings.problem(f"schema_registry_requests and schema_registry_limits, {resource}: {error}")
            continue
        if not 0 < least <= most:
            findings.problem(
                f"schema_registry_requests.{resource} must be more than 0 and at most schema_registry_limits.{resource}"
                f" ({values['schema_registry_limits'][resource]}), it is {values['schema_registry_requests'][resource]}"
            )


def check_kafka(
    values: Mapping[str, Any],
    cluster: Mapping[str, Any],
    live: Live,
    kafka_to_come: Mapping[str, Any] | None,
    findings: Findings,
) -> None:
    """Strimzi's kinds are served, and the Kafka is there, or comes with the same run."""
    name, namespace = values["schema_registry_kafka_cluster"], values["schema_registry_namespace"]
    missing = [kind for kind in KINDS if not cluster["served"].get(f"{kind}.{GROUP}")]
    findings.facts["expected_kinds"] = [f"{kind}.{GROUP}" for kind in missing] if kafka_to_come is not None else []
    strimzi = str((kafka_to_come or {}).get("kafka_cluster_strimzi_version") or "")
    served = list(cluster["served"].get(f"KafkaTopic.{GROUP}", []))
    if strimzi_versions.is_version(strimzi):
        findings.facts["kafka_api"] = f"{GROUP}/{strimzi_versions.api_version(strimzi, served)}"
    else:
        findings.facts["kafka_api"] = f"{GROUP}/{served[0] if served else 'v1'}"
    if kafka_to_come is not None:
        return
    if missing:
        findings.problem(
            f"the cluster does not serve {', '.join(missing)} of {GROUP}: deploy the Kafka first (roles strimzi and "
            "kafka_cluster)"
        )
    elif live.kafka is None:
        findings.problem(
            f"there is no Kafka {name} in namespace {namespace}: set schema_registry_kafka_cluster and "
            "schema_registry_namespace to where it is, or deploy it first (role kafka_cluster)"
        )


def check_user(
    values: Mapping[str, Any], live: Live, kafka_to_come: Mapping[str, Any] | None, findings: Findings
) -> None:
    """The user that the registry logs in as is one of the Kafka's."""
    user = values["schema_registry_user"]
    if kafka_to_come is not None:
        names = [str(each["name"]) for each in kafka_to_come["kafka_cluster_users"]]
        if user not in names:
            findings.problem(
                f"schema_registry_user is {user}, which kafka_cluster_users has not (it has {', '.join(names)}): add "
                "it with the ACLs of docs/roles.md"
            )
    elif live.user is None and live.kafka is not None:
        findings.problem(
            f"there is no KafkaUser {user} in namespace {values['schema_registry_namespace']}: add it to "
            "kafka_cluster_users with the ACLs of docs/roles.md, or set schema_registry_user"
        )


def check_versions(
    values: Mapping[str, Any], live: Live, kafka_to_come: Mapping[str, Any] | None, findings: Findings
) -> None:
    """The registry's client and the brokers understand each other."""
    registry = str(values["schema_registry_version"])
    if not strimzi_versions.is_version(registry):
        findings.problem(f"schema_registry_version must be a release such as 7.8.0, it is {registry}")
        return
    findings.warn(schema_registry_versions.unlisted(registry))
    status = (live.kafka or {}).get("status") or {}
    kafka = str((kafka_to_come or {}).get("kafka_cluster_kafka_version") or status.get("kafkaVersion") or "")
    if strimzi_versions.is_version(kafka):
        findings.problem(schema_registry_versions.pair_problem(registry, kafka))


def check_topic(
    values: Mapping[str, Any], live: Live, kafka_to_come: Mapping[str, Any] | None, findings: Findings
) -> None:
    """There are brokers for its replicas; one that exists is not asked to become what Kafka does not allow."""
    name = values["schema_registry_topic"]
    brokers, replicas = (kafka_to_come or {}).get("kafka_cluster_brokers"), values["schema_registry_topic_replicas"]
    if brokers and replicas > brokers:
        findings.problem(
            f"schema_registry_topic_replicas is {replicas}, and the Kafka has {brokers} (kafka_cluster_brokers): a "
            "broker has one replica at most"
        )
    wanted = {"name": name, "partitions": 1, "replicas": values["schema_registry_topic_replicas"]}
    for topic in live.topics:
        if topic_name(topic) == name:
            findings.problems_from(topic_change_problems(wanted, topic))


def check_credentials(values: Mapping[str, Any], live: Live, to_come: bool, findings: Findings) -> None:
    """The Secrets that the pods mount are there with their keys; a mark of what they hold, for the pods' template."""
    external, namespace = values["schema_registry_external_secrets"], values["schema_registry_namespace"]
    if not to_come and live.kafka is not None:
        ca = f"{values['schema_registry_kafka_cluster']}-cluster-ca-cert"
        findings.problems_from(lacking(ca, namespace, live.ca, CA_KEYS, "wait until the Kafka is Ready"))
        if not external and live.user is not None:
            name, hint = values["schema_registry_user"], "wait until the KafkaUser is Ready, its type scram-sha-512"
            findings.problems_from(lacking(name, namespace, live.credentials, (JAAS,), hint))
    findings.facts["values_to_come"] = to_come and (live.ca is None or (not external and live.credentials is None))
    findings.facts["restart_for"] = live.restart_for
    findings.facts["credentials"] = mark(live.ca, None if external else live.credentials)


def lacking(
    name: str, namespace: str, secret: Mapping[str, Any] | bool | None, keys: tuple[str, ...], hint: str
) -> list[str]:
    """A sentence when the Secret, or a key of it, is not there."""
    if isinstance(secret, bool):
        return []
    missing = [key for key in keys if key not in ((secret or {}).get("data") or {})]
    if secret is None:
        return [f"there is no Secret {name} in namespace {namespace}: {hint}"]
    return [f"Secret {name} in namespace {namespace} has no key {', '.join(missing)}: {hint}"] if missing else []


def mark(ca: Mapping[str, Any] | bool | None, credentials: Mapping[str, Any] | bool | None) -> str:
    """Eight digits that are others when the CA or the log-in are others; too few, and too slow, to guess them by.

    What is not read here (not there yet, not ours to see, made by External Secrets after this) is left out of it.
    """
    parts = [
        base64.b64decode((secret.get("data") or {}).get(key, ""))
        for secret, key in ((ca, "ca.crt"), (credentials, JAAS))
        if isinstance(secret, Mapping)
    ]
    if not parts:
        return "none"
    return hashlib.pbkdf2_hmac("sha256", b"\0".join(parts), b"schema-registry", ROUNDS).hex()[:8]


def check_capacity(values: Mapping[str, Any], cluster: Mapping[str, Any], live: Live, findings: Findings) -> None:
    """The sums of requests against what the nodes have left."""
    asked = values["schema_registry_requests"]
    try:
        cpu, memory = quantity(asked["cpu"]), quantity(asked["memory"])
    except ValueError:
        return  # said by check_settings
    asked = capacity.Request("registry", values["schema_registry_replicas"], cpu, memory)
    capacity.check(capacity.Demand((asked,), live.requested), cluster, findings)


def check_service_monitor(values: Mapping[str, Any], cluster: Mapping[str, Any], findings: Findings) -> None:
    """A ServiceMonitor is made where somebody reads it."""
    served = bool(cluster["served"].get(SERVICE_MONITOR))
    findings.facts["service_monitor"] = served and values["schema_registry_metrics"]
    if values["schema_registry_metrics"] and not served:
        findings.skip(
            "ServiceMonitor",
            "the cluster does not serve monitoring.coreos.com; the registry's metrics stand ready on port 9404",
        )
