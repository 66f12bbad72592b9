# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from rehearsal import lifecycle, ports, processes
from rehearsal.clusters import Cluster
from rehearsal.files import write_atomically
from rehearsal.paths import Paths
from rehearsal.supervise import PART, Program, Supervisor


def test_reset_empties_no_cluster_under_programs_that_a_crashed_supervisord_left(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = Supervisor(paths)
    supervisor.start()
    supervisor.ensure(Program("apps.messaging.broker-0.kafka", ["sleep", "600"]))
    psutil.Process(supervisor.pid()).kill()
    left: list[list[str]] = []

    def empty(cluster: Cluster) -> None:
        left.append(
            [name for each in processes.find(paths, PART) if (name := processes.mark(each, processes.PROGRAM_VARIABLE))]
        )

    monkeypatch.setattr(Cluster, "empty", empty)
    for step in ("_prepare", "_bring_up", "_settled"):
        monkeypatch.setattr(lifecycle, step, lambda *_: None)
    try:
        lifecycle.reset(["apps"], paths)
    finally:
        supervisor.stop()
    assert left == [[]]


def _one_operator(monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, Paths], None]) -> None:
    """A rehearsal whose manifests are those of operator-1, written so, and that has no charts."""
    module = types.ModuleType("manifests_of_a_test")
    module.write = write  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(lifecycle, "_manifests", lambda: {"operator-1": (module.__name__, {})})
    monkeypatch.setattr(lifecycle.charts, "write", lambda *_: None)
    monkeypatch.setattr(lifecycle.artifacts, "go_families", dict)
    monkeypatch.setattr(lifecycle, "_charts", list)


def test_manifests_are_written_again_only_when_what_they_are_made_from_changed(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def write(folder: Path, paths: Paths) -> None:
        written.append(folder.name)
        ports.reserve("an.operators.webhook", paths)
        write_atomically(folder / "operator.yaml", "---\n")

    _one_operator(monkeypatch, write)

    def again() -> int:
        before = len(written)
        lifecycle._write_manifests(paths)
        return len(written) - before

    operator = paths.manifests / "operator-1" / "operator.yaml"
    assert [again(), again()] == [1, 0]
    ports.reserve("apps.a-pod", paths)
    assert again() == 0  # the ports of a cluster's pods come and go
    ports.release("an.operators.webhook", paths)
    assert [again(), again()] == [1, 0]
    operator.unlink()
    assert [again(), again()] == [1, 0]
    operator.write_text("--- by hand\n")
    assert [again(), again()] == [1, 0]
    monkeypatch.setattr(lifecycle, "_code_digest", lambda: "changed")
    assert [again(), again()] == [1, 0]


def test_a_write_of_manifests_that_was_broken_off_is_made_good(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    code, broken = ["before"], [False]

    def write(folder: Path, paths: Paths) -> None:
        write_atomically(folder / "crds.yaml", f"--- {code[0]}\n")
        if broken[0]:
            raise KeyboardInterrupt

    _one_operator(monkeypatch, write)
    monkeypatch.setattr(lifecycle, "_code_digest", lambda: code[0])
    lifecycle._write_manifests(paths)
    code[0], broken[0] = "another", True
    with pytest.raises(KeyboardInterrupt):
        lifecycle._write_manifests(paths)
    code[0], broken[0] = "before", False
    lifecycle._write_manifests(paths)
    assert (paths.manifests / "operator-1" / "crds.yaml").read_text() == "--- before\n"
