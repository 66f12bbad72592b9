#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cnpg_backup_info
short_description: Say how the backups of a PostgreSQL cluster are, and look whether they are there
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Tells of a Cluster that CloudNativePG runs how old the last good base backup is, from when on the database can be
    recovered, whether the write-ahead log is archived and up to where, when the next backup comes, and all its backups.
  - Works for backups by the operator itself (C(barmanObjectStore)) and by plugin-barman-cloud, which keep the answers
    in different places.
  - Looks into the S3 store for the objects of the last good backup, and for the log without which it cannot be
    restored. A backup that the operator calls completed and whose objects are gone fails.
  - Never changes anything.
notes:
  - In the namespace it needs the permissions C(get) on C(clusters), C(objectstores) and C(secrets), C(list) on
    C(backups), C(scheduledbackups) and C(pods).
  - The store is looked into with the keys that the instances use, from the Secret that the Cluster or ObjectStore
    names.
requirements:
  - boto3 >= 1.35 (for O(verify_objects))
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
  - synergyflow.platform.attributes.read_only
options:
  cluster:
    description: Name of the Cluster.
    type: str
    required: true
  namespace:
    description: Namespace of the Cluster.
    type: str
    required: true
  max_age_hours:
    description: Hours after which the last good base backup is too old.
    type: float
    default: 26
  verify_objects:
    description: Whether to look into the store.
    type: bool
    default: true
  s3_endpoint:
    description: Address of the store as seen from the controller, where it is another one than for the instances.
    type: str
  fail:
    description:
      - Whether the task fails when the backups are not well.
      - If not, an error that breaks it off, such as an API server that does not answer, is told in RV(evidence) too.
        Options that make no sense always fail.
    type: bool
    default: true
  timeout:
    description: Seconds within which the cluster must have answered.
    type: int
    default: 60
seealso:
  - module: synergyflow.platform.cnpg_backup
  - module: synergyflow.platform.cnpg_restore
"""

EXAMPLES = r"""
- name: Fail if the last good backup is older than a day, or not in the store
  synergyflow.platform.cnpg_backup_info:
    cluster: synergyflow-db
    namespace: synergyflow
    max_age_hours: 24

- name: Learn from when on the database can be recovered
  synergyflow.platform.cnpg_backup_info:
    cluster: synergyflow-db
    namespace: synergyflow
    fail: false
  register: backups
"""

RETURN = r"""
method:
  description: Who takes the backups, C(plugin) or C(in_tree).
  type: str
  returned: when the Cluster has backups
  sample: plugin
server_name:
  description: Name of the folder in the store.
  type: str
  returned: when the Cluster has backups
  sample: synergyflow-db
destination:
  description: Where the backups go.
  type: str
  returned: when the Cluster has backups
  sample: s3://synergyflow-backups/postgresql/
archiving:
  description: Whether the operator says that the write-ahead log is archived.
  type: bool
  returned: when the Cluster has backups
last_archived_wal:
  description: The segment of the log that was archived last. None when the store was not looked into.
  type: str
  returned: when the Cluster has backups
  sample: "000000010000000000000007"
last_archived_at:
  description: When it was archived.
  type: str
  returned: when the Cluster has backups
  sample: "2026-11-21T10:04:11+00:00"
last_successful:
  description: When the last good base backup ended.
  type: str
  returned: when the Cluster has backups
  sample: "2026-11-21T02:00:09+00:00"
last_failed:
  description: When the last base backup failed. None when none did, or it is not known.
  type: str
  returned: when the Cluster has backups
age_hours:
  description: Hours since the last good base backup ended.
  type: float
  returned: when the Cluster has backups
  sample: 8.07
first_recoverability_point:
  description: The first moment that the database can be recovered to.
  type: str
  returned: when the Cluster has backups
  sample: "2026-10-22T02:00:05+00:00"
next_schedule:
  description: When the next base backup comes, as far as the operator names it.
  type: str
  returned: when the Cluster has backups
  sample: "2026-11-22T02:00:00Z"
last_backup:
  description: Name of the last good Backup that still exists.
  type: str
  returned: when the Cluster has backups
  sample: synergyflow-db-daily-20261121020000
last_backup_size:
  description: Bytes of that backup in the store.
  type: int
  returned: when the Cluster has backups
  sample: 8421376
missing_objects:
  description: What of that backup is not in the store.
  type: list
  elements: str
  returned: when the Cluster has backups
  sample: []
backups:
  description: All Backups of the Cluster, the newest first.
  type: list
  elements: dict
  returned: when the Cluster has backups
  sample:
    - name: synergyflow-db-daily-20261121020000
      phase: completed
      method: plugin
      backup_id: 20261121T020003
      started: "2026-11-21T02:00:03+00:00"
      stopped: "2026-11-21T02:00:09+00:00"
      seconds: 6.0
      error:
      created: "2026-11-21T02:00:00Z"
passed:
  description:
    - Whether every criterion is met. One that could not be measured (C(blocked)) is not, and C(msg) says which.
  type: bool
  returned: when the Cluster has backups
msg:
  description: What was found in a sentence.
  type: str
  returned: always
  sample: The last good backup of synergyflow-db is 8.1 h old.
evidence:
  description:
    - One record for each criterion. C(status) is one of C(passed), C(failed), C(skipped), C(blocked).
    - C(stand_in) names what is not the real thing where this was measured, as in a rehearsal.
  type: list
  elements: dict
  returned: when the Cluster has backups
  sample:
    - id: DB-backup-stored
      title: Last good base backup is in the store
      status: failed
      observed: incomplete
      expected: complete
      unit: ""
      seconds: 0.21
      detail: Backup synergyflow-db-daily-20261121020000 is completed, and the store has no
        postgresql/synergyflow-db/base/20261121T020003/data.tar*
      stand_in: []
"""
