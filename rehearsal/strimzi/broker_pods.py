# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""A node pool's StrimziPodSet with its pods, and their volume claims (KafkaCluster, KafkaPool and WorkloadUtils)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from rehearsal.strimzi import names
from rehearsal.strimzi.certificates import hash_stub
from rehearsal.strimzi.names import Cluster, owner
from rehearsal.strimzi.server_config import Node
from rehearsal.strimzi.versions import Generation

DATA_ROOT = "/var/lib/kafka"
REVISION = "strimzi.io/revision"


@dataclass(frozen=True)
class Pool:
    """A KafkaNodePool with the nodes it has, and what its Kafka says of all pools."""

    resource: dict
    nodes: list[Node]
    storage: dict
    images: dict[str, str] = field(default_factory=dict)  # `kafka` and `init`

    @property
    def name(self) -> str:
        """The KafkaNodePool's name."""
        return self.resource["metadata"]["name"]

    @property
    def spec(self) -> dict:
        """The KafkaNodePool's spec."""
        return self.resource["spec"]


def nodes_of(cluster: Cluster, pool: dict) -> list[Node]:
    """The pool's nodes: those it has by its status, then the lowest free ids (one pool a cluster: no gaps to share)."""
    roles = pool["spec"].get("roles") or []
    replicas = pool["spec"].get("replicas", 0)
    known = sorted((pool.get("status") or {}).get("nodeIds") or [])[:replicas]
    free = (number for number in range(10_000) if number not in known)
    ids = known + [next(free) for _ in range(replicas - len(known))]
    prefix = f"{cluster.name}-{pool['metadata']['name']}"
    return [
        Node(
            number,
            f"{prefix}-{number}",
            pool["metadata"]["name"],
            broker="broker" in roles,
            controller="controller" in roles,
        )
        for number in sorted(ids)
    ]


def data_volumes(storage: dict) -> list[tuple[str, dict]]:
    """Each data volume's name and its storage; the one with the metadata first. JBOD volumes carry their id."""
    if storage.get("type") == "jbod":
        volumes = sorted(storage.get("volumes") or [], key=lambda volume: volume["id"])
        volumes.sort(key=lambda volume: volume.get("kraftMetadata") != "shared")
        return [(f"data-{volume['id']}", volume) for volume in volumes]
    return [("data", storage)]


def log_dirs(storage: dict) -> list[str]:
    """Mount paths of the data volumes, the one with the metadata first."""
    return [f"{DATA_ROOT}/{name}" for name, _ in data_volumes(storage)]


def claims(cluster: Cluster, pool: Pool) -> list[dict]:
    """A claim for each node and persistent volume: owned by the pool only when `deleteClaim` is true."""
    made = []
    for node in pool.nodes:
        for name, storage in data_volumes(pool.storage):
            if storage.get("type") != "persistent-claim":
                continue
            delete = bool(storage.get("deleteClaim"))
            metadata: dict = {
                "name": f"{name}-{node.pod}",
                "namespace": cluster.namespace,
                "labels": cluster.kafka_labels(**{names.POOL: pool.name}),
                "annotations": {names.DELETE_CLAIM: str(delete).lower()},
            }
            if delete:
                metadata["ownerReferences"] = owner(pool.resource)
            spec: dict = {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": storage["size"]}},
                "volumeMode": "Filesystem",
            }
            if storage.get("class"):
                spec["storageClassName"] = storage["class"]
            if storage.get("selector"):
                spec["selector"] = {"matchLabels": storage["selector"]}
            made.append({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})
    return made


def pod_set(
    cluster: Cluster, generation: Generation, kafka: dict, pool: Pool, annotations: dict[int, dict[str, str]]
) -> dict:
    """The pool's StrimziPodSet. `kafka` is `.spec.kafka`, `annotations` each node's own by its id."""
    name = f"{cluster.name}-{pool.name}"
    return {
        "apiVersion": f"core.strimzi.io/{generation.api}",
        "kind": "StrimziPodSet",
        "metadata": {
            "name": name,
            "namespace": cluster.namespace,
            "labels": cluster.kafka_labels(**{names.POOL: pool.name}),
            "annotations": {"strimzi.io/storage": json.dumps(pool.storage, sort_keys=True)},
            "ownerReferences": owner(pool.resource),
        },
        "spec": {
            "selector": {"matchLabels": {**cluster.kafka_selector(), names.POOL: pool.name}},
            "pods": [
                pod(cluster, generation, kafka, pool, node, annotations=annotations[node.id]) for node in pool.nodes
            ],
        },
    }


def pod(
    cluster: Cluster, generation: Generation, kafka: dict, pool: Pool, node: Node, *, annotations: dict[str, str]
) -> dict:
    """One broker's pod as it stands in the StrimziPodSet."""
    template = {**_template(kafka), **_template(pool.spec)}
    pod_template = template.get("pod") or {}
    metadata_template = pod_template.get("metadata") or {}
    volumes = _volumes(cluster, generation, kafka, pool, node)
    spec: dict = {
        "restartPolicy": "Always",
        "hostname": node.pod,
        "subdomain": cluster.brokers_service,
        "serviceAccountName": cluster.component,
        "containers": [_kafka_container(cluster, generation, kafka, pool, node, template=template)],
        "volumes": volumes,
        "terminationGracePeriodSeconds": pod_template.get("terminationGracePeriodSeconds", 30),
        "securityContext": pod_template.get("securityContext") or {"fsGroup": 0},
        "schedulerName": pod_template.get("schedulerName", "default-scheduler"),
    }
    if _needs_init(kafka, node):
        spec["initContainers"] = [_init_container(kafka, pool, template)]
    affinity = _affinity(cluster, generation, kafka, node, pod_template)
    if affinity:
        spec["affinity"] = affinity
    for key in ("tolerations", "topologySpreadConstraints", "priorityClassName", "hostAliases", "imagePullSecrets"):
        if pod_template.get(key):
            spec[key] = pod_template[key]
    labels = cluster.kafka_labels(
        **{
            names.POOL: pool.name,
            names.POD_NAME: node.pod,
            names.BROKER_ROLE: str(node.broker).lower(),
            names.CONTROLLER_ROLE: str(node.controller).lower(),
            names.CONTROLLER: "strimzipodset",
            names.CONTROLLER_NAME: f"{cluster.name}-{pool.name}",
            "statefulset.kubernetes.io/pod-name": node.pod,
        }
    )
    made: dict = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": node.pod,
            "namespace": cluster.namespace,
            "labels": {**labels, **(metadata_template.get("labels") or {})},
            "annotations": {**annotations, **(metadata_template.get("annotations") or {})},
        },
        "spec": spec,
    }
    # of the whole pod, its annotations with the hashes too (PodRevision.getRevision)
    made["metadata"]["annotations"][REVISION] = hash_stub(json.dumps(made, sort_keys=True))
    return made


def _template(spec: dict) -> dict:
    return spec.get("template") or {}


def _needs_init(kafka: dict, node: Node) -> bool:
    return node.broker and bool(kafka.get("rack"))


def _volumes(cluster: Cluster, generation: Generation, kafka: dict, pool: Pool, node: Node) -> list[dict]:
    volumes = []
    for name, storage in data_volumes(pool.storage):
        if storage.get("type") == "persistent-claim":
            volumes.append({"name": name, "persistentVolumeClaim": {"claimName": f"{name}-{node.pod}"}})
        else:
            limit = {"sizeLimit": storage["sizeLimit"]} if storage.get("sizeLimit") else {}
            volumes.append({"name": name, "emptyDir": limit})
    volumes.append({"name": "strimzi-tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "5Mi"}})
    if not generation.pem_secrets:
        volumes += [
            _secret("cluster-ca", cluster.ca_cert_secret("cluster")),
            _secret("broker-certs", cluster.brokers_secret),
            _secret("client-ca-cert", cluster.ca_cert_secret("clients")),
        ]
    volumes.append({"name": "kafka-metrics-and-logging", "configMap": {"name": node.pod}})
    volumes.append({"name": "ready-files", "emptyDir": {"medium": "Memory", "sizeLimit": "1Ki"}})
    if _needs_init(kafka, node):
        volumes.append({"name": "rack-volume", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}})
    return volumes


def _secret(volume: str, secret: str) -> dict:
    return {"name": volume, "secret": {"secretName": secret, "defaultMode": 0o444}}


def _kafka_container(
    cluster: Cluster, generation: Generation, kafka: dict, pool: Pool, node: Node, *, template: dict
) -> dict:
    mounts = [{"name": name, "mountPath": f"{DATA_ROOT}/{name}"} for name, _ in data_volumes(pool.storage)]
    mounts.append({"name": "strimzi-tmp", "mountPath": "/tmp"})
    if not generation.pem_secrets:
        mounts += [
            {"name": "cluster-ca", "mountPath": "/opt/kafka/cluster-ca-certs"},
            {"name": "broker-certs", "mountPath": "/opt/kafka/broker-certs"},
            {"name": "client-ca-cert", "mountPath": "/opt/kafka/client-ca-certs"},
        ]
    mounts.append({"name": "kafka-metrics-and-logging", "mountPath": "/opt/kafka/custom-config/"})
    mounts.append({"name": "ready-files", "mountPath": "/var/opt/kafka"})
    if _needs_init(kafka, node):
        mounts.append({"name": "rack-volume", "mountPath": "/opt/kafka/init"})
    container_template = template.get("kafkaContainer") or {}
    container: dict = {
        "name": "kafka",
        "image": pool.images["kafka"],
        "args": ["/opt/kafka/kafka_run.sh"],
        "env": _environment(cluster, kafka, pool) + list(container_template.get("env") or []),
        "ports": _ports(kafka, node),
        "volumeMounts": mounts,
        "livenessProbe": _probe("/opt/kafka/kafka_liveness.sh", kafka.get("livenessProbe")),
        "readinessProbe": _probe("/opt/kafka/kafka_readiness.sh", kafka.get("readinessProbe")),
        "imagePullPolicy": "IfNotPresent",
    }
    resources = pool.spec.get("resources") or kafka.get("resources")
    if resources:
        container["resources"] = resources
    if container_template.get("securityContext"):
        container["securityContext"] = container_template["securityContext"]
    return container


def _environment(cluster: Cluster, kafka: dict, pool: Pool) -> list[dict]:
    jvm = pool.spec.get("jvmOptions") or kafka.get("jvmOptions") or {}
    values = {
        "KAFKA_JMX_EXPORTER_ENABLED": str(uses_jmx_exporter(kafka)).lower(),
        "STRIMZI_KAFKA_GC_LOG_ENABLED": str(bool(jvm.get("gcLoggingEnabled"))).lower(),
        "KAFKA_CLUSTER_NAME": cluster.name,
    }
    heap = [f"{flag}{jvm[option]}" for flag, option in (("-Xms", "-Xms"), ("-Xmx", "-Xmx")) if jvm.get(option)]
    if heap:
        values["KAFKA_HEAP_OPTS"] = " ".join(heap)
    else:
        values["STRIMZI_DYNAMIC_HEAP_PERCENTAGE"] = "50"
        values["STRIMZI_DYNAMIC_HEAP_MAX"] = str(5 * 1024**3)
    return [{"name": name, "value": value} for name, value in values.items()]


def uses_jmx_exporter(kafka: dict) -> bool:
    """Whether `.spec.kafka` asks for metrics by the JMX exporter."""
    return (kafka.get("metricsConfig") or {}).get("type") == "jmxPrometheusExporter"


def _ports(kafka: dict, node: Node) -> list[dict]:
    ports = {"tcp-kafkaagent": names.AGENT_PORT}
    if node.controller:
        ports["tcp-ctrlplane"] = names.CONTROL_PLANE_PORT
    if node.broker:
        ports["tcp-replication"] = names.REPLICATION_PORT
        ports |= {port_name(listener): listener["port"] for listener in kafka.get("listeners") or []}
    if kafka.get("metricsConfig"):
        ports["tcp-prometheus"] = names.METRICS_PORT
    return [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in ports.items()]


def port_name(listener: dict) -> str:
    """The port's name in pods and Services (ListenersUtils.backwardsCompatiblePortName)."""
    old = {("plain", 9092): "tcp-clients", ("tls", 9093): "tcp-clientstls", ("external", 9094): "tcp-external"}
    return old.get((listener["name"], listener["port"]), f"tcp-{listener['name']}")


def _probe(script: str, options: dict | None) -> dict:
    return {
        "exec": {"command": [script]},
        "initialDelaySeconds": (options or {}).get("initialDelaySeconds", 15),
        "timeoutSeconds": (options or {}).get("timeoutSeconds", 5),
    }


def _init_container(kafka: dict, pool: Pool, template: dict) -> dict:
    container: dict = {
        "name": "kafka-init",
        "image": pool.images["init"],
        "args": ["/opt/strimzi/bin/kafka_init_run.sh"],
        "env": [
            {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "RACK_TOPOLOGY_KEY", "value": kafka["rack"]["topologyKey"]},
        ],
        "volumeMounts": [{"name": "rack-volume", "mountPath": "/opt/kafka/init"}],
        "imagePullPolicy": "IfNotPresent",
    }
    if pool.spec.get("resources"):
        container["resources"] = pool.spec["resources"]
    context = (template.get("initContainer") or {}).get("securityContext")
    if context:
        container["securityContext"] = context
    return container


def _affinity(cluster: Cluster, generation: Generation, kafka: dict, node: Node, pod_template: dict) -> dict:
    affinity = json.loads(json.dumps(pod_template.get("affinity") or {}))
    if not (_needs_init(kafka, node) and generation.rack_affinity):
        return affinity
    key = kafka["rack"]["topologyKey"]
    exists = {"key": key, "operator": "Exists"}
    required = affinity.setdefault("nodeAffinity", {}).setdefault("requiredDuringSchedulingIgnoredDuringExecution", {})
    terms = required.setdefault("nodeSelectorTerms", []) or required["nodeSelectorTerms"]
    if terms:
        for term in terms:
            term.setdefault("matchExpressions", []).append(exists)
    else:
        terms.append({"matchExpressions": [exists]})
    preferred = affinity.setdefault("podAntiAffinity", {}).setdefault(
        "preferredDuringSchedulingIgnoredDuringExecution", []
    )
    apart = {"labelSelector": {"matchLabels": cluster.kafka_selector()}, "topologyKey": key}
    preferred.append({"weight": 100, "podAffinityTerm": apart})
    return affinity
