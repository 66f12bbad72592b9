# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter user_acls."""

from __future__ import annotations

DOCUMENTATION = r"""
name: user_acls
short_description: Write the ACL rules of a Kafka user out in full
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Turns a rule for several names (C(resource.names)) into one rule for each name, as a KafkaUser has them.
positional: _input
options:
  _input:
    description:
      - Rules as in a KafkaUser, each with C(resource) and C(operations).
      - C(resource.names), a list, may stand in the place of C(resource.name).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the rules for two topics
  ansible.builtin.debug:
    msg: "{{ acls | synergyflow.platform.user_acls }}"
  vars:
    acls:
      - resource: {type: topic, names: [user-events, team-events]}
        operations: [Read, Describe]
"""

RETURN = r"""
_value:
  description: The rules, one for each name.
  type: list
  elements: dict
  sample:
    - resource: {type: topic, name: user-events, patternType: literal}
      operations: [Read, Describe]
"""

from typing import Any

from ..module_utils.topics_and_users import user_acls


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, Any]:
        return {"user_acls": user_acls}
