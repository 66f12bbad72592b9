# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Fetching what will be compiled and unpacked later, while processors are busy with what came before."""

from __future__ import annotations

import logging
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

log = logging.getLogger(__name__)


class Ahead:
    """Runs the fetches one after the other beside the `with` block, whose end ends them.

    They fill the caches of the ordinary clients. Nobody waits for them: one that fails is tried again, and its failure
    told, by the step that needs what it was to fetch.
    """

    def __init__(self, fetches: list[Callable[[Ahead], None]]) -> None:
        self._fetches = fetches
        self._lock = threading.Lock()
        self._ended = False
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._work, daemon=True, name="ahead")

    def __enter__(self) -> Ahead:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._ended = True
            if self._process:
                self._process.terminate()
        if kind is None:
            self._thread.join()

    def run(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        """Run a client's command in that folder until it ends."""
        with self._lock:
            if self._ended:
                return
            self._process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        self._process.wait()

    def _work(self) -> None:
        for fetch in self._fetches:
            if self._ended:
                return
            try:
                fetch(self)
            except Exception as error:  # told by the step that needs it
                log.debug("not fetched ahead: %s", error)
