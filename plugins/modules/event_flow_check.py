#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: event_flow_check
short_description: Prove that events go from a producer to the database, by their schemas
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - A small event-driven application. It registers an Avro schema, writes events with the schema's id to a topic of its
    own (Confluent's wire format), reads them as a member of a group by the schema that the registry has for the id, and
    writes them as rows through the database's pool.
  - Tries an event that is not as the schema says that the registry has, which the producer must refuse, as brokers do
    not look into messages. The registry must refuse a schema that would allow it or, at the compatibility level
    C(NONE), one that is no schema.
  - The rows are in a temporary table that goes with its transaction. Topic, group and subject are taken away
    afterwards, also when it fails or is interrupted.
  - Runs in the controller. Brokers, registry and pool are reached by port-forwards of the API server.
notes:
  - The KafkaUser needs the ACL operations C(Create), C(Delete), C(Describe), C(Read) and C(Write) on topics with the
    prefix C(platform-check-), and C(Delete), C(Describe) and C(Read) on groups with that prefix.
  - In the namespace it needs the permissions C(get) on C(kafkas), C(kafkausers), C(secrets) and C(services), C(list)
    on C(pods), and C(get) and C(create) on C(pods/portforward); the last three also where registry and pool are.
requirements:
  - kafka-python[crc32c] >= 3.0.12
  - kubernetes >= 29 (for the port-forward)
  - fastavro >= 1.9
  - requests
  - psycopg[binary] >= 3.2 (with a database)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
  - synergyflow.platform.attributes.measuring
  - synergyflow.platform.brokers
attributes:
  async:
    description: Can go on beside the play, by C(async) and C(poll=0).
    support: full
    details: M(synergyflow.platform.job_result) waits for the result.
options:
  events:
    description: How many events. 0 does nothing.
    type: int
    default: 100
  replicas:
    description: Number of replicas of each of the topic's partitions.
    type: int
    default: 3
  registry_url:
    description: Address of the registry as the controller reaches it. Without it there is a port-forward.
    type: str
  registry_namespace:
    description: Namespace of the registry's Service.
    type: str
    default: messaging
  registry_service:
    description: Name of the registry's Service.
    type: str
    default: schema-registry
  registry_port:
    description: Port of the registry's Service.
    type: int
    default: 8081
  registry_path:
    description: Path below which the registry answers.
    type: str
    default: ""
  registry_ca:
    description: Certificates in PEM format that the registry is trusted by, with a O(registry_url) of https.
    type: str
  database_cluster:
    description: Name of CloudNativePG's Cluster. Without it no rows are written, and that criterion is skipped.
    type: str
  database_namespace:
    description: Namespace of the Cluster.
    type: str
  database:
    description: Name of the database.
    type: str
  database_secret:
    description: Secret (username, password) to log in to the database with.
    type: str
  database_pooler:
    description: Name of the Pooler, which is that of its Service.
    type: str
  timeout:
    description: Seconds for writing, and for reading, each.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Events go all the way
  synergyflow.platform.event_flow_check:
    cluster: synergyflow
    namespace: messaging
    user: platform-check
    database_cluster: synergyflow-db
    database_namespace: synergyflow
    database: synergyflow
    database_secret: synergyflow-db-check
    database_pooler: synergyflow-db-pooler-rw
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
    - id: AC12-consumed
      title: Events are read by the schema that the registry has for their id
      status: passed
      observed: 100
      expected: 100
      unit: events
      seconds: 3.9
      detail: schemas 7
      stand_in: []
msg:
  description: What was found, and what is the matter.
  type: str
  returned: always
  sample: 100 events went all the way.
"""
