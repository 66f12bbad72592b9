# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions that go on while the play does: Ansible's `async` with `poll: 0`, which Ansible itself has for modules alone.

The action forks. Folder and content of a job's file are those of Ansible's own jobs (ansible/modules/async_wrapper.py),
so that async_status can read it too. When the run ends before the job, the job is interrupted and leaves no file; so
does one that nobody has waited for.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.interruption import (
    InterruptedRunError,
    interruptible,
)

Result = dict[str, Any]

PREFIX = "synergyflow-"
#: seconds between two looks whether the run is still there
LOOK = 0.5
#: seconds beyond its own time that are given to a job for tidying up
TIDY_UP = 180


def folder_of(action: ActionBase) -> Path:
    """Where Ansible keeps its jobs: by default ~/.ansible_async."""
    return Path(str(action.get_shell_option("async_dir", default="~/.ansible_async"))).expanduser()


def begin(work: Callable[[], Result], seconds: int, folder: Path) -> Result:
    """Have the work done beside the play, in so many seconds at most; returns what Ansible returns of a job."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=PREFIX, dir=folder)
    except OSError as error:
        reason = f"{folder} cannot be written: {error.strerror}. Give jobs another folder by ANSIBLE_ASYNC_DIR."
        return {"failed": True, "changed": False, "msg": reason}
    os.close(descriptor)
    file, run = Path(name), os.getppid()
    begun = {"started": 1, "finished": 0, "ansible_job_id": file.name}
    told, tell = os.pipe()
    if os.fork():
        os.close(tell)
        os.read(told, 1)  # until its file says who it is
        os.close(told)
        return {**begun, "results_file": name, "changed": False}
    try:
        os.setsid()  # Ctrl-C in a terminal is for the run: its end is noticed
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # but while there is something to interrupt
        _write(file, {**begun, "pid": os.getpid(), "seconds": seconds})
        os.close(tell)
        _write(file, {**_worked(work, seconds, run), "ansible_job_id": file.name})
        while lives(run) and file.exists():
            time.sleep(LOOK)
        file.unlink(missing_ok=True)
    finally:
        os._exit(0)  # what is above on the stack is Ansible's, and belongs to the process that it began


def result(file: Path) -> Result:
    """Wait until the job has ended; its result, once. Raises ClusterError when there is none."""
    deadline = None
    while True:
        try:
            found: Result = json.loads(file.read_text())
        except FileNotFoundError:
            raise ClusterError(
                f"job: there is no {file.name} in {file.parent}. Expected the ansible_job_id of a task of this"
                " collection that was begun with async and poll: 0 in the same run, and whose result was not asked for"
                " before."
            ) from None
        if "started" not in found:
            file.unlink()
            return found
        deadline = deadline or time.monotonic() + found["seconds"] + TIDY_UP
        if not lives(found["pid"]) and "started" in json.loads(file.read_text()):
            file.unlink()
            raise ClusterError("What was begun ended without a result: its process was killed.")
        if time.monotonic() > deadline:
            raise ClusterError(
                f"What was begun has not ended after {found['seconds']} seconds, nor when it was told to."
            )
        time.sleep(0.1)


def lives(pid: int) -> bool:
    """Whether the process works; one that ended and that nobody took notice of does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except OSError:  # another user's, or a system without /proc
        return True


def _worked(work: Callable[[], Result], seconds: int, run: int) -> Result:
    try:
        with interruptible():
            threading.Thread(target=_watch, args=(run, seconds), daemon=True).start()
            done = work()
            json.dumps(done)
            return done
    except InterruptedRunError:
        return {"failed": True, "msg": f"Took longer than the {seconds} seconds that async gives it, or was ended."}
    except Exception as error:
        return {"failed": True, "msg": f"{error.__class__.__name__}: {error}", "exception": traceback.format_exc()}


def _watch(run: int, seconds: int) -> None:
    deadline = time.monotonic() + seconds
    while lives(run) and time.monotonic() < deadline:
        time.sleep(LOOK)
    os.kill(os.getpid(), signal.SIGTERM)


def _write(file: Path, content: Result) -> None:
    partial = file.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(content))
    partial.replace(file)
