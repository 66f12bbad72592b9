# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Which pods the process node runs as processes; KWOK leaves these to it and runs all others.

A pod belongs to the process node when the image of any of its containers matches. KWOK's Stages are given the same
expression, so it must be one that both Python's `re` and Go's `regexp` (RE2) understand.
"""

from __future__ import annotations

import re
from typing import Any

PATTERN = r"(^|/)strimzi/(kafka|operator):"

_IMAGE = re.compile(PATTERN)


def claimed(pod: dict[str, Any]) -> bool:
    """Whether the pod is one for the process node."""
    return any(_IMAGE.search(container.get("image") or "") for container in pod["spec"].get("containers") or [])
