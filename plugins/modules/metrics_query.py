# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: metrics_query
short_description: Ask a store of metrics, and say what must come of it
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Sends an expression (PromQL, MetricsQL) to a store with Prometheus' API, such as VictoriaMetrics, and compares the
    answer with what is expected.
  - No data is never as expected, unless O(absent) says so. A store that does not answer, or has only a part of the
    answer, fails the task whatever is expected.
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
    description: The expression. Its result must have one value a series; for a range take a function such as C(rate()).
    type: str
    required: true
  time:
    description: When to evaluate it, as RFC 3339 or seconds since 1970. By default now.
    type: str
    default: ""
  value:
    description: What the value of each series must be, a comparison with a number. A value that is no number fits none.
    type: str
    default: ""
  service:
    description: Name of the store's Service.
    type: str
    default: victoria-metrics
  port:
    description: Port of the store's Service. It speaks plain HTTP; for TLS give O(url).
    type: int
    default: 8428
  path:
    description: Path of the API behind O(service) and O(port), such as C(/select/0/prometheus).
    type: str
    default: ""
  at_least:
    description: How many series there must be. By default one, unless O(absent) is set.
    type: int
  at_most:
    description: How many series there may be.
    type: int
  absent:
    description:
      - Expect no series. That holds as well where nothing was ever collected; ask for the presence of something beside
        it.
    type: bool
    default: false
seealso:
  - module: synergyflow.platform.logs_query
"""

EXAMPLES = r"""
- name: Three instances of PostgreSQL are scraped on apps
  synergyflow.platform.metrics_query:
    url: http://metrics.infra.example.com:8428
    query: up{cluster="apps", job="postgresql"}
    at_least: 3
    value: ">= 1"

- name: Nothing was dropped, by a port-forward to the store
  synergyflow.platform.metrics_query:
    context: infra
    query: sum(vm_persistentqueue_blocks_dropped_total{cluster="apps"})
    value: "== 0"
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
series:
  description: The series, each with its C(labels) and its C(value), which is a string when it is no finite number.
  type: list
  elements: dict
  returned: when the store answered
  sample:
    - labels: {job: postgresql, pod: synergyflow-db-1}
      value: 1.0
evidence:
  description:
    - One record, as C(validate.yml) gathers them. C(status) is C(passed) or C(failed).
  type: list
  elements: dict
  returned: when the store answered
  sample:
    - id: metrics_query
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
