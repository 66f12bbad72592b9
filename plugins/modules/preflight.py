#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check everything that can be checked before a role changes anything
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Checks the variables of roles of this collection, and what they ask for, against the cluster.
  - Reads the roles' variables from the host's variables by itself; a name with a role's prefix that is no variable
    of the role is an error that names the nearest one.
  - Checks types, release pairs (Strimzi with Kafka, with the API versions that are served and with Kubernetes),
    storage classes, zones, the sums of requested CPU, memory and storage against the nodes, topics (names, retention,
    replicas, no partitions taken away), users and their ACLs.
  - With O(roles), the sums of all of them together are compared as well.
  - Gathers all problems into one message. Never writes anything.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
  - synergyflow.platform.attributes.read_only
options:
  roles:
    description:
      - Roles to check, by their short names. Empty means the role that the task stands in.
      - Roles whose C(<role>_enabled) is false on the host are left out.
      - With roles named, none of them has run yet, and what an earlier one will bring (CRDs, a namespace) is taken as
        given for the later ones. The roles must stand in C(roles) of the play, or their defaults are not to be seen.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds within which the cluster must have answered.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Check everything before anything is changed
  synergyflow.platform.preflight:
    roles: [strimzi, kafka_cluster]
"""

RETURN = r"""
facts:
  description:
    - What was learned for a role, such as C(api_version) and the sums in C(requests).
    - With O(roles), a dictionary by role.
  type: dict
  returned: success
  sample:
    api_version: kafka.strimzi.io/v1
    kraft_annotations: false
    operator_versions: ["1.2.0"]
    pod_monitor: false
    requests: {cpu: 6.45, memory: 13958643712, storage: 322122547200}
capacity:
  description:
    - What each role asks of the nodes (its operator's pods included), all of them together, and what is free, as a
      table. With O(roles), of those that the tags of the run choose.
    - How much storage there is the nodes do not show; its sum is compared with nothing.
  type: str
  returned: success
skipped_parts:
  description: Parts that will not be made on this cluster, each with its reason.
  type: list
  elements: dict
  returned: success
  sample: [{what: PodMonitor, reason: the cluster does not serve monitoring.coreos.com}]
cluster:
  description: The cluster that was asked (C(host), C(version), C(requested), C(storage_classes)).
  type: dict
  returned: success
"""
