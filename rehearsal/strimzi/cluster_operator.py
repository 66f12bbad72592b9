# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The stand-in for Strimzi's cluster operator: `python -m rehearsal.strimzi.cluster_operator`.

Environment as the real one's (STRIMZI_NAMESPACE, STRIMZI_KAFKA_IMAGES …), KUBECONFIG, and STRIMZI_OPERATOR_VERSION.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping

from rehearsal import operator_program
from rehearsal.light_kopf import kopf
from rehearsal.strimzi import names, pod_sets
from rehearsal.strimzi.api import Api
from rehearsal.strimzi.kafka_reconcile import KafkaReconciler, Settings
from rehearsal.strimzi.names import Cluster
from rehearsal.strimzi.versions import Generation, generation
from rehearsal.worklist import Worklist

STRICT_VERSION_MESSAGE = (
    'Unrecognized field "emulationMajor": Strimzi {version} does not start on a Kubernetes that says more about its'
    " version than it knows (1.33 and later). Set STRIMZI_KUBERNETES_VERSION in the operator's environment"
)


def settings(environment: Mapping[str, str]) -> Settings:
    """What the environment says; KeyError for a variable that must be there."""
    chosen = generation(environment["STRIMZI_OPERATOR_VERSION"])
    operator_image = f"quay.io/strimzi/operator:{chosen.version}"
    images = dict(
        line.strip().split("=", 1) for line in environment["STRIMZI_KAFKA_IMAGES"].splitlines() if line.strip()
    )
    return Settings(
        generation=chosen,
        images=images,
        init_image=environment.get("STRIMZI_DEFAULT_KAFKA_INIT_IMAGE", operator_image),
        topic_operator_image=environment.get("STRIMZI_DEFAULT_TOPIC_OPERATOR_IMAGE", operator_image),
        user_operator_image=environment.get("STRIMZI_DEFAULT_USER_OPERATOR_IMAGE", operator_image),
        cruise_control_image=environment.get(
            "STRIMZI_DEFAULT_CRUISE_CONTROL_IMAGE", images.get(chosen.default_kafka, "")
        ),
        operation_timeout=int(environment.get("STRIMZI_OPERATION_TIMEOUT_MS", "300000")) / 1000,
        full_reconciliation=int(environment.get("STRIMZI_FULL_RECONCILIATION_INTERVAL_MS", "120000")) / 1000,
    )


def refusal(chosen: Generation, server_version: Mapping[str, str], environment: Mapping[str, str]) -> str | None:
    """Why this generation does not start on that API server, or None."""
    told = environment.get("STRIMZI_KUBERNETES_VERSION")
    if chosen.reads_server_version_strictly and "emulationMajor" in server_version and not told:
        return STRICT_VERSION_MESSAGE.format(version=chosen.version)
    return None


def main() -> int:
    """Run until SIGTERM; exit status 1 with a sentence when it cannot start."""
    chosen = settings(os.environ)
    namespace = os.environ["STRIMZI_NAMESPACE"]
    api = Api(names.OPERATOR, chosen.generation.api)
    refused = refusal(chosen.generation, api.request("GET", "/version"), os.environ)
    if not refused and not api.serves("Kafka"):
        refused = f"the custom resource definitions are missing: kafka.strimzi.io/{chosen.generation.api} is not served"
    if refused:
        print(refused, file=sys.stderr)
        return 1
    what = f"the cluster operator of Strimzi {chosen.generation.version}"
    operator_program.run(registry(api, chosen, namespace), what, namespace)
    return 0


def registry(api: Api, chosen: Settings, namespace: str) -> kopf.OperatorRegistry:
    """Events in, keys to be reconciled out."""
    kafkas = KafkaReconciler(api, chosen)
    kafka_work = Worklist("kafka", kafkas.reconcile)  # type: ignore[arg-type]
    pod_set_work = Worklist("pod-sets", lambda name: pod_sets.reconcile(api, namespace, str(name)))
    memory: dict = {}
    made = kopf.OperatorRegistry()
    group = {"registry": made}

    @kopf.on.event("kafka.strimzi.io", chosen.generation.api, "kafkas", **group)
    def kafka_changed(event: dict, name: str, **_: object) -> None:
        if operator_program.seen_change(memory, event):
            logging.getLogger("kafkas").info("reconcile Kafka %s/%s: %s", namespace, name, event["type"] or "found")
            kafka_work.add(Cluster(name, namespace))

    @kopf.on.event("kafka.strimzi.io", chosen.generation.api, "kafkanodepools", **group)
    def pool_changed(event: dict, labels: Mapping, **_: object) -> None:
        if operator_program.seen_change(memory, event) and names.CLUSTER in labels:
            kafka_work.add(Cluster(labels[names.CLUSTER], namespace))

    @kopf.on.event("core.strimzi.io", chosen.generation.api, "strimzipodsets", **group)
    def pod_set_changed(event: dict, name: str, labels: Mapping, **_: object) -> None:
        if operator_program.seen_change(memory, event):
            pod_set_work.add(name)
            if names.CLUSTER in labels:
                kafka_work.add(Cluster(labels[names.CLUSTER], namespace), delay=0.5)

    @kopf.on.event("v1", "pods", labels={names.CLUSTER: kopf.PRESENT}, **group)
    def pod_changed(labels: Mapping, **_: object) -> None:
        if names.CONTROLLER_NAME in labels:
            pod_set_work.add(labels[names.CONTROLLER_NAME])
        kafka_work.add(Cluster(labels[names.CLUSTER], namespace), delay=0.5)

    kafka_work.start()
    pod_set_work.start()
    return made


if __name__ == "__main__":
    sys.exit(main())
