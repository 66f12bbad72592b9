# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as Markdown, short enough for a merge request: the verdict, the groups, what is not as it should be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .figures import measures
from .records import PASSED, with_unit
from .wording import blocked_words, count_words, group_name, unmet, verdict_words

#: characters that mean something to Markdown, or to the HTML within it
SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~!&@$])")
#: signs beside the words, so that a long table can be skimmed
SIGNS = {"passed": "✅", "failed": "❌", "incomplete": "⚠️", "blocked": "⛔", "skipped": "⚪", "not measured": "⚪"}


def markdown(document: Mapping[str, Any]) -> str:
    """The whole file."""
    parts = [
        f"## {SIGNS[document['verdict']]} {verdict_words(document)}",
        f"{count_words(document['counts'])}; measured {document['measured_at']}"
        f" on {', '.join(map(escaped, document['clusters']))}.",
        "\n".join(f"- {escaped(each)}" for each in document["shortcomings"]),
        _table(
            ("", "Criterion", "Result", *document["counts"]),
            ([SIGNS[each["status"]], group_name(each["id"]), each["status"], *each["counts"].values()]
             for each in document["criteria"]),
        ),
        *_unmet(document),
        *_measured(document),
        *_changed(document),
        *_stand_ins(document),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(value: Any) -> str:
    """Text as it is, on one line, whatever is in it."""
    return SPECIAL.sub(r"\\\1", " ".join(str(value).split()))


def _table(head: tuple[str, ...], rows: Iterable[Iterable[Any]]) -> str:
    lines = [f"| {' | '.join(escaped('' if cell is None else cell) for cell in row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines]) if lines else ""


def _records(document: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    return ((host, record) for host, records in document["clusters"].items() for record in records)


def _unmet(document: Mapping[str, Any]) -> list[str]:
    """What is not as it should be, the causes in a table, what they block in a sentence each."""
    rows = [
        [host, record["status"], record["title"], with_unit(record["observed"], record["unit"]), record["expected"],
         record["detail"]]
        for host, record in unmet(document)
    ]  # fmt: skip
    head = ("cluster", "result", "criterion", "observed", "expected", "why")
    blocked = "\n".join(f"- {escaped(each)}" for each in blocked_words(document))
    return ["### Not met, or not measured", _table(head, rows), blocked] if rows or blocked else []


def _measured(document: Mapping[str, Any]) -> list[str]:
    rows = [
        [each.cluster, each.title, f"{each.observed:g} {each.unit}", each.limit_words, SIGNS[each.status]]
        for each in measures(document["clusters"], {})
    ]
    return ["### Measured", _table(("cluster", "what", "observed", "limit", ""), rows)] if rows else []


def _changed(document: Mapping[str, Any]) -> list[str]:
    previous = document["previous"]
    if not previous:
        return []
    rows = [
        [each["cluster"], each["title"], each["before"] or "none", each["now"] or "none", each["change"]]
        for each in previous["changes"]
    ]
    since = f"### Since {previous['measured_at']}"
    return [since, _table(("cluster", "criterion", "before", "now", ""), rows) or "Every criterion is as it was."]


def _stand_ins(document: Mapping[str, Any]) -> list[str]:
    names = sorted({name for _host, record in _records(document) for name in record["stand_in"]})
    passed = sum(bool(record["stand_in"]) and record["status"] == PASSED for _host, record in _records(document))
    if not names:
        return []
    return [f"{passed} of the criteria passed were seen on stand-ins, not the real thing: {escaped(', '.join(names))}."]
