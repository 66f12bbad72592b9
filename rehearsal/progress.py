# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Lines that say what is being done and how long it took: `[3/9] kube-apiserver … 74 s`."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class Progress:
    """Numbered steps. On a terminal the running step's seconds are counted; elsewhere each step is one line."""

    def __init__(self, total: int, out: TextIO | None = None) -> None:
        self._total = total
        self._number = 0
        self._out = out or sys.stdout
        self._noted = ""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Announce a step, and finish its line when it ends."""
        self._number += 1
        self._noted = ""
        label = f"[{self._number}/{self._total}] {name} …"
        started = time.monotonic()
        done = threading.Event()
        live = self._out.isatty()
        self._write(label)
        if live:
            threading.Thread(target=self._count, args=(label, started, done), daemon=True).start()
        outcome = "interrupted"
        try:
            yield
            outcome = ""
        except Exception:
            outcome = "failed"
            raise
        finally:
            done.set()
            seconds = f"{time.monotonic() - started:.0f} s"
            ending = f" {outcome + ' after ' if outcome else ''}{seconds}\n"
            self._write(f"\r{label}{ending}" if live else ending)

    def note(self, count: int, total: int) -> None:
        """How far the running step is."""
        self._noted = f" {count}/{total}"

    def _count(self, label: str, started: float, done: threading.Event) -> None:
        while not done.wait(1):
            self._write(f"\r{label}{self._noted} {time.monotonic() - started:.0f} s")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
