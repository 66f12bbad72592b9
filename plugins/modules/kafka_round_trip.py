#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_round_trip
short_description: Prove that messages go to a Kafka and come back
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Makes a topic of its own, sends numbered messages with keys, reads them as a member of a group of its own, and
    commits. Compares what was acknowledged with what was read. Nothing lost, nothing twice, and within a partition
    everything in order.
  - Takes away the topic and the group afterwards, also when it fails or is interrupted. What a killed run left is
    taken away by the next one that comes half an hour later.
  - Runs in the controller. The brokers are reached as by M(synergyflow.platform.kafka_topics_check).
notes:
  - The KafkaUser needs the ACL operations C(Create), C(Delete), C(Describe), C(Read) and C(Write) on topics with the
    prefix C(platform-check-), and C(Delete), C(Describe) and C(Read) on groups with that prefix.
  - In the namespace it needs the permissions C(get) on C(kafkas), C(kafkausers), C(secrets) and C(services), C(list)
    on C(pods), and C(get) and C(create) on C(pods/portforward).
requirements:
  - kafka-python[crc32c] >= 3.0.12
  - kubernetes >= 29 (for the port-forward)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
  - synergyflow.platform.attributes.measuring
  - synergyflow.platform.brokers
options:
  messages:
    description: How many messages are sent. 0 does nothing.
    type: int
    default: 1000
  partitions:
    description: Number of partitions of the topic.
    type: int
    default: 3
  replicas:
    description: Number of replicas of each of its partitions.
    type: int
    default: 3
  timeout:
    description: Seconds for making the topic, for sending, and for reading, each.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: A thousand messages go to Kafka and come back
  synergyflow.platform.kafka_round_trip:
    cluster: synergyflow
    namespace: messaging
    user: platform-check
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
    - id: AC6-consumed
      title: Every acknowledged message is read
      status: passed
      observed: 1000
      expected: 1000
      unit: messages
      seconds: 3.4
      detail: ""
      stand_in: []
msg:
  description: What was found, and what is the matter.
  type: str
  returned: always
  sample: 1000 messages went to Kafka synergyflow and came back, once and in order.
"""
