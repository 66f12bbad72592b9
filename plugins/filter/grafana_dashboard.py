# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter grafana_dashboard."""

from __future__ import annotations

DOCUMENTATION = r"""
name: grafana_dashboard
short_description: Write a title and a few panels as a dashboard of Grafana
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Makes Grafana's JSON of a dashboard with a choice of data source and cluster, two panels in a row.
positional: _input, uid
options:
  _input:
    description:
      - C(title) and C(panels), each with C(title), C(expr) and C(unit). C($cluster) in an expression is the choice.
    type: dict
    required: true
  uid:
    description: Identifier of the dashboard, which its address has.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show a dashboard
  ansible.builtin.debug:
    msg: "{{ {'title': 'Up', 'panels': panels} | synergyflow.platform.grafana_dashboard('up') }}"
  vars:
    panels:
      - {title: Pods that answer, unit: short, expr: 'sum by (job) (up{cluster="$cluster"})'}
"""

RETURN = r"""
_value:
  description: The dashboard as JSON.
  type: str
"""

from typing import Any

from ..module_utils.grafana_dashboard import grafana_dashboard


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, Any]:
        return {"grafana_dashboard": grafana_dashboard}
