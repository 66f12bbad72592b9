# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Actions that go on beside the play: their result once, and no trace of those that nobody waits for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.interruption import (
    InterruptedRunError,
    interruptible,
)
from ansible_collections.synergyflow.platform.plugins.plugin_utils import job
from until import until

COLLECTIONS = Path(__file__).resolve().parents[3] / "collections"
PLAY = """
import os, sys, time
from pathlib import Path
from ansible_collections.synergyflow.platform.plugins.module_utils import interruption
from ansible_collections.synergyflow.platform.plugins.plugin_utils import job

folder, marker = Path(sys.argv[1]), Path(sys.argv[2])
began = marker.with_name("began")

def quick():
    marker.write_text("done")
    began.touch()
    return {}

def slow():
    with interruption.interruptible():
        try:
            began.touch()
            time.sleep(600)
        except interruption.InterruptedRunError:
            marker.write_text("tidied up")
            raise

if os.fork():
    os.wait()
    while not began.exists():
        time.sleep(0.01)
    sys.exit(0)
job.begin(globals()[sys.argv[3]], 600, folder)
os._exit(0)
"""


def test_the_result_is_that_of_the_work_and_is_had_once(tmp_path: Path) -> None:
    begun = job.begin(lambda: {"changed": False, "here": os.getpid()}, 60, tmp_path / "jobs")
    file = tmp_path / "jobs" / begun["ansible_job_id"]
    assert begun == {
        "started": 1, "finished": 0, "changed": False, "ansible_job_id": file.name, "results_file": str(file)
    }  # fmt: skip
    found = job.result(file)
    assert found["here"] != os.getpid()
    assert found["ansible_job_id"] == file.name
    assert list((tmp_path / "jobs").iterdir()) == []
    assert (tmp_path / "jobs").stat().st_mode & 0o777 == 0o700
    with pytest.raises(ClusterError, match=f"there is no {file.name} in .*was begun with async and poll: 0"):
        job.result(file)


def test_what_ansible_reads_of_a_job_is_there(tmp_path: Path) -> None:
    looked = tmp_path / "looked"

    def work() -> dict[str, Any]:
        until(looked.exists)
        return {"changed": True}

    begun = job.begin(work, 60, tmp_path / "jobs")
    file = Path(begun["results_file"])
    assert json.loads(file.read_text()).items() >= {"started": 1, "finished": 0, "ansible_job_id": file.name}.items()
    assert file.stat().st_mode & 0o777 == 0o600
    looked.touch()
    assert job.result(file) == {"changed": True, "ansible_job_id": file.name}


def test_an_error_is_a_failure_that_says_what_it_was(tmp_path: Path) -> None:
    def work() -> dict[str, Any]:
        raise ValueError("no such thing")

    begun = job.begin(work, 60, tmp_path)
    found = job.result(Path(begun["results_file"]))
    assert (found["failed"], found["msg"]) == (True, "ValueError: no such thing")
    assert "in work" in found["exception"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = job.begin(dict, 60, tmp_path / "file" / "jobs")
    assert found["failed"]
    assert f"{tmp_path}/file/jobs cannot be written: Not a directory. Give jobs another folder" in found["msg"]


def test_a_result_that_cannot_be_kept_is_a_failure(tmp_path: Path) -> None:
    begun = job.begin(lambda: {"what": object()}, 60, tmp_path)
    found = job.result(Path(begun["results_file"]))
    assert found["failed"]
    assert "not JSON serializable" in found["msg"]


def test_killed_work_has_no_result(tmp_path: Path) -> None:
    begun = job.begin(lambda: time.sleep(600) or {}, 60, tmp_path)
    file = Path(begun["results_file"])
    os.kill(json.loads(file.read_text())["pid"], signal.SIGKILL)
    with pytest.raises(ClusterError, match="ended without a result: its process was killed"):
        job.result(file)
    assert not file.exists()


def test_who_takes_too_long_is_ended_and_tidies_up(tmp_path: Path) -> None:
    def work() -> dict[str, Any]:
        with interruptible():
            try:
                time.sleep(600)
            except InterruptedRunError:
                (tmp_path / "marker").write_text("tidied up")
                raise
        return {}

    begun = job.begin(work, 3, tmp_path / "jobs")
    found = job.result(Path(begun["results_file"]))
    assert found["failed"]
    assert "longer than the 3 seconds that async gives it" in found["msg"]
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize(("work", "says"), [("slow", "tidied up"), ("quick", "done")])
def test_when_the_run_is_over_the_work_ends_and_leaves_nothing(tmp_path: Path, work: str, says: str) -> None:
    marker, folder = tmp_path / "marker", tmp_path / "jobs"
    known = {**os.environ, "PYTHONPATH": str(COLLECTIONS)}
    subprocess.run([sys.executable, "-c", PLAY, str(folder), str(marker), work], check=True, timeout=30, env=known)
    until(lambda: marker.exists() and not list(folder.iterdir()))
    assert marker.read_text() == says
