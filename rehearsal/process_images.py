# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Which pods the process node runs as processes; KWOK leaves these to it and runs all others.

A pod belongs to the process node when the image of any of its containers matches. KWOK's Stages are given the same
expression, so it must be one that both Python's `re` and Go's `regexp` (RE2) understand.
"""

from __future__ import annotations

import re
from typing import Any

PATTERN = "|".join(
    (
        r"(^|/)strimzi/(kafka|operator):",
        r"(^|/)confluentinc/cp-schema-registry:",
        r"(^|/)backube/volsync:",
        r"(^|/)library/busybox:1\.37\.0-musl$",
        r"(^|/)synergyflow-backend([:@]|$)",
        r"(^|/)external-secrets/external-secrets:",
        r"(^|/)controlplaneio-fluxcd/flux-operator:",
        r"(^|/)fluxcd/(source|kustomize|helm|notification)-controller:",
        r"(^|/)cloudnative-pg/(cloudnative-pg|postgresql|pgbouncer):",
        r"(^|/)victoriametrics/(victoria-metrics|victoria-logs|vmagent):",
        r"(^|/)fluent/fluent-bit:",
    )
)

_IMAGE = re.compile(PATTERN)


def claimed(pod: dict[str, Any]) -> bool:
    """Whether the pod is one for the process node."""
    return any(_IMAGE.search(container.get("image") or "") for container in pod["spec"].get("containers") or [])
