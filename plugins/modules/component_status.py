#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: component_status
short_description: Say how components are on a cluster
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Reads the objects of components and judges each by the rules of M(synergyflow.platform.ready), without waiting.
  - Names what among them is not the real thing, as in a rehearsal.
  - Never changes anything.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
  - synergyflow.platform.attributes.read_only
options:
  roles:
    description:
      - Roles of this collection whose components are meant, by their short names. Empty means the role that the task
        stands in.
      - Roles whose C(<role>_enabled) is false on the host are left out.
      - Outside of these roles, they must stand in C(roles) of the play, or their defaults are not to be seen.
    type: list
    elements: str
    default: []
  next_steps:
    description:
      - Commands that the summary suggests on a cluster with any of the roles. Without it, they are those of
        C(ansible-playbook) and C(kubectl).
    type: list
    elements: str
  timeout:
    description: Seconds within which the cluster must have answered.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Look at what runs
  synergyflow.platform.component_status:
    roles: [strimzi, kafka_cluster]
  register: platform_status

- name: Show it
  ansible.builtin.debug:
    msg: "{{ platform_status.table }}"
"""

RETURN = r"""
objects:
  description:
    - One entry for all objects of a kind that are well, one for each that is not.
    - What may not be read has the state V(unknown), with the reason.
  type: list
  elements: dict
  returned: success
  sample: [{component: kafka_cluster, kind: Kafka, name: synergyflow, state: 1 of 1 ready, reason: null}]
stand_in:
  description: What is not the real thing, by the labels that stand-ins carry. Empty on a real cluster.
  type: list
  elements: str
  returned: success
table:
  description: RV(objects) as an aligned table.
  type: str
  returned: success
summary:
  description: The cluster, the table, the stand-ins, and commands to try next.
  type: str
  returned: success
"""
