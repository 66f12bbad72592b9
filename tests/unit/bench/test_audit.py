# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests counted from audit events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.audit import AuditLog, count
from bench.failures import InvalidMeasurementError

ME = "system:serviceaccount:bench-clients:kubectl"


def event(verb: str = "get", user: str = ME, stage: str = "ResponseComplete", uri: str = "/api/v1/namespaces") -> bytes:
    content: dict[str, Any] = {"verb": verb, "user": {"username": user}, "stage": stage, "requestURI": uri}
    return json.dumps(content).encode()


def test_only_answered_requests_of_the_user_count() -> None:
    lines = [event(), event(verb="patch"), event(user="system:kube-scheduler"), event(stage="ResponseStarted")]
    assert count(lines, ME).verbs == {"get": 1, "patch": 1}


def test_a_user_whose_name_begins_alike_is_another() -> None:
    assert count([event(user=f"{ME}-2")], ME).total == 0


def test_dry_runs_are_requests_and_no_writes() -> None:
    lines = [event(verb="patch", uri="/api/v1/x?dryRun=All&fieldManager=m"), event(verb="patch"), event(verb="list")]
    found = count(lines, ME)
    assert (found.total, found.writes) == (3, 1)


def test_a_line_being_written_is_left_out() -> None:
    assert count([event(), event()[:40]], ME).total == 1


def test_counting_starts_at_the_given_byte(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(event() + b"\n")
    log = AuditLog(path)
    start = log.end()
    with path.open("ab") as file:
        file.write(event(verb="list") + b"\n")
    assert log.requests(ME, start).verbs == {"list": 1}


def test_a_log_that_is_rotated_during_a_run_is_read_on(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(event(verb="create") + b"\n")
    log = AuditLog(path)
    (tmp_path / "audit-2026-11-21T00-00-00.000.log").write_bytes(event(verb="delete") + b"\n")
    start = log.end()
    with path.open("ab") as file:
        file.write(event() + b"\n")
    path.rename(tmp_path / "audit-2026-11-21T01-00-00.000.log")
    path.write_bytes(event(verb="list") + b"\n")
    assert log.requests(ME, start).verbs == {"get": 1, "list": 1}


def test_a_log_whose_older_part_is_gone_makes_the_measurement_invalid(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(event() + b"\n")
    log = AuditLog(path)
    start = log.end()
    path.rename(tmp_path / "gone")
    path.write_bytes(event() + b"\n")
    with pytest.raises(InvalidMeasurementError, match="lost its older part"):
        log.requests(ME, start)
