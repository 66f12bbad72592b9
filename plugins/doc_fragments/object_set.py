# -*- coding: utf-8 -*-
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module that applies a set of objects is told of it."""

from __future__ import annotations


class ModuleDocFragment:
    """How a set is applied; plugins/action/apply_set.py reads it."""

    DOCUMENTATION = r"""
options:
  timeout:
    description: Seconds for everything together, with the wait for CRDs and for pruned objects to be gone.
    type: int
    default: 120
  confirm_data_loss:
    description: What was typed to confirm that data may be destroyed. Must be equal to O(data_loss_phrase).
    type: str
    default: ""
  data_loss_phrase:
    description:
      - What has to be typed before objects are pruned whose data dies with them (namespaces, volumes and their claims,
        CRDs, Kafka clusters, pools and topics, PostgreSQL clusters and databases), and before a setting is changed
        that makes Kafka delete messages (a lower C(retention.ms) or C(retention.bytes), a C(cleanup.policy) that
        newly deletes or compacts, of a topic or for all topics of a Kafka), or by which backups go that were
        kept so far (a lower C(retentionPolicy) of CloudNativePG, a lower C(retain) of VolSync).
      - The default is C(<name>@<inventory_hostname>).
      - A KafkaTopic with the annotation C(strimzi.io/managed) V("false") keeps its data and needs no confirmation.
    type: str
  concurrency:
    description: How many requests may be in flight.
    type: int
    default: 8
  keep_definitions:
    description:
      - Whether CustomResourceDefinitions that leave the set are kept, with every object of theirs, and only released
        from the set. Otherwise they are pruned like everything else, with the confirmation.
      - For operators that may be installed by other means later, as by a chart that brings the same definitions.
    type: bool
    default: false
  expected_namespaces:
    description: Like O(expected_kinds), for namespaces.
    type: list
    elements: str
    default: []
"""
