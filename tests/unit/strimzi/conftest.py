# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""A Kafka with one pool, as seed 000 has it."""

from __future__ import annotations

import copy

import pytest

from rehearsal.strimzi.broker_pods import Pool, nodes_of
from rehearsal.strimzi.names import Cluster
from rehearsal.strimzi.versions import GENERATIONS

LISTENER = {"name": "tls", "port": 9093, "type": "internal", "tls": True, "authentication": {"type": "scram-sha-512"}}
STORAGE = {
    "type": "jbod",
    "volumes": [
        {"id": 0, "type": "persistent-claim", "size": "100Gi", "class": "rook-ceph-block", "deleteClaim": False}
    ],
}


@pytest.fixture
def cluster() -> Cluster:
    return Cluster("synergyflow", "messaging")


@pytest.fixture(params=["1.2.0", "0.45.2"])
def generation(request):
    return GENERATIONS[request.param]


@pytest.fixture
def current():
    return GENERATIONS["1.2.0"]


@pytest.fixture
def previous():
    return GENERATIONS["0.45.2"]


@pytest.fixture
def kafka() -> dict:
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "Kafka",
        "metadata": {
            "name": "synergyflow",
            "namespace": "messaging",
            "uid": "kafka-uid",
            "generation": 3,
            "annotations": {"strimzi.io/kraft": "enabled", "strimzi.io/node-pools": "enabled"},
        },
        "spec": {
            "kafka": {
                "version": "4.3.1",
                "rack": {"topologyKey": "topology.kubernetes.io/zone"},
                "listeners": [copy.deepcopy(LISTENER)],
                "authorization": {"type": "simple"},
                "config": {"auto.create.topics.enable": False, "min.insync.replicas": 2},
            },
            "entityOperator": {"topicOperator": {}, "userOperator": {}},
        },
    }


@pytest.fixture
def node_pool() -> dict:
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaNodePool",
        "metadata": {"name": "broker", "namespace": "messaging", "uid": "pool-uid", "generation": 2},
        "spec": {"replicas": 3, "roles": ["controller", "broker"], "storage": copy.deepcopy(STORAGE)},
    }


@pytest.fixture
def pool(cluster, node_pool) -> Pool:
    images = {"kafka": "quay.io/strimzi/kafka:1.2.0-kafka-4.3.1", "init": "quay.io/strimzi/operator:1.2.0"}
    return Pool(node_pool, nodes_of(cluster, node_pool), node_pool["spec"]["storage"], images)
