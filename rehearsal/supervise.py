# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Programs under supervisord, one process group each, added and removed while the others run.

Any process may use a `Supervisor` of the same paths at the same time: files are replaced whole, and supervisord does
one request after the other.
"""

from __future__ import annotations

import dataclasses
import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from supervisor.xmlrpc import Faults, SupervisorTransport, UnixStreamHTTPConnection

from rehearsal import processes
from rehearsal.errors import RehearsalError
from rehearsal.files import private_folder, shell_safe, tail, write_atomically
from rehearsal.paths import Paths

PART = "supervised"
SOCKET_PATH_LIMIT = 90  # bytes; the kernel allows 107 (unix(7)), supervisord appends its pid while it binds
SECONDS_TO_SHUT_DOWN = 60
SECONDS_TO_ANSWER = 20  # to a question; a request to stop is answered when the program has ended
ABSENT = "ABSENT"
RUNNING = ("STARTING", "RUNNING")
ENDED = ("STOPPED", "EXITED", "FATAL", "UNKNOWN")

_CONFIGURATION = """\
[supervisord]
logfile={run}/supervisord.log
logfile_maxbytes=4MB
logfile_backups=1
pidfile={run}/supervisord.pid
childlogdir={run}
directory={run}
umask=077
{user}
[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[include]
files=programs/*.ini
"""

_PROGRAM = """\
[program:{name}]
command={launch}
environment={program_variable}="{name}"
autostart=true
autorestart={autorestart}
startsecs={startsecs}
startretries={startretries}
stopsignal={stopsignal}
stopwaitsecs={stopwaitsecs}
stopasgroup=false
killasgroup=true
stdout_logfile=NONE
stderr_logfile=NONE
"""


@dataclass(frozen=True)
class Program:
    """One program, as it is to be run.

    `environment` is added to a small clean one (see `processes.environment`). With `autorestart` a program that ends
    is started again (given up after `startretries` ends within the first second); without, any end is final and
    shows as EXITED with its status. `stopwaitsecs` after `stopsignal` the whole process group is killed.
    """

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    directory: Path | str | None = None
    user: str | None = None
    autorestart: bool = True
    startretries: int = 3
    stopsignal: str = "TERM"
    stopwaitsecs: int = 10
    logfile: Path | str | None = None


class ProgramState(NamedTuple):
    """What supervisord says of a program. `state` is one of its own words, or ABSENT for a program it does not know."""

    state: str
    pid: int | None
    exitstatus: int | None
    description: str

    @property
    def runs(self) -> bool:
        """Whether there is a living process that is not being stopped."""
        return self.state in RUNNING


class Supervisor:
    """The supervisord of one state folder."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self._programs = paths.run / "programs"

    # --- supervisord itself

    def start(self) -> bool:
        """Start supervisord, with no programs, unless it runs; whether it had to be started."""
        if self.running():
            return False
        # What an earlier, crashed supervisord left behind would hold ports and folders.
        processes.end(processes.find(self.paths, PART), grace=10)
        self._forget_all()
        configuration = self.paths.run / "supervisord.conf"
        write_atomically(configuration, render_configuration(self.paths))
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)]
        started = subprocess.run(
            command,
            env=processes.environment(self.paths, PART),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        deadline = time.monotonic() + 15
        while started.returncode == 0 and not self.running():
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        if not self.running():
            reason = (started.stderr or started.stdout or tail(self.paths.run / "supervisord.log", 2000)).strip()
            raise RehearsalError(f"supervisord did not start: {reason}")
        return True

    def stop(self, grace: float = 10) -> None:
        """Stop all programs and supervisord; what supervisord left behind, or left when it crashed, is ended too.

        `grace`: seconds that pods are given.
        """
        if self.running():
            with suppress(RehearsalError):  # it goes down with what is left
                self._stop_pods(grace)
            with suppress(RehearsalError):  # it is going down already
                self._call("shutdown")
            deadline = time.monotonic() + SECONDS_TO_SHUT_DOWN
            while self.pid() and time.monotonic() < deadline:
                time.sleep(0.05)
        left = processes.end(processes.find(self.paths, PART), grace=5)
        if left:
            raise RehearsalError(f"cannot end process {left[0].pid}: end it by hand")
        self._forget_all()
        socket_path(self.paths).unlink(missing_ok=True)

    def _stop_pods(self, grace: float) -> None:
        """All at once, where supervisord would stop one after the other; before what they need.

        What does not end is killed: the last of three brokers would wait for the others.
        """
        names = list(self.states())
        pods = [name for name in names if "." in name]
        for name in names:
            if name.startswith("node-"):  # it would start its pods again
                self._call("stopProcess", name, ignore=(Faults.NOT_RUNNING,))
        self._call_each("stopProcess", pods, False, ignore=(Faults.NOT_RUNNING, Faults.BAD_NAME))
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline:
            if all(state.state in ENDED for name, state in self.states().items() if name in pods):
                break
            time.sleep(0.1)
        self._kill_processes(lambda name: name in pods)
        # as it goes down, supervisord takes a second for each program that it knows, whether it runs or has ended
        self._let_go_of_ended(names)

    def _let_go_of_ended(self, names: Sequence[str]) -> None:
        """Supervisord knows those of them no more that have ended."""
        self._call_each("removeProcessGroup", names, ignore=(Faults.BAD_NAME, Faults.STILL_RUNNING))

    def _kill_processes(self, chosen: Callable[[str], bool]) -> None:
        """What runs of the programs whose names are chosen, with all that they have started."""
        ours = processes.find(self.paths, PART)
        processes.end((each for each in ours if chosen(processes.mark(each, processes.PROGRAM_VARIABLE))), grace=0)

    def running(self) -> bool:
        """Whether supervisord answers."""
        try:
            self._call("getState")
        except RehearsalError:
            return False
        return True

    def pid(self) -> int | None:
        """Supervisord's process, when it lives."""
        marked = processes.find(self.paths, PART)
        return next((p.pid for p in marked if "supervisor.supervisord" in processes.command_line(p)), None)

    # --- programs

    def ensure(self, program: Program) -> bool:
        """Have this program run, exactly so: added, replaced, or started again; whether anything had to be done."""
        description = self._describe(program)
        ini, specification = self._ini(program.name), self._specification(program.name)
        state = self.state(program.name)
        if state.state != ABSENT and specification.exists() and specification.read_text() == description:
            if state.state not in ENDED:
                return False
            self._call("startProcess", program.name, False)
            return True
        if state.state != ABSENT:
            self._take_out(program.name)
        write_atomically(specification, description)
        write_atomically(ini, render_program(program, shell_safe(self._programs) / specification.name))
        self._call("reloadConfig")
        self._call("addProcessGroup", program.name, ignore=(Faults.ALREADY_ADDED,))
        return True

    def remove(self, name: str) -> None:
        """Stop the program, wait until it has ended, and forget it. Unknown names are no error; its log stays."""
        if self.state(name).state != ABSENT:
            self._take_out(name)
        self._forget(name)

    def kill(self, cluster: str) -> None:
        """Kill and forget all programs of one cluster, its node's and its pods', without asking them to stop."""
        # Told to stop first, so that supervisord does not start it again.
        told = self._of(cluster)
        self._call_each("stopProcess", told, False, ignore=(Faults.NOT_RUNNING, Faults.BAD_NAME))
        self._kill_processes(lambda name: belongs(name, cluster))
        self._let_go_of_ended(told)
        for name in told:
            self._forget(name)
        for name in self._of(cluster):  # not ended yet, or added by the node until it ended
            self.remove(name)

    def _of(self, cluster: str) -> list[str]:
        return [name for name in self.states() if belongs(name, cluster)]

    def state(self, name: str) -> ProgramState:
        """The state of one program."""
        info = self._call("getProcessInfo", name, ignore=(Faults.BAD_NAME,))
        return _program_state(info) if info else ProgramState(ABSENT, None, None, "")

    def states(self) -> dict[str, ProgramState]:
        """The states of all programs, by name."""
        return {info["name"]: _program_state(info) for info in self._call("getAllProcessInfo")}

    def logfile(self, name: str) -> Path:
        """Where the program's output goes."""
        try:
            return Path(json.loads(self._specification(name).read_text())["logfile"])
        except FileNotFoundError:
            return self.paths.logs / f"{name}.log"

    def tail(self, name: str, size: int = 4096) -> str:
        """The last `size` bytes of the program's output, from a line's beginning on."""
        return tail(self.logfile(name), size)

    # --- inside

    def _take_out(self, name: str) -> None:
        ignore = (Faults.NOT_RUNNING, Faults.BAD_NAME, Faults.STILL_RUNNING)
        self._call("stopProcess", name, ignore=ignore)
        deadline = time.monotonic() + 60
        while self.state(name).state not in (*ENDED, ABSENT):
            if time.monotonic() > deadline:
                raise RehearsalError(f"{name} does not stop: see {self.logfile(name)}")
            time.sleep(0.05)
        self._call("removeProcessGroup", name, ignore=(Faults.BAD_NAME,))

    def _forget(self, name: str) -> None:
        self._ini(name).unlink(missing_ok=True)
        self._specification(name).unlink(missing_ok=True)

    def _forget_all(self) -> None:
        if self._programs.is_dir():
            for file in self._programs.iterdir():
                file.unlink(missing_ok=True)
        self._programs.mkdir(parents=True, exist_ok=True)
        self.paths.logs.mkdir(parents=True, exist_ok=True)

    def _describe(self, program: Program) -> str:
        described = dataclasses.asdict(program)
        described["directory"] = str(program.directory or self.paths.run)
        described["logfile"] = str(program.logfile or self.paths.logs / f"{program.name}.log")
        described["command"] = [str(part) for part in program.command]
        return json.dumps(described, indent=1, sort_keys=True)

    def _ini(self, name: str) -> Path:
        return self._programs / f"{name}.ini"

    def _specification(self, name: str) -> Path:
        return self._programs / f"{name}.json"

    def _call(self, method: str, *arguments: Any, ignore: tuple[int, ...] = ()) -> Any:
        try:
            return self._asked(f"supervisor.{method}", *arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode in ignore:
                return None
            raise _refused(fault.faultString, method, *arguments) from fault

    def _call_each(self, method: str, names: Sequence[str], *arguments: Any, ignore: tuple[int, ...] = ()) -> None:
        """The same of each program, in one request: supervisord takes its time to answer one."""
        calls = [{"methodName": f"supervisor.{method}", "params": [name, *arguments]} for name in names]
        for name, answer in zip(names, self._asked("system.multicall", calls), strict=True):
            if isinstance(answer, dict) and answer["faultCode"] not in ignore:
                raise _refused(answer["faultString"], method, name, *arguments)

    def _asked(self, method: str, *arguments: Any) -> Any:
        limit = SECONDS_TO_ANSWER if method.startswith("supervisor.get") else None
        transport = _Transport(socket_path(self.paths), limit)
        try:
            return getattr(xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport), method)(*arguments)
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise RehearsalError("the rehearsal's supervisor does not answer: run make rehearsal-up") from error
        finally:
            transport.close()


def _refused(reason: str, *asked: Any) -> RehearsalError:
    return RehearsalError(f"supervisord refuses {' '.join(map(str, asked))}: {reason}")


class _Transport(SupervisorTransport):
    """Supervisor's own has no time limit."""

    def __init__(self, path: Path, seconds: float | None) -> None:
        super().__init__(None, None, f"unix://{path}")
        self._get_connection = lambda: _Connection(path, seconds)


class _Connection(UnixStreamHTTPConnection):
    def __init__(self, path: Path, seconds: float | None) -> None:
        super().__init__("localhost", timeout=seconds)
        self.socketfile = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.socketfile)


def render_configuration(paths: Paths) -> str:
    """Supervisord's own configuration."""
    # As root supervisord wants to be told that this is meant.
    user = "user=root\n" if os.geteuid() == 0 else ""
    return _CONFIGURATION.format(run=_escaped(shell_safe(paths.run)), socket=_escaped(socket_path(paths)), user=user)


def render_program(program: Program, specification: Path) -> str:
    """The section of one program; everything free in form is in the specification that `launch` reads."""
    if not set(program.name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"):
        raise ValueError(f"program name {program.name!r}: letters, digits, dots, dashes and underscores only")
    getattr(signal, f"SIG{program.stopsignal}")
    launch = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py")), str(specification)]
    return _PROGRAM.format(
        name=program.name,
        launch=" ".join('"' + _escaped(part) + '"' for part in launch),
        program_variable=processes.PROGRAM_VARIABLE,
        autorestart="true" if program.autorestart else "false",
        # With 0 every end counts as an end; otherwise supervisord would retry a quick one although told not to restart.
        startsecs=1 if program.autorestart else 0,
        startretries=program.startretries,
        stopsignal=program.stopsignal,
        stopwaitsecs=program.stopwaitsecs,
    )


def socket_path(paths: Paths) -> Path:
    """Supervisord's socket: in the state folder, or in a private temporary one when that path is too long."""
    path = shell_safe(paths.run) / "supervisor.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    return private_folder() / f"{hashlib.sha256(str(paths.state).encode()).hexdigest()[:16]}.sock"


def belongs(program: str, cluster: str) -> bool:
    """Whether a program is the cluster's node (`node-<cluster>`) or one of its containers (`<cluster>.…`)."""
    return program == f"node-{cluster}" or program.startswith(f"{cluster}.")


def _escaped(value: Path | str) -> str:
    return str(value).replace("%", "%%")


def _program_state(info: dict[str, Any]) -> ProgramState:
    return ProgramState(
        state=info["statename"],
        pid=info["pid"] or None,
        # supervisord keeps no status of a process that never came up, and 0 while one runs
        exitstatus=info["exitstatus"] if info["statename"] == "EXITED" else None,
        description=info["description"],
    )
