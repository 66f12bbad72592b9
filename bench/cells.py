# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""One cell of the table: a scenario at a size and a latency, all contenders in turns, every run looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bench import pairs
from bench.audit import Requests
from bench.cluster import Client, Versions, check_present, check_unmoved
from bench.contenders import Contender, Files, environment, write_objects
from bench.failures import InvalidMeasurementError
from bench.object_sets import Object, object_set
from bench.workbench import Workbench
from rehearsal.paths import REPOSITORY

NOTHING = "nothing-to-change"
NEW = "everything-new"
OURS = "apply-set"


@dataclass(frozen=True)
class Cell:
    """What is measured. `rounds` by contender: one that has fewer than another sits the last rounds out."""

    scenario: str
    size: int
    latency: int  # milliseconds added to every answer
    rounds: dict[str, int]

    @property
    def name(self) -> str:
        """As --only knows it."""
        return f"{self.scenario}-{self.size}-{f'{self.latency}ms' if self.latency else 'loopback'}"


@dataclass(frozen=True)
class Run:
    """One process and what the API server saw of it."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    requests: Requests


@dataclass
class Outcome:
    """All runs of a cell that were looked at and found good, and why it was given up, if it was."""

    cell: Cell
    runs: dict[str, list[Run]] = field(default_factory=dict)
    invalid: str | None = None

    def seconds(self, contender: str) -> list[float]:
        """The times of one contender, round by round."""
        return [run.seconds for run in self.runs.get(contender, [])]

    def ratio(self, contender: str) -> pairs.Spread | None:
        """Our time by the contender's, within rounds."""
        values = pairs.ratios(self.seconds(OURS), self.seconds(contender))
        return pairs.Spread.of(values) if values else None


class Bench:
    """The cluster and the ways to it that all cells share."""

    def __init__(
        self, work: Workbench, contenders: dict[str, Contender], addresses: dict[int, tuple[str, int]]
    ) -> None:
        self.work = work
        self.contenders = contenders
        self.clients: dict[str, Client] = {}
        self.kubeconfigs: dict[tuple[str, int], Path] = {}
        for name, contender in contenders.items():
            self.clients[name] = client = work.cluster.client(name)
            for latency, address in addresses.items():
                path = work.scratch / name / f"kubeconfig-{latency}ms"
                self.kubeconfigs[name, latency] = work.cluster.write_kubeconfig(path, client, address)
            for namespace in contender.namespaces:
                work.cluster.namespace(namespace)

    def measure(self, cell: Cell) -> Outcome:
        """All rounds of the cell, after a warm-up. Stops at the first run that fails or is not what it should be."""
        outcome = Outcome(cell)
        self.work.say(f"{cell.name}:")
        try:
            lanes = {name: _Lane(self, self.contenders[name], cell) for name in cell.rounds}
            for lane in lanes.values():
                lane.warm_up()
            for number in range(max(cell.rounds.values())):
                for name in pairs.turns(list(lanes), number):
                    if number < cell.rounds[name]:
                        outcome.runs.setdefault(name, []).append(lanes[name].run())
        except InvalidMeasurementError as error:
            outcome.invalid = str(error)
            self.work.say(f"  INVALID: {error}")
        return outcome

    def clean(self) -> None:
        """Nothing of any contender left."""
        for contender in self.contenders.values():
            self.work.cluster.empty(contender.namespaces)


class _Lane:
    """One contender in one cell."""

    def __init__(self, bench: Bench, contender: Contender, cell: Cell) -> None:
        self.bench, self.contender, self.cell = bench, contender, cell
        self.cluster = bench.work.cluster
        self.objects: list[Object] = object_set(cell.size, contender.namespaces)
        folder = bench.work.scratch / contender.name
        self.files = Files(
            objects=write_objects(folder / f"objects-{cell.size}.json", self.objects),
            kubeconfig=bench.kubeconfigs[contender.name, cell.latency],
            scratch=folder,
        )

    def warm_up(self) -> None:
        """The first run is never counted: it fills discovery caches and Python's bytecode.

        With nothing to change the set must be there, put there by the contender itself (over loopback, to save time).
        """
        self.cluster.empty(self.contender.namespaces)
        kubeconfig = self.bench.kubeconfigs[self.contender.name, 0]
        self._process(Files(self.files.objects, kubeconfig, self.files.scratch))
        check_present(self.objects, self.cluster.settled(self.contender.namespaces))
        if self.cell.scenario == NOTHING and self.cell.latency == 0:
            self._process(self.files)

    def run(self) -> Run:
        """One counted run: prepared, measured, looked at."""
        if self.cell.scenario == NEW:
            self.cluster.empty(self.contender.namespaces)
        before = self.cluster.settled(self.contender.namespaces)
        start = self.bench.work.audit.end()
        process = self._process(self.files)
        requests = self.bench.work.audit.requests(self.bench.clients[self.contender.name].user, start)
        self._look(before, process, requests)
        run = Run(process.seconds, process.cpu_seconds, process.peak_mib, requests)
        self.bench.work.say(
            f"  {self.contender.name:<16} {run.seconds:7.2f} s  (CPU {run.cpu_seconds:6.2f} s)"
            f"  {requests.total:5} requests  {_listed(requests.verbs)}"
        )
        return run

    def _process(self, files: Files) -> pairs.Process:
        scratch = files.scratch
        return pairs.run(self.contender.command(files), environment(scratch), REPOSITORY)

    def _look(self, before: Versions, process: pairs.Process, requests: Requests) -> None:
        """The server's own state decides whether the run did what was to be measured, not what the client says."""
        name, new = self.contender.name, self.cell.scenario == NEW
        changed = self.contender.changed(process.output, self.cell.size)
        if requests.total == 0:
            raise InvalidMeasurementError(f"{name} sent no request at all: the audit log does not show its user")
        if new:
            check_present(self.objects, self.cluster.versions(self.contender.namespaces))
        else:
            check_unmoved(before, self.cluster.versions(self.contender.namespaces))
        if changed is not None and changed != new:
            raise InvalidMeasurementError(f"{name} reports changed={changed} where {self.cell.scenario}")


def _listed(verbs: dict[str, int]) -> str:
    return ", ".join(f"{count} {verb}" for verb, count in sorted(verbs.items(), key=lambda item: -item[1]))
