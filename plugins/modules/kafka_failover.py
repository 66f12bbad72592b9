#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_failover
short_description: Prove that a Kafka loses no message with a broker, by deleting a broker's pod
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Makes a topic of its own and writes to it all the time, each message to be confirmed by all replicas in sync
    (C(acks=all)). Deletes the pod of the broker that leads most of its partitions, waits until another pod is in its
    place and every partition of every topic is in sync, and reads the messages back.
  - Measures how many acknowledged messages are lost, which must be none, the longest time that a write had to wait,
    and the time until everything was in sync again.
  - Refuses, before it writes anything, while not every broker is in service, a broker's pod is not ready, the Kafka is
    not Ready, a partition of any topic is not in sync, a topic may not be seen, or one could not be written to with one
    replica less; and while no replica of Strimzi's cluster operator is available to make the pod anew. It looks again
    just before it deletes the pod.
  - Deletes that one pod, by its name and uid, and nothing else that is not its own. Strimzi makes the pod anew.
  - Takes away the topic afterwards, also when it fails or is interrupted.
notes:
  - Clients see what they see when a node is drained. Partitions that the broker led have no leader for a moment, and
    until Kafka next balances its leaders other brokers lead them.
  - The KafkaUser needs the ACL operations C(Create), C(Delete), C(Describe), C(Read) and C(Write) on topics with the
    prefix C(platform-check-), and C(Delete), C(Describe) and C(Read) on groups with that prefix.
  - In the namespace it needs the permissions C(get) on C(kafkas), C(kafkausers), C(secrets) and C(services), C(list)
    on C(pods), and C(get) and C(create) on C(pods/portforward).
  - It also needs the permissions C(get) and C(delete) on C(pods) and C(list) on C(kafkatopics), and C(list) on
    C(deployments) in all namespaces, or in this one where the operator is in it. The KafkaUser needs the ACL
    operations C(Describe) and C(DescribeConfigs) on all topics.
requirements:
  - kafka-python[crc32c] >= 3.0.12
  - kubernetes >= 29 (for the port-forward)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
  - synergyflow.platform.attributes.measuring
  - synergyflow.platform.brokers
attributes:
  idempotent:
    support: partial
    details: Each run deletes a pod, which is made anew.
options:
  enabled:
    description: Whether it does anything. If not, its records are skipped.
    type: bool
    default: true
  brokers:
    description: How many brokers must be in service. By default as many as the KafkaNodePools ask for.
    type: int
  replicas:
    description: Number of replicas of each of its partitions.
    type: int
    default: 3
  stall:
    description: Seconds under which the longest wait of a write must stay.
    type: int
    default: 15
  recovery:
    description: Seconds within which everything must be in sync again. Twice as long is waited.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: A broker may fail
  synergyflow.platform.kafka_failover:
    cluster: synergyflow
    namespace: messaging
    user: platform-check
    recovery: 600
"""

RETURN = r"""
passed:
  description: Whether every criterion is met. One that could not be measured (C(blocked)) is not.
  type: bool
  returned: always
evidence:
  description: One record per criterion, as M(synergyflow.platform.component_evidence) returns them.
  type: list
  elements: dict
  returned: always
  sample:
    - id: AC7-lost
      title: No acknowledged message is lost with a broker
      status: passed
      observed: 0
      expected: 0
      unit: messages
      seconds: 0.0
      detail: 912 acknowledged, pod synergyflow-broker-0 deleted, which led 1 partitions
      stand_in: []
msg:
  description: What was found, and what is the matter.
  type: str
  returned: always
  sample: Kafka synergyflow lost no acknowledged message with pod synergyflow-broker-0.
"""
