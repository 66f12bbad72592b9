# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_topics_check
short_description: Check all topics of a Kafka against what is expected, on its brokers
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Asks the brokers of a Kafka that Strimzi runs about all its topics at once, and compares three sides. What is
    expected, what the brokers have, and what the KafkaTopics say.
  - Finds topics that are missing, hidden or unexpected, other numbers of partitions and replicas, other values of
    configuration keys, also of keys that somebody set on a topic behind the operator's back, KafkaTopics that are
    not Ready, and partitions that are offline, under-replicated or under C(min.insync.replicas).
  - Never changes anything. Two requests to the brokers, three from 200 topics on, however many there are, and one more
    when a topic is missing.
  - Runs in the controller. The brokers are reached by their in-cluster names through a port-forward of the API server,
    so that the TLS host names are checked, unless O(bootstrap_servers) is given.
notes:
  - In the namespace it needs the permissions C(get) on C(kafkas), C(kafkausers), C(secrets) and C(services), C(list)
    on C(kafkatopics) and C(pods), and C(get) and C(create) on C(pods/portforward). C(list) on C(kafkanodepools) and
    C(get) on C(deployments) make the report more complete.
  - The KafkaUser needs the ACL operations C(Describe) and C(DescribeConfigs) on all topics.
  - Numbers, booleans and lists are compared as Kafka stores them, so 604800000 equals C("604800000"). A
    configuration key that O(topics) does not name is compared between broker and KafkaTopic.
requirements:
  - kafka-python[crc32c] >= 3.0.12
  - kubernetes >= 29 (for the port-forward)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
  - synergyflow.platform.attributes.read_only
  - synergyflow.platform.brokers
attributes:
  diff_mode:
    support: N/A
    details: Nothing is changed. See RV(table) and RV(drift) for the differences found.
options:
  brokers:
    description:
      - How many brokers should be in service. By default as many as the KafkaNodePools ask for; when these cannot be
        read, one is enough.
    type: int
  topics:
    description: The topics that are expected.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the topic.
        type: str
        required: true
      partitions:
        description: Number of its partitions. Not given, broker and KafkaTopic are compared.
        type: int
      replicas:
        description: Number of replicas of each partition. Not given, broker and KafkaTopic are compared.
        type: int
      config:
        description: Expected values of configuration keys, such as C(retention.ms).
        type: dict
      resource:
        description: Name of the KafkaTopic. Not used, the KafkaTopic is found by the name of its topic.
        type: str
  unexpected:
    description:
      - What to do about topics that are not in O(topics) and not in O(internal_topics).
      - V(report) names them, V(fail) takes them for drift, V(ignore) does not look for them.
    type: str
    choices: [report, ignore, fail]
    default: report
  internal_topics:
    description: Topics that are never unexpected. A C(*) at the end stands for any rest of the name.
    type: list
    elements: str
    default:
      - __consumer_offsets
      - __transaction_state
      - __share_group_state
      - __strimzi*
      - __CruiseControl*
      - strimzi.cruisecontrol.*
      - _schemas
  compare_resources:
    description: Whether the KafkaTopics are compared too. Set it to V(false) where topics are not made by KafkaTopics.
    type: bool
    default: true
  fail:
    description:
      - Whether the task fails when something is not as expected, or when the brokers cannot be asked. Look at
        RV(passed) when it is V(false).
      - Options that make no sense always fail.
    type: bool
    default: true
  timeout:
    description: Seconds for all of it.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: The topics are as the inventory says
  synergyflow.platform.kafka_topics_check:
    cluster: synergyflow
    namespace: messaging
    user: platform-check
    topics:
      - name: user-events
        partitions: 6
        replicas: 3
        config:
          retention.ms: 604800000
          min.insync.replicas: 2

- name: Collect the evidence, whatever it says
  synergyflow.platform.kafka_topics_check:
    cluster: synergyflow
    namespace: messaging
    user: platform-check
    topics: []
    unexpected: fail
    fail: false
  register: topics_check

- name: Show the differences as a table
  ansible.builtin.debug:
    msg: "{{ topics_check.table.splitlines() }}"
"""

RETURN = r"""
passed:
  description:
    - Whether every criterion is met. One that could not be measured (C(blocked)) is not, and C(msg) says which.
  type: bool
  returned: always, unless the API server cannot be reached
  sample: false
msg:
  description: What was found in a sentence, with the table when there are differences.
  type: str
  returned: always
  sample: 11 topics of Kafka synergyflow are as expected.
topics:
  description:
    - All expected topics, in their order, then the unexpected ones.
    - C(config) has what is set on the topic itself. C(under_replicated), C(under_min_isr) and C(offline) are numbers of
      partitions.
  type: list
  elements: dict
  returned: always
  sample:
    - name: user-events
      state: drifted
      partitions: 6
      replicas: 3
      config: {"retention.ms": "1000"}
      resource: {"name": "user-events", "state": "Ready"}
      under_replicated: []
      under_min_isr: []
      offline: []
drift:
  description:
    - One entry for each difference, its values as text. None means that this side says nothing about it.
    - C(aspect) is the last part of the evidence's C(id).
  type: list
  elements: dict
  returned: always
  sample:
    - topic: user-events
      key: retention.ms
      expected: "604800000"
      broker: "1000"
      cr: "604800000"
      aspect: configuration
unexpected:
  description: Names of the topics that nobody listed.
  type: list
  elements: str
  returned: always
  sample: [old-events]
table:
  description: The drift, and the unexpected topics, as an aligned table. Empty when there are none.
  type: str
  returned: always
  sample: |-
    TOPIC         KEY            EXPECTED    ON THE BROKER   IN THE KAFKATOPIC
    user-events   retention.ms   604800000   1000            604800000
evidence:
  description:
    - One record for each aspect. C(status) is one of C(passed), C(failed), C(skipped), C(blocked).
    - C(stand_in) names what is not the real thing where this was measured, as in a rehearsal. It is empty on a real
      cluster.
  type: list
  elements: dict
  returned: always
  sample:
    - id: kafka_topics.configuration
      title: Topic configuration on the brokers is as expected
      status: failed
      observed: 21
      expected: 22
      unit: keys
      seconds: 0.132
      detail: "user-events retention.ms: 1000 instead of 604800000"
      stand_in: []
requests:
  description: Requests sent to the brokers once connected.
  type: int
  returned: when the brokers answered
  sample: 3
seconds:
  description: Seconds that connecting and asking took.
  type: float
  returned: when the brokers answered
  sample: 0.132
"""
