#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: publish
short_description: Commit what the roles of a run have staged, and have Flux bring it
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Makes one commit of everything that M(synergyflow.platform.deliver) has staged for O(hosts), or none when nothing
    is to change, and pushes it. When somebody has pushed meanwhile it fetches and starts again on top of that, never
    by force.
  - Then has Flux reconcile this host's cluster to that revision, the source first, then the cluster's folder, then
    the Kustomizations in the order of their dependencies, and waits until the objects themselves are ready.
  - A component that was applied directly before is given up to Flux when Flux has applied it, and what is no longer
    in it is removed.
  - Without anything staged, as with C(platform_delivery=direct), it does nothing.
  - What is suspended, and would keep Flux from bringing the commit, is refused before there is one. A failure after
    the push says so, with what was pushed.
notes:
  - A commit that somebody pushes after it does as well, if it has this one before it. That Flux moves on to a commit
    of somebody else is no change.
  - Of a component that is not in this run the files stay as they are.
  - Drift that is found while staging is corrected now, without a commit.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
attributes:
  check_mode:
    support: full
    details: Fetches, and neither commits nor pushes; asks nothing of Flux. Drift and a hand-over count as a change.
  diff_mode:
    support: full
    details: The diff is Git's own.
  idempotent:
    support: full
options:
  hosts:
    description:
      - Inventory hosts whose components go into the same commit, if their repository and branch are this host's.
        This host is always one of them.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds for Flux and the objects; else those of all components together, as one may wait for the other.
    type: int
seealso:
  - module: synergyflow.platform.deliver
  - module: synergyflow.platform.git_tree
  - module: synergyflow.platform.flux_objects
"""

EXAMPLES = r"""
- name: Deploy by Git
  hosts: clusters
  connection: local
  gather_facts: false
  roles:
    - synergyflow.platform.kafka_cluster
  post_tasks:
    - name: Commit what the roles have staged, and have Flux bring it
      synergyflow.platform.publish:
        hosts: "{{ ansible_play_hosts }}"
"""

RETURN = r"""
revision:
  description: What this host's components are at in Git, as Flux writes it; empty if nothing was staged.
  type: str
  returned: always
  sample: main@sha1:1f3c0a5f8e5b1c9d7a6e4b3c2d1e0f9a8b7c6d5e
message:
  description: The commit's message; empty for a host whose part another one has committed, and without a commit.
  type: str
  returned: always
files:
  description: The paths that were C(added), C(changed) and C(removed) by this host's commit.
  type: dict
  returned: always
components:
  description: The components of this host that were staged.
  type: list
  elements: str
  returned: always
  sample: [kafka_cluster, strimzi]
objects:
  description: The objects that were waited for, as M(synergyflow.platform.ready) returns them.
  type: list
  elements: dict
  returned: always
msg:
  description: What went wrong.
  type: str
  returned: failure
"""
