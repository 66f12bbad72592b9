# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter criteria."""

from __future__ import annotations

DOCUMENTATION = r"""
name: criteria
short_description: Which acceptance criteria a run is to measure
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Makes one list of what is asked for by a variable, by C(--tags) and by C(--skip-tags).
  - A criterion is C(ac1) to C(ac13), C(cnpg) or C(synergyflow_backend); a role stands for those that are its alone.
    Other names are refused, and passed over in C(--skip-tags).
positional: _input, tags, skip_tags
options:
  _input:
    description: >-
      What is asked for by a variable, as a list or as a text with commas; all criteria if that and O(tags) are empty.
    type: raw
    required: true
  tags:
    description: C(ansible_run_tags).
    type: list
    elements: str
    default: []
  skip_tags:
    description: C(ansible_skip_tags).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show what is measured
  ansible.builtin.debug:
    msg: "{{ ['AC6', 'ac9'] | synergyflow.platform.criteria(ansible_run_tags, ansible_skip_tags) }}"
"""

RETURN = r"""
_value:
  description: The criteria in lower case, in the order of the report.
  type: list
  elements: str
"""

import re
from collections.abc import Iterable
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.errors import ClusterError
from ..module_utils.evidence.criteria import selected


def criteria(only: Iterable[str], tags: Iterable[str] = (), skip_tags: Iterable[str] = ()) -> list[str]:
    """See DOCUMENTATION."""
    # -e validate_only=[ac6,ac9] is a text
    names = re.findall(r"[^\s,\[\]'\"]+", only) if isinstance(only, str) else only
    try:
        return selected(names, tags, skip_tags)
    except ClusterError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, Any]:
        return {"criteria": criteria}
