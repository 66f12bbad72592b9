# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: schema_registry_check
short_description: Use a schema registry as its clients do, and measure it
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Asks a registry for its health, its types of schema and its default compatibility, and measures how long it takes to
    answer.
  - Registers a schema, reads it back, registers a compatible second version, tries an incompatible one, which must be
    refused, and registers a Protobuf schema.
  - All of it happens under two subjects of its own, whose names begin with C(platform-check-) and hold the time. They
    are deleted for good at the end, also when something failed or the run is interrupted. What a killed run left is
    deleted by the next one that comes half an hour later or more.
  - Works with every registry that speaks the REST API of Confluent's Schema Registry, Apicurio's included.
  - Runs in the controller.
notes:
  - Without O(url) it needs the permissions C(get) on C(services), C(list) on C(pods), and C(get) and C(create) on
    C(pods/portforward) in O(namespace), and latencies are those of a port-forward, longer than those in the cluster.
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
    details: Registers nothing in check mode; the criteria that need it are skipped.
  diff_mode:
    support: N/A
    details: What it makes is gone at the end.
  idempotent:
    support: full
    details: What it makes is gone at the end, and it is never C(changed).
options:
  compatibility:
    description:
      - The default compatibility level that is expected. Without it the level is not looked at.
      - With V(NONE) nothing is expected to be refused.
    type: str
    choices: [NONE, BACKWARD, BACKWARD_TRANSITIVE, FORWARD, FORWARD_TRANSITIVE, FULL, FULL_TRANSITIVE]
  requests:
    description: Number of requests that the latency is measured with, one after another.
    type: int
    default: 100
  latency_target:
    description: Milliseconds within which 95 of 100 requests must be answered.
    type: int
    default: 100
  fail:
    description:
      - Whether the task fails when a criterion is not met. Look at RV(passed) when it is V(false).
      - If not, an error that breaks it off, such as an API server that does not answer, is told in RV(evidence) too.
        Options that make no sense always fail.
    type: bool
    default: true
  timeout:
    description: Seconds for all of it; removing what was made may take 30 more.
    type: int
    default: 60
seealso:
  - module: synergyflow.platform.schema_subject
"""

EXAMPLES = r"""
- name: The registry works
  synergyflow.platform.schema_registry_check:
    namespace: messaging
    compatibility: BACKWARD

- name: Collect the evidence of a registry elsewhere, whatever it says
  synergyflow.platform.schema_registry_check:
    url: http://apicurio.example.com:8080/apis/ccompat/v7
    latency_target: 250
    fail: false
  register: registry_check
"""

RETURN = r"""
passed:
  description:
    - Whether every criterion is met. One that could not be measured (C(blocked)) is not, and C(msg) says which.
  type: bool
  returned: always, unless the cluster or the registry cannot be found
  sample: true
msg:
  description: What was found, in a sentence.
  type: str
  returned: always
  sample: The registry by a port-forward to schema-registry.messaging.svc:8081 is as expected.
evidence:
  description:
    - One record for each criterion. C(status) is one of C(passed), C(failed), C(skipped), C(blocked).
    - C(stand_in) names what is not the real thing where this was measured, as in a rehearsal. It is empty on a real
      cluster, and with O(url), where the cluster is not looked at.
  type: list
  elements: dict
  returned: always, unless the cluster or the registry cannot be found
  sample:
    - id: schema_registry_check.incompatible
      title: An incompatible version is refused
      status: passed
      observed: refused with 409
      expected: refused with 409
      unit: ""
      seconds: 0.041
      detail: "Schema being registered is incompatible with an earlier schema"
      stand_in: []
"""
