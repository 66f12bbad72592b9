#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apply_set
short_description: Apply all Kubernetes objects of a component at once, and prune what is no longer among them
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Applies a set of objects by server-side apply, several requests in flight, in an order that works. Namespaces
    first, then CRDs until they are served, what others refer to, workloads, webhooks, custom resources.
  - Learns what is there from one list a kind. An object whose applied fields are already what they should be costs no
    request of its own and is not written.
  - Removes objects that were in the set and are not any more. The set is recorded by the ApplySet convention
    (KEP-3659), in a ConfigMap named after the set. Only what this field manager has applied is ever removed; it is
    deleted in the reverse order and waited for.
  - Nothing is deleted together with its data, and no setting is changed so that data gets deleted, without a
    confirmation that is typed for this set and this host.
  - Tries the changes as dry runs before the first write, so that conflicts and invalid objects leave nothing half
    done. Refusals are gathered and told together.
  - Passing failures (429, 500, 502, 503, 504, connections that are refused or reset) are retried with back-off until
    O(timeout).
  - A run that was killed is picked up by the next one.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
  - synergyflow.platform.object_set
attributes:
  check_mode:
    support: full
    details:
      - By dry runs of the server. No write is sent.
      - Objects whose Namespace or CRD is made by the same set cannot be dry-run. They are predicted as created and
        marked with a note.
  diff_mode:
    support: full
    details: What the server had before and after, without what it keeps by itself. Values of Secrets are masked.
  idempotent:
    support: full
options:
  name:
    description:
      - Name of the set, and of the ConfigMap that records it. A component keeps its name for ever, as pruning depends
        on it.
    type: str
    required: true
  namespace:
    description: Namespace of the set's record. It may be one that the set itself makes.
    type: str
    required: true
  objects:
    description:
      - All objects of the set, as RV(synergyflow.platform.render#module:objects) has them.
      - C(status) and what only the server writes are left out. An empty list removes the whole set and its record.
    type: list
    elements: dict
    required: true
  prune:
    description: Whether objects are removed that were in the set and are not in O(objects).
    type: bool
    default: true
  field_manager:
    description: Under which name the API server keeps the applied fields. A set keeps its field manager for ever.
    type: str
    default: synergyflow.platform
  force:
    description: Whether fields that another field manager owns are taken over. Otherwise they are conflicts.
    type: bool
    default: false
  validate:
    description:
      - Which objects are tried by a dry run before the first write. Only objects that may have to be written count, and
        of them only those whose Namespace and CRD exist already.
      - V(auto) tries every object that exists, and the first two new ones of each kind in a namespace. Only existing
        objects can conflict, and new ones of one kind come from one template and share its mistakes.
      - V(all) tries all of them, V(none) tries nothing but existing Kafkas, topics, PostgreSQL clusters and sources
        of backups, which could lose data by the change. In check mode it is always V(all).
    type: str
    choices: [auto, all, none]
    default: auto
  expected_kinds:
    description:
      - Kinds that an earlier task of the same run brings, such as C(Kafka.kafka.strimzi.io). In check mode it has not
        brought them, and their objects are then said to be created, without the server's word on it.
      - Without effect outside of check mode.
    type: list
    elements: str
    default: []
seealso:
  - module: synergyflow.platform.render
  - module: synergyflow.platform.ready
  - name: ApplySet
    description: The convention behind kubectl apply --prune --applyset.
    link: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/
"""

EXAMPLES = r"""
- name: Apply what the templates say
  synergyflow.platform.apply_set:
    name: kafka-cluster
    namespace: messaging
    objects: "{{ rendered.objects }}"
    confirm_data_loss: "{{ confirm_data_loss | default('') }}"
    data_loss_phrase: "kafka_cluster@{{ inventory_hostname }}"
  register: applied

- name: Take over fields that were set by hand
  synergyflow.platform.apply_set:
    name: kafka-cluster
    namespace: messaging
    objects: "{{ rendered.objects }}"
    force: true

- name: Remove the whole set
  synergyflow.platform.apply_set:
    name: kafka-cluster
    namespace: messaging
    objects: []
    confirm_data_loss: "{{ confirm_data_loss | default('') }}"
"""

RETURN = r"""
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
