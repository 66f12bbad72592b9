# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Processes that the rehearsal started, found by a mark in their environment.

Pid files lie after a crash and say nothing of children; the environment is inherited by every child and survives the
death of whoever started it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import psutil

from rehearsal.paths import Paths

OWNER_VARIABLE = "SYNERGYFLOW_REHEARSAL_OWNER"
PART_VARIABLE = "SYNERGYFLOW_REHEARSAL_PART"
PROGRAM_VARIABLE = "SYNERGYFLOW_REHEARSAL_PROGRAM"

SECONDS_TO_DIE = 5  # of a process that was killed
SECONDS_TO_BECOME = 5  # of a process that becomes another program
LOOKS = 3  # at a process that shows no environment

# What a program may see of the user's environment: where things are, not how the user's own tools are set up.
INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")


def environment(paths: Paths, part: str) -> dict[str, str]:
    """A clean environment that carries the mark: `part` is `supervised` or `cluster:<name>`."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    # of the programs in Go the memory that waits to be collected is a third, for more work (whoever has the memory says
    # otherwise; with less than 50 the API servers start half a second later); in the others fewer heaps of threads
    frugal = {"GOGC": os.environ.get("GOGC", "50"), "MALLOC_ARENA_MAX": "2"}
    return {**inherited, **paths.environment(), **frugal, OWNER_VARIABLE: str(paths.state), PART_VARIABLE: part}


def find(paths: Paths, part: str | None = None) -> list[psutil.Process]:
    """Living processes of this state folder, of one part or of all."""
    found = []
    for process in _everyone():
        try:
            marks = _environment_of(process)
            ended = process.status() == psutil.STATUS_ZOMBIE
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if ended or process.pid == os.getpid() or marks.get(OWNER_VARIABLE) != str(paths.state):
            continue
        if part is None or marks.get(PART_VARIABLE) == part:
            found.append(process)
    return found


def mark(process: psutil.Process, variable: str) -> str:
    """One of the marks of a process; empty when it has none or has ended."""
    try:
        return _environment_of(process).get(variable, "")
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""


def command_line(process: psutil.Process) -> list[str]:
    """The command line of a process; empty when it has ended."""
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []


def end(processes: Iterable[psutil.Process], grace: float) -> list[psutil.Process]:
    """Ask the processes to end, kill what is left after `grace` seconds; returns what could not be ended.

    What they have started is killed with them, also where it has no mark: PostgreSQL writes over its environment.
    """
    alive = list(processes)
    family = descendants(alive)
    if grace:
        for process in alive:
            _signal(process.terminate)
        alive = _outlive(alive, grace)
    alive += family
    for process in alive:
        _signal(process.kill)
    return _outlive(alive, SECONDS_TO_DIE)


def descendants(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """What these have started, and what that has started; without them, and without this process."""
    parents = [process.pid for process in processes]
    known = {*parents, os.getpid()}
    children: dict[int, list[psutil.Process]] = {}
    for each in _everyone():
        with suppress(psutil.NoSuchProcess):
            children.setdefault(each.ppid(), []).append(each)
    found: list[psutil.Process] = []
    while parents:
        for child in children.get(parents.pop(), []):
            if child.pid not in known:
                known.add(child.pid)
                found.append(child)
                parents.append(child.pid)
    return found


def _everyone() -> Iterable[psutil.Process]:
    """All processes, seen anew: one that psutil remembers may have ended and its number belong to another."""
    psutil.process_iter.cache_clear()
    return psutil.process_iter()


def _environment_of(process: psutil.Process) -> dict[str, str]:
    """Its environment, waited for while it becomes another program: it would not be found as ours.

    Between the two it has a file, but neither command line nor environment (execve(2)). What has a command line in
    several looks, and never an environment, has none.
    """
    deadline, without = time.monotonic() + SECONDS_TO_BECOME, 0
    while not (known := process.environ()) and process.exe() and without < LOOKS and time.monotonic() < deadline:
        without += bool(process.cmdline())
        time.sleep(0.001)
    return known


def _outlive(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that have not ended when the time is over."""
    deadline = time.monotonic() + seconds
    while (alive := [each for each in processes if not _ended(each)]) and time.monotonic() < deadline:
        time.sleep(0.01)
    return alive


def _ended(process: psutil.Process) -> bool:
    """Whether it holds nothing any more: who has to take notice of its end, supervisord, looks once a second."""
    with suppress(psutil.NoSuchProcess):
        # the first thread may be through with it before the others
        return not process.is_running() or (process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1)
    return True


def _signal(send: Callable[[], None]) -> None:
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        send()
