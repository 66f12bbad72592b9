#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: evidence_report
short_description: Gather the evidence of all clusters, and write the report
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Takes the registered results of checks from every host of the play and makes one table of their records, with the
    reason below for each that is not passed.
  - Finds out who is to blame. A criterion that cannot be met while another part of the platform is broken is
    C(blocked), and names that part in C(blocked_by); the part itself has failed, and is told even if it was not asked
    for.
  - A role that a host has switched off (C(<role>_enabled)) has one record there, C(skipped), unless a part of the
    criteria was asked for by name.
  - Writes a report if O(directory) is given. It is a folder for this run with C(report.html), which needs neither
    network nor scripts, C(report.json) (see docs/report.schema.json), C(junit.xml) for continuous integration and
    C(report.md) for a merge request. The newest report there that looked at the same clusters and criteria is compared
    with it.
  - Run it once. It does not fail for a criterion that was not met; RV(counts) tells.
requirements:
  - matplotlib (for the plots; without it the report has their numbers as a table)
attributes:
  check_mode:
    description: Can run in check mode without changing anything.
    support: full
    details: It only reads; no file is written in check mode.
  diff_mode:
    description: Can show what has changed.
    support: none
    details: Nothing is changed.
  idempotent:
    description: Gives the same result each time the same is run.
    support: partial
    details: Each run has a report of its own.
options:
  results:
    description:
      - Names of the variables that the checks registered; each has C(evidence), and C(facts), C(topics) or C(backups)
        for what the report shows beside it. A host may lack any of them.
    type: list
    elements: str
    required: true
  broken_off:
    description:
      - Name of a variable that a host has when checks were broken off, holding the reason by role. Each is a failed
        record.
    type: str
  only:
    description: Criteria to report, such as C(ac6); all if it is empty.
    type: list
    elements: str
    default: []
  started:
    description: When the measuring began, in ISO 8601 with a time zone; the report then says how long it took.
    type: str
  directory:
    description:
      - Folder in which each run has a folder for its report, named by the time. One that cannot be written to is told
        in RV(shortcomings).
    type: path
  path:
    description: File to write the report to as JSON alone, in one piece or not at all.
    type: path
  finished:
    description:
      - Whether this is the end of the run. If not, what was measured so far is written to C(unfinished.json) in
        O(directory), and nothing else; that file goes when a report is written. It is what is left of a run that is
        interrupted.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Gather the evidence of all clusters
  synergyflow.platform.evidence_report:
    results: [__strimzi_evidence, __kafka_cluster_evidence]
    directory: evidence
  register: platform_evidence
  run_once: true
"""

RETURN = r"""
counts:
  description: How many records have each status.
  type: dict
  returned: success
  sample: {passed: 20, failed: 0, skipped: 1, blocked: 2}
verdict:
  description: >-
    C(failed) if a criterion was not met, C(incomplete) if something else is in RV(shortcomings), else C(passed).
  type: str
  returned: success
  sample: passed
evidence:
  description: The records by host.
  type: dict
  returned: success
shortcomings:
  description: >-
    A sentence for each reason why the evidence is not enough: criteria that were not met, that could not be measured
    for another reason than a stand-in or a broken part, criteria asked for (O(only)) and roles switched on of which
    nothing was measured, or a report that could not be written. Empty if all is well.
  type: list
  elements: str
  returned: success
table:
  description: All records as an aligned table, what is to be said about some of them, and where the report is.
  type: str
  returned: success
directory:
  description: The folder of this run's report.
  type: str
  returned: when O(directory) is given, not in check mode
report:
  description: The HTML page in it.
  type: str
  returned: when O(directory) is given, not in check mode
path:
  description: The file that was written.
  type: str
  returned: when O(path) is given, not in check mode
"""
