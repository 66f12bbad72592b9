#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_reattach
short_description: Give a Kafka that is made over kept claims its old identity
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - A Kafka that Strimzi makes anew gets a new cluster id, and its brokers refuse logs of another one. Where claims of
    an earlier Kafka of the same name are there, this makes the Kafka paused and gives it the id of those claims, before
    anything else of it is applied.
  - The id is the annotation C(synergyflow.platform/kafka-cluster-id) of the claims, which
    M(synergyflow.platform.rollback) leaves on them, or O(cluster_id).
  - The pause ends when the Kafka is applied without its annotation, by M(synergyflow.platform.apply_set). Flux does not
    end it, as it has not begun it; so with C(platform_delivery=gitops) M(synergyflow.platform.deliver) applies the set
    once by itself (O(synergyflow.platform.deliver#module:directly_first)), and Flux takes it over.
  - Where there are no claims, or the Kafka is there and has an id, nothing is done.
notes:
  - Needs the permissions C(list) on C(persistentvolumeclaims), C(get) and C(patch) on C(kafkas), and C(patch) on
    C(kafkas/status).
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: What it makes is shown where it is applied.
  idempotent:
    support: full
options:
  cluster:
    description: Name of the Kafka.
    type: str
    required: true
  namespace:
    description: Its namespace.
    type: str
    required: true
  set_name:
    description: Name of the set that the Kafka is applied with afterwards.
    type: str
    required: true
  objects:
    description: The objects of the set; the Kafka is taken from among them.
    type: list
    elements: dict
    required: true
  cluster_id:
    description: The cluster id on the claims, for claims that have no annotation. Never another one than theirs.
    type: str
    default: ""
  timeout:
    description: Seconds until the Kafka must have its id.
    type: int
    default: 120
seealso:
  - module: synergyflow.platform.rollback
"""

EXAMPLES = r"""
- name: Give a Kafka over kept claims its identity
  synergyflow.platform.kafka_reattach:
    cluster: synergyflow
    namespace: messaging
    set_name: kafka-cluster-synergyflow
    objects: "{{ rendered.objects }}"
"""

RETURN = r"""
cluster_id:
  description: The id that the Kafka was given, or would be. Empty where nothing was to be done.
  type: str
  returned: success
  sample: 4n8vYh3gQ0uTq1r6cJ2m8A
claims:
  description: How many kept claims it was made over.
  type: int
  returned: success
  sample: 3
paused:
  description:
    - Whether the Kafka is paused by this, now or by an earlier run that ended before the objects were applied. It stays
      so until they are.
  type: bool
  returned: success
  sample: true
msg:
  description: What went wrong.
  type: str
  returned: failure
"""
