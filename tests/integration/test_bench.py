# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench judges runs by the API server's state. Nothing is said of how long they take."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import latency_probe
from bench.audit import AuditLog
from bench.cells import NEW, NOTHING, Bench, Cell
from bench.cluster import Cluster
from bench.contenders import Contender, Files, contenders
from bench.latency import delayed
from bench.workbench import Workbench
from rehearsal import build, programs
from rehearsal.paths import Paths

# who changes the bench runs it; its slow network is built for it alone
pytestmark = pytest.mark.nightly

KUBECTL = "kubectl"
SIZE = 20


@pytest.fixture(scope="module")
def work(rehearsal: Any) -> Workbench:
    paths = Paths.from_environment()
    cluster = Cluster(rehearsal.kubeconfig("apps"))
    return Workbench(cluster, AuditLog(rehearsal.audit_log("apps")), programs.binary("kubectl", paths), paths)


@pytest.fixture
def bench(work: Workbench) -> Iterator[Bench]:
    made = Bench(work, contenders(work.kubectl), {0: work.cluster.address})
    yield made
    made.clean()


@pytest.mark.parametrize("scenario", [NOTHING, NEW])
@pytest.mark.parametrize("contender", ["apply-set", KUBECTL, "kubernetes-core"])
def test_every_contender_does_what_is_measured(bench: Bench, contender: str, scenario: str) -> None:
    outcome = bench.measure(Cell(scenario, SIZE, 0, {contender: 1}))
    assert outcome.invalid is None
    (run,) = outcome.runs[contender]
    assert run.requests.total > 0
    if scenario == NEW:
        assert run.requests.writes >= SIZE


def replaced(bench: Bench, command: Any) -> None:
    bench.contenders[KUBECTL] = dataclasses.replace(bench.contenders[KUBECTL], command=command)


def test_a_run_that_moves_a_resource_version_is_invalid(bench: Bench, work: Workbench) -> None:
    honest = bench.contenders[KUBECTL].command
    count = 0

    def meddling(files: Files) -> list[str]:
        nonlocal count
        count += 1
        namespace = bench.contenders[KUBECTL].namespaces[0]
        annotate = (
            f"--kubeconfig={files.kubeconfig} -n {namespace} annotate --overwrite secret component-0000 run={count}"
        )
        return ["/bin/sh", "-c", f"{' '.join(honest(files))} && {work.kubectl} {annotate}"]

    replaced(bench, meddling)
    outcome = bench.measure(Cell(NOTHING, SIZE, 0, {KUBECTL: 1}))
    assert outcome.invalid is not None
    assert "component-0000" in outcome.invalid
    assert not outcome.seconds(KUBECTL)


def test_a_failing_command_is_invalid_and_says_why(bench: Bench) -> None:
    honest = bench.contenders[KUBECTL].command
    replaced(bench, lambda files: [*honest(files), "--no-such-flag"])
    outcome = bench.measure(Cell(NEW, SIZE, 0, {KUBECTL: 1}))
    assert outcome.invalid is not None
    assert "no-such-flag" in outcome.invalid


def test_a_contender_that_does_nothing_is_invalid(bench: Bench) -> None:
    idle = Contender(KUBECTL, lambda files: ["true"], lambda output, size: None)
    bench.contenders[KUBECTL] = idle
    outcome = bench.measure(Cell(NEW, SIZE, 0, {KUBECTL: 1}))
    assert outcome.invalid is not None
    assert f"{SIZE} of {SIZE} objects were not made" in outcome.invalid


def test_no_request_of_either_protocol_is_answered_before_the_latency_is_over(work: Workbench, tmp_path: Path) -> None:
    """A lower bound holds on the busiest machine."""
    build.build(work.paths, ["toxiproxy"])
    client = work.cluster.client("probe")
    server = programs.binary("toxiproxy-server", work.paths)
    with delayed(server, work.cluster.address, 100, work.paths) as slow:
        kubeconfig = work.cluster.write_kubeconfig(tmp_path / "kubeconfig", client, slow)
        assert latency_probe.http1(work, client, slow, requests=3) >= 0.1
        assert latency_probe.kubectl_apply(work, kubeconfig, count=5) >= 5 * 0.1
