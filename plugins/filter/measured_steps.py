# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter measured_steps."""

from __future__ import annotations

DOCUMENTATION = r"""
name: measured_steps
short_description: What has to be run to measure acceptance criteria
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Says which tasks of which roles measure a list of criteria, in the order in which they disturb each other least.
options:
  _input:
    description: Criteria as the filter P(synergyflow.platform.criteria#filter) returns them.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show what is run
  ansible.builtin.debug:
    msg: "{{ ['ac6', 'ac9'] | synergyflow.platform.measured_steps }}"
"""

RETURN = r"""
_value:
  description: C(role), and C(tasks), the name of a file of its tasks.
  type: list
  elements: dict
"""

from typing import Any

from ..module_utils.evidence.criteria import steps_for


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, Any]:
        return {"measured_steps": steps_for}
