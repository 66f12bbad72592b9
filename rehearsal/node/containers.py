# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""One container of a pod as a supervised program: started, asked whether it is ready, started again when it ended.

What must survive the node's own death is in a file beside the container's logs; the program itself is supervisord's
child, not the node's, so a node that comes back finds it running and leaves it so.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rehearsal.files import write_atomically
from rehearsal.node import recipes
from rehearsal.node.events import Events
from rehearsal.node.logs import ContainerLog, Pump
from rehearsal.node.pod_files import PodFiles
from rehearsal.node.recipes.recipe import CannotStartError, Container, Run
from rehearsal.node.status import Seen, now, running, terminated, waiting
from rehearsal.node.values import ValueFromError
from rehearsal.supervise import ABSENT, ENDED, Program, ProgramState, Supervisor

log = logging.getLogger(__name__)

# seconds. The kubelet's own are 10 and 300; a rehearsal's user watches
BACK_OFF_FIRST = 5.0
BACK_OFF_LONGEST = 60.0
FORGIVEN_AFTER = 600.0  # a program that ran that long starts with the shortest back-off again
RETRY_START = 10.0
ASK_UNREADY = 0.5
ASK_READY = 10.0
ASK_DOUBTFUL = 2.0  # a ready program that did not answer
GIVEN_UP_AFTER = 3  # times that a ready program may not answer in a row; Kubernetes' own failureThreshold
UNHEALTHY_AFTER = 15.0  # unready for so long, an event says why
DEFAULT_GRACE = 30
KILLED = 137


@dataclass
class Record:
    """What the node remembers of a container. Times are seconds since the epoch, `since` is as the API writes it."""

    restarts: int = 0
    since: str = ""
    started_at: float = 0
    run: dict[str, Any] | None = None  # of the running or last program
    recipe: str = ""
    expected: bool = False  # to be running
    ended: dict[str, Any] | None = None  # the state it ended in
    last: dict[str, Any] = field(default_factory=dict)
    failures: int = 0
    retry_at: float = 0
    cannot: list[str] = field(default_factory=list)  # reason and message, when it could not be started

    @classmethod
    def read(cls, file: Path) -> Record:
        """The record in the file; a new one when there is none."""
        try:
            return cls(**json.loads(file.read_text()))
        except FileNotFoundError:
            return cls()

    def write(self, file: Path) -> None:
        """Keep it."""
        write_atomically(file, json.dumps(asdict(self), indent=1) + "\n")


@dataclass
class Answers:
    """What a running program answered so far. Times are those of the monotonic clock."""

    unready_since: float
    ready: bool = False
    asked_at: float = 0
    failures: int = 0

    @property
    def interval(self) -> float:
        """Seconds until it is asked again."""
        if not self.ready:
            return ASK_UNREADY
        return ASK_DOUBTFUL if self.failures else ASK_READY

    def take(self, well: bool, clock: float) -> None:
        """Take an answer into account."""
        self.asked_at = clock
        self.failures = 0 if well else self.failures + 1
        if well:
            self.ready = True
        elif self.ready and self.failures >= GIVEN_UP_AFTER:
            self.ready, self.unready_since = False, clock


@dataclass(frozen=True)
class Looked:
    """A container after it was looked at: what to report, how it is reached, when to look again (seconds)."""

    seen: Seen
    run: Run | None
    log: ContainerLog
    again: float
    notes: list[str] = field(default_factory=list)
    stands_in: str = ""


class ContainerPrograms:
    """The containers of one cluster's pods."""

    def __init__(self, cluster: str, supervisor: Supervisor, events: Events, pump: Pump) -> None:
        self._cluster = cluster
        self._supervisor = supervisor
        self._events = events
        self._pump = pump
        self._answers: dict[str, Answers] = {}
        self._started: set[str] = set()  # programs that this process of the node started

    def program_name(self, namespace: str, pod: str, container: str) -> str:
        """The name under supervisord."""
        return f"{self._cluster}.{namespace}.{pod}.{container}"

    def look(self, pod: dict[str, Any], spec: dict[str, Any], files: PodFiles, make: Callable[[], Container]) -> Looked:
        """Bring the container closer to what its pod wants. `make` gathers what a recipe needs, only when it starts."""
        file = files.container(spec["name"]) / "state.json"
        record = Record.read(file)
        before = asdict(record)
        metadata = pod["metadata"]
        name = self.program_name(metadata["namespace"], metadata["name"], spec["name"])
        container_log = ContainerLog(files.container(spec["name"]) / "logs")
        if record.expected:
            self._check_end(pod, spec, record, name, container_log)
        if not record.expected and self._may_start(pod, record):
            self._start(pod=pod, spec=spec, record=record, name=name, container_log=container_log, make=make)
        if asdict(record) != before:
            record.write(file)
        if record.expected:
            self._pump.add(container_log)
        return self._report(pod, spec, record, name, container_log)

    def stop(self, files: PodFiles, namespace: str, pod: str, container: str, grace: float | None = None) -> None:
        """End the container's program and wait for it; after `grace` seconds it is killed."""
        name = self.program_name(namespace, pod, container)
        state = self._supervisor.state(name)
        if state.state == ABSENT or not self._is_of(name, files):
            return
        killer = None
        if state.pid and grace is not None:
            killer = threading.Timer(grace, self._kill, (name, state.pid))
            killer.daemon = True
            killer.start()
        try:
            self._supervisor.remove(name)
        finally:
            if killer:
                killer.cancel()
        self._answers.pop(name, None)

    def any_runs(self, namespace: str, pod: str) -> bool:
        """Whether a program of the pod runs, or is ending."""
        prefix = self.program_name(namespace, pod, "")
        states = self._supervisor.states()
        return any(name.startswith(prefix) and state.state not in ENDED for name, state in states.items())

    # --- steps

    def _check_end(
        self, pod: dict[str, Any], spec: dict[str, Any], record: Record, name: str, container_log: ContainerLog
    ) -> None:
        """Notice that the program has ended, and how."""
        if record.run is None or record.run["command"] is None:
            return
        state = self._supervisor.state(name)
        if state.runs or state.state in ("STOPPING", "BACKOFF"):
            return
        container_log.pump()
        code, reason = _exit(state)
        tail = spec.get("terminationMessagePolicy") == "FallbackToLogsOnError" and code != 0
        message = container_log.tail(80) if tail else ""
        record.ended = terminated(code, record.since, now(), message, reason)
        record.expected = False
        if time.time() - record.started_at > FORGIVEN_AFTER:
            record.failures = 0
        record.retry_at = time.time() + _back_off(record.failures)
        record.failures += 1
        self._answers.pop(name, None)
        again = f"again in {max(record.retry_at - time.time(), 0):.0f} s" if self._restarts(pod, code) else "not again"
        log.info("%s ended with exit code %s after %.0f s: %s", name, code, time.time() - record.started_at, again)
        if code and self._restarts(pod, code) and record.failures > 1:
            self._events.warning(
                pod, "BackOff", f"Back-off restarting failed container {spec['name']} in pod {pod['metadata']['name']}"
            )

    def _may_start(self, pod: dict[str, Any], record: Record) -> bool:
        if record.ended and not self._restarts(pod, record.ended["terminated"]["exitCode"]):
            return False
        return time.time() >= record.retry_at

    @staticmethod
    def _restarts(pod: dict[str, Any], exit_code: int) -> bool:
        policy = pod["spec"].get("restartPolicy", "Always")
        return policy == "Always" or (policy == "OnFailure" and exit_code != 0)

    def _start(
        self,
        *,
        pod: dict[str, Any],
        spec: dict[str, Any],
        record: Record,
        name: str,
        container_log: ContainerLog,
        make: Callable[[], Container],
    ) -> None:
        try:
            container = make()
            found = recipes.find(container)
            if not found:
                raise CannotStartError("ErrImagePull", f'the process node has no program for image "{spec["image"]}"')
            run = recipes.RECIPES[found].prepare(container)
        except (CannotStartError, ValueFromError) as error:
            reason = error.reason if isinstance(error, CannotStartError) else "CreateContainerConfigError"
            if record.cannot != [reason, str(error)]:
                log.warning("%s cannot start: %s: %s", name, reason, error)
            self._events.warning(pod, "Failed", f"Error: {reason}: {error}")
            record.cannot = [reason, str(error)]
            record.retry_at = time.time() + RETRY_START
            return
        if record.ended:
            record.last, record.ended = record.ended, None
            record.restarts += 1
        out = container_log.begin(record.restarts)
        record.cannot = []
        record.recipe, record.run = found, run.to_json()
        record.since, record.started_at, record.expected = now(), time.time(), True
        if run.command is None:
            out.write_text("".join(f"{note}\n" for note in run.notes))
            log.info("%s counts as running, nothing runs: %s", name, run.stands_in or found)
            return
        grace = pod["spec"].get("terminationGracePeriodSeconds")
        self._supervisor.ensure(
            Program(
                name=name,
                command=run.command,
                environment=run.environment,
                directory=run.directory or None,
                autorestart=False,  # back-off and restart counts are the kubelet's business, here the node's
                stopwaitsecs=DEFAULT_GRACE if grace is None else max(int(grace), 1),
                logfile=out,
            )
        )
        self._answers.pop(name, None)
        self._started.add(name)
        log.info("%s started by recipe %s%s", name, found, f", restart {record.restarts}" if record.restarts else "")
        self._events.normal(pod, "Started", f"Started container {spec['name']}")

    def _report(
        self, pod: dict[str, Any], spec: dict[str, Any], record: Record, name: str, container_log: ContainerLog
    ) -> Looked:
        run = Run.from_json(record.run) if record.run else None
        again = max(record.retry_at - time.time(), 0.1)
        seen = Seen(spec["name"], spec["image"], waiting("ContainerCreating"), record.last, False, record.restarts)
        if record.expected and run:
            ready, again = self._asked(pod, spec, record, run, name)
            seen = replace(seen, state=running(record.since), ready=ready, program=name)
        elif record.cannot:
            seen = replace(seen, state=waiting(*record.cannot), program=name if record.last else "")
        elif record.ended:
            code = record.ended["terminated"]["exitCode"]
            seen = replace(seen, state=record.ended, program=name)
            if not self._restarts(pod, code):
                again = float("inf")
            elif record.failures > 1:
                metadata = pod["metadata"]
                message = (
                    f"back-off {_back_off(record.failures - 1):.0f}s restarting failed container={spec['name']} "
                    f"pod={metadata['name']}_{metadata['namespace']}({metadata['uid']})"
                )
                seen = replace(seen, state=waiting("CrashLoopBackOff", message), last=record.ended)
        notes, stands_in = (run.notes, run.stands_in) if run else ([], "")
        return Looked(seen, run, container_log, again, notes, stands_in)

    def _asked(
        self, pod: dict[str, Any], spec: dict[str, Any], record: Record, run: Run, name: str
    ) -> tuple[bool, float]:
        """Whether the program is ready, and when to ask again. A fresh answer is not asked for twice."""
        if run.command is None:
            return True, float("inf")
        clock = time.monotonic()
        answers = self._answers.setdefault(name, Answers(unready_since=clock))
        if answers.asked_at and clock - answers.asked_at < answers.interval:
            return answers.ready, answers.interval - (clock - answers.asked_at)
        why = recipes.RECIPES[record.recipe].answers(run)
        was_ready = answers.ready
        answers.take(why is None, clock)
        if answers.ready and not was_ready:
            if name in self._started:
                log.info("%s is ready after %.1f s", name, time.time() - record.started_at)
            else:
                log.info("%s is found running and ready", name)
        elif was_ready and not answers.ready:
            log.warning("%s is not ready any more: %s", name, why)
        if not answers.ready and time.monotonic() - answers.unready_since > UNHEALTHY_AFTER:
            self._events.warning(pod, "Unhealthy", f"Readiness probe failed: {why}")
        return answers.ready, answers.interval

    # --- what supervisord knows

    def _is_of(self, name: str, files: PodFiles) -> bool:
        """Whether the program of this name was started for this very pod, not for one of the same name."""
        return files.folder in self._supervisor.logfile(name).parents

    def take_over(self, files: PodFiles, namespace: str, pod: str, container: str) -> None:
        """End a program that an earlier pod of the same name left behind."""
        name = self.program_name(namespace, pod, container)
        if self._supervisor.state(name).state != ABSENT and not self._is_of(name, files):
            log.info("%s is of an earlier pod: stopped", name)
            self._supervisor.remove(name)

    def _kill(self, name: str, pid: int) -> None:
        if self._supervisor.state(name).pid == pid:
            log.info("%s did not end within its grace period: killed", name)
            os.kill(pid, signal.SIGKILL)


def _exit(state: ProgramState) -> tuple[int, str]:
    """Exit code and reason. supervisord tells no signal; a program it does not know went away with it."""
    if state.exitstatus is None:
        return KILLED, "ContainerStatusUnknown"
    return (KILLED if state.exitstatus < 0 else state.exitstatus), ""


def _back_off(failures: int) -> float:
    """Seconds before the next start: none after the first end, then doubling."""
    return 0.0 if failures == 0 else min(BACK_OFF_FIRST * 2 ** (failures - 1), BACK_OFF_LONGEST)
