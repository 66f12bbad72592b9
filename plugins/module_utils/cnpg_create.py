# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes an object of CloudNativePG's, whose operator has a say in it before the API server keeps it."""

from __future__ import annotations

from collections.abc import Iterable

from .api import Api
from .cnpg_versions import OPERATOR_LABEL
from .discovery import PODS, Resource
from .errors import ClusterError
from .objects import Manifest
from .readiness import judge


def create(
    api: Api, resource: Resource, manifest: Manifest, *, manager: str, seconds: float, dry: bool, expect: Iterable[int]
) -> None:
    """Make it within so many seconds: a task may wait for hours, and an operator that is away is no reason to."""
    brief = api.within(seconds)
    metadata = manifest["metadata"]
    query = {"fieldManager": manager, **({"dryRun": "All"} if dry else {})}
    about = f"{resource.kind} {metadata['namespace']}/{metadata['name']}"
    try:
        brief.call("POST", resource.path(metadata["namespace"]), query=query, body=manifest, expect=expect, about=about)
    except ClusterError as error:
        if "webhook" not in str(error) or "denied the request" in str(error):
            raise
        raise ClusterError(f"{str(error).rstrip('.')}. {operator_words(api)}.") from error


def operator_words(api: Api) -> str:
    """How the operator is, as far as it can be seen."""
    try:
        pods = api.list(PODS, selector=OPERATOR_LABEL)
    except ClusterError:
        return "CloudNativePG's operator does not answer"
    if not pods:
        return "No pod of CloudNativePG's operator is there"
    states = []
    for pod in pods:
        verdict = judge(pod | {"apiVersion": "v1", "kind": "Pod"})
        states.append(f"{pod['metadata']['namespace']}/{pod['metadata']['name']} is {verdict.reason or verdict.state}")
    return f"CloudNativePG's operator does not answer ({', '.join(states)}); its log says why"
