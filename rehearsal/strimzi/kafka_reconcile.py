# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""One Kafka, one pass: what must hold, what is applied, whether it is up, which pod is rolled next.

Source: KafkaAssemblyOperator and KafkaReconciler. Where those wait inside a pass, this one ends it and asks to be
called again: pods that become ready are events, the operation timeout is a clock in memory.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from dataclasses import dataclass, field

import yaml
from kafka.admin import ConfigResource, ConfigResourceType

from rehearsal.strimzi import (
    broker_pods,
    cluster_objects,
    entity_operator,
    names,
    pod_sets,
    rolling,
    server_config,
    status,
)
from rehearsal.strimzi.api import Api
from rehearsal.strimzi.authorities import SecretWriter
from rehearsal.strimzi.broker_pods import Pool
from rehearsal.strimzi.brokers import Brokers
from rehearsal.strimzi.certificates import hash_stub
from rehearsal.strimzi.names import Cluster
from rehearsal.strimzi.versions import Generation

RETRY_REFUSED = 10.0  # seconds; the real operator looks again at its next full reconciliation only
STUCK_GRACE = 20.0  # seconds: claims that are being bound and images that are being pulled look stuck for a moment
WHILE_WAITING = 5.0  # seconds between looks at pods that are not ready or a roll that must not go on yet

logger = logging.getLogger("kafkas")


@dataclass(frozen=True)
class Settings:
    """What the operator's environment says."""

    generation: Generation
    images: dict[str, str]  # Kafka version -> image
    init_image: str
    topic_operator_image: str
    user_operator_image: str
    cruise_control_image: str
    operation_timeout: float  # seconds
    full_reconciliation: float  # seconds


@dataclass
class _Memory:
    """What is remembered of a Kafka between two passes; nothing is lost but time when the operator restarts."""

    brokers: Brokers
    applied: dict[tuple, str] = field(default_factory=dict)
    full_pass_due: float = 0.0
    waiting: tuple[str, float] | None = None  # for what, since when
    stuck_since: float | None = None


class KafkaReconciler:
    """Reconciles the Kafkas of one namespace."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api, self._settings = api, settings
        self._memory: dict[Cluster, _Memory] = {}

    def reconcile(self, cluster: Cluster) -> float | None:
        """One pass; seconds until the next one is wanted."""
        kafka = self._api.get("Kafka", cluster.name, cluster.namespace)
        if kafka is None or kafka["metadata"].get("deletionTimestamp"):
            self._forget(cluster)
            return None
        memory = self._memory.setdefault(cluster, self._remember(cluster))
        if names.is_true(kafka, names.PAUSE):
            self._put_status(kafka, status.kafka_not_ready(kafka, [status.paused()], [], _cluster_id(kafka, [])))
            return None
        if not kafka.get("status"):
            logger.info("reconcile Kafka %s/%s: seen for the first time", cluster.namespace, cluster.name)
            self._put_status(kafka, {"conditions": [status.creating()]})
            kafka = self._api.get("Kafka", cluster.name, cluster.namespace) or kafka
        pools: list[Pool] = []
        try:
            found = self._api.list("KafkaNodePool", cluster.namespace, **{names.CLUSTER: cluster.name})
            version = checked_version(self._settings.generation, kafka, self._settings.images)
            check(self._settings.generation, kafka, found)
            pools = self._pools(cluster, kafka, found, version)
            return self._bring_about(cluster, kafka, pools, version, memory)
        except status.Refused as refused:
            logger.warning("reconcile Kafka %s/%s: %s: %s", cluster.namespace, cluster.name, refused.reason, refused)
            new = status.kafka_not_ready(kafka, [status.not_ready(refused)], pools, _cluster_id(kafka, pools))
            self._put_status(kafka, new)
            return RETRY_REFUSED

    def _bring_about(
        self, cluster: Cluster, kafka: dict, pools: list[Pool], version: str, memory: _Memory
    ) -> float | None:
        generation = self._settings.generation
        if time.monotonic() >= memory.full_pass_due:
            memory.applied.clear()  # what somebody deleted behind our back is put back
            memory.full_pass_due = time.monotonic() + self._settings.full_reconciliation
        cluster_id = _cluster_id(kafka, pools) or status.new_cluster_id()
        metadata_version = kafka["spec"]["kafka"].get("metadataVersion") or generation.kafka[version]
        writer = SecretWriter(self._api, cluster, kafka)
        cas = writer.authorities()
        writer.component(f"{cluster.name}-cluster-operator-certs", "cluster-operator", "cluster-operator", cas.cluster)
        certificates = writer.brokers(generation, pools, cas.cluster)
        configs = self._configs(
            cluster, kafka, pools, version, cluster_id=cluster_id, metadata_version=metadata_version
        )
        annotations = {
            number: {
                "strimzi.io/kafka-version": version,
                "strimzi.io/cluster-ca-cert-generation": "0",
                "strimzi.io/cluster-ca-key-generation": "0",
                "strimzi.io/clients-ca-cert-generation": "0",
                "strimzi.io/server-cert-hash": hash_stub(certificates[number].certificate),
                "strimzi.io/broker-configuration-hash": hash_stub(config["data"]["server.config"]),
                "strimzi.io/logging-hash": hash_stub(config["data"][_logging_key(generation)]),
            }
            for number, config in configs.items()
        }
        sets = [broker_pods.pod_set(cluster, generation, kafka["spec"]["kafka"], pool, annotations) for pool in pools]
        desired = [
            *writer.written,
            *cluster_objects.shared(cluster, generation, kafka, pools),
            *(claim for pool in pools for claim in broker_pods.claims(cluster, pool)),
            *configs.values(),
            *sets,
        ]
        for pool in pools:  # as the real one: a pool says that it is seen before its pods are changed
            self._put_status(pool.resource, status.node_pool(cluster, pool, cluster_id))
        self._apply(memory, desired)
        self._keep_cluster_id(kafka, cluster_id)
        waiting_for = self._pods_not_ready(cluster, sets, memory)
        if waiting_for:
            return self._wait(memory, f"Pods resource {waiting_for[0]} in namespace {cluster.namespace}")
        rolled = self._roll(cluster, sets, memory)
        if rolled is not None:
            return rolled
        extras = self._extras(cluster, kafka, version, cas.cluster, writer)
        self._apply(memory, [*writer.written, *extras])
        for deployment in (each for each in extras if each["kind"] == "Deployment"):
            name = deployment["metadata"]["name"]
            if not _available(self._api.get("Deployment", name, cluster.namespace)):
                return self._wait(memory, f"Deployment resource {name} in namespace {cluster.namespace}")
        memory.waiting = None
        ca = cas.cluster.certificate
        versions = (version, metadata_version)
        self._put_status(
            kafka, status.kafka_ready(cluster, generation, kafka, pools, cluster_id, ca=ca, versions=versions)
        )
        return self._settings.full_reconciliation

    def _pools(self, cluster: Cluster, kafka: dict, found: list[dict], version: str) -> list[Pool]:
        images = {
            "kafka": kafka["spec"]["kafka"].get("image") or self._settings.images[version],
            "init": self._settings.init_image,
        }
        return [
            Pool(pool, broker_pods.nodes_of(cluster, pool), pool["spec"]["storage"], images)
            for pool in sorted(found, key=lambda pool: pool["metadata"]["name"])
        ]

    def _configs(
        self,
        cluster: Cluster,
        kafka: dict,
        pools: list[Pool],
        version: str,
        *,
        cluster_id: str,
        metadata_version: str,
    ) -> dict[int, dict]:
        generation, spec = self._settings.generation, kafka["spec"]["kafka"]
        metrics = self._metrics(cluster, spec)
        nodes = [node for pool in pools for node in pool.nodes]
        configs = {}
        for pool in pools:
            for node in pool.nodes:
                text = server_config.render(
                    cluster,
                    node,
                    nodes,
                    spec,
                    broker_pods.log_dirs(pool.storage),
                    pem=generation.pem_secrets,
                    advertise_controllers=generation.advertises_controllers(version),
                    cruise_control=kafka["spec"].get("cruiseControl") is not None,
                    metrics=metrics is not None,
                )
                data = {
                    "server.config": text,
                    "cluster.id": cluster_id,
                    "metadata.version": metadata_version,
                    _logging_key(generation): _logging(generation, spec),
                }
                if not generation.pem_secrets:
                    data |= {"metadata.state": "4", "listeners.config": _listener_names(spec)}
                if metrics is not None:
                    data["metrics-config.json"] = metrics
                configs[node.id] = {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {
                        "name": node.pod,
                        "namespace": cluster.namespace,
                        "labels": cluster.kafka_labels(**{names.POOL: pool.name, names.POD_NAME: node.pod}),
                        "ownerReferences": names.owner(pool.resource),
                    },
                    "data": data,
                }
        return configs

    def _metrics(self, cluster: Cluster, spec: dict) -> str | None:
        """The JMX exporter's configuration, from the ConfigMap that the Kafka refers to."""
        if not broker_pods.uses_jmx_exporter(spec):
            return None
        reference = spec["metricsConfig"]["valueFrom"]["configMapKeyRef"]
        config_map = self._api.get("ConfigMap", reference["name"], cluster.namespace)
        if config_map is None or reference["key"] not in (config_map.get("data") or {}):
            what = f"ConfigMap {reference['name']}"
            missing = f"{what} does not exist" if config_map is None else f"{what} has no key {reference['key']}"
            raise status.InvalidConfigurationException(missing)
        try:
            return json.dumps(yaml.safe_load(config_map["data"][reference["key"]]))
        except yaml.YAMLError as error:
            raise status.InvalidConfigurationException(f"Failed to parse metrics configuration: {error}") from error

    def _extras(
        self, cluster: Cluster, kafka: dict, version: str, authority: object, writer: SecretWriter
    ) -> list[dict]:
        """What is made only when the brokers are up: entity operator and Cruise Control."""
        writer.written.clear()
        operators = kafka["spec"].get("entityOperator") or {}
        certificates = ""
        for field_name, component in (("topicOperator", "topic-operator"), ("userOperator", "user-operator")):
            if field_name in operators:
                name = f"{cluster.name}-entity-{component}"
                made = writer.component(f"{name}-certs", "entity-operator", name, authority)  # type: ignore[arg-type]
                certificates += made.certificate
        if kafka["spec"].get("cruiseControl") is not None:
            name = cluster.cruise_control
            writer.component(f"{name}-certs", "cruise-control", name, authority)  # type: ignore[arg-type]
        images = {"topic": self._settings.topic_operator_image, "user": self._settings.user_operator_image}
        return [
            *entity_operator.entity_operator(cluster, kafka, images, hash_stub(certificates)),
            *entity_operator.cruise_control(cluster, kafka, self._settings.cruise_control_image),
        ]

    def _pods_not_ready(self, cluster: Cluster, sets: list[dict], memory: _Memory) -> list[str]:
        """Names of the pods one must wait for. A pod that will not start is a failure, unless it is an old one."""
        stuck = False
        pods = {pod["metadata"]["name"]: pod for pod in self._cluster_pods(cluster)}
        wanted = {pod["metadata"]["name"]: pod for each in sets for pod in each["spec"]["pods"]}
        late = []
        for name, entry in wanted.items():
            pod = pods.get(name)
            if pod is not None and pod_sets.is_ready(pod):
                continue
            if pod is not None and rolling.reasons(pod, entry, asked=False):
                if rolling.stuck(pod):  # with an entry that has changed it may start: nothing is lost by trying
                    logger.info("roll Pod %s/%s: stuck with an old revision", cluster.namespace, name)
                    self._api.delete("Pod", name, cluster.namespace, pod["metadata"]["uid"])
                    late.append(name)
                continue  # otherwise rolled in its turn
            stuck = stuck or (pod is not None and rolling.stuck(pod) is not None)
            late.append(name)
        if not stuck:
            memory.stuck_since = None
        elif memory.stuck_since is None:
            memory.stuck_since = time.monotonic()
        elif time.monotonic() - memory.stuck_since >= STUCK_GRACE:
            raise status.FatalProblem("Pod is unschedulable or is not starting")
        return late

    def _roll(self, cluster: Cluster, sets: list[dict], memory: _Memory) -> float | None:
        """Restart one pod if one needs it and may; seconds until the next look while anything is left to do."""
        pods = {pod["metadata"]["name"]: pod for pod in self._cluster_pods(cluster)}
        current = [self._api.get("StrimziPodSet", each["metadata"]["name"], cluster.namespace) or each for each in sets]
        asked = [each for each in current if names.is_true(each, names.ROLL)]
        candidates = {}
        for each in current:
            asked_since = names.annotation(each, _ROLLED_UIDS) if each in asked else None
            pending = json.loads(asked_since) if asked_since else None
            if each in asked and pending is None:
                pending = [pods[pod["metadata"]["name"]]["metadata"]["uid"] for pod in each["spec"]["pods"]]
                self._annotate(each, {_ROLLED_UIDS: json.dumps(pending)})
            for entry in each["spec"]["pods"]:
                pod = pods.get(entry["metadata"]["name"])
                if pod is None:
                    continue
                why = rolling.reasons(pod, entry, asked=pod["metadata"]["uid"] in (pending or []))
                if why:
                    candidates[entry["metadata"]["name"]] = why
        if not candidates:
            for each in asked:
                logger.info("roll %s/%s: all pods are restarted", cluster.namespace, each["metadata"]["name"])
                self._annotate(each, {names.ROLL: None, _ROLLED_UIDS: None})
            return None
        name, blocked = self._next_to_roll(candidates, pods, memory)
        if name is None:
            logger.info("roll of %s waits: %s", ", ".join(sorted(candidates)), blocked)
            return self._wait(memory, f"Pods resource {min(candidates)} in namespace {cluster.namespace}")
        logger.info("roll Pod %s/%s: %s", cluster.namespace, name, ", ".join(candidates[name]))
        self._api.delete("Pod", name, cluster.namespace, pods[name]["metadata"]["uid"])
        memory.waiting = None
        memory.brokers.close()
        return WHILE_WAITING

    def _next_to_roll(
        self, candidates: dict[str, list[str]], pods: dict[str, dict], memory: _Memory
    ) -> tuple[str | None, str]:
        unready = [name for name, pod in pods.items() if not pod_sets.is_ready(pod)]
        if unready:
            return rolling.next_pod(candidates, pods, None), f"{', '.join(unready)} not ready"
        try:
            admin = memory.brokers.admin()
            topics = admin.describe_topics()
            resources = [ConfigResource(ConfigResourceType.TOPIC, topic["name"]) for topic in topics]
            described = admin.describe_configs(resources, config_filter="all")["topic"] if resources else {}
            in_sync = {name: int(config["min.insync.replicas"]["value"]) for name, config in described.items()}
            leader = admin.describe_metadata_quorum()["topics"][0]["partitions"][0]["leader_id"]
        except Exception as error:
            memory.brokers.close()
            return None, f"the brokers do not say whether they are in sync ({type(error).__name__}: {error})"
        ids = {name: int(name.rpartition("-")[2]) for name in pods}
        name = rolling.next_pod(candidates, pods, next((pod for pod, each in ids.items() if each == leader), None))
        hurt = rolling.would_hurt(ids[name], topics, in_sync) if name else []
        return (None, f"{len(hurt)} partitions have no replica to spare, {hurt[0]} first") if hurt else (name, "")

    def _cluster_pods(self, cluster: Cluster) -> list[dict]:
        return self._api.list("Pod", cluster.namespace, **cluster.kafka_selector())

    def _wait(self, memory: _Memory, what: str) -> float:
        now = time.monotonic()
        if memory.waiting is None or memory.waiting[0] != what:
            memory.waiting = (what, now)
            logger.info("waiting for %s to be ready", what)
        if now - memory.waiting[1] > self._settings.operation_timeout:
            milliseconds = int(self._settings.operation_timeout * 1000)
            raise status.TimeoutException(f"Exceeded timeout of {milliseconds}ms while waiting for {what} to be ready")
        return WHILE_WAITING

    def _apply(self, memory: _Memory, desired: list[dict]) -> None:
        """Apply what is not known to be so already."""
        for resource in desired:
            metadata = resource["metadata"]
            key = (resource["kind"], metadata.get("namespace"), metadata["name"])
            digest = hashlib.sha256(json.dumps(resource, sort_keys=True).encode()).hexdigest()
            if memory.applied.get(key) != digest:
                self._api.apply(resource)
                memory.applied[key] = digest

    def _put_status(self, resource: dict, new: dict) -> None:
        changed = status.settled(resource.get("status"), new)
        if changed is not None:
            stored = self._api.replace_status(resource, changed)
            resource["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"]
            resource["status"] = changed

    def _keep_cluster_id(self, kafka: dict, cluster_id: str) -> None:
        """A cluster's id is settled before its brokers are: one that was told to them must not be forgotten."""
        if (kafka.get("status") or {}).get("clusterId") != cluster_id:
            self._put_status(kafka, {**(kafka.get("status") or {}), "clusterId": cluster_id})

    def _annotate(self, pod_set: dict, annotations: dict[str, str | None]) -> None:
        metadata = pod_set["metadata"]
        change = {"metadata": {"annotations": annotations}}
        self._api.patch("StrimziPodSet", metadata["name"], metadata["namespace"], change)

    def _remember(self, cluster: Cluster) -> _Memory:
        secret = f"{cluster.name}-cluster-operator-certs"
        return _Memory(Brokers(self._api, cluster, secret, "cluster-operator"))

    def _forget(self, cluster: Cluster) -> None:
        """The rest is garbage-collected with the Kafka and its node pools; this one is cluster-scoped."""
        self._api.delete("ClusterRoleBinding", cluster.init_binding, None)
        memory = self._memory.pop(cluster, None)
        if memory:
            logger.info("Kafka %s/%s is gone", cluster.namespace, cluster.name)
            memory.brokers.stop()


_ROLLED_UIDS = "synergyflow.platform/pods-to-roll"


def checked_version(generation: Generation, kafka: dict, images: dict[str, str]) -> str:
    """The Kafka version to run, in the words of the real operator when it is not one of its own."""
    version = kafka["spec"]["kafka"].get("version") or generation.default_kafka
    if version not in images or version not in generation.kafka:
        supported = ", ".join(sorted(generation.kafka))
        raise status.UnsupportedKafkaVersionException(
            f"Unsupported Kafka.spec.kafka.version: {version}. Supported versions are: [{supported}]"
        )
    return version


def check(generation: Generation, kafka: dict, pools: list[dict]) -> None:
    """Refuse what the real operator refuses before it makes anything (NodePoolUtils.validateNodePools)."""
    name = kafka["metadata"]["name"]
    if generation.needs_kraft_annotations:
        for annotation in (names.KRAFT, names.NODE_POOLS):
            if names.annotation(kafka, annotation) != "enabled":
                raise status.InvalidResourceException(
                    f"Kafka {name} is a ZooKeeper-based cluster without the annotation {annotation}: enabled;"
                    " this stand-in runs KRaft clusters with KafkaNodePools only"
                )
    if not any(pool["spec"].get("replicas", 0) > 0 for pool in pools):
        raise status.InvalidResourceException(
            f"KafkaNodePools are enabled, but KafkaNodePools for Kafka cluster {name} either don't exist or have 0"
            " replicas. Please make sure at least one KafkaNodePool resource exists, is in the same namespace as the"
            " Kafka resource, has at least one replica, and has the strimzi.io/cluster label set to the name of the"
            " Kafka resource."
        )
    errors = []
    for role in ("broker", "controller"):
        if not any(role in (pool["spec"].get("roles") or []) for pool in pools if pool["spec"].get("replicas", 0)):
            errors.append(
                f"At least one KafkaNodePool with the {role} role and at least one replica is required when KRaft mode"
                " is enabled"
            )
    for listener in kafka["spec"]["kafka"].get("listeners") or []:
        if listener.get("type") not in ("internal", "cluster-ip"):
            errors.append(f"listener {listener['name']} of type {listener.get('type')} is beyond this stand-in")
    if errors:
        raise status.InvalidResourceException(f"The Kafka cluster {name} is invalid: [{', '.join(errors)}]")


def _cluster_id(kafka: dict, pools: list[Pool]) -> str | None:
    known = [(kafka.get("status") or {}).get("clusterId")]
    known += [(pool.resource.get("status") or {}).get("clusterId") for pool in pools]
    return next((each for each in known if each), None)


def _available(deployment: dict | None) -> bool:
    if deployment is None:
        return False
    seen = deployment.get("status") or {}
    return (
        seen.get("observedGeneration") == deployment["metadata"]["generation"]
        and seen.get("updatedReplicas", 0) == seen.get("readyReplicas", 0) == deployment["spec"]["replicas"]
    )


def _logging_key(generation: Generation) -> str:
    return "log4j.properties" if generation.needs_kraft_annotations else "log4j2.properties"


def _logging(generation: Generation, spec: dict) -> str:
    loggers = (spec.get("logging") or {}).get("loggers") or {}
    root = loggers.get("kafka.root.logger.level") or loggers.get("rootLogger.level") or "INFO"
    own = [f"{key}={value}" for key, value in sorted(loggers.items())]
    if generation.needs_kraft_annotations:
        lines = [f"log4j.rootLogger={root}, CONSOLE", "log4j.appender.CONSOLE=org.apache.log4j.ConsoleAppender"]
        lines.append("log4j.appender.CONSOLE.layout=org.apache.log4j.PatternLayout")
        lines.append("log4j.appender.CONSOLE.layout.ConversionPattern=%d{ISO8601} %p %m (%c) [%t]%n")
    else:
        lines = ["appender.console.type=Console", "appender.console.name=STDOUT"]
        lines += ["appender.console.layout.type=PatternLayout"]
        lines += ["appender.console.layout.pattern=%d{yyyy-MM-dd HH:mm:ss} %-5p [%t] %c{1}:%L - %m%n"]
        lines += [
            f"rootLogger.level={root}",
            "rootLogger.appenderRefs=console",
            "rootLogger.appenderRef.console.ref=STDOUT",
        ]
    return "\n".join([*lines, *own]) + "\n"


def _listener_names(spec: dict) -> str:
    return " ".join(server_config.listener_name(listener).replace("-", "_") for listener in spec.get("listeners") or [])
