# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Container logs in the format of the container runtime interface, the only one that KWOK serves.

A program writes plain lines to `<n>.out`, n counting its restarts. They are copied with a time stamp each to `<n>.log`
as they come, which costs a look at the file twice a second and no process per program.
"""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from pathlib import Path

from rehearsal.files import write_atomically

INTERVAL = 0.5  # seconds
AT_ONCE = 1 << 20  # bytes
_PUMPING = threading.Lock()  # one at a time, or lines would be copied twice
LONGEST_LINE = 16 * 1024  # bytes; longer ones are cut into partial lines, as a container runtime does


class ContainerLog:
    """The logs of one container; `current.log` and `previous.log` are links to those of its last two runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def current(self) -> Path:
        """What kubectl logs shows."""
        return self.folder / "current.log"

    @property
    def previous(self) -> Path:
        """What kubectl logs --previous shows."""
        return self.folder / "previous.log"

    def begin(self, run: int) -> Path:
        """Start a new log; returns the file for the program to write to. The last but one goes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.pump()
        for suffix in ("out", "log", "offset"):
            (self.folder / f"{run - 2}.{suffix}").unlink(missing_ok=True)
        (self.folder / f"{run}.log").touch(mode=0o600)
        if run:
            _link(self.previous, f"{run - 1}.log")
        _link(self.current, f"{run}.log")
        return self.folder / f"{run}.out"

    def pump(self) -> None:
        """Copy what the program wrote since the last time."""
        with _PUMPING:
            self._pump()

    def _pump(self) -> None:
        try:
            log = self.folder / os.readlink(self.current)
            out = log.with_suffix(".out")
            size = out.stat().st_size
        except FileNotFoundError:
            return
        offset_file = log.with_suffix(".offset")
        offset = _number(offset_file)
        if size < offset:
            offset = 0  # the file was set aside because of its length
        if size == offset:
            return
        with out.open("rb") as file:
            file.seek(offset)
            content = file.read(AT_ONCE)
        whole = content[: content.rfind(b"\n") + 1] or (content if len(content) >= LONGEST_LINE else b"")
        if not whole:
            return
        with log.open("ab") as file:
            file.write(formatted(whole, datetime.now(UTC)))
        write_atomically(offset_file, str(offset + len(whole)))

    def tail(self, lines: int, size: int = 2048) -> str:
        """The last lines the program wrote, at most `size` bytes."""
        try:
            out = (self.folder / os.readlink(self.current)).with_suffix(".out")
            with out.open("rb") as file:
                file.seek(max(0, out.stat().st_size - size))
                return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""


class Pump:
    """Keeps the logs of all containers that are added up to date."""

    def __init__(self) -> None:
        self._logs: dict[Path, ContainerLog] = {}
        self._lock = threading.Lock()

    def add(self, log: ContainerLog) -> None:
        """Follow this log."""
        with self._lock:
            self._logs.setdefault(log.folder, log)

    def forget(self, folder: Path) -> None:
        """Follow nothing below this folder any more."""
        with self._lock:
            for each in [each for each in self._logs if folder in each.parents]:
                del self._logs[each]

    def pump(self) -> None:
        """Bring every log up to date."""
        with self._lock:
            logs = list(self._logs.values())
        for log in logs:
            log.pump()


def formatted(content: bytes, time: datetime) -> bytes:
    """Plain lines as `<time> stdout F <text>`; what is not ended by a newline is partial (P)."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.%f000Z").encode()
    lines = []
    for line in content.splitlines(keepends=True):
        text = line.rstrip(b"\r\n")
        while len(text) > LONGEST_LINE:
            lines.append(stamp + b" stdout P " + text[:LONGEST_LINE] + b"\n")
            text = text[LONGEST_LINE:]
        tag = b"F" if line.endswith(b"\n") else b"P"
        lines.append(stamp + b" stdout " + tag + b" " + text + b"\n")
    return b"".join(lines)


def _number(file: Path) -> int:
    try:
        return int(file.read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _link(link: Path, target: str) -> None:
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)
