# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The objects that install a cluster operator in one namespace and let it watch that namespace.

Names and rights are those of `packaging/install/cluster-operator` in strimzi/strimzi-kafka-operator. What the stand-in
needs beyond them (its way to the brokers through the API server) is in a role of its own, `strimzi-stand-in-brokers`.
"""

from __future__ import annotations

from rehearsal.labels import STAND_IN
from rehearsal.strimzi.versions import Generation

NAME = "strimzi-cluster-operator"
BROKER_ACCESS_ROLE = "strimzi-stand-in-brokers"
LABELS = {"app": "strimzi", STAND_IN: NAME}
RBAC = "rbac.authorization.k8s.io"
REGISTRY = "quay.io/strimzi"

# milliseconds. Upstream gives a pod 300,000 to start; a rehearsal's user wants to see the failure sooner
OPERATION_TIMEOUT = 180_000
FULL_RECONCILIATION = 120_000

READ = ["get", "list", "watch"]
OWN = [*READ, "create", "delete", "patch", "update"]
WRITE_STATUS = ["get", "patch", "update"]

WATCHED = [
    "kafkas",
    "kafkanodepools",
    "kafkaconnects",
    "kafkaconnectors",
    "kafkabridges",
    "kafkamirrormaker2s",
    "kafkarebalances",
]
ENTITIES = ["kafkatopics", "kafkausers"]


def objects(generation: Generation, namespace: str) -> list[dict]:
    """Everything but the custom resource definitions, in the order in which it can be applied."""
    return [
        _object("v1", "ServiceAccount", NAME, namespace),
        *(_cluster_role(name, rules) for name, rules in cluster_roles().items()),
        _binding("ClusterRoleBinding", NAME, "strimzi-cluster-operator-global", namespace),
        _binding("ClusterRoleBinding", f"{NAME}-kafka-broker-delegation", "strimzi-kafka-broker", namespace),
        _binding("ClusterRoleBinding", f"{NAME}-kafka-client-delegation", "strimzi-kafka-client", namespace),
        _binding("RoleBinding", NAME, "strimzi-cluster-operator-namespaced", namespace),
        _binding("RoleBinding", f"{NAME}-watched", "strimzi-cluster-operator-watched", namespace),
        _binding("RoleBinding", f"{NAME}-leader-election", "strimzi-cluster-operator-leader-election", namespace),
        _binding("RoleBinding", f"{NAME}-entity-operator-delegation", "strimzi-entity-operator", namespace),
        _binding("RoleBinding", f"{NAME}-stand-in-brokers", BROKER_ACCESS_ROLE, namespace),
        _object("v1", "ConfigMap", NAME, namespace, data={"log4j2.properties": "rootLogger.level = INFO\n"}),
        deployment(generation, namespace),
    ]


def cluster_roles() -> dict[str, list[dict]]:
    """The rules of each ClusterRole by its name."""
    return {
        "strimzi-cluster-operator-namespaced": [
            _rule([RBAC], ["roles", "rolebindings"], OWN),
            _rule(
                [""],
                ["pods", "serviceaccounts", "configmaps", "services", "endpoints", "secrets", "persistentvolumeclaims"],
                OWN,
            ),
            _rule(["apps"], ["deployments", "replicasets"], OWN),
            _rule(["events.k8s.io"], ["events"], ["create"]),
            _rule(["networking.k8s.io"], ["networkpolicies", "ingresses"], OWN),
            _rule(["policy"], ["poddisruptionbudgets"], OWN),
        ],
        "strimzi-cluster-operator-global": [
            _rule([RBAC], ["clusterrolebindings"], OWN),
            _rule(["storage.k8s.io"], ["storageclasses"], ["get"]),
            _rule([""], ["nodes"], ["list"]),
        ],
        "strimzi-cluster-operator-watched": [
            _rule([""], ["pods"], ["list", "watch"]),
            _rule(["kafka.strimzi.io"], WATCHED, [*READ, "create", "patch", "update"]),
            _rule(["kafka.strimzi.io"], ["kafkarebalances"], ["delete"]),
            _rule(["kafka.strimzi.io"], [f"{plural}/status" for plural in WATCHED], WRITE_STATUS),
            _rule(["core.strimzi.io"], ["strimzipodsets"], OWN),
            _rule(["core.strimzi.io"], ["strimzipodsets/status"], WRITE_STATUS),
        ],
        "strimzi-cluster-operator-leader-election": [
            _rule(["coordination.k8s.io"], ["leases"], ["create"]),
            {**_rule(["coordination.k8s.io"], ["leases"], OWN), "resourceNames": [NAME]},
        ],
        # the operator may only grant what it holds: these two are held to be passed on
        "strimzi-kafka-broker": [_rule([""], ["nodes"], ["get"])],
        "strimzi-kafka-client": [_rule([""], ["nodes"], ["get"])],
        "strimzi-entity-operator": entity_operator_rules(),
        BROKER_ACCESS_ROLE: broker_access_rules(),
    }


def entity_operator_rules() -> list[dict]:
    """What an entity operator may do in its namespace; the cluster operator gives it a Role with the same rules."""
    return [
        _rule(["kafka.strimzi.io"], ["kafkatopics"], OWN),
        _rule(["kafka.strimzi.io"], ["kafkausers"], [*READ, "create", "patch", "update"]),
        _rule(["kafka.strimzi.io"], [f"{plural}/status" for plural in ENTITIES], WRITE_STATUS),
        _rule([""], ["secrets"], OWN),
    ]


def broker_access_rules() -> list[dict]:
    """A stand-in runs outside the pod network: it reaches a broker by port-forward, where Strimzi's would connect."""
    return [
        _rule([""], ["pods", "services"], ["get", "list"]),
        _rule([""], ["pods/portforward"], ["get", "create"]),
    ]


def deployment(generation: Generation, namespace: str) -> dict:
    """The Deployment `strimzi-cluster-operator`."""
    selector = {"name": NAME, "strimzi.io/kind": "cluster-operator"}
    container = {
        "name": NAME,
        "image": operator_image(generation),
        "args": ["/opt/strimzi/bin/cluster_operator_run.sh"],
        "env": _environment(generation),
        "ports": [{"name": "http", "containerPort": 8080}],
        "livenessProbe": _probe("/healthy"),
        "readinessProbe": _probe("/ready"),
        "resources": {
            "requests": {"cpu": "200m", "memory": "384Mi"},
            "limits": {"cpu": "1000m", "memory": "384Mi"},
        },
        "volumeMounts": [
            {"name": "strimzi-tmp", "mountPath": "/tmp"},
            {"name": "co-config-volume", "mountPath": "/opt/strimzi/custom-config/"},
        ],
        # seed 000's namespace enforces the restricted pod security standard's neighbourhood: ask for no privilege
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return _object(
        "apps/v1",
        "Deployment",
        NAME,
        namespace,
        spec={
            "replicas": 1,
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {"labels": {**selector, **LABELS}},
                "spec": {
                    "serviceAccountName": NAME,
                    "containers": [container],
                    "volumes": [
                        {"name": "strimzi-tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
                        {"name": "co-config-volume", "configMap": {"name": NAME}},
                    ],
                },
            },
        },
    )


def operator_image(generation: Generation) -> str:
    """The image that holds the three operators and the init container's program."""
    return f"{REGISTRY}/operator:{generation.version}"


def kafka_image(generation: Generation, kafka: str) -> str:
    """The image of a broker; also of Cruise Control."""
    return f"{REGISTRY}/kafka:{generation.version}-kafka-{kafka}"


def _environment(generation: Generation) -> list[dict]:
    own_namespace = {"fieldRef": {"fieldPath": "metadata.namespace"}}
    images = "".join(f"{kafka}={kafka_image(generation, kafka)}\n" for kafka in generation.kafka)
    default_image = kafka_image(generation, generation.default_kafka)
    values: dict[str, str | dict] = {
        "STRIMZI_NAMESPACE": own_namespace,
        "STRIMZI_FULL_RECONCILIATION_INTERVAL_MS": str(FULL_RECONCILIATION),
        "STRIMZI_OPERATION_TIMEOUT_MS": str(OPERATION_TIMEOUT),
        "STRIMZI_DEFAULT_KAFKA_EXPORTER_IMAGE": default_image,
        "STRIMZI_DEFAULT_CRUISE_CONTROL_IMAGE": default_image,
        "STRIMZI_KAFKA_IMAGES": images,
        "STRIMZI_KAFKA_CONNECT_IMAGES": images,
        "STRIMZI_KAFKA_MIRROR_MAKER_2_IMAGES": images,
        "STRIMZI_DEFAULT_TOPIC_OPERATOR_IMAGE": operator_image(generation),
        "STRIMZI_DEFAULT_USER_OPERATOR_IMAGE": operator_image(generation),
        "STRIMZI_DEFAULT_KAFKA_INIT_IMAGE": operator_image(generation),
        "STRIMZI_OPERATOR_NAMESPACE": own_namespace,
        "STRIMZI_FEATURE_GATES": "",
        "STRIMZI_LEADER_ELECTION_ENABLED": "false",  # one replica, and a Lease renewed for nobody costs writes
    }
    if generation.reads_server_version_strictly:
        # without it 0.45 does not start on a Kubernetes whose /version has emulationMajor (1.33 and later)
        values["STRIMZI_KUBERNETES_VERSION"] = "major=1\nminor=32\ngitVersion=v1.32.0\nplatform=linux/amd64\n"
    return [
        {"name": name, "valueFrom": value} if isinstance(value, dict) else {"name": name, "value": value}
        for name, value in values.items()
    ]


def _probe(path: str) -> dict:
    return {"httpGet": {"path": path, "port": "http"}, "initialDelaySeconds": 10, "periodSeconds": 30}


def _object(api_version: str, kind: str, name: str, namespace: str | None, **content: object) -> dict:
    metadata: dict = {"name": name, "labels": dict(LABELS)}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}


def _cluster_role(name: str, rules: list[dict]) -> dict:
    return _object(f"{RBAC}/v1", "ClusterRole", name, None, rules=rules)


def _binding(kind: str, name: str, role: str, namespace: str) -> dict:
    return _object(
        f"{RBAC}/v1",
        kind,
        name,
        namespace if kind == "RoleBinding" else None,
        roleRef={"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        subjects=[{"kind": "ServiceAccount", "name": NAME, "namespace": namespace}],
    )


def _rule(groups: list[str], resources: list[str], verbs: list[str]) -> dict:
    return {"apiGroups": groups, "resources": list(resources), "verbs": list(verbs)}
