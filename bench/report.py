# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What the bench found, as tables for people and as JSON for later."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from bench import proof, topics
from bench.cells import OURS, Outcome
from bench.latency_probe import Added
from bench.pairs import Contest, Spread
from bench.rollback import RollbackOutcome
from bench.site import EMPTY, LOADING, SITE, SiteOutcome
from bench.start_up import EMPTY_PLAY, StartUp
from bench.targets import KUBECTL, KUBERNETES_CORE, Verdict, of_cell
from rehearsal.paths import REPOSITORY

#: the greatest ratio of a rollback's own time to what it has to sit through
ROLLBACK_BY_WAITS = 1.2


@dataclass
class Findings:
    """Everything one run of the bench found out."""

    options: dict[str, Any]
    machine: dict[str, Any]
    versions: dict[str, str]
    latency: int
    added: Added | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    start_up: list[StartUp] = field(default_factory=list)
    site: SiteOutcome | None = None
    rollbacks: list[RollbackOutcome] = field(default_factory=list)
    contests: list[Contest] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)


def machine() -> dict[str, Any]:
    """What the times were measured on; ratios are compared between machines, times are not."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": platform.release(),
        "load_at_start": os.getloadavg(),
    }


def versions(kubectl: Path, kubeconfig: Path) -> dict[str, str]:
    """Of everything that is measured or measures."""
    answer = subprocess.run(
        [kubectl, f"--kubeconfig={kubeconfig}", "version", "--output=json"], capture_output=True, check=True
    )
    kubernetes = json.loads(answer.stdout)
    from ansible_collections.kubernetes import core

    manifest = json.loads((Path(next(iter(core.__path__))) / "MANIFEST.json").read_text())
    git = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    return {
        "synergyflow.platform": git.stdout.strip() or "unknown",
        "python": platform.python_version(),
        "ansible-core": metadata.version("ansible-core"),
        "kubernetes.core": manifest["collection_info"]["version"],
        "kubernetes client": metadata.version("kubernetes"),
        "kubectl": kubernetes["clientVersion"]["gitVersion"],
        "kube-apiserver": kubernetes["serverVersion"]["gitVersion"],
    }


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they must be, the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            text.ljust(w) if i == 0 else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def ratio_table(outcomes: Iterable[Outcome]) -> str:
    """Seconds and requests of each contender, and our ratio to each with its target."""
    rows = [["whole process", "ours s", "kubectl s", "k.core s", "by kubectl", "by k.core", "requests"]]
    for outcome in outcomes:
        if outcome.invalid:
            rows.append([outcome.cell.name, *["INVALID"] * 6])
            continue
        names = (OURS, KUBECTL, KUBERNETES_CORE)
        requests = [str(outcome.runs[name][-1].requests.total) if outcome.runs.get(name) else "-" for name in names]
        rows.append(
            [
                outcome.cell.name,
                *(_median(outcome.seconds(name)) for name in names),
                _spread(outcome.ratio(KUBECTL)),
                _spread(outcome.ratio(KUBERNETES_CORE)),
                " : ".join(requests),
            ]
        )
    return table(rows)


def verdict_table(verdicts: Iterable[Verdict]) -> str:
    """Met or missed, by how much."""
    rows = [["target", "measured", "at most", ""]]
    rows += [
        [v.what, "-" if v.measured is None else f"{v.measured:.2f}", f"{v.target:.2f}", v.sentence()] for v in verdicts
    ]
    return table(rows)


def site_table(outcome: SiteOutcome) -> str:
    """The second site.yml, what kubectl does for the same objects, and the start-up that only Ansible has."""
    what = f"the second site.yml, {outcome.objects} objects"
    return contest_table(Contest(what, outcome.seconds, outcome.requests))


def site_verdicts(outcome: SiteOutcome) -> list[Verdict]:
    """The target allows Ansible's start-up on top: it is taken off first, and said."""
    whole = outcome.ratio()
    loaded, empty = (outcome.ratio(less=what) for what in (LOADING, EMPTY))
    note = f"the whole process {_spread(whole)}; less the start-up of {EMPTY} {_spread(empty)}"
    return [Verdict(f"second {SITE} by kubectl, less {LOADING}", loaded.median, 1.0, note)]


def rollback_table(outcomes: list[RollbackOutcome]) -> str:
    """What each rollback took, and how much of it was waiting."""
    rows = [["rollback", "s", "waiting for the cluster", "whole process"]]
    rows += [[i.name, f"{i.seconds:.1f}", f"{i.waited:.1f}", f"{i.process:.1f}"] for i in outcomes]
    return table(rows)


def rollback_verdicts(outcomes: list[RollbackOutcome]) -> list[Verdict]:
    """From the confirmation on, of all rounds; what does not wait cannot be judged."""
    rounds: dict[str, list[RollbackOutcome]] = {}
    for each in outcomes:
        rounds.setdefault(each.name, []).append(each)
    found = []
    for name, every in rounds.items():
        what = f"rollback of {name} by its waits"
        if not all(each.waited for each in every):
            found.append(Verdict(what, None, ROLLBACK_BY_WAITS))
            continue
        ratio = Spread.of([each.seconds / each.waited for each in every])
        found.append(Verdict(what, ratio.median, ROLLBACK_BY_WAITS, _spread(ratio)))
    return found


def contest_table(contest: Contest) -> str:
    """Whole processes beside each other."""
    rows = [[contest.what, "median s", "least", "greatest", "requests"]]
    for what, seconds in contest.seconds.items():
        spread = Spread.of(seconds)
        times = [f"{value:.2f}" for value in (spread.median, spread.least, spread.greatest)]
        rows.append([what, *times, str(contest.requests.get(what, "-"))])
    return table(rows)


def proof_verdicts(contest: Contest) -> list[Verdict]:
    """All of it by the role that takes longest."""
    longest = max(proof.ROLES, key=lambda role: statistics.median(contest.seconds[role]))
    ratio = contest.ratio(proof.WHOLE, longest)
    return [Verdict(f"{proof.WHOLE} by {longest} alone", ratio.median, 1.5, f"the whole process {_spread(ratio)}")]


def topics_verdicts(contest: Contest) -> list[Verdict]:
    """At once by one after the other, and the requests; Kafka's own tools stand beside them without a target."""
    alone = contest.ratio(topics.AT_ONCE + topics.ALONE, topics.SINGLY + topics.ALONE)
    singly, tools = (contest.ratio(topics.AT_ONCE, other) for other in (topics.SINGLY, topics.OWN_TOOLS))
    note = f"asking alone {_spread(alone)}; the whole process {_spread(singly)}, by Kafka's own tools {_spread(tools)}"
    return [
        Verdict(f"{contest.what} at once by {topics.SINGLY}{topics.ALONE}", alone.median, 0.1, note),
        Verdict(f"requests to the brokers for {contest.what}", contest.requests[topics.AT_ONCE], 3),
    ]


def text(findings: Findings) -> str:
    """The whole report."""
    parts = []
    if findings.added:
        parts.append(f"{findings.latency} ms of latency, measured for each request: {findings.added}")
    if findings.outcomes:
        parts.append(ratio_table(findings.outcomes))
        parts.append(
            "Ratios: median (least..greatest, n rounds), ours by theirs within a round."
            " Requests: ours : kubectl : kubernetes.core (k.core)."
        )
    if findings.start_up:
        rows = [["Ansible's own start-up", "median s", "least", "greatest"]]
        rows += [
            [i.what, *(f"{v:.2f}" for v in (i.seconds.median, i.seconds.least, i.seconds.greatest))]
            for i in findings.start_up
        ]
        parts.append(table(rows))
    if findings.site:
        parts.append(site_table(findings.site))
    if findings.rollbacks:
        parts.append(rollback_table(findings.rollbacks))
    parts += [contest_table(each) for each in findings.contests]
    if findings.verdicts:
        parts.append(verdict_table(findings.verdicts))
        parts += [f"{v.what}: {v.note}" for v in findings.verdicts if v.note]
    if findings.invalid:
        parts.append("\n".join(["INVALID, nothing is said of these:", *(f"- {reason}" for reason in findings.invalid)]))
    return "\n\n".join(parts)


def cell_verdicts(findings: Findings) -> list[Verdict]:
    """Of all cells that have a target: those of 300 and 2,000 objects are there for the cost per object."""
    empty_play = next((item.seconds.median for item in findings.start_up if item.what == EMPTY_PLAY), None)
    return [v for o in findings.outcomes if o.cell.size in (100, 1000) for v in of_cell(o, empty_play)]


def write(findings: Findings, folder: Path) -> Path:
    """Keep the findings as JSON, one file a run."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    content = dataclasses.asdict(findings) | {"finished": stamp}
    for outcome, found in zip(content["outcomes"], findings.outcomes, strict=True):
        outcome["name"] = found.cell.name
        for name in (KUBECTL, KUBERNETES_CORE):
            ratio = found.ratio(name)
            outcome[f"ratio_to_{name}"] = dataclasses.asdict(ratio) if ratio else None
    for verdict, judged in zip(content["verdicts"], findings.verdicts, strict=True):
        verdict["met"] = judged.met
    path = folder / f"bench-{stamp}.json"
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def _median(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.2f}" if seconds else "-"


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return "-"
    if spread.n == 1:
        return f"{spread.median:.2f} (n 1)"
    return f"{spread.median:.2f} ({spread.least:.2f}..{spread.greatest:.2f}, n {spread.n})"
