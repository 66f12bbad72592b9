# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

import errno
import signal
from collections.abc import Iterator

import pytest

from rehearsal import __main__ as command_line
from rehearsal import lifecycle, status
from rehearsal.errors import RehearsalError
from rehearsal.status import CRASHED, Part, Report


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, paths) -> None:
    for name, value in paths.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    """The command takes SIGTERM for itself; the tests that follow in this process do not want that."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def _up_raises(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def up(*_: object) -> Report:
        raise error

    monkeypatch.setattr(lifecycle, "up", up)


def test_a_failure_is_one_sentence_and_exit_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _up_raises(monkeypatch, RehearsalError("port 1 is taken"))
    assert command_line.main(["up"]) == 1
    assert capsys.readouterr().err == "error: port 1 is taken\n"


def test_a_full_disk_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _up_raises(monkeypatch, OSError(errno.ENOSPC, "No space left on device", "/state/x"))
    assert command_line.main(["up"]) == 1
    assert capsys.readouterr().err == "error: /state/x cannot be written: No space left on device\n"


def test_other_errors_are_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    _up_raises(monkeypatch, OSError(errno.EIO, "Input/output error"))
    with pytest.raises(OSError, match="Input/output"):
        command_line.main(["up"])


def test_an_interruption_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _up_raises(monkeypatch, KeyboardInterrupt())
    assert command_line.main(["up"]) == 130
    assert "make rehearsal-up to go on" in capsys.readouterr().err


def test_status_fails_when_something_that_should_run_does_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(status, "collect", lambda paths: Report({"apps": [Part("etcd", CRASHED, log="  | why")]}))
    assert command_line.main(["status"]) == 1
    assert "  | why" in capsys.readouterr().out


def test_status_of_a_rehearsal_that_was_never_up_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["status"]) == 0
    assert "The rehearsal is down" in capsys.readouterr().out


def test_an_unknown_cluster_is_refused_with_the_ones_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line.main(["up", "--clusters", "apps,prod"])
    assert "no cluster named 'prod': there are apps, infra" in capsys.readouterr().err
