# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter flux_kustomizations."""

from __future__ import annotations

DOCUMENTATION = r"""
name: flux_kustomizations
short_description: Write Flux Kustomizations out in full
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Turns a name and a path into a Kustomization, with health expressions for the kinds whose health Flux would not see
    by itself (Strimzi's, VolSync's ReplicationSource, the Cluster of CloudNativePG).
  - The objects of a Kustomization that is deleted stay (C(deletionPolicy=Orphan)).
positional: _input, namespace
options:
  _input:
    description:
      - Each with C(name) and C(path), and if need be C(depends_on), C(health_checks), C(interval), C(timeout) and
        C(prune).
      - Without C(health_checks) everything in the folder is waited for.
    type: list
    elements: dict
    required: true
  namespace:
    description: Their namespace, and the name of the GitRepository.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the Kustomization of Kafka
  ansible.builtin.debug:
    msg: "{{ entries | synergyflow.platform.flux_kustomizations('flux-system') }}"
  vars:
    entries:
      - {name: cluster-apps-messaging-kafka, path: kubernetes/workloads/platform/messaging/kafka}
"""

RETURN = r"""
_value:
  description: The Kustomizations.
  type: list
  elements: dict
"""

from typing import Any

from ..module_utils.flux_kustomizations import flux_kustomizations


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, Any]:
        return {"flux_kustomizations": flux_kustomizations}
