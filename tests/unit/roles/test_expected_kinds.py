# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode on an empty cluster: kinds that an earlier role would have brought."""

from __future__ import annotations

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.discovery import Served
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.served_kinds import resolve

KAFKA = {"apiVersion": "kafka.strimzi.io/v1", "kind": "Kafka", "metadata": {"name": "a", "namespace": "b"}}


def test_a_kind_that_is_expected_is_pending():
    found, pending = resolve([dict(KAFKA)], Served(), ["Kafka.kafka.strimzi.io"])
    assert pending == {("kafka.strimzi.io/v1", "Kafka")}
    assert found["kafka.strimzi.io/v1", "Kafka"].path("b", "a") == "/apis/kafka.strimzi.io/v1/namespaces/b/kafkas/a"


def test_a_kind_that_nobody_brings_is_refused():
    with pytest.raises(ClusterError, match="does not serve"):
        resolve([dict(KAFKA)], Served(), ["KafkaTopic.kafka.strimzi.io"])
