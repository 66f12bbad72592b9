#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: component_evidence
short_description: Measure the acceptance criteria of components
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Looks at the objects of components on a cluster, at their logs and metrics, and gives a record for each criterion.
    For C(strimzi) those of the operator, for C(kafka_cluster) those of the cluster but for its topics, which
    M(synergyflow.platform.kafka_topics_check) asks the brokers about. For C(cnpg) those of the PostgreSQL
    cluster, whose backups M(synergyflow.platform.cnpg_backup_info) looks at and whose database
    M(synergyflow.platform.cnpg_database_check) asks.
  - A criterion that is not met is a record with the status C(failed), not a failed task.
  - A criterion that could not be measured is C(blocked), one that does not apply C(skipped), each with its reason.
    Nothing is reported that was not looked at.
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
  fail:
    description:
      - Whether the task fails when an error breaks off the measuring, such as an API server that does not answer.
      - Otherwise a record C(<role>.broken_off) has failed in the place of the role's others.
    type: bool
    default: true
  timeout:
    description: Seconds within which the cluster must have answered.
    type: int
    default: 60
seealso:
  - module: synergyflow.platform.evidence_report
  - module: synergyflow.platform.kafka_topics_check
"""

EXAMPLES = r"""
- name: Measure the acceptance criteria of the operator and the Kafka cluster
  synergyflow.platform.component_evidence:
    roles: [strimzi, kafka_cluster]
  register: measured
"""

RETURN = r"""
evidence:
  description: The records, in the order a reader asks.
  type: list
  elements: dict
  returned: success
  sample:
    - id: kafka_cluster.brokers
      title: Brokers run
      status: passed
      observed: 3
      expected: 3
      unit: pods
      seconds: 0.06
      detail: ""
      stand_in: []
      figures: {}
      commands: [kubectl get pod -n messaging -o wide]
      behind: []
facts:
  description: >-
    What a report shows beside the criteria, by role: where its objects are, the graph of Flux, the sources of VolSync;
    and in C(cluster) which cluster it is of, by the API server's address, kube-system's uid and Kubernetes' version.
  type: dict
  returned: success
  sample:
    kafka_cluster: {namespace: messaging, name: synergyflow}
    cluster: {server: "https://10.0.0.1:6443", uid: 0c7a5f6e-7d3f-4c39-9d5c-1c7f1c0f8f0e, kubernetes: v1.34.1}
met:
  description: Whether no criterion failed.
  type: bool
  returned: success
"""
