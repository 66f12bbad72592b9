# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Fill the cache: Go programs and jars. What is there is left alone; what is made appears whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rehearsal import artifacts, maven, programs
from rehearsal.ahead import Ahead
from rehearsal.artifacts import Archive, GoFamily, JarSet
from rehearsal.errors import RehearsalError
from rehearsal.files import locked
from rehearsal.paths import Paths
from rehearsal.progress import Progress

GIGABYTE = 10**9
# Go's own build cache and the sources take most of it; measured from empty caches.
SPACE_FOR_GO = 8 * GIGABYTE
SPACE_FOR_JARS = GIGABYTE
# a compiler that collects its garbage only when there is much of it takes an eighth less; what it makes is the same
SELDOM_COLLECTED = {"GOGC": "off", "GOMEMLIMIT": "1536MiB"}


@dataclass(frozen=True)
class Piece:
    """One folder of the cache that is not there yet, and how it is filled."""

    folder: Path
    steps: list[tuple[str, Callable[[Path, Progress], None]]]
    space: int
    ahead: Callable[[Ahead], None] = lambda _: None  # has the ordinary clients fetch what the steps will ask them for


def missing(paths: Paths, go_families: list[str] | None = None) -> list[Piece]:
    """What the cache lacks: of all that a rehearsal needs, or of these Go families alone."""
    families = artifacts.go_families().values()
    wanted = [f for f in families if (f.name in go_families if go_families is not None else not f.on_demand)]
    pieces = [_go_piece(family, paths) for family in wanted]
    if go_families is None:
        pieces += [_jars_piece(jars, paths) for jars in artifacts.jar_sets().values()]
        pieces += [_archive_piece(archive, paths) for archive in artifacts.archives().values()]
    return [piece for piece in pieces if not piece.folder.is_dir()]


def build(paths: Paths, go_families: list[str] | None = None) -> bool:
    """Make what is missing, one piece after the other, while those to come are fetched; whether anything was."""
    if not missing(paths, go_families):
        return False
    with locked(paths.cache / "build.lock", waiting=lambda: print("another build is running: waiting for it")):
        pieces = missing(paths, go_families)
        _clear_leftovers(paths)
        _check_space(paths, pieces)
        progress = Progress(sum(len(piece.steps) for piece in pieces))
        with Ahead([piece.ahead for piece in pieces]):
            for piece in pieces:
                with _made_whole(piece.folder) as folder:
                    for name, step in piece.steps:
                        with progress.step(name):
                            step(folder, progress)
    return True


def _go_piece(family: GoFamily, paths: Paths) -> Piece:
    steps: list[tuple[str, Callable[[Path, Progress], None]]] = []
    if family.binaries:
        # all at once: one program is linked while the next is compiled
        title = f"{', '.join(family.binaries)} {family.version}"
        steps.append((title, lambda folder, _: _compile(family, folder)))
    if family.files:
        steps.append((f"{family.name}'s own files", lambda folder, _: _copy_files(family, folder / "files")))

    def ahead(fetching: Ahead) -> None:
        if family.binaries:
            fetching.run(_command("list", "-deps", *family.binaries.values()), family.module, _environment())
        if family.files:
            fetching.run(_command("mod", "download", *family.files), family.module, _environment())

    return Piece(family.folder(paths), steps, SPACE_FOR_GO, ahead)


def _jars_piece(jars: JarSet, paths: Paths) -> Piece:
    def fetched(folder: Path, progress: Progress) -> None:
        maven.fetch(jars, folder, progress.note)

    ahead = partial(maven.ask_for, jars.locked)
    return Piece(jars.folder(paths), [(f"{jars.name} jars", fetched)], SPACE_FOR_JARS, lambda _: ahead())


def _archive_piece(archive: Archive, paths: Paths) -> Piece:
    def unpacked(folder: Path, _: Progress) -> None:
        maven.unpack(archive, folder)

    ahead = partial(maven.ask_for, [archive.coordinate])
    return Piece(archive.folder(paths), [(f"{archive.name}", unpacked)], SPACE_FOR_JARS, lambda _: ahead())


def _compile(family: GoFamily, folder: Path) -> None:
    flags = ["-trimpath", "-ldflags", family.link_flags(), *artifacts.compile_flags()]
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory(dir=folder) as made:
        if family.replacements.is_file():
            flags += ["-modfile", str(_changed_sources(family, Path(scratch)))]
        _go(family, "build", *flags, "-o", f"{made}/", *family.binaries.values())
        for name, package in family.binaries.items():
            (Path(made) / artifacts.last_name(package)).rename(folder / name)


def _changed_sources(family: GoFamily, scratch: Path) -> Path:
    """A copy of the module with the family's replacements made, and a go.mod that takes it in the module's place."""
    declared = tomllib.loads(family.replacements.read_text())
    copy = scratch / "module"
    downloaded = json.loads(_go(family, "mod", "download", "-json", declared["module"]))["Dir"]
    shutil.copytree(downloaded, copy, copy_function=shutil.copyfile)
    for folder in [copy, *(folder for folder in copy.rglob("*") if folder.is_dir())]:
        folder.chmod(0o755)  # those of a module are read-only
    for each in declared["replace"]:
        file = copy / each["file"]
        text = file.read_text()
        found, times = text.count(each["old"]), each.get("times", 1)
        if found != times:
            raise RehearsalError(f"{each['file']} of {family.name} has {each['old']!r} {found} times, not {times}")
        file.write_text(text.replace(each["old"], each["new"]))
    modified = scratch / "go.mod"
    modified.write_text(f"{(family.module / 'go.mod').read_text()}\nreplace {declared['module']} => {copy}\n")
    shutil.copyfile(family.module / "go.sum", scratch / "go.sum")
    return modified


def _copy_files(family: GoFamily, folder: Path) -> None:
    for module, patterns in family.files.items():
        source = Path(json.loads(_go(family, "mod", "download", "-json", module))["Dir"])
        target = folder / artifacts.last_name(module)
        target.mkdir(parents=True)
        for pattern in patterns:
            found = sorted(source.glob(pattern))
            if not found:
                raise RehearsalError(f"{module} has no {pattern}: correct artifacts.toml")
            for file in found:
                # Module files are read-only; a copy that cannot be removed would make the cache hard to clean.
                shutil.copyfile(file, target / file.name)


def _command(*arguments: str) -> list[str]:
    return [str(programs.go()), *arguments]


def _environment() -> dict[str, str]:
    return {**os.environ, **artifacts.GO_ENVIRONMENT, **SELDOM_COLLECTED}


def _go(family: GoFamily, *arguments: str) -> str:
    with subprocess.Popen(
        _command(*arguments),
        cwd=family.module,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
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
    for leftover in paths.cache.glob("*/.making-*"):
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
