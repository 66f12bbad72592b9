# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The stand-in for Strimzi's topic operator: `python -m rehearsal.strimzi.topic_operator`.

Environment: STRIMZI_NAMESPACE, STRIMZI_RESOURCE_LABELS=strimzi.io/cluster=…, KUBECONFIG, STRIMZI_OPERATOR_VERSION.
Every pass is one batch over all KafkaTopics of the cluster; each kind of change is one request to the brokers.
"""

from __future__ import annotations

import base64
import logging
import os
import sys
import uuid
from typing import Any

from kafka import errors as kafka_errors
from kafka.admin import AlterConfigOp, ConfigResource, ConfigResourceType

from rehearsal import operator_program
from rehearsal.light_kopf import kopf
from rehearsal.strimzi import names, status, topics
from rehearsal.strimzi.api import Api, ApiError
from rehearsal.strimzi.brokers import Brokers
from rehearsal.strimzi.names import Cluster
from rehearsal.strimzi.topics import Topic
from rehearsal.strimzi.versions import generation
from rehearsal.worklist import Worklist

FIELD_MANAGER = "strimzi-topic-operator"
LINGER = 0.1  # seconds that events are gathered before a batch begins, as STRIMZI_MAX_BATCH_LINGER_MS
KEY = "topics"
DYNAMIC_TOPIC_CONFIG = "DYNAMIC_TOPIC_CONFIG"

logger = logging.getLogger("topics")


class TopicReconciler:
    """All KafkaTopics of one cluster."""

    def __init__(self, api: Api, cluster: Cluster, brokers: Brokers, interval: float, use_finalizers: bool) -> None:
        """`interval`: seconds between two full reconciliations, which put back what was changed on the brokers."""
        self._api, self._cluster, self._brokers = api, cluster, brokers
        self._interval, self._use_finalizers = interval, use_finalizers

    def reconcile(self, _key: object = None) -> float:
        """One batch; seconds until the next."""
        resources = self._api.list("KafkaTopic", self._cluster.namespace, **{names.CLUSTER: self._cluster.name})
        try:
            refused = self._reconcile(resources)
        except (kafka_errors.KafkaError, OSError, LookupError):
            self._brokers.close()
            raise
        return min(self._interval, 10.0) if refused else self._interval

    def _reconcile(self, resources: list[dict]) -> bool:
        admin = self._brokers.admin()
        there = self._topics(admin, resources)
        plan = topics.plan(resources, there, self._use_finalizers)
        for resource in plan.hold:
            self._set_finalizers(resource, lambda finalizers: [*finalizers, topics.FINALIZER])
        made, failed = self._change(admin, plan)
        for resource in [*self._delete(admin, plan.delete), *plan.release]:
            self._set_finalizers(resource, lambda finalizers: [each for each in finalizers if each != topics.FINALIZER])
        ids = {name: topic.id for name, topic in there.items()} | made
        for resource in plan.settled:
            name = topics.topic_name(resource)
            if name in failed:
                self._put_status(resource, topics.refused_status(resource, topics.KAFKA_ERROR, failed[name]))
            else:
                self._put_status(resource, topics.ready_status(resource, ids.get(name)))
        for resource, reason, message in plan.refused:
            self._put_status(resource, topics.refused_status(resource, reason, message))
        for resource, kind in plan.set_aside:
            self._put_status(resource, topics.set_aside_status(resource, kind))
        return bool(failed or plan.refused)

    def _topics(self, admin: Any, resources: list[dict]) -> dict[str, Topic]:
        """What the brokers have of the topics that the resources name: two requests."""
        wanted = {topics.topic_name(resource) for resource in resources}
        if not wanted:
            return {}
        found = [topic for topic in admin.describe_topics() if topic["name"] in wanted and not topic["error_code"]]
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic["name"]) for topic in found]
        configs = admin.describe_configs(asked, config_filter="all")["topic"] if asked else {}
        return {
            topic["name"]: Topic(
                id=_topic_id(topic["topic_id"]),
                partitions=len(topic["partitions"]),
                replicas={each["partition_index"]: len(each["replica_nodes"]) for each in topic["partitions"]},
                config={
                    key: value["value"]
                    for key, value in configs.get(topic["name"], {}).items()
                    if value["config_source"] == DYNAMIC_TOPIC_CONFIG
                },
            )
            for topic in found
        }

    def _change(self, admin: Any, plan: topics.Plan) -> tuple[dict[str, str], dict[str, str]]:
        """Create and alter; the ids of new topics, and the brokers' words for each topic that they refused."""
        made: dict[str, str] = {}
        failed: dict[str, str] = {}
        if plan.create:
            wanted = {topics.topic_name(resource): _new_topic(resource) for resource in plan.create}
            logger.info("create %s", ", ".join(sorted(wanted)))
            for topic in admin.create_topics(wanted, raise_errors=False)["topics"]:
                if topic["error_code"]:
                    failed[topic["name"]] = _words(topic["error_code"], topic["error_message"])
                else:
                    made[topic["name"]] = _topic_id(topic["topic_id"])
        if plan.add_partitions:
            counts = {topics.topic_name(resource): count for resource, count in plan.add_partitions}
            logger.info("add partitions: %s", counts)
            answer = admin.create_partitions(counts, raise_errors=False)
            for result in answer.results:
                if result.error_code:
                    failed[result.name] = _words(result.error_code, result.error_message)
        if plan.alter:
            changes = [_alteration(resource, change) for resource, change in plan.alter]
            logger.info("alter %s", {change.name: sorted(change.configs) for change in changes})
            answer = admin.alter_configs(changes, raise_on_unknown=False)
            for name, result in answer.get("topic", {}).items():
                if result != "OK":
                    failed[name] = result
        return made, failed

    def _delete(self, admin: Any, resources: list[dict]) -> list[dict]:
        """Delete the topics; those resources whose topic is gone."""
        if not resources:
            return []
        wanted = {topics.topic_name(resource): resource for resource in resources}
        logger.info("delete %s", ", ".join(sorted(wanted)))
        there = {topic["name"] for topic in admin.describe_topics()} & wanted.keys()
        gone = [resource for name, resource in wanted.items() if name not in there]
        if there:
            for result in admin.delete_topics(sorted(there), raise_errors=False)["responses"]:
                code = result["error_code"]
                if code in (0, kafka_errors.UnknownTopicOrPartitionError.errno):
                    gone.append(wanted[result["name"]])
                else:
                    message = _words(code, result.get("error_message"))
                    resource = wanted[result["name"]]
                    self._put_status(resource, topics.refused_status(resource, topics.KAFKA_ERROR, message))
        return gone

    def _set_finalizers(self, resource: dict, change: Any) -> None:
        """Change the finalizers as they are now: somebody else may have put one there, too."""
        metadata = resource["metadata"]
        finalizers = change(metadata.get("finalizers") or [])
        patch = {"metadata": {"finalizers": finalizers, "resourceVersion": metadata["resourceVersion"]}}
        try:
            stored = self._api.patch("KafkaTopic", metadata["name"], metadata["namespace"], patch)
        except ApiError as error:
            if error.status != 404:
                raise
        else:
            metadata["resourceVersion"] = stored["metadata"]["resourceVersion"]
            metadata["finalizers"] = finalizers

    def _put_status(self, resource: dict, new: dict) -> None:
        changed = status.settled(resource.get("status"), new)
        if changed is None:
            return
        try:
            self._api.replace_status(resource, changed)
        except ApiError as error:
            if error.status != 404:
                raise


def _new_topic(resource: dict) -> dict:
    spec = resource.get("spec") or {}
    return {
        "num_partitions": spec.get("partitions", -1),
        "replication_factor": spec.get("replicas", -1),
        "configs": topics.wanted_config(resource),
    }


def _alteration(resource: dict, change: dict[str, str | None]) -> ConfigResource:
    configs = {
        key: (AlterConfigOp.DELETE, None) if value is None else (AlterConfigOp.SET, value)
        for key, value in change.items()
    }
    return ConfigResource(ConfigResourceType.TOPIC, topics.topic_name(resource), configs)


def _words(code: int, message: str | None) -> str:
    name = kafka_errors.for_code(code).__name__.removesuffix("Error")
    return f"org.apache.kafka.common.errors.{name}Exception: {message or ''}".rstrip(": ")


def _topic_id(value: Any) -> str:
    raw = value.bytes if isinstance(value, uuid.UUID) else uuid.UUID(str(value)).bytes
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def cluster_name(selector: str) -> str:
    """The cluster in `strimzi.io/cluster=<name>`; ValueError when there is none."""
    labels = dict(each.split("=", 1) for each in selector.split(",") if "=" in each)
    if names.CLUSTER not in labels:
        raise ValueError(f"STRIMZI_RESOURCE_LABELS must name {names.CLUSTER}, it is {selector!r}")
    return labels[names.CLUSTER]


def main() -> int:
    """Run until SIGTERM."""
    chosen = generation(os.environ["STRIMZI_OPERATOR_VERSION"])
    cluster = Cluster(cluster_name(os.environ["STRIMZI_RESOURCE_LABELS"]), os.environ["STRIMZI_NAMESPACE"])
    api = Api(FIELD_MANAGER, chosen.api)
    brokers = Brokers(api, cluster, f"{cluster.name}-entity-topic-operator-certs", "entity-operator")
    interval = int(os.environ.get("STRIMZI_FULL_RECONCILIATION_INTERVAL_MS", "120000")) / 1000
    finalizers = os.environ.get("STRIMZI_USE_FINALIZERS", "true").lower() == "true"
    reconciler = TopicReconciler(api, cluster, brokers, interval, finalizers)
    work = Worklist("topics", reconciler.reconcile)
    registry = kopf.OperatorRegistry()
    memory: dict = {}

    @kopf.on.event(
        "kafka.strimzi.io", chosen.api, "kafkatopics", labels={names.CLUSTER: cluster.name}, registry=registry
    )
    def topic_changed(event: dict, name: str, **_: object) -> None:
        if operator_program.seen_change(memory, event):
            logger.info("reconcile KafkaTopic %s/%s: %s", cluster.namespace, name, event["type"] or "found")
            work.add(KEY, LINGER)

    work.add(KEY)
    work.start()
    operator_program.run(registry, f"the topic operator of Strimzi {chosen.version}", cluster.namespace)
    return 0


if __name__ == "__main__":
    sys.exit(main())
