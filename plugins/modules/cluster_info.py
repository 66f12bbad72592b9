#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
short_description: Facts about a Kubernetes cluster that a deployment depends on
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Asks a cluster for its version, the kinds it serves, its nodes, what is already requested of them, and its storage
    classes.
  - All questions are in flight together. Never changes anything.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
  - synergyflow.platform.attributes.read_only
options:
  timeout:
    description: Seconds within which the cluster must have answered.
    type: int
    default: 30
seealso:
  - module: kubernetes.core.k8s_cluster_info
"""

EXAMPLES = r"""
- name: Look at the cluster
  synergyflow.platform.cluster_info:
    kubeconfig: ~/.kube/config
    context: apps
  register: apps

- name: Refuse a cluster without Strimzi
  ansible.builtin.assert:
    that: "'Kafka.kafka.strimzi.io' in apps.cluster.served"
    fail_msg: Install Strimzi first.
"""

RETURN = r"""
cluster:
  description: What was found.
  returned: success
  type: dict
  contains:
    version:
      description: The server's version.
      type: dict
      contains:
        git:
          description: The full version.
          type: str
          sample: v1.36.3
        major:
          description: Its major part.
          type: str
          sample: "1"
        minor:
          description: Its minor part.
          type: str
          sample: "36"
        emulation_major_present:
          description: Whether the answer has C(emulationMajor), which some older operators cannot read.
          type: bool
    served:
      description: Versions by kind and group, the server's preferred version first. Core kinds stand without a group.
      type: dict
      sample:
        ConfigMap: [v1]
        Kafka.kafka.strimzi.io: [v1, v1beta2]
    nodes:
      description: The nodes.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the node.
          type: str
        zone:
          description: Value of the label C(topology.kubernetes.io/zone), or null.
          type: str
        ready:
          description: Whether its condition Ready is True.
          type: bool
        schedulable:
          description: Whether it takes new pods (it is not cordoned).
          type: bool
        allocatable:
          description: What pods may use of it, C(cpu) in cores, C(memory) in bytes, and the number of C(pods).
          type: dict
    requested:
      description: What all pods that have not ended request together, C(cpu) in cores and C(memory) in bytes.
      type: dict
      sample:
        cpu: 6.5
        memory: 13421772800
    storage_classes:
      description: The storage classes.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the class.
          type: str
        default:
          description: Whether claims that name no class get this one.
          type: bool
        provisioner:
          description: What makes its volumes.
          type: str
        binding_mode:
          description: V(Immediate) or V(WaitForFirstConsumer).
          type: str
    unreadable:
      description: Resources that the credentials may not list; what depends on them is empty or zero.
      type: list
      elements: str
    host:
      description: Address of the API server.
      type: str
    context_cluster:
      description: Name of the cluster in the kubeconfig; null where the login does not come from one file.
      type: str
"""
