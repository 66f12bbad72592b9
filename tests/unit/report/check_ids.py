# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ids of all checks, read from the source: nobody keeps a list that could fall behind."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from ansible_collections.synergyflow.platform.plugins.module_utils import (
    event_flow,
    kafka_evidence,
    schema_registry_probe,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence import criteria

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
#: what an id is; a star stands for what is put in when the program runs
ID = re.compile(rf"(AC\d+-|DB-|({'|'.join(criteria.ROLES)}|kafka_topics|schema_registry_check)\.)[\w.*-]*[\w*]")
#: files that only say what becomes of ids
ABOUT_IDS = {"criteria.py", "blame.py", "commands.py"}
#: what only looks like an id: what the records of the latency share, a group of kinds, metrics
NO_IDS = {"AC7-latency", "volsync.backube", "strimzi.cruisecontrol.*"}
#: ids that are put together, by what they look like
ONE_FOR_EACH = {
    "kafka_topics.*": {f"kafka_topics.{aspect}" for aspect in kafka_evidence.TITLES},
    "schema_registry_check.*": {f"schema_registry_check.{aspect}" for aspect in schema_registry_probe.TITLES},
    "AC12-*": set(event_flow.TITLES),
}


def texts(node: ast.AST) -> Iterator[str]:
    """The texts in a piece of source, with stars for what is put in."""
    for each in ast.walk(node):
        if isinstance(each, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in each.values)
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def is_known(identity: str) -> bool:
    """Whether an id is one of them; that a role is switched off is no check, and cannot fail."""
    return identity.endswith(criteria.SWITCHED_OFF) or any(fnmatchcase(identity, each) for each in known())


@cache
def known() -> frozenset[str]:
    """The ids that the code may give a record; with a star where there is one for each job or dashboard."""
    files = [*(PLUGINS / "module_utils").rglob("*.py"), *(PLUGINS / "action").glob("*.py")]
    found = {
        text
        for file in files
        if file.name not in ABOUT_IDS
        for text in texts(ast.parse(file.read_text(encoding="utf-8")))
        if ID.fullmatch(text)
    }
    assert len(found) > 100, "ids are no longer written as they are looked for here"
    return frozenset(each for text in found - NO_IDS for each in ONE_FOR_EACH.get(text, {text}))
