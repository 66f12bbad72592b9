# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

import pytest

from rehearsal import status, wanted
from rehearsal.paths import Paths
from rehearsal.status import CRASHED, RUNNING, STOPPED, Part, Report
from rehearsal.supervise import ProgramState, Supervisor


@pytest.mark.parametrize(
    ("state", "exitstatus", "expected"),
    [
        ("RUNNING", None, RUNNING),
        ("STARTING", None, RUNNING),
        ("EXITED", 0, STOPPED),
        ("EXITED", 137, CRASHED),
        ("FATAL", None, CRASHED),
        ("BACKOFF", None, CRASHED),
        ("STOPPED", None, STOPPED),
        ("STOPPING", 1, STOPPED),
    ],
)
def test_an_end_that_was_not_asked_for_is_a_crash(state: str, exitstatus: int | None, expected: str) -> None:
    assert status.classify(ProgramState(state, None, exitstatus, "")) == expected


def test_nothing_wanted_is_healthy_and_said_to_be_down(paths: Paths) -> None:
    report = status.collect(paths)
    assert report.healthy
    assert "The rehearsal is down" in status.render(report, paths)


def test_wanted_but_absent_is_a_crash_of_every_part(paths: Paths) -> None:
    wanted.want(["apps"], paths)
    report = status.collect(paths)
    assert not report.healthy
    assert {part.name for part in report.parts() if part.state == CRASHED} >= {"supervisord", "etcd", "kube-apiserver"}
    assert report.unready == {"apps": "was not made to the end"}


def test_the_report_shows_the_crashed_part_its_log_and_what_stands_in(paths: Paths) -> None:
    broker = Part("apps.messaging.broker-0.kafka", CRASHED, note="exit status 1", log="  | out of memory")
    text = status.render(Report({"apps": [Part("etcd", RUNNING, 7, 2379, 50 * status.MEGABYTE), broker]}), paths)
    assert "pid 7, port 2379, 50 MB" in text
    assert "apps.messaging.broker-0.kafka crashed: exit status 1. The end of its log:\n  | out of memory" in text
    assert "make rehearsal-up repairs it" in text
    assert "Stand-ins:" in text


def test_a_cluster_that_does_not_answer_is_not_healthy(paths: Paths) -> None:
    report = Report({"apps": [Part("etcd", RUNNING, 7)]}, unready={"apps": "HTTP 500: [-]etcd failed"})
    assert not report.healthy
    assert "NOT READY: HTTP 500: [-]etcd failed" in status.render(report, paths)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"clusters": null}', "\\x00"])
def test_an_unreadable_wish_is_no_wish_and_not_healthy(paths: Paths, content: str) -> None:
    paths.run.mkdir(parents=True)
    (paths.run / "wanted.json").write_text(content)
    assert wanted.clusters(paths) == []
    report = status.collect(paths)
    assert not report.healthy
    text = status.render(report, paths)
    assert "NOT READY: wanted.json is damaged" in text
    assert "The rehearsal is down" not in text


@pytest.mark.parametrize(("needed", "expected"), [(True, CRASHED), (False, STOPPED)])
@pytest.mark.parametrize("found", [ProgramState("STOPPED", None, None, ""), ProgramState("EXITED", None, 0, "")])
def test_a_node_that_should_run_and_is_stopped_is_a_crash(
    paths: Paths, found: ProgramState, needed: bool, expected: str
) -> None:
    programs = {"node-apps": found, "apps.n.job.c": found}
    parts = status._program_parts(Supervisor(paths), "apps", programs, needed)
    assert [(part.name, part.state) for part in parts] == [("node-apps", expected), ("apps.n.job.c", STOPPED)]


def test_the_s3_store_is_missed_like_a_node(paths: Paths) -> None:
    part = status._shared_part(Supervisor(paths), "s3", {}, needed=True)
    assert (part.name, part.state, part.note) == ("s3", CRASHED, "is not under supervision")
    assert status._shared_part(Supervisor(paths), "s3", {}, needed=False).state == STOPPED
