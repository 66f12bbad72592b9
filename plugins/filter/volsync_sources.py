# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter volsync_sources."""

from __future__ import annotations

DOCUMENTATION = r"""
name: volsync_sources
short_description: Write the backed-up volumes of an inventory out in full
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Gives every source what it leaves out, the name of its repository Secret, and a repository path of its own.
positional: _input, defaults
options:
  _input:
    description: Sources with C(name), C(namespace), C(pvc) and what differs from the role's variables.
    type: list
    elements: dict
    required: true
  defaults:
    description: The role's variables by name.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what the role volsync makes of its sources
  ansible.builtin.debug:
    msg: "{{ volsync_sources | synergyflow.platform.volsync_sources(__volsync_defaults) }}"
"""

RETURN = r"""
_value:
  description: The sources, with C(schedule), C(retain), C(copy_method), C(secret), C(repository) and the rest.
  type: list
  elements: dict
"""

from typing import Any

from ..module_utils.volsync_sources import volsync_sources


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, Any]:
        return {"volsync_sources": volsync_sources}
