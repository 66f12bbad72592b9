#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cnpg_database_check
short_description: Ask a PostgreSQL database whether it is as it should be
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Logs in to the database of a Cluster that CloudNativePG runs, and asks it which extensions and schemas it has,
    whom it belongs to, how many replicas follow the primary and how far they are behind, and whether its log is
      archived.
  - Tries whether the primary takes writes, also through a connection pool, by a transaction that makes a temporary
    table and leaves nothing. In check mode this is left out.
  - The objects of Kubernetes say what was wished for. This asks what is there.
  - Runs in the controller. The database is reached through a port-forward of the API server, over TLS, with the
    certificate checked against the Cluster's own CA and the name of the Service. The pool's certificate is checked
    against the CA alone, as it does not have the name of the pool's Service.
notes:
  - In the namespace it needs the permissions C(get) on C(clusters), C(secrets) and C(services), C(list) on C(pods),
    C(get) and C(create) on C(pods/portforward).
  - The user needs the role C(pg_monitor) for the replicas, and no right on any data.
requirements:
  - psycopg[binary] >= 3.2
  - kubernetes >= 29 (for the port-forward)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
  - synergyflow.platform.attributes.read_only
attributes:
  check_mode:
    support: full
    details: It does not try to write in check mode.
options:
  cluster:
    description: Name of the Cluster.
    type: str
    required: true
  namespace:
    description: Namespace of the Cluster.
    type: str
    required: true
  database:
    description: Name of the database. By default the one that the Cluster was made with.
    type: str
  owner:
    description: Role that the database and its schemas should belong to. By default the one that the Cluster was made
      with.
    type: str
  secret:
    description:
      - Secret with C(username) and C(password) of the user to log in as. By default the owner's, who may not see the
        replicas' lag.
    type: str
  extensions:
    description: Extensions that should be in the database.
    type: list
    elements: str
    default: []
  schemas:
    description: Schemas that should be in the database and belong to the owner.
    type: list
    elements: str
    default: []
  max_lag:
    description: Seconds that a replica may be behind.
    type: float
    default: 30
  pooler:
    description: Service of a connection pool in front of the primary. Without it none is tried.
    type: str
  fail:
    description:
      - Whether the task fails when a criterion is not met.
      - If not, an error that breaks it off, such as an API server that does not answer, is told in RV(evidence) too.
        Options that make no sense always fail.
    type: bool
    default: true
  timeout:
    description: Seconds within which the cluster must have answered.
    type: int
    default: 60
seealso:
  - module: synergyflow.platform.cnpg_backup_info
"""

EXAMPLES = r"""
- name: Ask the database
  synergyflow.platform.cnpg_database_check:
    cluster: synergyflow-db
    namespace: synergyflow
    secret: synergyflow-db-check
    extensions: [uuid-ossp, pg_stat_statements, pg_trgm]
    schemas: [flowable]
    pooler: synergyflow-db-pooler-rw
"""

RETURN = r"""
passed:
  description:
    - Whether every criterion is met. One that could not be measured (C(blocked)) is not, and C(msg) says which.
  type: bool
  returned: always, unless the API server cannot be reached
database:
  description: Name, owner and version of the database.
  type: dict
  returned: always, unless the API server cannot be reached
  sample: {name: synergyflow, owner: synergyflow, in_recovery: false, version: "16.15", read_only: "off"}
extensions:
  description: The extensions that are in the database, with their versions.
  type: dict
  returned: always, unless the API server cannot be reached
  sample: {pg_trgm: "1.6"}
schemas:
  description: The schemas that are in the database, with their owners.
  type: dict
  returned: always, unless the API server cannot be reached
  sample: {flowable: synergyflow}
replicas:
  description: The replicas that follow the primary.
  type: list
  elements: dict
  returned: always, unless the API server cannot be reached
  sample:
    - name: synergyflow-db-2
      state: streaming
      sync_state: async
      lag_seconds: 0.01
      lag_bytes: 0
msg:
  description: What was found in a sentence.
  type: str
  returned: always
  sample: "Database synergyflow of synergyflow-db is not as expected: Extensions are in the database: missing: pg_trgm."
evidence:
  description:
    - One record for each criterion. C(status) is one of C(passed), C(failed), C(skipped), C(blocked).
    - C(stand_in) names what is not the real thing where this was measured, as in a rehearsal.
  type: list
  elements: dict
  returned: always, unless the API server cannot be reached
  sample:
    - id: DB-extensions
      title: Extensions are in the database
      status: failed
      observed: 2
      expected: 3
      unit: extensions
      seconds: 0.3
      detail: "missing: pg_trgm"
      stand_in: []
"""
