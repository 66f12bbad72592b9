# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What runs, what crashed and why, and what is a stand-in."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field

import psutil

from rehearsal import ports, s3, wanted
from rehearsal.clusters import Cluster, Component
from rehearsal.errors import RehearsalError
from rehearsal.files import tail
from rehearsal.paths import Paths
from rehearsal.sources import store
from rehearsal.supervise import ABSENT, ENDED, ProgramState, Supervisor, belongs

RUNNING, CRASHED, STOPPED = "running", "crashed", "stopped"
TAIL_BYTES = 2000
TAIL_LINES = 12
MEGABYTE = 1024 * 1024

STAND_INS = """\
Stand-ins: nodes are KWOK's (most pods run because KWOK says so); pods with a known program run as processes on this
machine; Strimzi's and External Secrets' operators and flux-operator are small handlers, and a file is the Vault; nobody
takes notice of monitors and snapshots. Objects carry the label synergyflow.platform/stand-in."""


@dataclass(frozen=True)
class Part:
    """One part of the rehearsal as it is found now. `memory` in bytes; what parts share is shared out among them."""

    name: str
    state: str
    pid: int | None = None
    port: int | None = None
    memory: int = 0
    note: str = ""
    log: str = ""


@dataclass(frozen=True)
class Report:
    """All parts, by the cluster they belong to (`""` for what is common)."""

    groups: dict[str, list[Part]] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    unready: dict[str, str] = field(default_factory=dict)
    outdated: dict[str, list[str]] = field(default_factory=dict)

    def parts(self) -> list[Part]:
        """All parts of all groups."""
        return [part for group in self.groups.values() for part in group]

    @property
    def healthy(self) -> bool:
        """Whether all that should run does. Nothing wanted is nothing missing."""
        return not self.unready and all(part.state != CRASHED for part in self.parts())

    @property
    def anything_wanted(self) -> bool:
        """Whether the rehearsal is meant to be up at all, or it is unknown."""
        return bool(self.unready) or any(part.state != STOPPED for part in self.parts())


def collect(paths: Paths) -> Report:
    """Look at every part that should run, and at what runs although it should not."""
    names = wanted.clusters(paths)
    supervisor = Supervisor(paths)
    supervisord = _supervisord(supervisor, needed=bool(names))
    groups: dict[str, list[Part]] = {"": [supervisord]}
    programs = _programs(supervisor) if supervisord.state == RUNNING else {}  # one that hangs is not asked twice
    if supervisord.state == RUNNING:
        for shared in (s3.PROGRAM, store.PROGRAM):
            groups[""].append(_shared_part(supervisor, shared, programs, needed=bool(names)))
    report = Report(groups)
    if not wanted.readable(paths):
        report.unready[""] = "wanted.json is damaged: what should run is unknown"
    for name in _known_clusters(paths, names):
        cluster = Cluster(name, paths)
        components = cluster.components()
        parts = [_component_part(component, needed=name in names) for component in components]
        parts += _program_parts(supervisor, name, programs, needed=name in names)
        groups[name] = parts
        if name not in names:
            continue
        report.addresses[name] = cluster.server() or ""
        if not cluster.created():
            report.unready[name] = "was not made to the end"
        elif all(component.pid for component in components) and (reason := cluster.unready()):
            report.unready[name] = reason
        if outdated := cluster.outdated():
            report.outdated[name] = outdated
    return report


def render(report: Report, paths: Paths) -> str:
    """The report for people."""
    lines = []
    for group, parts in report.groups.items():
        address = f"  {report.addresses[group]}" if report.addresses.get(group) else ""
        lines.append(f"{group or 'rehearsal'}{address}")
        lines += [_line(part) for part in parts]
        if reason := report.unready.get(group):
            lines.append(f"  NOT READY: {reason}")
        if names := report.outdated.get(group):
            lines.append(f"  runs an older {', '.join(names)} than is built now: make rehearsal-reset renews it")
    for part in report.parts():
        if part.state == CRASHED:
            lines += ["", f"{part.name} crashed{': ' + part.note if part.note else ''}. The end of its log:", part.log]
    lines.append("")
    if not report.anything_wanted:
        lines.append("The rehearsal is down: make rehearsal-up starts it.")
    else:
        memory = sum(part.memory for part in report.parts()) // MEGABYTE
        lines.append(f"Memory {memory} MB. Logs of programs in {paths.logs}")
        lines.append(STAND_INS)
        if not report.healthy:
            lines += ["", "Something that should run does not: make rehearsal-up repairs it."]
    return "\n".join(lines)


def _line(part: Part) -> str:
    facts = [
        f"pid {part.pid}" if part.pid else "",
        f"port {part.port}" if part.port and part.pid else "",
        f"{part.memory // MEGABYTE} MB" if part.memory else "",
        part.note,
    ]
    shown = part.state.upper() if part.state == CRASHED else part.state
    return f"  {part.name:<46} {shown:<8} {', '.join(fact for fact in facts if fact)}".rstrip()


def _known_clusters(paths: Paths, names: Iterable[str]) -> list[str]:
    on_disk = [folder.name for folder in paths.clusters.glob("*") if (folder / "kwok").is_dir()]
    return sorted({*names, *on_disk})


def _supervisord(supervisor: Supervisor, needed: bool) -> Part:
    pid = supervisor.pid() if supervisor.running() else None
    state = RUNNING if pid else CRASHED if needed else STOPPED
    log = _shortened(tail(supervisor.paths.run / "supervisord.log", TAIL_BYTES)) if state == CRASHED else ""
    return Part("supervisord", state, pid, memory=_memory(pid), log=log)


def _component_part(component: Component, needed: bool) -> Part:
    state = RUNNING if component.pid else CRASHED if needed else STOPPED
    log = _shortened(tail(component.log, TAIL_BYTES)) if state == CRASHED else ""
    return Part(component.name, state, component.pid, component.port, _memory(component.pid), log=log)


def _programs(supervisor: Supervisor) -> dict[str, ProgramState]:
    try:
        return supervisor.states()
    except RehearsalError:
        return {}


def _program_parts(supervisor: Supervisor, cluster: str, programs: dict[str, ProgramState], needed: bool) -> list[Part]:
    """The cluster's node and its containers. A node that should run and is stopped or not known counts as crashed."""
    found = {name: state for name, state in programs.items() if belongs(name, cluster)}
    node = wanted.node_program(cluster)
    parts = [_program_part(supervisor, name, state, needed and name == node) for name, state in found.items()]
    if needed and wanted.node_exists() and node not in found:
        parts.insert(0, Part(node, CRASHED, note="is not under supervision", log=_log(supervisor, node)))
    return parts


def _shared_part(supervisor: Supervisor, name: str, programs: dict[str, ProgramState], needed: bool) -> Part:
    """A program that belongs to no cluster."""
    found = programs.get(name, ProgramState(ABSENT, None, None, "is not under supervision"))
    part = _program_part(supervisor, name, found, needed)
    return dataclasses.replace(part, port=ports.reserved(supervisor.paths).get(name))


def _program_part(supervisor: Supervisor, name: str, program: ProgramState, needed: bool) -> Part:
    if program.runs:
        return Part(name, RUNNING, program.pid, memory=_memory(program.pid, children=True))
    state = CRASHED if needed else classify(program)
    note = f"exit status {program.exitstatus}" if program.exitstatus is not None else program.description
    return Part(name, state, program.pid, note=note, log=_log(supervisor, name) if state == CRASHED else "")


def classify(program: ProgramState) -> str:
    """A program that was stopped, or ended well, is stopped; one that ended otherwise, or cannot start, crashed."""
    if program.runs:
        return RUNNING
    if program.state in ("STOPPED", "STOPPING") or (program.state == "EXITED" and program.exitstatus == 0):
        return STOPPED
    return CRASHED if program.state in (*ENDED, "BACKOFF") else STOPPED


def _log(supervisor: Supervisor, name: str) -> str:
    return _shortened(supervisor.tail(name, TAIL_BYTES))


def _shortened(text: str) -> str:
    lines = text.rstrip().splitlines()[-TAIL_LINES:]
    return "\n".join(f"  | {line[:240]}" for line in lines) or "  | (empty)"


def _memory(pid: int | None, children: bool = False) -> int:
    """Bytes of a process, on request with what it has started."""
    try:
        first = psutil.Process(pid) if pid else None
        every = [first, *(first.children(recursive=True) if children else [])] if first else []
    except psutil.NoSuchProcess:
        return 0
    return sum(map(_share, every))


def _share(process: psutil.Process) -> int:
    """Its own pages, and its share of those that others map as well (PSS): added up, each counts once."""
    try:
        return process.memory_full_info().pss
    except psutil.AccessDenied:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0
