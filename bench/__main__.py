# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""`python -m bench`: paired timings on a rehearsal of its own. Exit code 0 also when targets are missed."""

from __future__ import annotations

import argparse
import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench import latency_probe, proof, report, rollback, site, start_up, targets, topics
from bench.audit import AuditLog
from bench.cells import NEW, NOTHING, OURS, Bench, Cell
from bench.cluster import Cluster
from bench.contenders import contenders
from bench.failures import InvalidMeasurementError
from bench.latency import delayed
from bench.workbench import Workbench
from rehearsal import build, programs
from rehearsal.errors import RehearsalError
from rehearsal.paths import REPOSITORY, STATE_VARIABLE, Paths

CLUSTER = "apps"
LATENCY = 20  # milliseconds
RESULTS = REPOSITORY / "bench" / "results"
START_UP, SITE, PROOF, TOPICS, ROLLBACK = "start-up", "site", "validate", "topics", "rollback"


def cells(quick: bool) -> list[Cell]:
    """Everything that is measured against the others, and ours alone for the cost per object.

    kubernetes.core sits out rounds where one takes it minutes, and 300 and 2,000 objects altogether.
    """
    few, some = (1, 2) if quick else (3, 5)
    found = []
    for latency in (0, LATENCY):
        for scenario in (NOTHING, NEW):
            found.append(
                Cell(scenario, 100, latency, {OURS: some, targets.KUBECTL: some, targets.KUBERNETES_CORE: few})
            )
            found.append(Cell(scenario, 1000, latency, {OURS: few, targets.KUBECTL: few, targets.KUBERNETES_CORE: 1}))
            if latency == 0:
                found += [Cell(scenario, size, latency, {OURS: few}) for size in (300, 2000)]
    return found


def arguments() -> argparse.Namespace:
    """The command line."""
    names = [*(cell.name for cell in cells(quick=False)), START_UP, SITE, PROOF, TOPICS, ROLLBACK]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: an impression in some minutes, not a result")
    parser.add_argument("--only", action="append", metavar="NAME", help=f"what begins with NAME: {', '.join(names)}")
    parser.add_argument("--without", choices=[targets.KUBECTL, targets.KUBERNETES_CORE], help="leave one out")
    parser.add_argument("--keep", action="store_true", help="leave the rehearsal running")
    chosen = parser.parse_args()
    if not any(wanted(name, chosen) for name in names):
        parser.error(f"--only: there are {', '.join(names)}")
    return chosen


def wanted(name: str, options: argparse.Namespace) -> bool:
    """Whether --only means this: the whole name or its beginning, up to a hyphen."""
    return not options.only or any(f"{name}-".startswith(f"{only}-") for only in options.only)


def without(contender: str | None, cell: Cell) -> Cell:
    """The cell with one contender less."""
    return dataclasses.replace(cell, rounds={name: n for name, n in cell.rounds.items() if name != contender})


def rehearsal(paths: Paths, *command: str) -> None:
    """Start or stop the rehearsal, as a user does."""
    variables = os.environ | paths.environment()
    subprocess.run([sys.executable, "-m", "rehearsal", *command], cwd=REPOSITORY, env=variables, check=True)


def measure(options: argparse.Namespace, paths: Paths) -> report.Findings:
    """Everything that was asked for, on a rehearsal that runs."""
    build.build(paths, ["toxiproxy"])
    kubeconfig = paths.kubeconfig(CLUSTER)
    kubectl = programs.binary("kubectl", paths)
    work = Workbench(Cluster(kubeconfig), AuditLog(paths.audit_log(CLUSTER)), kubectl, paths)
    findings = report.Findings(
        options={"quick": options.quick, "only": options.only, "without": options.without},
        machine=report.machine(),
        versions=report.versions(kubectl, kubeconfig),
        latency=LATENCY,
    )
    rounds = 2 if options.quick else 5
    if wanted(START_UP, options):
        work.say("Ansible's own start-up:")
        findings.start_up = start_up.measure(work, rounds)
    chosen = [without(options.without, cell) for cell in cells(options.quick) if wanted(cell.name, options)]
    if chosen:
        measure_cells(work, chosen, findings)
    if wanted(SITE, options):
        with valid(SITE, "the second site.yml", work, findings):
            findings.site = site.measure(work, rounds)
            findings.verdicts += report.site_verdicts(findings.site)
    for name, contest, verdicts in (
        (PROOF, proof.measure, report.proof_verdicts),
        (TOPICS, topics.measure, report.topics_verdicts),
    ):
        if wanted(name, options):
            with valid(name, name, work, findings):
                found = contest(work, 1 if options.quick else 3)
                findings.contests.append(found)
                findings.verdicts += verdicts(found)
    if wanted(ROLLBACK, options):
        with valid(ROLLBACK, "rollbacks", work, findings):
            findings.rollbacks = rollback.measure(work, 1 if options.quick else 3)
            findings.verdicts += report.rollback_verdicts(findings.rollbacks)
    return findings


@contextmanager
def valid(name: str, title: str, work: Workbench, findings: report.Findings) -> Iterator[None]:
    """What measured something else than it was to is kept as such; the rest goes on."""
    work.say(f"{title}:")
    try:
        yield
    except InvalidMeasurementError as error:
        work.say(f"  INVALID: {error}")
        findings.invalid.append(f"{name}: {error}")


def measure_cells(work: Workbench, chosen: list[Cell], findings: report.Findings) -> None:
    """The sets of objects, on loopback and with latency."""
    with ExitStack() as stack:
        addresses = {0: work.cluster.address}
        if any(cell.latency for cell in chosen):
            toxiproxy = programs.binary("toxiproxy-server", work.paths)
            addresses[LATENCY] = stack.enter_context(delayed(toxiproxy, work.cluster.address, LATENCY, work.paths))
        bench = Bench(work, contenders(work.kubectl), addresses)
        stack.callback(bench.clean)
        if LATENCY in addresses:
            kubeconfigs = {way: bench.kubeconfigs[targets.KUBECTL, way] for way in addresses}
            added = latency_probe.probe(work, bench.clients[targets.KUBECTL], kubeconfigs, addresses)
            work.say(f"latency added to a request: {added}")
            findings.added = added
        for cell in chosen:
            findings.outcomes.append(bench.measure(cell))
    findings.invalid += [f"{o.cell.name}: {o.invalid}" for o in findings.outcomes if o.invalid]
    findings.verdicts += report.cell_verdicts(findings)
    for scenario in (NOTHING, NEW):
        of_scenario = [o for o in findings.outcomes if o.cell.scenario == scenario and not o.cell.latency]
        verdict = targets.flatness(scenario, targets.per_object(of_scenario))
        findings.verdicts += [verdict] if verdict else []


def main() -> int:
    """Up, measure, say, keep, down."""
    options = arguments()
    # a rehearsal of its own: what is measured shares its API server with nobody
    os.environ.setdefault(STATE_VARIABLE, str(REPOSITORY / ".rehearsal" / "bench"))
    paths = Paths.from_environment()
    try:
        rehearsal(paths, "up", "--clusters", CLUSTER)
        findings = measure(options, paths)
    except (RehearsalError, subprocess.CalledProcessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        if not options.keep:
            rehearsal(paths, "down")
    print(f"\n{report.text(findings)}\n\nkept in {report.write(findings, RESULTS).relative_to(REPOSITORY)}")
    return 1 if findings.invalid else 0


if __name__ == "__main__":
    sys.exit(main())
