# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from rehearsal import files
from rehearsal.errors import RehearsalError


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_a_plain_path_stays_as_it_is(tmp_path: Path) -> None:
    assert files.shell_safe(tmp_path / "checkout") == tmp_path / "checkout"


def test_an_odd_path_is_reached_by_a_plain_link_again_and_again(tmp_path: Path) -> None:
    odd = tmp_path / "it's my checkout"
    odd.mkdir()
    link = files.shell_safe(odd)
    assert files.shell_safe(odd) == link
    assert link.resolve() == odd
    assert " " not in str(link)
    assert files.shell_safe(tmp_path / "an other") != link


def test_two_that_link_at_once_get_the_same_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "it's my checkout"
    link = files.shell_safe(odd)
    monkeypatch.setattr(Path, "is_symlink", lambda path: False)  # as the second one saw it
    assert files.shell_safe(odd) == link


def test_a_private_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    mine = files.private_folder()
    assert mine.stat().st_mode & 0o077 == 0
    mine.rmdir()
    mine.symlink_to(tmp_path)
    with pytest.raises(RehearsalError, match="belongs to somebody else"):
        files.private_folder()


def test_a_failed_write_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "file"
    files.write_atomically(target, "old")
    with pytest.raises(UnicodeEncodeError):
        files.write_atomically(target, "new\ud800")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_tail_starts_at_a_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("first line\nsecond line\nthird\n")
    assert files.tail(log, 12) == "third\n"
    assert files.tail(log, 1000) == log.read_text()
    assert files.tail(tmp_path / "none", 10) == ""
