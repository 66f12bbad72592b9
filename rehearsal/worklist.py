# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Keys waiting to be reconciled: each at most once in line, one at a time, again later when its reconcile asks for it.

Events only say that something may have changed; what is to be done is read from the API server when the turn comes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable

FIRST_RETRY, LAST_RETRY = 1.0, 30.0  # seconds

logger = logging.getLogger(__name__)


class Worklist:
    """One worker thread. `reconcile(key)` returns seconds until it wants to be called again, or None."""

    def __init__(self, name: str, reconcile: Callable[[Hashable], float | None]) -> None:
        self._reconcile = reconcile
        self._due: dict[Hashable, float] = {}
        self._failures: dict[Hashable, int] = {}
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Begin working."""
        self._thread.start()

    def add(self, key: Hashable, delay: float = 0) -> None:
        """Have the key reconciled after that many seconds at the latest."""
        with self._changed:
            due = time.monotonic() + delay
            self._due[key] = min(due, self._due.get(key, due))
            self._changed.notify()

    def _work(self) -> None:
        while True:
            key = self._next()
            try:
                again = self._reconcile(key)
            except Exception as error:
                again = self._back_off(key)
                logger.warning("%s: %s: %s; again in %.0f s", key, type(error).__name__, error, again)
                logger.debug("traceback", exc_info=True)
            else:
                self._failures.pop(key, None)
            if again is not None:
                self.add(key, again)

    def _next(self) -> Hashable:
        with self._changed:
            while True:
                now = time.monotonic()
                key = min(self._due, key=self._due.__getitem__, default=None)
                if key is not None and self._due[key] <= now:
                    del self._due[key]
                    return key
                self._changed.wait(None if key is None else self._due[key] - now)

    def _back_off(self, key: Hashable) -> float:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        return min(FIRST_RETRY * 2 ** (failures - 1), LAST_RETRY)
