# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Jars from Maven repositories by jgo: locked once, then downloaded by name and refused when their content changed.

They come from Maven Central, or from the mirror whose address is in SYNERGYFLOW_MAVEN_REPOSITORY.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rehearsal import artifacts
from rehearsal.artifacts import Archive, JarSet
from rehearsal.errors import RehearsalError

if TYPE_CHECKING:
    from jgo.maven import MavenContext

DOWNLOADS_AT_ONCE = 4
SECONDS_PER_ANSWER = 60
MIRROR_VARIABLE = "SYNERGYFLOW_MAVEN_REPOSITORY"


def resolve(jars: JarSet) -> list[str]:
    """All coordinates that a set means, sorted, the named ones first.

    Each named coordinate is resolved alone: together jgo takes what one of them manages (log4j: an older
    kafka-clients) as the rule for all. Where two want different versions the first named decides, as in Maven.
    """
    context = _context()
    exclusions = [context.project(*name.split(":")) for name in jars.exclusions]
    versions: dict[str, str] = {}
    for coordinate in jars.coordinates:
        wanted = context.create_dependency(coordinate, exclusions)
        named, transitive = context.resolver.resolve([wanted])
        for dependency in [*named, *transitive]:
            name, version = f"{dependency.groupId}:{dependency.artifactId}", dependency.version
            if dependency.classifier or dependency.type != "jar":
                raise RehearsalError(f"{jars.name}: {dependency} is not a plain jar; leave it out by an exclusion")
            versions.setdefault(name, version)
    everything = sorted(f"{name}:{version}" for name, version in versions.items())
    return [*jars.coordinates, *(entry for entry in everything if entry not in jars.coordinates)]


def lock(jars: JarSet) -> dict[str, str]:
    """What the set means now: each coordinate with the SHA-256 of its jar."""
    context = _context()
    return {coordinate: digest(_jar(context, coordinate)) for coordinate in resolve(jars)}


def fetch(jars: JarSet, folder: Path, progress: Callable[[int, int], None]) -> None:
    """Put all jars of the set into the folder; refuses one whose SHA-256 is not the locked one."""
    context = _context()

    def put(coordinate: str) -> None:
        _put(context, coordinate, jars.locked[coordinate], folder / artifacts.jar_name(coordinate))

    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        for done, _ in enumerate(pool.map(put, jars.locked), start=1):
            progress(done, len(jars.locked))


def ask_for(coordinates: Iterable[str]) -> None:
    """Have the client fetch these into its own cache."""
    context = _context()
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        list(pool.map(partial(_jar, context), coordinates))


def lock_archive(archive: Archive) -> dict[str, str]:
    """The archive's coordinates with the SHA-256 of what is published there now."""
    context = _context()
    return {coordinate: digest(_jar(context, coordinate)) for coordinate in archive.coordinates()}


def unpack(archive: Archive, folder: Path) -> None:
    """Put the archive's content into the folder. A jar that holds one tar (PostgreSQL's binaries) yields the tar's."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        file = Path(temporary) / "archive"
        _put(_context(), archive.coordinate, archive.locked[archive.coordinate], file)
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as jar:
                tars = [name for name in jar.namelist() if name.endswith((".txz", ".tar.xz", ".tar.gz"))]
                if len(tars) != 1:
                    raise RehearsalError(f"{archive.coordinate} holds {len(tars)} tars, expected one")
                file = Path(jar.extract(tars[0], temporary))
        with tarfile.open(file) as tar:
            # set as the library's manual says for Pythons up to 3.11.3, which have no filters
            tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
            tar.extractall(folder)


def _put(context: MavenContext, coordinate: str, expected: str, target: Path) -> None:
    place(_jar(context, coordinate), target)
    if digest(target) == expected:
        return
    # A broken download of an earlier time may lie in the client's own cache: ask the repository itself.
    with tempfile.TemporaryDirectory(dir=target.parent) as fresh:
        place(_jar(_context(Path(fresh)), coordinate), target)
    if digest(target) != expected:
        raise RehearsalError(
            f"{coordinate} is not what {artifacts.LOCK.name} has: SHA-256 {digest(target)} instead of {expected}."
            " Somebody changed the artifact; find out who before you run `python -m rehearsal lock`"
        )


def place(source: Path, target: Path) -> None:
    """Copy the jar: a link into the client's cache would change with it."""
    target.unlink(missing_ok=True)
    shutil.copyfile(source, target)


def digest(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _jar(context: MavenContext, coordinate: str) -> Path:
    group, artifact, version, *rest = coordinate.split(":")
    packaging, classifier = rest or ("jar", "")
    try:
        return context.project(group, artifact).at_version(version).artifact(classifier, packaging).resolve()
    except (OSError, RuntimeError) as error:
        raise RehearsalError(f"cannot download {coordinate}: {error}") from error


def _context(cache: Path | None = None) -> MavenContext:
    try:
        from jgo.maven import MavenContext  # here: 0.3 s that only downloads need
    except ImportError as error:
        raise RehearsalError("the Python package jgo is missing: run make venv") from error
    mirror = os.environ.get(MIRROR_VARIABLE, "").rstrip("/")
    return MavenContext(
        repo_cache=cache, remote_repos={"mirror": mirror} if mirror else None, timeout=SECONDS_PER_ANSWER
    )
