# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Free ports on 127.0.0.1, reserved by name, below the range the kernel hands out for outgoing connections.

A checkout keeps its reservations in `run/ports.json`. The shared cache lists the state folders that have such a file,
so that two checkouts starting at once do not choose the same port before either listens on it.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.files import locked, write_atomically
from rehearsal.paths import Paths

FIRST = 10_000
LAST = 31_999  # Linux's net.ipv4.ip_local_port_range starts at 32768; Kubernetes' node ports are only names here


def reserve(name: str, paths: Paths | None = None) -> int:
    """The port of this name: the same one until it is released, free when first given out."""
    paths = paths or Paths.from_environment()
    with _locked(paths):
        own = _read(_reservations(paths))
        if name not in own:
            own[name] = _choose(name, paths, taken=set(own.values()) | _taken_by_others(paths))
            _write(_reservations(paths), own)
        return own[name]


def reserve_free(name: str, paths: Paths | None = None, runs: Callable[[], bool] = lambda: False) -> int:
    """Like `reserve`, but a port that somebody else took meanwhile is exchanged.

    `runs` says whether the name's own program may be the one that listens; it is asked only when somebody does.
    """
    port = reserve(name, paths)
    if is_free(port) or runs():
        return port
    release(name, paths)
    return reserve(name, paths)


def release(name: str, paths: Paths | None = None) -> None:
    """Give the port of this name back. Unknown names are no error."""
    paths = paths or Paths.from_environment()
    with _locked(paths):
        own = _read(_reservations(paths))
        if own.pop(name, None) is not None:
            _write(_reservations(paths), own)


def keep(names: dict[str, int], paths: Paths) -> None:
    """Reserve exactly these ports, which programs have already."""
    with _locked(paths):
        own = _read(_reservations(paths))
        if own | names != own:
            _write(_reservations(paths), own | names)


def release_all(paths: Paths) -> None:
    """Give every port of this state folder back."""
    with _locked(paths):
        _reservations(paths).unlink(missing_ok=True)


def reserved(paths: Paths) -> dict[str, int]:
    """All reservations of this state folder, by name."""
    return _read(_reservations(paths))


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now, on loopback and on all interfaces."""
    for host in ("127.0.0.1", ""):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
            # As servers do: a port in TIME_WAIT is free, one that is listened on is not.
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                server.bind((host, port))
            except OSError:
                return False
    return True


def _choose(name: str, paths: Paths, taken: set[int]) -> int:
    # A start of its own for each name and checkout: a port is likely to be the same again after down and up.
    digest = hashlib.sha256(f"{paths.state}\0{name}".encode()).digest()
    count = LAST - FIRST + 1
    start = int.from_bytes(digest[:4], "big")
    for step in range(count):
        port = FIRST + (start + step) % count
        if port not in taken and is_free(port):
            return port
    raise RehearsalError(f"no free port between {FIRST} and {LAST} on 127.0.0.1 for {name}: stop what listens there")


def _taken_by_others(paths: Paths) -> set[int]:
    """Ports of other checkouts. Registers this one, and forgets those that are gone."""
    index = _index(paths)
    known: dict[str, bool] = {}
    taken: set[int] = set()
    for state in _read(index):
        reservations = Path(state) / "run" / "ports.json"
        if Path(state) != paths.state and reservations.is_file():
            known[state] = True
            taken.update(_read(reservations).values())
    known[str(paths.state)] = True
    _write(index, known)
    return taken


def _reservations(paths: Paths) -> Path:
    return paths.run / "ports.json"


def _index(paths: Paths) -> Path:
    return paths.cache / "state-folders.json"


def _read(path: Path) -> dict[str, int]:
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, PermissionError, json.JSONDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(path: Path, content: dict) -> None:
    write_atomically(path, json.dumps(content, indent=1, sort_keys=True) + "\n")


def _locked(paths: Paths) -> AbstractContextManager[None]:
    return locked(paths.cache / "ports.lock")
