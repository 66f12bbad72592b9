# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as JUnit XML: a suite for each cluster, a case for each criterion."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from .document import excused
from .records import BLOCKED, FAILED, SKIPPED, with_unit

#: what XML 1.0 cannot hold, not even escaped
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(document: Mapping[str, Any]) -> str:
    """The whole file."""
    suites = ElementTree.Element("testsuites", name="synergyflow.platform")
    for host, records in document["clusters"].items():
        suites.append(_suite(host, records, document["measured_at"]))
    for name in ("tests", "failures", "errors", "skipped"):
        suites.set(name, str(sum(int(suite.get(name) or 0) for suite in suites)))
    ElementTree.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(suites, encoding="unicode")}\n'


def _suite(host: str, records: list[dict[str, Any]], measured_at: str) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=clean(host), timestamp=measured_at, tests=str(len(records)))
    for record in records:
        suite.append(_case(host, record))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{tag}"))))
    return suite


def _case(host: str, record: Mapping[str, Any]) -> ElementTree.Element:
    group = (record["criteria"] or ["other"])[0]
    case = ElementTree.Element(
        "testcase",
        classname=clean(f"{host}.{group}"),
        name=clean(f"{record['title']} ({record['id']})"),
        time=str(record["seconds"]),
    )
    outcome = _outcome(record)
    if outcome:
        message = clean(_message(record))
        text = clean("\n".join([*record["behind"], *(f"$ {each}" for each in record["commands"])]))
        ElementTree.SubElement(case, outcome, message=message).text = text or None
    if record["stand_in"]:
        said = f"Looked at stand-ins, not the real thing: {', '.join(record['stand_in'])}"
        ElementTree.SubElement(case, "system-out").text = clean(said)
    return case


def _outcome(record: Mapping[str, Any]) -> str:
    """What could not be measured is an error, unless it is known why: then the cause has failed itself."""
    if record["status"] == BLOCKED:
        return "skipped" if record["blocked_by"] or excused(record) else "error"
    return {FAILED: "failure", SKIPPED: "skipped"}.get(record["status"], "")


def _message(record: Mapping[str, Any]) -> str:
    seen = ""
    if record["status"] == FAILED:
        seen = f"{with_unit(record['observed'], record['unit'])}, expected {record['expected']}"
    return ": ".join(filter(None, [seen, record["detail"]]))


def clean(text: str) -> str:
    """Without what XML cannot hold."""
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
