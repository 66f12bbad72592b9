# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Names and labels that Strimzi gives to what it makes (KafkaResources and Labels in its api and operator-common)."""

from __future__ import annotations

from dataclasses import dataclass

from rehearsal.labels import STAND_IN

OPERATOR = "strimzi-cluster-operator"
DOMAIN = "cluster.local"

CONTROL_PLANE_PORT = 9090
REPLICATION_PORT = 9091
AGENT_PORT = 8443
METRICS_PORT = 9404

CLUSTER = "strimzi.io/cluster"
POOL = "strimzi.io/pool-name"
POD_NAME = "strimzi.io/pod-name"
CONTROLLER = "strimzi.io/controller"
CONTROLLER_NAME = "strimzi.io/controller-name"
BROKER_ROLE = "strimzi.io/broker-role"
CONTROLLER_ROLE = "strimzi.io/controller-role"

PAUSE = "strimzi.io/pause-reconciliation"
ROLL = "strimzi.io/manual-rolling-update"
NODE_POOLS = "strimzi.io/node-pools"
KRAFT = "strimzi.io/kraft"
MANAGED = "strimzi.io/managed"
DELETE_CLAIM = "strimzi.io/delete-claim"


@dataclass(frozen=True)
class Cluster:
    """One Kafka custom resource: everything that is named after it."""

    name: str
    namespace: str

    @property
    def component(self) -> str:
        """The brokers' ServiceAccount, PodDisruptionBudget, certificate name."""
        return f"{self.name}-kafka"

    @property
    def bootstrap_service(self) -> str:
        """The Service that clients start from."""
        return f"{self.name}-kafka-bootstrap"

    @property
    def brokers_service(self) -> str:
        """The headless Service that gives each broker a name."""
        return f"{self.name}-kafka-brokers"

    @property
    def brokers_secret(self) -> str:
        """0.45: the one Secret with the certificates of all brokers."""
        return f"{self.name}-kafka-brokers"

    @property
    def init_binding(self) -> str:
        """The ClusterRoleBinding with which the init container reads its node's zone."""
        return f"strimzi-{self.namespace}-{self.name}-kafka-init"

    @property
    def entity_operator(self) -> str:
        """Deployment, ServiceAccount and Role of the entity operator."""
        return f"{self.name}-entity-operator"

    @property
    def cruise_control(self) -> str:
        """Deployment and Service of Cruise Control."""
        return f"{self.name}-cruise-control"

    def ca_secret(self, kind: str) -> str:
        """The Secret with a CA's private key; kind is `cluster` or `clients`."""
        return f"{self.name}-{kind}-ca"

    def ca_cert_secret(self, kind: str) -> str:
        """The Secret with a CA's certificate; kind is `cluster` or `clients`."""
        return f"{self.name}-{kind}-ca-cert"

    def pod_host(self, pod: str) -> str:
        """The name under which a broker is reached and advertised."""
        return f"{pod}.{self.brokers_service}.{self.namespace}.svc"

    def service_hosts(self, service: str) -> list[str]:
        """Every DNS name of a Service, the shortest first."""
        namespaced = f"{service}.{self.namespace}"
        return [service, namespaced, f"{namespaced}.svc", f"{namespaced}.svc.{DOMAIN}"]

    def labels(self, component: str, component_type: str, **more: str) -> dict[str, str]:
        """Labels of an object of one of the cluster's components, e.g. (`c-kafka`, `kafka`)."""
        return {
            "app.kubernetes.io/instance": self.name,
            "app.kubernetes.io/managed-by": OPERATOR,
            "app.kubernetes.io/name": component_type,
            "app.kubernetes.io/part-of": f"strimzi-{self.name}",
            CLUSTER: self.name,
            "strimzi.io/component-type": component_type,
            "strimzi.io/kind": "Kafka",
            "strimzi.io/name": component,
            STAND_IN: OPERATOR,
            **more,
        }

    def kafka_labels(self, **more: str) -> dict[str, str]:
        """Labels of what belongs to the brokers."""
        return self.labels(self.component, "kafka", **more)

    def kafka_selector(self) -> dict[str, str]:
        """What selects the cluster's Kafka pods."""
        return {CLUSTER: self.name, "strimzi.io/kind": "Kafka", "strimzi.io/name": self.component}


def owner(resource: dict) -> list[dict]:
    """The ownerReferences that make an object go when that resource goes."""
    return [
        {
            "apiVersion": resource["apiVersion"],
            "kind": resource["kind"],
            "name": resource["metadata"]["name"],
            "uid": resource["metadata"]["uid"],
            "controller": False,
            "blockOwnerDeletion": False,
        }
    ]


def annotation(resource: dict, name: str) -> str | None:
    """An annotation's value, or None."""
    return (resource["metadata"].get("annotations") or {}).get(name)


def is_true(resource: dict, name: str) -> bool:
    """Whether an annotation says `true`."""
    return (annotation(resource, name) or "").lower() == "true"
