#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cnpg_backup
short_description: Take a base backup of a PostgreSQL cluster now, and wait for it
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Makes a Backup named C(<cluster>-manual-YYYYMMDD-HHMMSS) (UTC) of a Cluster that CloudNativePG runs, and waits
    until it is completed. Who takes it, the operator itself or plugin-barman-cloud, is read from the Cluster.
  - Fails as soon as the operator says that it failed, with the operator's reason, and when nobody takes it up.
  - Looks into the S3 store afterwards. A backup that is not there fails, whatever the operator says.
  - Each run takes another backup.
notes:
  - In the namespace it needs the permissions C(get) on C(clusters), C(objectstores) and C(secrets), C(get), C(create)
    and C(delete) on C(backups), and C(list) on C(pods).
requirements:
  - boto3 >= 1.35 (for RV(size))
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
attributes:
  check_mode:
    description: Can run in check mode and say what it would do, without doing it.
    support: full
    details: The Backup is sent to the API server as a dry run.
  diff_mode:
    description: Can show what has changed.
    support: none
    details: A backup changes nothing that could be compared.
  idempotent:
    description: Changes nothing when run again.
    support: none
    details: Each run takes another backup.
options:
  cluster:
    description: Name of the Cluster.
    type: str
    required: true
  namespace:
    description: Namespace of the Cluster.
    type: str
    required: true
  target:
    description:
      - Which instance takes the backup.
      - One from the primary is completed when the log that it needs is archived. For one from a replica the task waits
        until that is so, on a quiet server for as long as its C(archive_timeout).
    type: str
    choices: [primary, prefer-standby]
    default: primary
  timeout:
    description: Seconds until the backup must be completed. One that takes longer goes on, the task fails.
    type: int
    default: 1800
  operator_timeout:
    description: Seconds until the operator must have taken the backup up. Otherwise it is deleted again.
    type: int
    default: 30
  s3_endpoint:
    description: Address of the store as seen from the controller, where it is another one than for the instances.
    type: str
seealso:
  - module: synergyflow.platform.cnpg_backup_info
"""

EXAMPLES = r"""
- name: Take a backup before an upgrade
  synergyflow.platform.cnpg_backup:
    cluster: synergyflow-db
    namespace: synergyflow
    timeout: 3600
  register: taken
"""

RETURN = r"""
name:
  description: Name of the Backup.
  type: str
  returned: success
  sample: synergyflow-db-manual-20261121-143000
method:
  description: Who took it, C(plugin) or C(in_tree).
  type: str
  returned: success
  sample: in_tree
server_name:
  description: Name of the folder in the store.
  type: str
  returned: success
  sample: synergyflow-db
destination:
  description: Where it is.
  type: str
  returned: success
  sample: s3://synergyflow-backups/postgresql/
backup_id:
  description: The backup's id in the store.
  type: str
  returned: success, not in check mode
  sample: 20261121T143003
begin_wal:
  description: First segment of the log that the backup needs.
  type: str
  returned: success, not in check mode
  sample: "000000010000000000000004"
end_wal:
  description: Last segment of the log that the backup needs.
  type: str
  returned: success, not in check mode
  sample: "000000010000000000000004"
started:
  description: When it began.
  type: str
  returned: success, not in check mode
  sample: "2026-11-21T14:30:03+00:00"
stopped:
  description: When it ended.
  type: str
  returned: success, not in check mode
  sample: "2026-11-21T14:30:09+00:00"
instance:
  description: Name of the pod that took it.
  type: str
  returned: success, not in check mode
  sample: synergyflow-db-2
seconds:
  description: Seconds that the task took.
  type: float
  returned: success, not in check mode
  sample: 8.4
size:
  description: Bytes of the backup in the store. None when the store cannot be looked into.
  type: int
  returned: success, not in check mode
  sample: 8421376
size_unknown_because:
  description: Why the store could not be looked into.
  type: str
  returned: when it could not
msg:
  description: What was done in a sentence.
  type: str
  returned: always
  sample: Backup synergyflow-db-manual-20261121-143000 was taken in 8 s.
"""
