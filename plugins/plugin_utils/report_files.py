# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where reports are: a folder for each run, named by its time, and the run before."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.changes import comparable, is_whole
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.document import SCHEMA_VERSION

DATA, PAGE, CASES, SUMMARY = "report.json", "report.html", "junit.xml", "report.md"
#: of the collection
ROOT = Path(__file__).resolve().parents[2]
#: beside the folders: what a run that has not ended has measured so far
UNFINISHED = "unfinished.json"
#: text that came from no encoding is written as its escape, in JSON a valid one
UNSPEAKABLE = "backslashreplace"
#: how the folder of a run is called
RUN = re.compile(r"^\d{8}T\d{6}Z(-\d+)?$")


def collection_version() -> str | None:
    """The version of this collection, as it was built or as its checkout says."""
    built, checkout = ROOT / "MANIFEST.json", ROOT / "galaxy.yml"
    try:
        if built.exists():
            return str(json.loads(built.read_text(encoding="utf-8"))["collection_info"]["version"])
        return str(yaml.safe_load(checkout.read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return None


def as_json(document: Mapping[str, Any], indent: int | None = 2) -> str:
    """The document as it is written; without an indent it is quick."""
    return f"{json.dumps(document, indent=indent, ensure_ascii=False)}\n"


@dataclass(frozen=True)
class Before:
    """The run before, if there is one: its document, and the name of its folder."""

    document: dict[str, Any] | None = None
    name: str = ""
    #: folders of runs after it that would be it, if their reports had all that is compared
    passed_over: list[str] = field(default_factory=list)


def previous(directory: Path, now: Mapping[str, Any]) -> Before:
    """The newest report in a directory that looked at all that the document of this run looks at.

    What cannot be read, or was written by another version, is passed over.
    """
    passed_over: list[str] = []
    folders = directory.iterdir() if directory.is_dir() else ()
    for folder in sorted((each for each in folders if RUN.match(each.name)), reverse=True):
        try:
            document = json.loads((folder / DATA).read_text(encoding="utf-8"))
            fits = document["schema_version"] == SCHEMA_VERSION and comparable(document, now)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        if fits and _is_whole(document):
            return Before(document, folder.name, passed_over)
        passed_over += [folder.name] if fits else []
    return Before(passed_over=passed_over)


def _is_whole(document: Mapping[str, Any]) -> bool:
    try:
        return is_whole(document)
    except (KeyError, TypeError, AttributeError):
        return False


def write_run(directory: Path, now: datetime, files: Mapping[str, str]) -> Path:
    """The files in a folder of their own, all of them or none."""
    directory.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=directory, prefix=".report."))
    try:
        for name, text in files.items():
            (made / name).write_text(text, encoding="utf-8", errors=UNSPEAKABLE)
        made.chmod(0o755)
        return _named(made, directory, f"{now:%Y%m%dT%H%M%SZ}")
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _named(made: Path, directory: Path, name: str) -> Path:
    """Give a folder its name; another run of the same second has it already where that fails."""
    for number in range(1, 100):
        folder = directory / (name if number == 1 else f"{name}-{number}")
        if not folder.exists():
            try:
                return made.rename(folder)
            except OSError:
                if not folder.exists():
                    raise
    raise OSError(f"{directory} has a hundred reports of one second")


def write_file(path: Path, text: str) -> Path:
    """One file, in one piece or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8", errors=UNSPEAKABLE) as stream:
        stream.write(text)
    os.chmod(name, 0o644)
    os.replace(name, path)
    return path
