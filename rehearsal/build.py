# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Fill the cache: Go programs and jars. What is there is left alone; what is made appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rehearsal import artifacts, maven, programs
from rehearsal.artifacts import GoFamily, JarSet
from rehearsal.errors import RehearsalError
from rehearsal.files import locked
from rehearsal.paths import Paths
from rehearsal.progress import Progress

GIGABYTE = 10**9
# Go's own build cache and the sources take most of it; measured from empty caches.
SPACE_FOR_GO = 8 * GIGABYTE
SPACE_FOR_JARS = GIGABYTE


@dataclass(frozen=True)
class Piece:
    """One folder of the cache that is not there yet, and how it is filled."""

    folder: Path
    steps: list[tuple[str, Callable[[Path, Progress], None]]]
    space: int


def missing(paths: Paths, go_families: list[str] | None = None) -> list[Piece]:
    """What the cache lacks: of all that is declared, or of these Go families alone."""
    families = artifacts.go_families().values()
    pieces = [_go_piece(family, paths) for family in families if go_families is None or family.name in go_families]
    if go_families is None:
        pieces += [_jars_piece(jars, paths) for jars in artifacts.jar_sets().values()]
    return [piece for piece in pieces if not piece.folder.is_dir()]


def build(paths: Paths, go_families: list[str] | None = None) -> bool:
    """Make what is missing, one piece after the other; whether anything was."""
    if not missing(paths, go_families):
        return False
    with locked(paths.cache / "build.lock", waiting=lambda: print("another build is running: waiting for it")):
        pieces = missing(paths, go_families)
        _clear_leftovers(paths)
        _check_space(paths, pieces)
        progress = Progress(sum(len(piece.steps) for piece in pieces))
        for piece in pieces:
            with _made_whole(piece.folder) as folder:
                for name, step in piece.steps:
                    with progress.step(name):
                        step(folder, progress)
    return True


def _go_piece(family: GoFamily, paths: Paths) -> Piece:
    def compiled(name: str, package: str) -> Callable[[Path, Progress], None]:
        return lambda folder, _: _compile(family, package, folder / name)

    steps = [(f"{name} {family.version}", compiled(name, package)) for name, package in family.binaries.items()]
    if family.files:
        steps.append((f"{family.name}'s own files", lambda folder, _: _copy_files(family, folder / "files")))
    return Piece(family.folder(paths), steps, SPACE_FOR_GO)


def _jars_piece(jars: JarSet, paths: Paths) -> Piece:
    def fetched(folder: Path, progress: Progress) -> None:
        maven.fetch(jars, folder, progress.note)

    return Piece(jars.folder(paths), [(f"{jars.name} jars", fetched)], SPACE_FOR_JARS)


def _compile(family: GoFamily, package: str, target: Path) -> None:
    flags = ["-trimpath", "-ldflags", family.link_flags()]
    _go(family, "build", *flags, "-o", str(target), package)


def _copy_files(family: GoFamily, folder: Path) -> None:
    module = Path(_go(family, "list", "-m", "-f", "{{.Dir}}", family.files_module).strip())
    folder.mkdir()
    for name in family.files:
        # Module files are read-only; a copy that cannot be removed would make the cache hard to clean.
        shutil.copyfile(module / name, folder / Path(name).name)


def _go(family: GoFamily, *arguments: str) -> str:
    command = [str(programs.go()), *arguments]
    environment = {**os.environ, **artifacts.GO_ENVIRONMENT}
    with subprocess.Popen(
        command, cwd=family.module, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            output, errors = process.communicate()
        except BaseException:
            # Go ends its compilers on SIGINT; a killed go would leave them working.
            process.terminate()
            process.wait()
            raise
    if process.returncode:
        if "no space left on device" in errors:
            raise RehearsalError(f"the disk is full: go needs about {SPACE_FOR_GO // GIGABYTE} GB for the first build")
        last = "\n".join(errors.strip().splitlines()[-15:])
        raise RehearsalError(f"go {arguments[0]} failed in {family.module}:\n{last}")
    return output


@contextmanager
def _made_whole(folder: Path) -> Iterator[Path]:
    """A temporary folder that becomes `folder` when the work on it ends well, and vanishes when not."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    try:
        yield temporary
        temporary.chmod(0o755)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _clear_leftovers(paths: Paths) -> None:
    # Only what was killed leaves something behind; who holds the lock is alone.
    for leftover in [*paths.cache.glob("go/.making-*"), *paths.cache.glob("jars/.making-*")]:
        shutil.rmtree(leftover, ignore_errors=True)


def _check_space(paths: Paths, pieces: list[Piece]) -> None:
    needed = max((piece.space for piece in pieces), default=0)
    free = shutil.disk_usage(paths.cache).free
    # A warm Go cache needs far less: warn early, fail only where even the result has no room.
    if free < needed:
        message = f"{free / GIGABYTE:.1f} GB free for {paths.cache}; a first build takes up to {needed / GIGABYTE:.0f}"
        if free < GIGABYTE:
            raise RehearsalError(f"{message}: free some, or point SYNERGYFLOW_REHEARSAL_CACHE and GOCACHE elsewhere")
        print(f"warning: {message}", file=sys.stderr)
