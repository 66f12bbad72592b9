# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Addresses of pods and Services on this machine: what has 10.a.b.c in the cluster is at 127.a.b.c here.

Kubernetes takes no loopback address for a pod, and there is no pod network: programs that need a well-known port on an
address of their own listen on the loopback twin of their pod's.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from rehearsal.paths import Paths


def loopback(address: str) -> str:
    """The twin of a pod's address."""
    first, _, rest = address.partition(".")
    if first != "10":
        raise ValueError(f"{address} is not the address of a pod")
    return f"127.{rest}"


def of_service(paths: Paths, cluster: str, namespace: str, name: str) -> str:
    """Where a Service is reached: above the twins of pods, the same address as long as it has its name."""
    digest = hashlib.sha256(f"{paths.state}\0{cluster}\0{namespace}\0{name}".encode()).digest()
    return f"127.{192 + digest[0] % 63}.{digest[1]}.{1 + digest[2] % 254}"


def services_file(paths: Paths, cluster: str) -> Path:
    """Lines `<address> <service>.<namespace>`."""
    return paths.pods / cluster / "services"
