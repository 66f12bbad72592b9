# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: logs_query
short_description: Ask a store of logs, and say what must come of it
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Sends a query in LogsQL to VictoriaLogs, and compares the number of lines with what is expected.
  - No line is never as expected, unless O(absent) says so. A store that does not answer fails the task whatever is
    expected.
  - Runs in the controller. Only reads.
notes:
  - Without O(url) it needs the permissions C(get) on C(services), C(list) on C(pods), and C(get) and C(create) on
    C(pods/portforward) in O(namespace).
requirements:
  - requests
  - kubernetes >= 29 (for the port-forward)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
  - synergyflow.platform.attributes.read_only
  - synergyflow.platform.store
options:
  query:
    description: The query, such as C(_stream:{cluster="apps"} error). Rows are counted when it ends in other pipes.
    type: str
    required: true
  start:
    description: From when on, as so long ago (C(15m), C(2h)) or as a time with its zone (C(2026-11-21T12:00:00Z)).
    type: str
    default: 15m
  end:
    description: Until when, in the same ways. By default now.
    type: str
    default: ""
  limit:
    description: How many of the lines are returned; all are counted.
    type: int
    default: 10
  service:
    description: Name of the store's Service.
    type: str
    default: victoria-logs
  port:
    description: Port of the store's Service. It speaks plain HTTP; for TLS give O(url).
    type: int
    default: 9428
  path:
    description: Path of the API behind O(service) and O(port), such as C(/logs).
    type: str
    default: ""
  at_least:
    description: How many lines there must be. By default one, unless O(absent) is set.
    type: int
  at_most:
    description: How many lines there may be.
    type: int
  absent:
    description:
      - Expect no lines. That holds as well where nothing was ever collected; ask for the presence of something beside
        it.
    type: bool
    default: false
seealso:
  - module: synergyflow.platform.metrics_query
"""

EXAMPLES = r"""
- name: Lines of apps have arrived in the last ten minutes
  synergyflow.platform.logs_query:
    url: http://logs.infra.example.com:9428
    query: '_stream:{cluster="apps", namespace="messaging"}'
    start: 10m
    at_least: 100

- name: Nobody was refused by PostgreSQL
  synergyflow.platform.logs_query:
    context: infra
    query: '_stream:{cluster="apps", namespace="synergyflow"} "password authentication failed"'
    start: 1h
    absent: true
"""

RETURN = r"""
passed:
  description: Whether the answer is as expected.
  type: bool
  returned: when the store answered
  sample: true
count:
  description: How many were found.
  type: int
  returned: when the store answered
  sample: 3
lines:
  description: Some of the lines, each with its fields; C(_msg) is the text.
  type: list
  elements: dict
  returned: when the store answered
  sample:
    - {_msg: ready to accept connections, _time: "2026-11-21T12:00:00Z", cluster: apps, pod: synergyflow-db-1}
start:
  description: From when on lines were looked for.
  type: str
  returned: when the store answered
  sample: "2026-11-21T11:45:00Z"
end:
  description: Until when lines were looked for.
  type: str
  returned: when the store answered
  sample: "2026-11-21T12:00:00Z"
evidence:
  description:
    - One record, as C(validate.yml) gathers them. C(status) is C(passed) or C(failed).
  type: list
  elements: dict
  returned: when the store answered
  sample:
    - id: logs_query
      title: Instances of PostgreSQL answer
      status: passed
      observed: 3
      expected: at least 3
      unit: ""
      seconds: 0.012
      detail: ""
      stand_in: []
msg:
  description: What was found, in a sentence.
  type: str
  returned: always
  sample: "Instances of PostgreSQL answer: as expected, at least 3 series each >= 1."
"""
