#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flux_objects
short_description: Suspend, resume or reconcile Flux objects, to a revision if one is given
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Brings many Flux objects at once to a state and waits until they are there, in the order of their dependencies.
    Sources come first, then what O(objects) have in C(spec.dependsOn).
  - With O(revision), success means that the artifact of every source and the last applied revision of every
    Kustomization are that revision. Ready alone would not say so.
  - What would be a silent no-op is refused before anything is changed. That is to reconcile a suspended object, an
    object that does not exist, a HelmRepository of type C(oci), or to resume what another field manager has suspended
    by apply.
  - A failure names the object, its condition and message, the dependency that it waits for with that one's own reason,
    and what the objects say themselves whose health Flux found wanting.
notes:
  - Writes by merge patch with the field manager C(synergyflow.platform). kustomize-controller undoes what managers
    beginning with C(kubectl) have changed, flux-operator also those beginning with C(flux).
  - Needs the permissions C(get) and C(patch) on the kinds of O(objects), C(list) to name those that exist, and C(get)
    on what a failure is explained by.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
attributes:
  check_mode:
    support: full
    details: Refuses what a run would refuse, sends dry runs and waits for nothing.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Objects that are suspended, resumed, or ready at O(revision) are left alone.
      - Without O(revision), O(state=reconciled) asks for a reconciliation each time.
options:
  state:
    description:
      - V(suspended) sets C(spec.suspend). It does not wait, and does not stop a health check under way.
      - V(resumed) takes it away, each object after what it depends on is ready.
      - V(reconciled) asks for a reconciliation now.
    type: str
    choices: [reconciled, resumed, suspended]
    required: true
  objects:
    description: The objects.
    type: list
    elements: dict
    required: true
    suboptions:
      kind:
        description: Its kind. A FluxInstance can be reconciled alone.
        type: str
        required: true
        choices:
          - Bucket
          - FluxInstance
          - GitRepository
          - HelmChart
          - HelmRelease
          - HelmRepository
          - ImagePolicy
          - ImageRepository
          - ImageUpdateAutomation
          - Kustomization
          - OCIRepository
          - Receiver
      name:
        description: Its name.
        type: str
        required: true
      namespace:
        description: Its namespace, in the place of O(namespace).
        type: str
  namespace:
    description: Namespace of the objects that name none.
    type: str
    default: flux-system
  revision:
    description:
      - With O(state=reconciled), the revision that must be reached, as C(main@sha1:<hash>), C(sha1:<hash>), or the full
        hash of a commit.
      - HelmReleases and HelmCharts are reconciled as well, and have no such revision.
    type: str
    default: ""
  with_source:
    description: With O(state=reconciled), whether the sources of the objects are reconciled before them.
    type: bool
    default: true
  wait:
    description: Whether to wait until the objects are ready, and each before those that depend on it.
    type: bool
    default: true
  force:
    description: With O(revision), ask also the objects that are ready there already, so that Flux corrects drift now.
    type: bool
    default: false
  failure_grace:
    description: Seconds a failure may last that could still pass. A build or a path that fails is final at once.
    type: float
    default: 30.0
  timeout:
    description: Seconds until all must be done.
    type: int
    default: 600
"""

EXAMPLES = r"""
- name: Hold Flux off while Kafka is rolled back
  synergyflow.platform.flux_objects:
    state: suspended
    objects:
      - {kind: Kustomization, name: cluster-apps-messaging-kafka}

- name: Have the commit of the revert applied everywhere
  synergyflow.platform.flux_objects:
    state: reconciled
    revision: 1f3c0a5f8e5b1c9d7a6e4b3c2d1e0f9a8b7c6d5e
    objects:
      - {kind: Kustomization, name: cluster-apps-messaging-kafka}
      - {kind: Kustomization, name: cluster-apps-messaging-schema-registry}
    timeout: 900

- name: Let Flux go on, in the order of the dependencies
  synergyflow.platform.flux_objects:
    state: resumed
    objects:
      - {kind: Kustomization, name: cluster-apps-messaging-kafka}
      - {kind: HelmRelease, name: strimzi-kafka-operator, namespace: messaging}
"""

RETURN = r"""
objects:
  description: The objects, those of O(with_source) among them.
  type: list
  elements: dict
  returned: success
  contains:
    kind:
      description: Kind of the object.
      type: str
      sample: Kustomization
    namespace:
      description: Its namespace.
      type: str
      sample: flux-system
    name:
      description: Its name.
      type: str
      sample: cluster-apps-messaging-kafka
    action:
      description: V(suspended), V(resumed) or V(reconciled) when it was written to, or would be; else V(unchanged).
      type: str
      sample: reconciled
    revision:
      description: What it is at. The artifact's revision, the one last applied, or a HelmRelease's chart version.
      type: str
      sample: main@sha1:1f3c0a5f8e5b1c9d7a6e4b3c2d1e0f9a8b7c6d5e
    seconds:
      description: How long it took after those it depends on.
      type: float
      sample: 2.4
seconds:
  description: How long everything took.
  type: float
  returned: success
  sample: 6.1
msg:
  description: What went wrong.
  type: str
  returned: failure
"""
