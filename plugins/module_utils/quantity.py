# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes quantities: "500m" cores, "4Gi" bytes.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(1000),
    "M": Decimal(1000) ** 2,
    "G": Decimal(1000) ** 3,
    "T": Decimal(1000) ** 4,
    "P": Decimal(1000) ** 5,
    "E": Decimal(1000) ** 6,
    "Ki": Decimal(1024),
    "Mi": Decimal(1024) ** 2,
    "Gi": Decimal(1024) ** 3,
    "Ti": Decimal(1024) ** 4,
    "Pi": Decimal(1024) ** 5,
    "Ei": Decimal(1024) ** 6,
}
PATTERN = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$")


def quantity(value: Any) -> Decimal:
    """A quantity as a number in its base unit. Raises ValueError for what is none."""
    match = PATTERN.match(str(value).strip())
    if not match:
        raise ValueError(f"{value!r} is no Kubernetes quantity such as 500m, 2 or 4Gi")
    return Decimal(match.group(1)) * SUFFIXES[match.group(2) or ""]


def pod_requests(pod: Mapping[str, Any]) -> dict[str, Decimal]:
    """CPU (cores) and memory (bytes) that the scheduler reserves for a pod.

    The containers run together, the plain init containers one after another before them, and the restartable ones
    (sidecars) beside both: https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
    """
    spec = pod.get("spec") or {}
    total: dict[str, Decimal] = {}
    for name in ("cpu", "memory"):
        running = sum((_request(container, name) for container in spec.get("containers") or []), Decimal(0))
        sidecars = peak = Decimal(0)
        for container in spec.get("initContainers") or []:
            wanted = _request(container, name)
            if container.get("restartPolicy") == "Always":
                sidecars += wanted
                peak = max(peak, sidecars)
            else:
                peak = max(peak, sidecars + wanted)
        total[name] = max(running + sidecars, peak) + quantity((spec.get("overhead") or {}).get(name, 0))
    return total


def _request(container: Mapping[str, Any], name: str) -> Decimal:
    return quantity(((container.get("resources") or {}).get("requests") or {}).get(name, 0))
