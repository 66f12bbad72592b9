#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ready
short_description: Wait until Kubernetes objects are ready, all of them together
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Waits for many objects on one deadline, with one list for each kind and namespace at each look.
  - Knows when a kind is ready. A status that speaks of an older generation proves nothing. Rules exist for Deployment,
    StatefulSet, DaemonSet, ReplicaSet, Job, Pod, PersistentVolumeClaim, Namespace, CustomResourceDefinition, Service,
    APIService, and the kinds of Strimzi, CloudNativePG, VolSync, Flux and External Secrets.
  - A Kafka and its KafkaNodePools are ready only when their StrimziPodSets have what the pools ask for (nodes,
    resources, sizes of volumes) and all pods have been rolled to that. If the login may not list StrimziPodSets, their
    own status alone counts. Other settings of a pool, such as C(jvmOptions) and C(template), are not compared.
  - A Pooler of CloudNativePG is ready only when its Deployment is, as its own status counts pods that are not. If the
    login may not read Deployments, its own status alone counts.
  - Any other custom resource follows its conditions Stalled, Ready, Available, Programmed, Accepted and NotReady. An
    object of a kind without any health is ready as soon as it exists, with the verdict V(exists). So is a custom
    resource without these conditions, also one whose controller has not looked at it yet and has written no status;
    give O(rules) for a kind where that is too early.
  - Ends at once at a failure that waiting cannot mend, and after O(failure_grace) at one that lasts. A failure that
    Strimzi told more than 30 seconds before the wait began gets the grace too, as another operator or another object
    may have mended it.
  - A failure says which object, which condition, the last events of the object and of its pods, and the end of the
    failing container's log. Values of the Secrets that the pod uses, and what looks like a credential, are masked.
  - Says every five seconds what it is waiting for.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
attributes:
  check_mode:
    support: full
    details: Looks once, waits for nothing, and never fails for an object that is not ready.
  diff_mode:
    support: N/A
    details: There is nothing to compare.
  idempotent:
    support: full
    details: Never changes anything.
options:
  objects:
    description:
      - The objects to wait for. Only C(apiVersion), C(kind) and C(metadata) are read, so the list that was applied can
        be given as it is.
    type: list
    elements: dict
    required: true
  timeout:
    description: Seconds until all must be ready.
    type: int
    default: 600
  failure_grace:
    description:
      - Seconds that a failure may last that could still pass by itself.
      - If not given, 30; for the kinds of C(kafka.strimzi.io) 150, as a failure that has passed stays in their status
        until Strimzi's next periodic reconciliation, which comes after 120 seconds.
      - A failure that waiting cannot mend ends the wait at once all the same.
    type: int
  concurrency:
    description: How many requests may be in flight.
    type: int
    default: 8
  strimzi_version:
    description:
      - The release of Strimzi that must have reconciled each Kafka, as C(status.operatorLastSuccessfulVersion) says it.
      - After an upgrade of the operator an unchanged Kafka stays Ready until the new operator begins to roll it.
    type: str
  rules:
    description:
      - Readiness rules of your own, which take the place of the built-in one. The last rule that fits an object wins.
      - Needs the Python package C(jmespath).
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description: Kind of the objects the rule is for.
        type: str
        required: true
      group:
        description: Their API group, all groups if not given. An empty string is the core group.
        type: str
      namespace:
        description: Their namespace, all if not given.
        type: str
      name:
        description: Their name, all if not given.
        type: str
      ready:
        description: JMESPath expression over the live object. The object is ready when it is true and not empty.
        type: str
        required: true
      failed:
        description: JMESPath expression. When it is true and not empty, the wait ends as failed.
        type: str
      message:
        description: JMESPath expression for the reason that is shown.
        type: str
seealso:
  - module: synergyflow.platform.apply_set
"""

EXAMPLES = r"""
- name: Wait for all that was applied
  synergyflow.platform.ready:
    objects: "{{ rendered.objects }}"
    timeout: 900

- name: Wait for a kind with a convention of its own
  synergyflow.platform.ready:
    objects:
      - apiVersion: example.com/v1
        kind: Thing
        metadata:
          name: one
          namespace: default
    rules:
      - kind: Thing
        group: example.com
        ready: status.phase == 'Done'
        failed: status.phase == 'Broken'
        message: status.text
"""

RETURN = r"""
objects:
  description: The verdict on each object; also returned on failure.
  returned: always
  type: list
  elements: dict
  contains:
    apiVersion:
      description: API version it was looked up in.
      type: str
    kind:
      description: Kind of the object.
      type: str
    name:
      description: Its name.
      type: str
    namespace:
      description: Its namespace, null for a cluster-wide kind.
      type: str
    verdict:
      description: V(ready), V(exists), V(progressing) or V(failed).
      type: str
    reason:
      description: Why.
      type: str
      sample: waiting for generation 4, seen 3
    seconds:
      description: Seconds after the start when it was seen ready, or seen last.
      type: float
seconds:
  description: How long the whole wait took.
  returned: always
  type: float
"""
