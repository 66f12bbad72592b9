# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all roles together ask of the nodes: refused where the sum does not fit, and said in a table."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.api import ApiError
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight import capacity, operators
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.capacity import Demand, Request
from ansible_collections.synergyflow.platform.plugins.module_utils.preflight.findings import Findings

GIB = 1024**3
DEPLOYMENT = {
    "kind": "Deployment",
    "spec": {
        "replicas": 2,
        "template": {"spec": {"containers": [{"resources": {"requests": {"cpu": "100m", "memory": "1Gi"}}}, {}]}},
    },
}


def demand(cpu: float, memory: float = 1, already: float = 0, storage: int = 0) -> Demand:
    request = Request("pod", 1, Decimal(str(cpu)), Decimal(str(memory)) * GIB, Decimal(storage) * GIB)
    return Demand((request,), {"cpu": already, "memory": 0})


# the nodes have 3 x 16 cores, of which 1 is asked for by others


def test_each_fits_alone_and_the_sum_does_not(cluster):
    demands = {"kafka_cluster": demand(15), "cnpg": demand(16), "synergyflow_backend": demand(16.5)}
    assert all(not capacity.too_much(one.requests, cluster, one.already, "cpu") for one in demands.values())
    (sentence,) = capacity.problems_together(demands, cluster)
    assert "together the pods ask for 47.5 cores of cpu" in sentence
    assert "47.0 cores free of 48.0 cores" in sentence
    assert "(kafka_cluster, cnpg, synergyflow_backend)" in sentence


def test_memory_is_summed_too(cluster):
    (sentence,) = capacity.problems_together({"a": demand(1, 60), "b": demand(1, 64), "c": demand(1, 68)}, cluster)
    assert "192.0 GiB of memory" in sentence


def test_a_sum_that_fits_exactly_is_well(cluster):
    assert capacity.problems_together({"a": demand(16), "b": demand(15), "c": demand(16)}, cluster) == []


def test_what_runs_already_is_not_counted_twice(cluster):
    cluster["requested"]["cpu"] = 40.0
    assert capacity.problems_together({"a": demand(20, already=16), "b": demand(20, already=16)}, cluster) == []
    more = {"a": demand(20, already=16), "b": demand(22, already=16)}
    assert "42.0 cores of cpu" in capacity.problems_together(more, cluster)[0]


def test_one_that_does_not_fit_alone_is_said_once_by_its_own_check(cluster):
    alone = demand(60)
    findings = Findings()
    capacity.check(alone, cluster, findings)
    assert "the pods ask for 60.0 cores" in findings.problems[0]
    assert capacity.problems_together({"a": alone, "b": demand(1)}, cluster) == []


def test_the_table_has_the_sums_what_is_free_and_what_nobody_knows(cluster):
    text = capacity.table({"kafka_cluster": demand(6, 12, storage=300), "cnpg": demand(3, 6, storage=150)}, cluster)
    lines = {line.split("   ")[0]: line.split() for line in text.splitlines()}
    assert lines["together"] == ["together", "9.0", "cores", "18.0", "GiB", "450.0", "GiB"]
    assert lines["free for them"][-5:] == ["47.0", "cores", "191.0", "GiB", "unknown"]
    assert lines["the nodes have"][-5:] == ["48.0", "cores", "192.0", "GiB", "-"]
    assert "Nodes do not show how much storage there is" in text


def test_what_may_not_be_read_is_neither_judged_nor_shown_as_free(cluster):
    cluster |= {"nodes": [], "unreadable": ["nodes"]}
    demands = {"a": demand(1000)}
    assert capacity.problems_together(demands, cluster) == []
    assert "unknown" in next(line for line in capacity.table(demands, cluster).splitlines() if line.startswith("free"))


@pytest.mark.parametrize(
    ("role", "values", "asked"),
    [
        ("strimzi", {"install_method": "helmrelease", "chart_values": {}}, (1, "0.2", 384 * 1024**2)),
        (
            "strimzi",
            {"install_method": "helmrelease", "chart_values": {"replicas": 2, "resources": {"requests": {"cpu": 1}}}},
            (2, "1", 384 * 1024**2),
        ),
        ("cnpg", {"install_method": "helmrelease", "chart_values": {}}, (1, "0", 0)),
        ("volsync", {"install_method": "manifests", "chart_values": {}}, (2, "0.1", GIB)),
    ],
)
def test_operators_ask_too(role, values, asked):
    given = {f"{role}_{name}": value for name, value in values.items()}
    (request,) = operators.requests(role, given, [{"kind": "CustomResourceDefinition"}, DEPLOYMENT])
    assert (request.pods, request.cpu, request.memory) == (asked[0], Decimal(asked[1]), asked[2])


class Pods:
    """An API server that lists pods, or refuses to."""

    def __init__(self, *pods: dict[str, Any], code: int = 0) -> None:
        self._pods, self._code = list(pods), code

    def list(self, *_args: Any, **_kwargs: Any) -> list[dict[str, Any]]:
        if self._code:
            raise ApiError("no", self._code, {})
        return self._pods


def test_an_operator_that_runs_is_counted_as_there():
    values = {"volsync_install_method": "manifests", "volsync_chart_values": {}}
    running = {"spec": DEPLOYMENT["spec"]["template"]["spec"]}
    found = operators.demand(Pods(running, running), "volsync", values, [DEPLOYMENT])
    assert capacity.total(found.requests)["cpu"] == pytest.approx(found.already["cpu"])
    assert operators.demand(Pods(code=403), "volsync", values, [DEPLOYMENT]).already["cpu"] == 0


def test_an_operator_of_somebody_else_asks_for_nothing_new():
    assert operators.demand(Pods(code=500), "cnpg", {"cnpg_install_method": "existing"}, []) == Demand()
