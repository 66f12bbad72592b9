#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: evidence_report
short_description: Gather the evidence of all clusters
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Takes the registered results of checks from every host of the play and makes one table of their records, with the
    reason below for each that is not passed.
  - Writes the records as JSON if O(path) is given.
  - Run it once. It does not fail for a criterion that was not met; RV(counts) tells.
attributes:
  check_mode:
    description: Can run in check mode without changing anything.
    support: full
    details: It only reads; the file of O(path) is not written in check mode.
  diff_mode:
    description: Can show what has changed.
    support: none
    details: Nothing is changed.
  idempotent:
    description: Gives the same result each time the same is run.
    support: full
options:
  results:
    description: Names of the variables that the checks registered; each has C(evidence). A host may lack any of them.
    type: list
    elements: str
    required: true
  broken_off:
    description:
      - Name of a variable that a host has when its checks were broken off, holding the reason. That is a failed record.
    type: str
  path:
    description: File to write the records to as JSON, in one piece or not at all.
    type: path
"""

EXAMPLES = r"""
- name: Gather the evidence of all clusters
  synergyflow.platform.evidence_report:
    results: [__strimzi_evidence, __kafka_cluster_evidence]
    path: evidence.json
  register: platform_evidence
  run_once: true
"""

RETURN = r"""
counts:
  description: How many records have each status.
  type: dict
  returned: success
  sample: {passed: 20, failed: 0, skipped: 1, blocked: 2}
evidence:
  description: The records by host.
  type: dict
  returned: success
shortcomings:
  description: >-
    A sentence for each reason why the evidence is not enough: criteria that were not met, that could not be measured
    for another reason than a stand-in, or hosts on which nothing was measured. Empty if all is well.
  type: list
  elements: str
  returned: success
table:
  description: All records as an aligned table, and what is to be said about some of them.
  type: str
  returned: success
path:
  description: The file that was written.
  type: str
  returned: when O(path) is given, not in check mode
"""
