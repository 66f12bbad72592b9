# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""A queue of things to bring to their wanted state: each at most once in the queue, and in one worker at a time."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable, Hashable

log = logging.getLogger(__name__)

RETRY_FIRST = 1.0  # seconds
RETRY_LONGEST = 30.0


class Queue:
    """`reconcile(key)` returns after how many seconds it wants to see the key again, or None."""

    def __init__(self, reconcile: Callable[[Hashable], float | None], workers: int) -> None:
        self._reconcile = reconcile
        self._condition = threading.Condition()
        self._due: dict[Hashable, float] = {}
        self._order: list[tuple[float, int, Hashable]] = []
        self._count = 0
        self._busy: set[Hashable] = set()
        self._failures: dict[Hashable, int] = {}
        self._threads = [threading.Thread(target=self._work, daemon=True, name=f"worker-{n}") for n in range(workers)]

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def add(self, key: Hashable, after: float = 0) -> None:
        """Look at the key in `after` seconds, or earlier when it is due earlier already."""
        due = time.monotonic() + after
        with self._condition:
            if key in self._due and self._due[key] <= due:
                return
            self._due[key] = due
            self._count += 1
            heapq.heappush(self._order, (due, self._count, key))
            self._condition.notify()

    def _take(self) -> Hashable:
        with self._condition:
            while True:
                postponed = []
                wait = None
                try:
                    while self._order:
                        due, count, key = self._order[0]
                        if self._due.get(key) != due:  # there is a newer entry, or it was taken
                            heapq.heappop(self._order)
                            continue
                        if (left := due - time.monotonic()) > 0:
                            wait = left
                            break
                        heapq.heappop(self._order)
                        if key in self._busy:
                            postponed.append((due, count, key))
                            continue
                        del self._due[key]
                        self._busy.add(key)
                        return key
                finally:
                    for entry in postponed:
                        heapq.heappush(self._order, entry)
                self._condition.wait(wait)

    def _work(self) -> None:
        while True:
            key = self._take()
            again: float | None
            try:
                again = self._reconcile(key)
                self._failures.pop(key, None)
            except Exception as error:  # whatever it is, it must not end the worker: said, and tried again
                failures = self._failures[key] = self._failures.get(key, 0) + 1
                again = min(RETRY_FIRST * 2 ** (failures - 1), RETRY_LONGEST)
                log.error("%s failed, again in %.0f s: %s: %s", key, again, type(error).__name__, error)
                log.debug("because", exc_info=True)
            with self._condition:
                self._busy.discard(key)
                self._condition.notify()
            if again is not None:
                self.add(key, again)
