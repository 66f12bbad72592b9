#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_performance
short_description: Measure a Kafka's throughput and latency next to its brokers
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Runs C(kafka-producer-perf-test) and C(kafka-consumer-perf-test) in a broker's pod, against topics of its own, and
    compares their figures with targets.
  - Measures the time from a message's making to its arrival, at 200 messages a second, for which
    C(kafka-console-consumer) runs beside the producer in the same pod. Gives the time that half, 95 % and 99 % of the
    messages did not exceed.
  - Bounded in messages and in time. A run that is killed leaves tools that end by themselves within O(timeout).
  - Takes away the topics and the group afterwards, also when it fails or is interrupted.
notes:
  - The tools take up to 500 MB of the memory of the broker's container beside the broker, for some seconds. A container
    that may have less than 1.5 GiB is left alone, and the criteria are C(blocked).
  - The tools log in by a configuration that goes in by the standard input of the command. It stands on no command line
    and on no disk.
  - The KafkaUser needs the ACL operations C(Create), C(Delete), C(Describe), C(Read) and C(Write) on topics with the
    prefix C(platform-check-), and C(Delete), C(Describe) and C(Read) on groups with that prefix.
  - In the namespace it needs the permissions C(get) on C(kafkas), C(kafkausers), C(secrets) and C(services), C(list)
    on C(pods), and C(get) and C(create) on C(pods/portforward).
  - It also needs the permissions C(get) and C(create) on C(pods/exec).
requirements:
  - kafka-python[crc32c] >= 3.0.12
  - kubernetes >= 29 (for the port-forward and for commands in a pod)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
  - synergyflow.platform.attributes.measuring
  - synergyflow.platform.brokers
options:
  replicas:
    description: Number of replicas of each of its partitions.
    type: int
    default: 3
  records:
    description: How many messages are written and read for throughput. 0 does nothing.
    type: int
    default: 50000
  record_size:
    description: Bytes of a message.
    type: int
    default: 512
  producer_rate:
    description:
      - Messages a second that a producer must exceed, confirmed by all replicas in sync.
      - 0 means measured, with no target.
    type: int
    default: 10000
  consumer_rate:
    description:
      - Messages a second that a consumer must exceed, without the time of joining its group.
      - 0 means measured, with no target.
    type: int
    default: 15000
  latency_p95:
    description:
      - Milliseconds under which 95 % of the messages must arrive.
      - 0 means measured, with no target.
    type: int
    default: 50
  latency_p99:
    description:
      - Milliseconds under which 99 % of the messages must arrive.
      - 0 means measured, with no target.
    type: int
    default: 100
  timeout:
    description: Seconds for each tool.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Kafka is as fast as it should be
  synergyflow.platform.kafka_performance:
    cluster: synergyflow
    namespace: messaging
    user: platform-check
    records: 500000
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
    - id: AC7-producer-rate
      title: Throughput of a producer with acks=all
      status: passed
      observed: 48123
      expected: "> 10000"
      unit: messages/s
      seconds: 3.9
      detail: 50000 messages of 512 bytes by kafka-producer-perf-test in pod synergyflow-broker-0
      stand_in: []
msg:
  description: What was found, and what is the matter.
  type: str
  returned: always
  sample: Kafka synergyflow is as fast as expected.
"""
