# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from until import until

from rehearsal import build
from rehearsal.ahead import Ahead
from rehearsal.artifacts import GoFamily
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


def _raises_ahead(_: Ahead) -> None:
    raise OSError("no network")


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


def test_what_comes_later_is_fetched_while_the_first_is_made(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = threading.Event()

    def waits(folder: Path, _: Progress) -> None:
        assert fetched.wait(60)

    pieces = [
        Piece(paths.cache / "go" / "a-1", [("one", waits)], 0, _raises_ahead),
        Piece(paths.cache / "go" / "b-1", [("two", _writes("two"))], 0, lambda _: fetched.set()),
    ]
    _pieces(monkeypatch, *pieces)
    assert build.build(paths), "and what cannot be fetched ahead is no failure"


def test_a_build_that_fails_leaves_no_client_fetching(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = tmp_path / "pid"

    def long(fetching: Ahead) -> None:
        fetching.run(["sh", "-c", f"echo $$ > {started}.new; mv {started}.new {started}; exec sleep 60"], tmp_path, {})

    def fails(folder: Path, _: Progress) -> None:
        while not started.exists():
            time.sleep(0.01)
        raise RehearsalError("no")

    _pieces(monkeypatch, Piece(paths.cache / "go" / "a-1", [("one", fails)], 0, long))
    with pytest.raises(RehearsalError):
        build.build(paths)
    until(lambda: not psutil.pid_exists(int(started.read_text())))


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


@pytest.fixture
def changeable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], GoFamily]:
    """A Go family of one module with one source, and replacements in it."""
    module, folder = tmp_path / "module", tmp_path / "go" / "family"
    (module / "pkg").mkdir(parents=True)
    folder.mkdir(parents=True)
    (module / "pkg" / "a.go").write_text('const path = "/controller"\n')
    (folder / "go.mod").write_text("module x\n")
    (folder / "go.sum").write_text("")
    monkeypatch.setattr(build, "_go", lambda *_: json.dumps({"Dir": str(module)}))
    monkeypatch.setattr(GoFamily, "module", property(lambda self: folder))

    def declare(replacements: str) -> GoFamily:
        (folder / "replacements.toml").write_text(replacements)
        return GoFamily("family", "1.0.0", {"a": "example.org/a"})

    return declare


def test_declared_replacements_are_made_in_a_copy_of_the_module(changeable, tmp_path: Path) -> None:
    family = changeable(
        """module = "example.org/a"
        [[replace]]
        file = "pkg/a.go"
        old = '"/controller"'
        new = 'root + "/controller"'
        """
    )
    modified = build._changed_sources(family, tmp_path / "scratch")
    assert modified.read_text().endswith(f"replace example.org/a => {tmp_path}/scratch/module\n")
    changed = tmp_path / "scratch" / "module" / "pkg" / "a.go"
    assert changed.read_text() == 'const path = root + "/controller"\n'
    assert (tmp_path / "module" / "pkg" / "a.go").read_text() == 'const path = "/controller"\n'


def test_a_replacement_that_does_not_fit_any_more_fails_the_build(changeable, tmp_path: Path) -> None:
    family = changeable(
        """module = "example.org/a"
        [[replace]]
        file = "pkg/a.go"
        old = "/elsewhere"
        new = ""
        """
    )
    with pytest.raises(RehearsalError, match=r"pkg/a\.go of family has '/elsewhere' 0 times, not 1"):
        build._changed_sources(family, tmp_path / "scratch")
