# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Readiness asked for over HTTP, as a container's probe says."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

from rehearsal.node.recipes.recipe import Run


def probe(spec: dict[str, Any]) -> tuple[int | None, str]:
    """Port and path of the container's readiness probe; names of ports are looked up."""
    get = (spec.get("readinessProbe") or {}).get("httpGet")
    if not get:
        return None, ""
    port = get["port"]
    if isinstance(port, str):
        ports = {each.get("name"): each["containerPort"] for each in spec.get("ports") or []}
        port = ports.get(port)
    return port, get.get("path", "/")


def answers(run: Run) -> str | None:
    """Ask at `ready["url"]`; without one the program counts as ready once it runs."""
    if not (url := run.ready.get("url")):
        return None
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return None if answer.status < 400 else f"HTTP {answer.status}"
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}"
    except OSError as error:
        return str(getattr(error, "reason", error))
