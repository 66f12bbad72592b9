# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Paired timing: the contenders take turns in one run, and each round's times are compared with each other only.

The machine's mood changes over minutes and hits all contenders of a round alike, so the ratio within a round is far
steadier than either time.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bench.failures import InvalidMeasurementError

TIME_LIMIT = 900.0  # seconds one measured process may take
Name = TypeVar("Name")


@dataclass(frozen=True)
class Process:
    """One measured process, from before it is started until it was waited for. Its children count too."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    output: str


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of n values."""

    median: float
    least: float
    greatest: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values), len(values))


@dataclass
class Contest:
    """Seconds of each contender by round, in rounds that all of them ran; requests of the last one where counted."""

    what: str
    seconds: dict[str, list[float]]
    requests: dict[str, int] = field(default_factory=dict)

    def ratio(self, ours: str, theirs: str) -> Spread:
        """One by another, within rounds."""
        return Spread.of(ratios(self.seconds[ours], self.seconds[theirs]))


def turns(contenders: Sequence[Name], round_number: int) -> list[Name]:
    """The order of one round: A B C, then C B A, and so on, so that nobody always runs after the same one."""
    return list(contenders) if round_number % 2 == 0 else list(reversed(contenders))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Ours by theirs, round by round; rounds that only one of them ran are left out."""
    return [our / their for our, their in zip(ours, theirs, strict=False)]


def run(command: Sequence[str], environment: Mapping[str, str], directory: Path) -> Process:
    """Run the command to its end. Raises InvalidMeasurementError, with the end of its output, when it fails."""
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=dict(environment), cwd=directory
        )
        status, usage = _wait(process)
        seconds = time.perf_counter() - began
        output.seek(0)
        text = output.read().decode(errors="replace")
    if status != 0:
        raise InvalidMeasurementError(
            f"{Path(command[0]).name} ended with {status} after {seconds:.1f} s:\n{text[-2000:]}"
        )
    return Process(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text)


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, resource.struct_rusage]:
    """The exit code and what the process and its children used. wait4 blocks: no polling falsifies the time."""
    timer = threading.Timer(TIME_LIMIT, process.terminate)
    timer.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        # asked, not killed: Ansible ends its own workers
        process.terminate()
        process.wait()
        raise
    finally:
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage
