# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the pods of a Kafka are what its node pools ask for: the steps of a roll, laid out as Strimzi writes them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_rollout import cluster_of, rollout, selector

STORAGE = {"type": "jbod", "volumes": [{"id": 0, "type": "persistent-claim", "size": "100Gi", "deleteClaim": False}]}


def pool(replicas: int = 3, memory: str = "4Gi", name: str = "broker", **spec: Any) -> dict[str, Any]:
    resources = {"requests": {"cpu": "1", "memory": memory}, "limits": {"cpu": "1", "memory": memory}}
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaNodePool",
        "metadata": {"name": name, "namespace": "n", "labels": {"strimzi.io/cluster": "k"}},
        "spec": {"replicas": replicas, "storage": STORAGE, "resources": resources, **spec},
    }


def pod_set(
    pods: int = 3, memory: str = "4Gi", name: str = "broker", generation: int = 7, **status: int
) -> dict[str, Any]:
    # the operator writes quantities as its objects hold them, and the storage with its defaults
    resources = {"requests": {"cpu": "1000m", "memory": memory}, "limits": {"cpu": "1000m", "memory": memory}}
    pod = {"spec": {"containers": [{"name": "kafka", "resources": resources}]}}
    seen = {"observedGeneration": generation, "pods": pods, "readyPods": pods, "currentPods": pods, **status}
    return {
        "apiVersion": "core.strimzi.io/v1",
        "kind": "StrimziPodSet",
        "metadata": {
            "name": f"k-{name}",
            "namespace": "n",
            "generation": generation,
            "labels": {"strimzi.io/cluster": "k", "strimzi.io/kind": "Kafka", "strimzi.io/pool-name": name},
            "annotations": {"strimzi.io/storage": json.dumps(STORAGE)},
        },
        "spec": {"pods": [copy.deepcopy(pod) for _ in range(pods)]},
        "status": seen,
    }


KAFKA = {"apiVersion": "kafka.strimzi.io/v1", "kind": "Kafka", "metadata": {"name": "k", "namespace": "n"}}


def test_a_pool_whose_pods_are_as_it_asks() -> None:
    assert rollout(pool(), [pod_set()]) is None
    assert rollout(KAFKA, [pod_set(), pod_set(name="controller")]) is None


@pytest.mark.parametrize(
    ("step", "said"),
    [
        # the operator has seen the pool and has not come to the pod set: all its pods are current, ready and old
        (pod_set(), "StrimziPodSet k-broker still has requests.memory 4Gi instead of 8Gi"),
        (pod_set(memory="8Gi", observedGeneration=6), "k-broker: waiting for generation 7, seen 6"),
        (pod_set(memory="8Gi", currentPods=0), "k-broker: 0 of 3 pods are up to date"),
        (pod_set(memory="8Gi", currentPods=2), "k-broker: 2 of 3 pods are up to date"),
        (pod_set(memory="8Gi", readyPods=2), "k-broker: 2 of 3 pods are ready"),
    ],
)
def test_the_steps_of_a_roll(step: dict[str, Any], said: str) -> None:
    verdict = rollout(pool(memory="8Gi"), [step])
    assert verdict is not None
    assert (verdict.state, said in verdict.reason) == ("progressing", True), verdict


def test_more_brokers() -> None:
    verdict = rollout(pool(replicas=4), [pod_set()])
    assert verdict is not None
    assert "3 pods instead of 4" in verdict.reason


def test_a_larger_volume() -> None:
    larger = {"type": "jbod", "volumes": [{**STORAGE["volumes"][0], "size": "200Gi"}]}  # type: ignore[dict-item, index]
    verdict = rollout(pool(storage=larger), [pod_set()])
    assert verdict is not None
    assert "volume 0 of 100Gi instead of 200Gi" in verdict.reason
    unsaid = pod_set()
    del unsaid["metadata"]["annotations"]
    assert rollout(pool(storage=larger), [unsaid]) is None


def test_a_pool_is_told_by_its_own_pod_set_only() -> None:
    moving = pod_set(name="other", readyPods=1)
    assert rollout(pool(), [pod_set(), moving]) is None
    assert rollout(KAFKA, [pod_set(), moving]) is not None, "a Kafka is as ready as all of its pools"


def test_a_pool_without_a_pod_set_is_not_ready() -> None:
    verdict = rollout(pool(), [pod_set(name="other")])
    assert verdict is not None
    assert "no StrimziPodSet yet" in verdict.reason
    assert rollout(pool(replicas=0), []) is None


def test_whose_pod_sets_are_looked_at() -> None:
    assert cluster_of(pool()) == cluster_of(KAFKA) == "k"
    assert selector("k") == "strimzi.io/cluster=k,strimzi.io/kind=Kafka"
