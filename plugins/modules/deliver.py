#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deliver
short_description: Deliver a component's objects, directly or by Git and Flux
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Does what the variable C(platform_delivery) says. With V(direct), the default, the objects are applied at once, as
    M(synergyflow.platform.apply_set) does. With V(gitops) they are staged for the commit that
    M(synergyflow.platform.publish) makes at the end of the run, and Flux applies them.
  - Staged objects are tried first, each by a dry run as Flux would apply it, and what Flux would prune or change is
    asked about like any other loss of data. Secrets with content are refused, by name.
  - A component that has been delivered the other way is taken over. No object of it is deleted, changed or restarted
    by that; it is in C(managedFields) and in Flux's labels alone.
  - With V(direct) after V(gitops), everything is tried and asked about first. Then the component's Kustomization is
    suspended, before anything is applied, and its files are staged to leave Git.
  - A Kustomization of somebody else that has the name of the component's is refused with V(gitops), as Flux would
    delete what it has applied, and left alone with V(direct).
  - With V(gitops) a component that has no objects any more is taken away at once, as with V(direct), its Kustomization
    suspended before that, and its files are staged to leave Git. Flux could not bring nothing.
  - With V(gitops) what is suspended and would keep Flux from bringing the component is refused.
notes:
  - With V(gitops) the variables of the role C(flux) say which repository and which folder it is.
    C(platform_git_username) and C(platform_git_password) are a log-in that may push, if Flux's own may not.
    C(platform_git_workloads) is the folder of the objects (default C(kubernetes/workloads)); clusters with different
    values each need one of their own.
  - What is staged is kept in the folder that Ansible makes for each of its runs, and is gone afterwards.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
  - synergyflow.platform.object_set
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: With V(gitops) the diff is that of the commit, shown by M(synergyflow.platform.publish).
  idempotent:
    support: full
options:
  component:
    description: Which component it is. Its place in the Git tree and in Flux's graph depend on it.
    type: str
    required: true
    choices:
      - cnpg
      - cnpg_operator
      - kafka_cluster
      - obs_collectors
      - schema_registry
      - strimzi
      - synergyflow_backend
      - volsync
      - volsync_operator
  files:
    description: For each of O(objects) the name of its file in Git, as M(synergyflow.platform.render) returns them.
    type: list
    elements: str
    default: []
  ready_timeout:
    description: With V(gitops), seconds that M(synergyflow.platform.publish) gives Flux and the objects to be ready.
    type: int
    default: 600
  strimzi_version:
    description: With V(gitops), the release of Strimzi that must have been through with each Kafka.
    type: str
  directly_first:
    description:
      - With V(gitops), whether the objects are applied at once too, for Flux to take over. For what
        M(synergyflow.platform.kafka_reattach) has begun, which Flux alone would not finish.
    type: bool
    default: false
  not_waited:
    description: With V(gitops), objects that neither Flux nor M(synergyflow.platform.publish) wait for.
    type: list
    elements: dict
    default: []
  name:
    description: Name of the set, and of the ConfigMap that records it when it is applied directly.
    type: str
    required: true
  namespace:
    description: Namespace of that ConfigMap.
    type: str
    required: true
  objects:
    description: The objects.
    type: list
    elements: dict
    required: true
  prune:
    description:
      - Whether objects are removed that were in the set and are not in O(objects). With V(gitops) they always are.
    type: bool
    default: true
  validate:
    description:
      - Which objects are tried by a dry run before the first write. Only objects that may have to be written count, and
        of them only those whose Namespace and CRD exist already.
      - V(auto) tries every object that exists, and the first two new ones of each kind in a namespace. Only existing
        objects can conflict, and new ones of one kind come from one template and share its mistakes.
      - V(all) tries all of them, V(none) tries nothing but existing Kafkas, topics, PostgreSQL clusters and sources
        of backups, which could lose data by the change. In check mode and with V(gitops) it is always V(all).
    type: str
    choices: [auto, all, none]
    default: auto
  expected_kinds:
    description:
      - Kinds that an earlier task of the same run brings, such as C(Kafka.kafka.strimzi.io). In check mode it has not
        brought them, and their objects are then said to be created, without the server's word on it.
      - With V(direct) without effect outside of check mode.
    type: list
    elements: str
    default: []
seealso:
  - module: synergyflow.platform.apply_set
  - module: synergyflow.platform.publish
"""

EXAMPLES = r"""
- name: Deliver the Kafka cluster's objects
  synergyflow.platform.deliver:
    component: kafka_cluster
    name: kafka-cluster-synergyflow
    namespace: messaging
    objects: "{{ rendered.objects }}"
    files: "{{ rendered.files }}"
    confirm_data_loss: "{{ confirm_data_loss | default('') }}"
    data_loss_phrase: "kafka_cluster@{{ inventory_hostname }}"
"""

RETURN = r"""
staged:
  description: Whether the objects are staged for a commit. The other values then say what Flux would do.
  returned: success
  type: bool
counts:
  description: How many objects were created, changed, unchanged and pruned.
  returned: success
  type: dict
  sample: {created: 0, changed: 1, unchanged: 21, pruned: 0}
results:
  description: What happened to each object, or would happen in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the object.
      type: str
    name:
      description: Its name.
      type: str
    namespace:
      description: Its namespace, null for a cluster-wide kind.
      type: str
    action:
      description: V(created), V(changed), V(unchanged) or V(pruned). Changed means that the server changed something.
      type: str
    note:
      description: What else is to be known, such as that the server could not validate the object yet.
      type: str
      returned: sometimes
left_alone:
  description: Objects that carry the set's label but were not applied by this field manager. They are never touched.
  returned: success
  type: list
  elements: str
requests:
  description: How many requests were sent, repeated ones included.
  returned: success
  type: int
  sample: 9
diff:
  description: One entry for each object that was created, changed or pruned.
  returned: in diff mode
  type: list
  elements: dict
"""
