# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter measured_roles."""

from __future__ import annotations

DOCUMENTATION = r"""
name: measured_roles
short_description: Which roles have something to say on acceptance criteria
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Says which roles have to be measured for a list of criteria, in the order of the platform's birth.
options:
  _input:
    description: Criteria as the filter P(synergyflow.platform.criteria#filter) returns them.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show which roles are measured
  ansible.builtin.debug:
    msg: "{{ ['ac6', 'ac9'] | synergyflow.platform.measured_roles }}"
"""

RETURN = r"""
_value:
  description: Names of roles.
  type: list
  elements: str
"""

from typing import Any

from ..module_utils.evidence.criteria import roles_for


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, Any]:
        return {"measured_roles": roles_for}
