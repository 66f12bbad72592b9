# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kubernetes says of a Kafka that Strimzi runs: how to log in, who should be there, and what stands in.

Names of Secrets, labels and status fields are Strimzi's (api and cluster-operator modules, 0.45 and 1.2).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .api import Api, ApiError
from .bridge import is_ready, pod_state
from .component_objects import stand_ins
from .discovery import DEPLOYMENTS, PODS, SECRETS, Resource
from .errors import ClusterError
from .kafka_topics import Resource as TopicResource
from .kafka_topics import topic_resources

GROUP = "kafka.strimzi.io"
SCRAM = "scram-sha-512"


class BlockedError(ClusterError):
    """The brokers cannot be asked, and this sentence says why."""


@dataclass
class Strimzi:
    """The objects around one Kafka, as they are now; None or empty where there are none."""

    cluster: str
    namespace: str
    #: the API server they are on
    host: str
    kafka: dict[str, Any] | None = None
    user: dict[str, Any] | None = None
    pools: list[dict[str, Any]] = field(default_factory=list)
    #: None when they may not be listed
    pods: list[dict[str, Any]] | None = None
    operator: dict[str, Any] | None = None
    #: None when they are not to be compared, and then why
    topics: dict[str, TopicResource] | None = None
    topics_left_out: str = ""
    #: they were to be compared, and may not be read
    topics_unread: bool = False
    ca_secret: dict[str, Any] | None = field(default=None, repr=False)
    user_secret: dict[str, Any] | None = field(default=None, repr=False)

    @property
    def stand_in(self) -> list[str]:
        """What of it is not the real thing, by the labels that stand-ins carry."""
        return stand_ins([*(self.pods or []), *filter(None, [self.operator, self.kafka, self.user])])

    @property
    def needed(self) -> list[dict[str, Any]]:
        """The objects without which no client is served."""
        return [*filter(None, [self.kafka, self.user]), *(self.pods or [])]

    @property
    def brokers_expected(self) -> int | None:
        """How many brokers the KafkaNodePools ask for; None when that cannot be known."""
        counts = [
            pool["spec"].get("replicas", 0) for pool in self.pools if "broker" in (pool["spec"].get("roles") or [])
        ]
        return sum(counts) if counts else None

    @property
    def pods_unready(self) -> list[str]:
        """The Kafka pods that are not ready, with their state."""
        return [f"{pod['metadata']['name']}: {pod_state(pod)}" for pod in self.pods or [] if not is_ready(pod)]

    def listener(self, name: str | None) -> dict[str, Any]:
        """The listener to log in at: the named one, else the first internal one with SCRAM-SHA-512, TLS first."""
        listeners = ((self.kafka or {}).get("spec") or {}).get("kafka", {}).get("listeners") or []
        there = ", ".join(f"{each['name']} ({each.get('type')})" for each in listeners) or "none"
        if name:
            chosen = next((each for each in listeners if each["name"] == name), None)
            if chosen is None:
                raise BlockedError(f"Kafka {self.cluster} has no listener {name}; it has: {there}.")
            return chosen
        fitting = [
            each
            for each in listeners
            if (each.get("authentication") or {}).get("type") == SCRAM
            and each.get("type") in ("internal", "cluster-ip")
        ]
        if not fitting:
            raise BlockedError(
                f"Kafka {self.cluster} has no internal listener with authentication {SCRAM} (it has: {there});"
                " name one in listener, or give bootstrap_servers."
            )
        return max(fitting, key=lambda each: bool(each.get("tls")))

    def bootstrap(self, listener: Mapping[str, Any]) -> str:
        """The listener's in-cluster address, as the status says or, before it does, as Strimzi names it."""
        for each in ((self.kafka or {}).get("status") or {}).get("listeners") or []:
            if each.get("name") == listener["name"] and each.get("bootstrapServers"):
                return str(each["bootstrapServers"])
        return f"{self.cluster}-kafka-bootstrap.{self.namespace}.svc:{listener['port']}"

    def ca(self) -> str:
        """The certificates that sign the brokers', old and new while they are being renewed."""
        name = f"{self.cluster}-cluster-ca-cert"
        if self.ca_secret is None:
            raise BlockedError(
                f"Secret {name} is not there in namespace {self.namespace}: Strimzi makes it with the Kafka;"
                " look at the Kafka's status, or give cluster_ca."
            )
        found = [_decoded(value) for key, value in (self.ca_secret.get("data") or {}).items() if key.endswith(".crt")]
        if not found:
            raise BlockedError(f"Secret {name} in namespace {self.namespace} has no ca.crt.")
        return "\n".join(found)

    def user_name(self, name: str) -> str:
        """The name a KafkaUser logs in with."""
        return ((self.user or {}).get("status") or {}).get("username") or name

    def password(self, name: str) -> str:
        """The KafkaUser's password."""
        where = f"in namespace {self.namespace}"
        if self.user_secret is not None:
            password = (self.user_secret.get("data") or {}).get("password")
            if password:
                return _decoded(password)
            raise BlockedError(
                f"Secret {self.user_secret['metadata']['name']} {where} has no password: KafkaUser {name} must use"
                f" authentication {SCRAM}."
            )
        if self.user is None:
            raise BlockedError(
                f"there is neither KafkaUser {name} nor its Secret {where}; give the name of one in user."
            )
        state = condition_words(self.user) or (
            "the KafkaUser is Ready, so somebody deleted it; the user operator makes it again when it reconciles next"
        )
        raise BlockedError(f"the Secret of KafkaUser {name} is not there {where}: {state}.")


def condition_words(item: Mapping[str, Any]) -> str:
    """What a Strimzi object says when it is not Ready: `NotReady <reason>: <message>`. Empty when it is."""
    status = item.get("status") or {}
    conditions = status.get("conditions") or []
    for condition in conditions:
        if (condition["type"], condition.get("status")) in (("NotReady", "True"), ("Ready", "False")):
            reason, message = condition.get("reason") or "", " ".join(str(condition.get("message") or "").split())
            return f"NotReady {reason}: {message}".replace(" :", ":").removesuffix(": ").strip()
    if not any(condition["type"] == "Ready" and condition.get("status") == "True" for condition in conditions):
        return "not Ready yet"
    return ""


def _decoded(value: str) -> str:
    return base64.b64decode(value).decode()


def read_strimzi(
    api: Api, cluster: str, namespace: str, *, user: str | None, ca: bool, compare_resources: bool
) -> Strimzi:
    """Read all that is needed at once; the number of requests does not depend on the number of topics (per 500).

    `user` is the KafkaUser whose password is needed, None when none is; `ca` says whether the certificates are.
    What is only for the report (pods' labels, KafkaNodePools, KafkaTopics) is left out where the user may not read it.
    """
    served = {
        kind: api.discover().preferred(GROUP, kind) for kind in ("Kafka", "KafkaUser", "KafkaTopic", "KafkaNodePool")
    }
    found = Strimzi(cluster, namespace, api.connection.host)
    selector = f"strimzi.io/cluster={cluster}"

    def get(kind: Resource | None, name: str) -> dict[str, Any] | None:
        return api.get(kind, namespace, name) if kind else None

    def listed(kind: Resource | None, labels: str = selector) -> list[dict[str, Any]]:
        return api.list(kind, namespace=namespace, selector=labels) if kind else []

    def pods() -> None:
        brokers = listed(PODS, f"{selector},strimzi.io/name={cluster}-kafka")
        # items of a list carry neither, who explains them wants both
        found.pods = sorted(({"apiVersion": "v1", "kind": "Pod", **each} for each in brokers), key=_name)

    def resources() -> None:
        if not compare_resources:
            found.topics_left_out = "not asked for"
        elif served["KafkaTopic"] is None:
            found.topics_left_out = "the cluster does not serve KafkaTopic"
        else:
            try:
                found.topics = topic_resources(listed(served["KafkaTopic"]))
            except ApiError as error:
                if error.code != 403:
                    raise
                found.topics_left_out, found.topics_unread = str(error), True

    def kafka() -> None:
        found.kafka = get(served["Kafka"], cluster)

    def kafka_user() -> None:
        found.user = get(served["KafkaUser"], str(user))

    def pools() -> None:
        found.pools = listed(served["KafkaNodePool"])

    def operator() -> None:
        found.operator = get(DEPLOYMENTS, f"{cluster}-entity-operator")

    def ca_secret() -> None:
        found.ca_secret = get(SECRETS, f"{cluster}-cluster-ca-cert")

    def user_secret() -> None:
        found.user_secret = get(SECRETS, str(user))

    needed: list[Callable[[], None]] = [kafka, resources]
    needed += [kafka_user, user_secret] if user else []
    needed += [ca_secret] if ca else []
    api.all(lambda read: read(), [*needed, *map(_optional, (pods, pools, operator))])
    # the user operator may be told to put a prefix before the names of Secrets
    secret = ((found.user or {}).get("status") or {}).get("secret")
    if user and secret and secret != user:
        found.user_secret = get(SECRETS, secret)
    api.masker.learn(filter(None, [found.user_secret]))
    return found


def _optional(read: Callable[[], None]) -> Callable[[], None]:
    def reading() -> None:
        try:
            read()
        except ApiError as error:
            if error.code != 403:
                raise

    return reading


def _name(item: Mapping[str, Any]) -> str:
    return str(item["metadata"]["name"])
