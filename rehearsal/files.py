# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Files that are either wholly there or not at all, and locks between processes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rehearsal.errors import RehearsalError


def write_atomically(path: Path, text: str, mode: int = 0o600) -> None:
    """Write the file by way of a temporary one beside it; a reader sees the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


@contextmanager
def locked(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold an exclusive lock on the file. `waiting` is called once when somebody else holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def private_folder() -> Path:
    """A folder of this user's own in the place for temporary files, where a path is short and has no odd characters."""
    folder = Path(tempfile.gettempdir()) / f"synergyflow-rehearsal-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise RehearsalError(f"{folder} belongs to somebody else: remove it")
    return folder


def shell_safe(path: Path) -> Path:
    """The path, or a link to it where its name would not survive an unquoted shell word (kwokctl takes it as one)."""
    if shlex.quote(str(path)) == str(path):
        return path
    link = private_folder() / hashlib.sha256(str(path).encode()).hexdigest()[:16]
    if not link.is_symlink():
        with suppress(FileExistsError):  # another thread or command made it in this moment
            link.symlink_to(path)
    return link


def tail(path: Path, size: int) -> str:
    """The last `size` bytes of a text file, from a line's beginning on; empty when there is no such file."""
    try:
        with path.open("rb") as file:
            length = file.seek(0, os.SEEK_END)
            file.seek(max(0, length - size))
            content = file.read()
    except FileNotFoundError:
        return ""
    if length > size:
        content = content.partition(b"\n")[2] or content
    return content.decode(errors="replace")
