#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cnpg_restore
short_description: Restore a PostgreSQL database to a new cluster, and ask it whether it is the right one
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Makes a new Cluster of CloudNativePG from the backups of another one, to a point in time if one is given, waits
    until it is ready, and asks it a question that the caller knows the answer of.
  - Nothing of the other Cluster is touched. A Cluster that exists is never written to.
  - The new Cluster has the other's image, settings, resources and storage. Its own backups go under a server name that
    nobody has used, as the archive of another server cannot be continued.
  - Fails when the recovery has failed twice, with the end of its log, and leaves the new Cluster to be looked at.
notes:
  - In the namespace it needs the permissions C(get) and C(create) on C(clusters), C(get) on C(objectstores), C(secrets)
    and C(services), C(list) on C(backups), C(scheduledbackups), C(jobs) and C(pods), C(get) and C(create) on
    C(pods/portforward).
  - The Cluster whose backups are restored must still be there as an object, as it says where they are.
requirements:
  - psycopg[binary] >= 3.2 (for O(query))
  - boto3 >= 1.35 (to see how far the log reaches)
  - kubernetes >= 29 (for the port-forward)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
attributes:
  check_mode:
    description: Can run in check mode and say what it would do, without doing it.
    support: full
    details: The new Cluster is sent to the API server as a dry run.
  diff_mode:
    description: Can show what has changed.
    support: none
    details: A new Cluster has nothing to be compared with.
  idempotent:
    description: Changes nothing when run again.
    support: none
    details: A second run is refused, as the new Cluster is there.
options:
  cluster:
    description: Name of the Cluster whose backups are restored.
    type: str
    required: true
  namespace:
    description: Namespace of both Clusters.
    type: str
    required: true
  name:
    description: Name of the new Cluster.
    type: str
    required: true
  target_time:
    description:
      - Moment to recover to, as in RFC 3339 with a time zone, such as C(2026-11-21T14:30:00Z). Without it everything
        that was archived is recovered.
      - It must lie between the first recoverability point and now, and the archived log must reach beyond it.
    type: str
  instances:
    description: Number of instances of the new Cluster.
    type: int
    default: 1
  backup:
    description: Whether the new Cluster archives its log and can be backed up, under a server name of its own.
    type: bool
    default: true
  query:
    description: What to ask the restored database. Only a question (C(SELECT), C(TABLE), C(VALUES), C(WITH), C(SHOW)).
    type: str
  expected:
    description:
      - What O(query) should answer, or the task fails. A value for an answer of one row and column, a list of values
        for one column, else a list of rows. Values are compared as text.
    type: raw
  database:
    description: Database that is asked. By default the one that the source was made with.
    type: str
  secret:
    description: Secret with C(username) and C(password) of the user who asks. By default the owner's.
    type: str
  s3_endpoint:
    description: Address of the store as seen from the controller, where it is another one than for the instances.
    type: str
  timeout:
    description: Seconds until the new Cluster must be ready.
    type: int
    default: 1800
seealso:
  - module: synergyflow.platform.cnpg_backup_info
"""

EXAMPLES = r"""
- name: Restore the database to the moment before the mistake, and see that the orders are there
  synergyflow.platform.cnpg_restore:
    cluster: synergyflow-db
    namespace: synergyflow
    name: synergyflow-db-restored
    target_time: "2026-11-21T14:29:00Z"
    query: SELECT count(*) FROM orders
    expected: 1200
"""

RETURN = r"""
name:
  description: Name of the new Cluster.
  type: str
  returned: success
  sample: synergyflow-db-restored
source_server_name:
  description: Name of the folder in the store that was restored.
  type: str
  returned: success
  sample: synergyflow-db
server_name:
  description: Name of the folder in the store that the new Cluster backs up to. None without O(backup).
  type: str
  returned: success
  sample: synergyflow-db-restored-20261121150102
target_time:
  description: The moment as it was given to the operator, in UTC.
  type: str
  returned: success
  sample: "2026-11-21T14:29:00.000000Z"
seconds:
  description: Seconds until the new Cluster was ready.
  type: float
  returned: success, not in check mode
  sample: 41.2
answer:
  description: What O(query) answered, in its shortest form.
  type: raw
  returned: with O(query), not in check mode
  sample: "1200"
rows:
  description: What O(query) answered, by row and column, values as text.
  type: list
  elements: dict
  returned: not in check mode
  sample: [{count: "1200"}]
msg:
  description: What was done in a sentence.
  type: str
  returned: always
  sample: Cluster synergyflow-db-restored is restored and holds what it should.
evidence:
  description: One record, whether the answer was the expected one.
  type: list
  elements: dict
  returned: with O(query), not in check mode
  sample:
    - id: DB-restore
      title: Restored database holds what it should
      status: passed
      observed: "1200"
      expected: 1200
      unit: ""
      seconds: 41.2
      detail: "synergyflow-db-restored: SELECT count(*) FROM orders"
      stand_in: []
"""
