# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The Deployments that the cluster operator makes: entity operator (topic and user operator), Cruise Control."""

from __future__ import annotations

from rehearsal.strimzi import names
from rehearsal.strimzi.names import Cluster, owner
from rehearsal.strimzi.operator_install import BROKER_ACCESS_ROLE, entity_operator_rules

RBAC = "rbac.authorization.k8s.io"
RECONCILIATION_INTERVAL = 120_000  # milliseconds
HASH = "strimzi.io/server-cert-hash"


def entity_operator(cluster: Cluster, kafka: dict, images: dict[str, str], certificate_hash: str) -> list[dict]:
    """ServiceAccount, rights and Deployment; `images` has `topic` and `user`. Empty when the Kafka asks for neither."""
    spec = kafka["spec"].get("entityOperator") or {}
    if not ({"topicOperator", "userOperator"} & spec.keys()):
        return []
    name = cluster.entity_operator
    account = {"kind": "ServiceAccount", "name": name, "namespace": cluster.namespace}
    role = _object(cluster, kafka, f"{RBAC}/v1", "Role", name, component=("entity-operator", name))
    role["rules"] = entity_operator_rules()
    bindings = [(f"{cluster.name}-entity-operator-stand-in-brokers", "ClusterRole", BROKER_ACCESS_ROLE)]
    containers = []
    if "topicOperator" in spec:
        bindings.append((f"{cluster.name}-entity-topic-operator-role", "Role", name))
        containers.append(_topic_operator(cluster, spec["topicOperator"] or {}, images["topic"]))
    if "userOperator" in spec:
        bindings.append((f"{cluster.name}-entity-user-operator-role", "Role", name))
        containers.append(_user_operator(cluster, spec["userOperator"] or {}, images["user"]))
    objects = [_object(cluster, kafka, "v1", "ServiceAccount", name, component=("entity-operator", name)), role]
    for binding_name, kind, role_name in bindings:
        binding = _object(
            cluster, kafka, f"{RBAC}/v1", "RoleBinding", binding_name, component=("entity-operator", name)
        )
        binding["roleRef"] = {"apiGroup": RBAC, "kind": kind, "name": role_name}
        binding["subjects"] = [account]
        objects.append(binding)
    volumes = [
        {"name": "strimzi-tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "5Mi"}},
        {"name": "cluster-ca-certs", "secret": {"secretName": cluster.ca_cert_secret("cluster"), "defaultMode": 0o444}},
    ]
    for container, secret in (("topic-operator", "eto"), ("user-operator", "euo")):
        if any(each["name"] == container for each in containers):
            source = {"secretName": f"{cluster.name}-entity-{container}-certs", "defaultMode": 0o444}
            volumes.append({"name": f"{secret}-certs", "secret": source})
    template = (spec.get("template") or {}).get("pod") or {}
    objects.append(
        _deployment(
            cluster,
            kafka,
            name,
            "entity-operator",
            containers,
            volumes=volumes,
            template=template,
            annotations={HASH: certificate_hash},
        )
    )
    return objects


def cruise_control(cluster: Cluster, kafka: dict, image: str) -> list[dict]:
    """Cruise Control's ServiceAccount, Service and Deployment. Its pod is KWOK's: nothing runs in it."""
    spec = kafka["spec"].get("cruiseControl")
    if spec is None:
        return []
    name = cluster.cruise_control
    service = _object(cluster, kafka, "v1", "Service", name, component=("cruise-control", name))
    selector = {names.CLUSTER: cluster.name, "strimzi.io/kind": "Kafka", "strimzi.io/name": name}
    service["spec"] = {"selector": selector, "ports": [{"name": "rest-api", "port": 9090, "targetPort": 9090}]}
    container: dict = {
        "name": "cruise-control",
        "image": image,
        "args": ["/opt/cruise-control/cruise_control_run.sh"],
        "ports": [{"name": "rest-api", "containerPort": 9090}],
        "env": [{"name": "STRIMZI_KAFKA_BOOTSTRAP_SERVERS", "value": f"{cluster.bootstrap_service}:9091"}],
        "volumeMounts": [{"name": "strimzi-tmp", "mountPath": "/tmp"}],
        **_optional(spec, "resources"),
    }
    volumes = [{"name": "strimzi-tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "5Mi"}}]
    template = (spec.get("template") or {}).get("pod") or {}
    return [
        _object(cluster, kafka, "v1", "ServiceAccount", name, component=("cruise-control", name)),
        service,
        _deployment(
            cluster, kafka, name, "cruise-control", [container], volumes=volumes, template=template, annotations={}
        ),
    ]


def _topic_operator(cluster: Cluster, spec: dict, image: str) -> dict:
    values = {
        "STRIMZI_RESOURCE_LABELS": f"{names.CLUSTER}={cluster.name}",
        "STRIMZI_KAFKA_BOOTSTRAP_SERVERS": f"{cluster.bootstrap_service}:9091",
        "STRIMZI_NAMESPACE": spec.get("watchedNamespace", cluster.namespace),
        "STRIMZI_FULL_RECONCILIATION_INTERVAL_MS": _interval(spec),
        "STRIMZI_SECURITY_PROTOCOL": "SSL",
        "STRIMZI_TLS_ENABLED": "true",
        "STRIMZI_CLUSTER_NAME": cluster.name,
    }
    return _container("topic-operator", image, "topic_operator_run.sh", 8080, values, spec=spec, certificates="eto")


def _user_operator(cluster: Cluster, spec: dict, image: str) -> dict:
    values = {
        "STRIMZI_NAMESPACE": spec.get("watchedNamespace", cluster.namespace),
        "STRIMZI_LABELS": f"{names.CLUSTER}={cluster.name}",
        "STRIMZI_KAFKA_BOOTSTRAP_SERVERS": f"{cluster.bootstrap_service}:9091",
        "STRIMZI_FULL_RECONCILIATION_INTERVAL_MS": _interval(spec),
        "STRIMZI_CA_CERT_NAME": cluster.ca_cert_secret("clients"),
        "STRIMZI_CA_KEY_NAME": cluster.ca_secret("clients"),
        "STRIMZI_CA_NAMESPACE": cluster.namespace,
        "STRIMZI_CLUSTER_CA_CERT_SECRET_NAME": cluster.ca_cert_secret("cluster"),
        "STRIMZI_EO_KEY_SECRET_NAME": f"{cluster.name}-entity-user-operator-certs",
        "STRIMZI_SECRET_PREFIX": spec.get("secretPrefix", ""),
        "STRIMZI_ACLS_ADMIN_API_SUPPORTED": "true",
    }
    return _container("user-operator", image, "user_operator_run.sh", 8081, values, spec=spec, certificates="euo")


def _interval(spec: dict) -> str:
    return str(spec.get("reconciliationIntervalMs", RECONCILIATION_INTERVAL))


def _container(
    name: str, image: str, script: str, port: int, values: dict[str, str], *, spec: dict, certificates: str
) -> dict:
    return {
        "name": name,
        "image": spec.get("image", image),
        "args": [f"/opt/strimzi/bin/{script}"],
        "env": [{"name": key, "value": value} for key, value in values.items()],
        "ports": [{"name": "healthcheck", "containerPort": port, "protocol": "TCP"}],
        "livenessProbe": _probe("/healthy"),
        "readinessProbe": _probe("/ready"),
        "volumeMounts": [
            {"name": "strimzi-tmp", "mountPath": "/tmp"},
            {"name": f"{certificates}-certs", "mountPath": f"/etc/{certificates}-certs/"},
            {"name": "cluster-ca-certs", "mountPath": "/etc/tls-sidecar/cluster-ca-certs/"},
        ],
        **_optional(spec, "resources"),
    }


def _probe(path: str) -> dict:
    return {"httpGet": {"path": path, "port": "healthcheck"}, "initialDelaySeconds": 10, "timeoutSeconds": 5}


def _deployment(
    cluster: Cluster,
    kafka: dict,
    name: str,
    component: str,
    containers: list[dict],
    *,
    volumes: list[dict],
    template: dict,
    annotations: dict[str, str],
) -> dict:
    labels = cluster.labels(name, component)
    deployment = _object(cluster, kafka, "apps/v1", "Deployment", name, component=(component, name))
    pod_metadata = template.get("metadata") or {}
    pod: dict = {
        "serviceAccountName": name,
        "containers": containers,
        "volumes": volumes,
        "terminationGracePeriodSeconds": template.get("terminationGracePeriodSeconds", 30),
    }
    for key in ("affinity", "tolerations", "topologySpreadConstraints", "securityContext", "priorityClassName"):
        pod |= _optional(template, key)
    deployment["spec"] = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {
            "matchLabels": {names.CLUSTER: cluster.name, "strimzi.io/kind": "Kafka", "strimzi.io/name": name},
        },
        "template": {
            "metadata": {
                "labels": {**labels, **(pod_metadata.get("labels") or {})},
                "annotations": {**annotations, **(pod_metadata.get("annotations") or {})},
            },
            "spec": pod,
        },
    }
    return deployment


def _object(
    cluster: Cluster, kafka: dict, api_version: str, kind: str, name: str, *, component: tuple[str, str]
) -> dict:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": cluster.namespace,
            "labels": cluster.labels(component[1], component[0]),
            "ownerReferences": owner(kafka),
        },
    }


def _optional(source: dict, key: str) -> dict:
    return {key: source[key]} if source.get(key) else {}
