# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: schema_subject
short_description: Register schemas, set compatibility levels, and delete subjects in a schema registry
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Brings one subject of a schema registry to the state that is asked for. A schema that the subject has already, in
    any of its versions and in whatever layout, is not registered again.
  - Works with every registry that speaks the REST API of Confluent's Schema Registry, Apicurio's included.
  - When the registry refuses a new version, the task fails with the registry's reason, and a level that was set for it
    is as before.
  - Runs in the controller.
notes:
  - Without O(url) it needs the permissions C(get) on C(services), C(list) on C(pods), and C(get) and C(create) on
    C(pods/portforward) in O(namespace).
  - Some registries tell a subject's level and the default one alike. A subject whose O(compatibility) is the default
    gets no level of its own there.
requirements:
  - requests
  - kubernetes >= 29 (for the port-forward)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
  - synergyflow.platform.registry
attributes:
  check_mode:
    support: full
    details:
      - The registry's compatibility endpoint tells whether it would take a new version; a version that it would refuse
        fails in check mode too.
      - With another O(compatibility) in the same task it cannot tell, and a warning says so.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  subject:
    description: Name of the subject, such as C(user-events-value).
    type: str
    required: true
  state:
    description:
      - V(present) registers O(schema) and sets O(compatibility), whichever are given.
      - V(absent) deletes the subject with all its versions, softly unless O(permanent) is set.
    type: str
    choices: [present, absent]
    default: present
  schema:
    description:
      - The schema. AVRO and JSON ones as data or as text, PROTOBUF ones as text.
      - Text from a file is given with P(ansible.builtin.file#lookup).
    type: raw
  schema_type:
    description: Type of the schema.
    type: str
    choices: [AVRO, PROTOBUF, JSON]
    default: AVRO
  references:
    description: Schemas of other subjects that the schema refers to.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name that the schema uses, for AVRO the full name of the type, for PROTOBUF the import's path.
        type: str
        required: true
      subject:
        description: Subject of the schema that is meant.
        type: str
        required: true
      version:
        description: Version of the schema that is meant.
        type: int
        required: true
  compatibility:
    description:
      - Compatibility level of the subject. Without it the level is left as it is.
      - A level for an existing subject is set before O(schema) is registered, so that it decides.
    type: str
    choices: [NONE, BACKWARD, BACKWARD_TRANSITIVE, FORWARD, FORWARD_TRANSITIVE, FULL, FULL_TRANSITIVE]
  normalize:
    description:
      - Whether the registry brings the schema into a standard form first, so that the order of what has no order makes
        no new version.
    type: bool
    default: true
  permanent:
    description:
      - For O(state=absent), whether the subject is deleted for good. Consumers can then no longer read what was written
        with its schemas.
    type: bool
    default: false
  timeout:
    description: Seconds for all of it.
    type: int
    default: 30
seealso:
  - module: synergyflow.platform.schema_registry_check
"""

EXAMPLES = r"""
- name: Register the schema of a topic's values
  synergyflow.platform.schema_subject:
    subject: user-events-value
    compatibility: BACKWARD
    schema:
      type: record
      name: UserEvent
      namespace: synergyflow.events
      fields:
        - name: id
          type: string

- name: Register a Protobuf schema from a file, at a registry with a log-in
  synergyflow.platform.schema_subject:
    url: https://registry.example.com
    url_username: ansible
    url_password: "{{ registry_password }}"
    subject: team-events-value
    schema_type: PROTOBUF
    schema: "{{ lookup('ansible.builtin.file', 'team_event.proto') }}"

- name: Delete a subject for good
  synergyflow.platform.schema_subject:
    subject: old-events-value
    state: absent
    permanent: true
"""

RETURN = r"""
subject:
  description: Name of the subject.
  type: str
  returned: success
  sample: user-events-value
steps:
  description:
    - What was done, in its order, or would be in check mode. Any of V(register), V(set_level), V(delete) and
      V(delete_permanently).
  type: list
  elements: str
  returned: success
  sample: [register]
id:
  description: The schema's id in the registry; null when there is none, as in check mode before it is registered.
  type: int
  returned: success
  sample: 17
version:
  description: The version of the subject that the schema is; null when it is none.
  type: int
  returned: success
  sample: 2
versions:
  description: All versions of the subject.
  type: list
  elements: int
  returned: success
  sample: [1, 2]
compatibility:
  description: The subject's level, when O(compatibility) was given.
  type: str
  returned: success
  sample: BACKWARD
"""
