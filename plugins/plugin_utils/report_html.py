# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one HTML page that needs nothing else: no script, no network, no second file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.changes import by_place
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.criteria import GROUPS
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.figures import SHARES, Measure, measures
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import PASSED, with_unit
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.wording import (
    blocked_words,
    count_words,
    group_name,
    unmet,
    verdict_words,
)
from ansible_collections.synergyflow.platform.plugins.plugin_utils.report_plots import Plot, plots
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).with_name("report_page")
WITHOUT_PLOTS = "No plots: matplotlib is not installed where ansible-playbook runs (pip install matplotlib)."
SIGNS = {
    "passed": "✓", "failed": "✗", "blocked": "⊘", "skipped": "-", "incomplete": "!", "not measured": "-",
    "better": "↑", "worse": "↓", "new": "+", "gone": "∅", "other": "≠",
    "no longer measured": "?",
}  # fmt: skip
OTHER = "other"


def page(document: Mapping[str, Any], previous: Mapping[str, Any] | None) -> str:
    """The whole page; `previous` is the document of the run before."""
    before = by_place(previous["clusters"]) if previous else {}
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    found = measures(document["clusters"], before)
    drawn, without = _plots(found)
    sections = _sections(document, before)
    every = [record for records in document["clusters"].values() for record in records]
    return environment.get_template("report.html.j2").render(
        document=document,
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        signs=SIGNS,
        verdict=verdict_words(document),
        counts=count_words(document["counts"]),
        counts_before=count_words(document["previous"]["counts"]) if document["previous"] else "",
        names={group: group_name(group) for group in (*GROUPS, OTHER)},
        stand_ins=sorted({name for record in every for name in record["stand_in"]}),
        stood_in=sum(bool(record["stand_in"]) and record["status"] == PASSED for record in every),
        # the evidence of these stands with their group
        unmet=[_row(host, record, before, first=False) for host, record in unmet(document)],
        blocked=blocked_words(document),
        changes=_changes(document),
        sections=sections,
        measures=[_measure(each) for each in found],
        plots=drawn,
        without_plots=without,
        **_facts(document),
    )


def _plots(found: list[Measure]) -> tuple[list[Plot], str]:
    """The plots, or why there are none."""
    try:
        return plots(found), ""
    except ImportError:
        return [], WITHOUT_PLOTS
    except Exception as error:  # a plot is not worth the report
        return [], f"No plots: matplotlib fails here: {error}"


def _row(host: str, record: Mapping[str, Any], before: Mapping[Any, Any], first: bool) -> dict[str, Any]:
    earlier = before.get((host, record["id"]))
    return {
        "record": record,
        "host": host,
        "anchor": f"{host}.{record['id']}",
        "first": first,
        "observed": shown(record["observed"], record["unit"]),
        "expected": shown(record["expected"], record["unit"]),
        "before": _earlier(earlier, record),
    }


def shown(value: Any, unit: str) -> Any:
    """A value with its unit; nothing for none."""
    return "" if value is None else with_unit(value, unit)


def _earlier(earlier: Mapping[str, Any] | None, record: Mapping[str, Any]) -> Any:
    """What the run before says otherwise; nothing where it says the same."""
    if earlier is None:
        return "not measured"
    if earlier["status"] != record["status"]:
        told = shown(earlier["observed"], earlier["unit"])
        return f"{earlier['status']}: {told}" if told != "" else earlier["status"]
    return "" if earlier["observed"] == record["observed"] else shown(earlier["observed"], earlier["unit"])


def _sections(document: Mapping[str, Any], before: Mapping[Any, Any]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """The records by group, then by cluster. What is in two groups has its evidence in the first.

    What is there as a cause alone, of a group that was not asked for, is among the others.
    """
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    there: set[tuple[str, str]] = set()
    for group in (*GROUPS, OTHER):
        if group.lower() not in document["selected"] and group != OTHER:
            continue
        for host, records in document["clusters"].items():
            for record in records:
                asked = [each for each in record["criteria"] if each.lower() in document["selected"]]
                if group not in (asked or [OTHER]):
                    continue
                place = (host, record["id"])
                row = _row(host, record, before, first=place not in there)
                there.add(place)
                found.setdefault(group, {}).setdefault(host, []).append(row)
    return found


def _changes(document: Mapping[str, Any]) -> list[list[Any]]:
    rows = (document["previous"] or {}).get("changes") or []
    return [
        [row["title"], row["cluster"], {"status": row["change"]}]
        + [{"status": row[side]} if row[side] else "" for side in ("before", "now")]
        for row in rows
    ]


def _measure(each: Measure) -> list[Any]:
    earlier = "" if each.before is None else f"{each.before:g} {each.unit}"
    spread = [each.figures.get(share, "") for share in SHARES]
    return [
        each.title,
        each.cluster,
        {"status": each.status},
        f"{each.observed:g} {each.unit}",
        each.limit_words,
        *spread,
        earlier,
    ]


def _facts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Tables of what the checks saw beside their criteria, by cluster."""
    now = datetime.fromisoformat(document["measured_at"])
    topics, backups, volumes, graphs = {}, {}, {}, {}
    for host, facts in document["facts"].items():
        if facts.get("topics"):
            topics[host] = [_topic(each) for each in facts["topics"]]
        if facts.get("backups"):
            backups[host] = [_backup(each, now) for each in facts["backups"]]
        if (facts.get("volsync") or {}).get("sources"):
            volumes[host] = [_volume(each, now) for each in facts["volsync"]["sources"]]
        graph = (facts.get("flux") or {}).get("graph")
        if graph:
            graphs[host] = {f"Step {wave}": list(nodes) for wave, nodes in groupby(graph, lambda each: each["wave"])}
    return {"topics": topics, "backups": backups, "volumes": volumes, "graphs": graphs}


def _topic(topic: Mapping[str, Any]) -> list[Any]:
    behind = len({*topic["under_replicated"], *topic["under_min_isr"], *topic["offline"]})
    config = ", ".join(f"{key}={value}" for key, value in topic["config"].items())
    return [topic["name"], topic["state"], topic["partitions"], topic["replicas"], behind, config]


def _backup(backup: Mapping[str, Any], now: datetime) -> list[Any]:
    phase = f"{backup['phase']}: {backup['error']}" if backup["error"] else backup["phase"]
    return [backup["name"], phase, backup["stopped"], age(backup["stopped"], now), lasted(backup["seconds"])]


def _volume(source: Mapping[str, Any], now: datetime) -> list[Any]:
    return [
        source["name"], source["claim"], source["result"] or "none yet", source["last"], age(source["last"], now),
        lasted(source["seconds"]), source["schedule"] or "no schedule",
    ]  # fmt: skip


def age(moment: str | None, now: datetime) -> str:
    """How long ago, as precisely as a reader needs it."""
    if not moment:
        return ""
    minutes = (now - datetime.fromisoformat(moment)).total_seconds() / 60
    if minutes < 120:
        return f"{max(minutes, 0):.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 72 * 60 else f"{minutes / 60 / 24:.0f} days"


def lasted(seconds: float | None) -> str:
    """A duration."""
    return "" if seconds is None else f"{seconds:.1f} s"
