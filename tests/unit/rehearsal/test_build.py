# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from rehearsal import build
from rehearsal.build import Piece
from rehearsal.errors import RehearsalError
from rehearsal.paths import Paths
from rehearsal.progress import Progress

Step = Callable[[Path, Progress], None]


def _writes(name: str) -> Step:
    return lambda folder, _: (folder / name).write_text(name) and None


def _raises(error: BaseException) -> Step:
    def step(folder: Path, _: Progress) -> None:
        raise error

    return step


def _pieces(monkeypatch: pytest.MonkeyPatch, *pieces: Piece) -> None:
    monkeypatch.setattr(
        build, "missing", lambda paths, families=None: [piece for piece in pieces if not piece.folder.exists()]
    )


def test_what_is_there_is_not_made_again(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    piece = Piece(paths.cache / "go" / "a-1", [("one", _writes("one")), ("two", _writes("two"))], 0)
    _pieces(monkeypatch, piece)
    assert build.build(paths)
    assert sorted(file.name for file in piece.folder.iterdir()) == ["one", "two"]
    assert capsys.readouterr().out.splitlines() == ["[1/2] one … 0 s", "[2/2] two … 0 s"]
    assert not build.build(paths)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RehearsalError("go build failed")])
def test_an_interrupted_build_leaves_nothing_half_made_and_can_go_on(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    folder = paths.cache / "go" / "a-1"
    _pieces(monkeypatch, Piece(folder, [("one", _writes("one")), ("two", _raises(error))], 0))
    with pytest.raises(type(error)):
        build.build(paths)
    assert list((paths.cache / "go").iterdir()) == []
    _pieces(monkeypatch, Piece(folder, [("one", _writes("one"))], 0))
    assert build.build(paths)


def test_what_a_killed_build_left_is_cleared_away(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    leftover = paths.cache / "go" / ".making-x"
    leftover.mkdir(parents=True)
    _pieces(monkeypatch, Piece(paths.cache / "go" / "a-1", [("one", _writes("one"))], 0))
    build.build(paths)
    assert not leftover.exists()


def test_a_full_disk_is_said_before_the_work(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    _pieces(monkeypatch, Piece(paths.cache / "go" / "a-1", [("one", _writes("one"))], build.SPACE_FOR_GO))
    monkeypatch.setattr(build.shutil, "disk_usage", lambda path: SimpleNamespace(free=10**8))
    with pytest.raises(RehearsalError, match=r"0\.1 GB free .* up to 8: free some"):
        build.build(paths)
    assert not (paths.cache / "go" / "a-1").exists()


def test_a_failing_step_says_how_it_ended() -> None:
    out = io.StringIO()
    with pytest.raises(RehearsalError), Progress(3, out).step("etcd"):
        raise RehearsalError("no")
    assert out.getvalue() == "[1/3] etcd … failed after 0 s\n"
