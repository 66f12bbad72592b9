# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operators that roles install ask of the nodes, by their manifests or by their charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..api import Api
from ..cluster_facts import RUNNING, requested
from ..discovery import PODS
from ..quantity import quantity
from .capacity import Demand, Request, of_deployments
from .common import readable


@dataclass(frozen=True)
class Chart:
    """How an operator's pods are found, and the values of its chart that say what they ask for."""

    selector: str
    # the chart's value for the number of pods
    replicas: str
    # what the chart asks for when its values are left as they are
    cpu: str = "0"
    memory: str = "0"


#: values.yaml of packaging/helm-charts/helm3/strimzi-kafka-operator in strimzi/strimzi-kafka-operator, of
#: charts/cloudnative-pg in cloudnative-pg/charts (which asks for nothing), of helm/volsync in backube/volsync
CHARTS = {
    "strimzi": Chart("strimzi.io/kind=cluster-operator", "replicas", "200m", "384Mi"),
    "cnpg": Chart("app.kubernetes.io/name=cloudnative-pg", "replicaCount"),
    "flux": Chart("app.kubernetes.io/name=flux-operator", "replicas"),
    "volsync": Chart("app.kubernetes.io/name=volsync", "replicaCount", "100m", "64Mi"),
}


def demand(api: Api, role: str, values: Mapping[str, Any], manifests: Iterable[Mapping[str, Any]]) -> Demand:
    """What the operator that the role installs asks for; nothing where it is there already by other means."""
    asked = requests(role, values, manifests)
    if not asked:
        return Demand()
    running = readable(lambda: api.list(PODS, selector=CHARTS[role].selector, fields=RUNNING), [])
    return Demand(asked, requested(running))


def requests(role: str, values: Mapping[str, Any], manifests: Iterable[Mapping[str, Any]]) -> tuple[Request, ...]:
    """The operator's pods."""
    method, what = values[f"{role}_install_method"], f"pod of {role}'s operator"
    if method == "manifests":
        return of_deployments(what, manifests)
    if method != "helmrelease":
        return ()
    chart, given = CHARTS[role], values[f"{role}_chart_values"]
    asked = (given.get("resources") or {}).get("requests") or {}
    try:
        cpu, memory = quantity(asked.get("cpu", chart.cpu)), quantity(asked.get("memory", chart.memory))
        return (Request(what, int(given.get(chart.replicas, 1)), cpu, memory),)
    except ValueError:
        return ()  # the chart's own words say it better
