# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter identities."""

from __future__ import annotations

DOCUMENTATION = r"""
name: identities
short_description: Only what names the objects
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Leaves of each Kubernetes object its C(apiVersion), C(kind), name and namespace, which is all that
    M(synergyflow.platform.ready) needs. Handing on megabytes of CRDs as a task's argument costs seconds.
positional: _input
options:
  _input:
    description: Kubernetes objects.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Wait until everything is ready
  synergyflow.platform.ready:
    objects: "{{ rendered.objects | synergyflow.platform.identities }}"
"""

RETURN = r"""
_value:
  description: The objects without their content.
  type: list
  elements: dict
  sample:
    - {apiVersion: v1, kind: Namespace, metadata: {name: messaging}}
"""

from collections.abc import Iterable, Mapping
from typing import Any


def identities(objects: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The objects without their content."""
    return [
        {
            "apiVersion": found["apiVersion"],
            "kind": found["kind"],
            "metadata": {key: found["metadata"][key] for key in ("name", "namespace") if key in found["metadata"]},
        }
        for found in objects
    ]


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, Any]:
        return {"identities": identities}
