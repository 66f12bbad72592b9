# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter scrape_configs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: scrape_configs
short_description: Write jobs of an inventory as scrape_configs of Prometheus
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Makes of every job a scrape configuration that finds its pods by the API server.
positional: _input, drop
options:
  _input:
    description: Jobs as the role C(obs_collectors) takes them in C(obs_collectors_scrape_jobs).
    type: list
    elements: dict
    required: true
  drop:
    description: Regular expression of names of metrics that are not kept.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show what vmagent is given
  ansible.builtin.debug:
    msg: "{{ obs_collectors_scrape_jobs | synergyflow.platform.scrape_configs('go_.+') }}"
"""

RETURN = r"""
_value:
  description: The value of C(scrape_configs).
  type: list
  elements: dict
"""

from typing import Any

from ..module_utils.scrape_jobs import scrape_configs


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, Any]:
        return {"scrape_configs": scrape_configs}
