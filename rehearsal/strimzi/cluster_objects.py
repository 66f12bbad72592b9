# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What a Kafka cluster has besides its pods: Services, ServiceAccount, rights, network policy, disruption budget."""

from __future__ import annotations

from rehearsal.strimzi import names
from rehearsal.strimzi.broker_pods import Pool, port_name
from rehearsal.strimzi.names import Cluster, owner
from rehearsal.strimzi.versions import Generation

RBAC = "rbac.authorization.k8s.io"


def shared(cluster: Cluster, generation: Generation, kafka: dict, pools: list[Pool]) -> list[dict]:
    """Everything that is needed before the pods are made; `kafka` is the whole resource."""
    spec = kafka["spec"]["kafka"]
    objects = [
        _object(cluster, kafka, "v1", "ServiceAccount", cluster.component),
        *services(cluster, kafka, spec),
        _network_policy(cluster, kafka, spec),
        _disruption_budget(cluster, kafka, spec, sum(len(pool.nodes) for pool in pools)),
    ]
    if spec.get("rack"):
        objects.append(init_binding(cluster))
    if generation.pem_secrets:
        objects += _secret_reader(cluster, kafka, spec, pools)
    return objects


def services(cluster: Cluster, kafka: dict, spec: dict) -> list[dict]:
    """The bootstrap Service (internal listeners) and the headless Service of the brokers."""
    listeners = [_port(port_name(listener), listener["port"]) for listener in spec.get("listeners") or []]
    replication = _port("tcp-replication", names.REPLICATION_PORT)
    internal = [
        _port("tcp-ctrlplane", names.CONTROL_PLANE_PORT),
        replication,
        _port("tcp-kafkaagent", names.AGENT_PORT),
    ]
    brokers = {**cluster.kafka_selector(), names.BROKER_ROLE: "true"}
    bootstrap = _object(cluster, kafka, "v1", "Service", cluster.bootstrap_service)
    bootstrap["metadata"]["labels"]["strimzi.io/discovery"] = "true"
    bootstrap["spec"] = {"type": "ClusterIP", "selector": brokers, "ports": [replication, *listeners]}
    headless = _object(cluster, kafka, "v1", "Service", cluster.brokers_service)
    headless["spec"] = {
        "type": "ClusterIP",
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": cluster.kafka_selector(),
        "ports": [*internal, *listeners],
    }
    return [bootstrap, headless]


def init_binding(cluster: Cluster) -> dict:
    """Cluster-scoped, so nothing owns it: the operator itself removes it when the Kafka goes."""
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": cluster.init_binding, "labels": cluster.kafka_labels()},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "strimzi-kafka-broker"},
        "subjects": [{"kind": "ServiceAccount", "name": cluster.component, "namespace": cluster.namespace}],
    }


def _secret_reader(cluster: Cluster, kafka: dict, spec: dict, pools: list[Pool]) -> list[dict]:
    readable = [cluster.ca_cert_secret("cluster"), *(node.pod for pool in pools for node in pool.nodes)]
    if any((listener.get("authentication") or {}).get("type") == "tls" for listener in spec.get("listeners") or []):
        readable.append(cluster.ca_cert_secret("clients"))
    role = _object(cluster, kafka, f"{RBAC}/v1", "Role", cluster.component)
    role["rules"] = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": readable}]
    binding = _object(cluster, kafka, f"{RBAC}/v1", "RoleBinding", f"{cluster.name}-kafka-role")
    binding["roleRef"] = {"apiGroup": RBAC, "kind": "Role", "name": cluster.component}
    binding["subjects"] = [{"kind": "ServiceAccount", "name": cluster.component, "namespace": cluster.namespace}]
    return [role, binding]


def _network_policy(cluster: Cluster, kafka: dict, spec: dict) -> dict:
    operator = {"podSelector": {"matchLabels": {"strimzi.io/kind": "cluster-operator"}}, "namespaceSelector": {}}
    brokers = {"podSelector": {"matchLabels": cluster.kafka_selector()}}
    others = [
        {"podSelector": {"matchLabels": {"strimzi.io/name": name}}}
        for name in (cluster.entity_operator, f"{cluster.name}-kafka-exporter", cluster.cruise_control)
    ]
    rules = [
        _ingress(names.CONTROL_PLANE_PORT, [brokers, operator]),
        _ingress(names.REPLICATION_PORT, [operator, brokers, *others]),
        _ingress(names.AGENT_PORT, [operator]),
        *(_ingress(each["port"], each.get("networkPolicyPeers") or []) for each in spec.get("listeners") or []),
    ]
    if spec.get("metricsConfig"):
        rules.append(_ingress(names.METRICS_PORT, []))
    policy = _object(cluster, kafka, "networking.k8s.io/v1", "NetworkPolicy", f"{cluster.name}-network-policy-kafka")
    policy["spec"] = {"podSelector": {"matchLabels": cluster.kafka_selector()}, "ingress": rules}
    policy["spec"]["policyTypes"] = ["Ingress"]
    return policy


def _disruption_budget(cluster: Cluster, kafka: dict, spec: dict, nodes: int) -> dict:
    template = (spec.get("template") or {}).get("podDisruptionBudget") or {}
    budget = _object(cluster, kafka, "policy/v1", "PodDisruptionBudget", cluster.component)
    budget["spec"] = {
        "minAvailable": max(0, nodes - template.get("maxUnavailable", 1)),
        "selector": {"matchLabels": cluster.kafka_selector()},
    }
    return budget


def _object(cluster: Cluster, kafka: dict, api_version: str, kind: str, name: str) -> dict:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": cluster.namespace,
            "labels": cluster.kafka_labels(),
            "ownerReferences": owner(kafka),
        },
    }


def _port(name: str, port: int) -> dict:
    return {"name": name, "port": port, "targetPort": port, "protocol": "TCP"}


def _ingress(port: int, peers: list[dict]) -> dict:
    rule: dict = {"ports": [{"port": port, "protocol": "TCP"}]}
    if peers:
        rule["from"] = peers
    return rule
