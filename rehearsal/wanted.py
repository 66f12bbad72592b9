# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What should run: written before it is started and after it is stopped, so that a crash can be told from a stop."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable
from pathlib import Path

from rehearsal.files import write_atomically
from rehearsal.paths import Paths


def clusters(paths: Paths) -> list[str]:
    """The clusters that should be up."""
    return _read(paths) or []


def readable(paths: Paths) -> bool:
    """Whether it is known what should be up: never said is known, a damaged file is not."""
    return _read(paths) is not None


def want(names: Iterable[str], paths: Paths) -> None:
    """From now on exactly these clusters should be up."""
    write_atomically(_file(paths), json.dumps({"clusters": sorted(set(names))}) + "\n")


def node_program(cluster: str) -> str:
    """The name of a cluster's process node under supervision."""
    return f"node-{cluster}"


def node_exists() -> bool:
    """Whether there is a process node to run."""
    return importlib.util.find_spec("rehearsal.node.__main__") is not None


def _read(paths: Paths) -> list[str] | None:
    try:
        return [str(name) for name in json.loads(_file(paths).read_text())["clusters"]]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError):
        return None


def _file(paths: Paths) -> Path:
    return paths.run / "wanted.json"
