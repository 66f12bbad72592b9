# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML page: whole without anything else, escaped, ordered, with enough contrast."""

from __future__ import annotations

import builtins
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from ansible_collections.synergyflow.platform.plugins.plugin_utils import report_html, report_plots
from report_run import FACTS, made, record, whole_run

VOID = {"meta", "link", "br", "hr", "img", "input"}
STYLE = (report_html.TEMPLATES / "report.css").read_text(encoding="utf-8")


class Page(HTMLParser):
    """What a page is made of; refuses tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _value in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice: {names}"
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def attributes(self, name: str) -> list[str]:
        return [attrs[name] for _tag, attrs in self.tags if name in attrs]


def page(records: dict[str, Any], previous: dict[str, Any] | None = None) -> Page:
    return Page(report_html.page(made(records), previous))


def test_it_says_what_was_found(broken):
    found = page(broken)
    for words in (
        "The platform is not as it should be",
        "AC5: Kafka cluster is deployed",
        "NotReady",
        "apps: while kafka_cluster is broken, 2 more criteria cannot be met",
        "stand-in: flux-operator",
        "kubectl get kafkatopic -n messaging",
        "Kafka a/b: NotReady",
        "user-events",
        "Kustomization flux-system/apps",
        "main@sha1:0000",
        "after Kustomization flux-system/platform",
        "daily",
        "3 h",
        "apps: Kubernetes v1.34.1 at https://10.0.0.1:6443, uid 0c7a5f6e-7d3f.",
        "Measured by synergyflow.platform 0.1.0.",
    ):
        assert words in found.text, words


def test_every_part_of_it_is_there_without_facts_too():
    assert "Topics and partitions" not in page({"infra": whole_run()["infra"]}).text
    assert "nothing was measured" in page({"apps": []}).text


def test_what_comes_from_a_cluster_is_text_wherever_it_stands(monkeypatch):
    evil = "<script>alert(1)</script>\"'><img src=x onerror=y>{{ 7*7 }}$x$"
    facts = _everywhere(FACTS, evil)
    monkeypatch.setattr("report_run.FACTS", facts)
    records = {
        f"apps{evil}": [
            record(
                f"kafka_cluster.{evil}", "failed", evil, evil, title=evil, detail=evil, unit="x", stand_in=[evil],
                commands=[evil], behind=[evil],
            ),
            record("schema_registry_check.latency", "failed", 20.0, 100, title=evil, unit="ms", detail=evil,
                   figures={"p50": 9.0, "p95": 20.0, "p99": 41.3}),
        ],
        "apps": whole_run()["apps"],
    }  # fmt: skip
    previous = made(records)
    found = page(records, previous)
    assert [tag for tag, _attrs in found.tags if tag in ("script", "img")] == []
    assert [attrs for _tag, attrs in found.tags if any(name.startswith("on") for name in attrs)] == []
    assert found.text.count("<script>alert(1)</script>") > 20
    assert "49" not in found.text.replace(evil, "")


def _everywhere(value: Any, evil: str) -> Any:
    """A copy with something nasty in every text but those of times."""
    if isinstance(value, dict):
        return {key: _everywhere(each, evil) for key, each in value.items()}
    if isinstance(value, list):
        return [_everywhere(each, evil) for each in value]
    return evil if isinstance(value, str) and not value.startswith("2026-") else value


def test_it_needs_nothing_else(broken):
    found = page(broken)
    assert not {tag for tag, _attrs in found.tags} & {"script", "link", "iframe", "object", "img"}
    addresses = found.attributes("href") + found.attributes("src") + found.attributes("xlink:href")
    assert {each for each in addresses if not each.startswith("#")} == {"report.json", "junit.xml", "report.md"}
    text = report_html.page(made(broken), None)
    assert not re.search(r"url\((?!#)|@import|xmlns|<!DOCTYPE svg", text)


def test_links_and_names_lead_somewhere(broken):
    found = page(broken)
    ids = found.attributes("id")
    assert len(ids) == len(set(ids))
    for name in ("href", "xlink:href"):
        assert {each[1:] for each in found.attributes(name) if each.startswith("#")} <= set(ids)
    for name in ("aria-labelledby", "aria-describedby"):
        assert {part for each in found.attributes(name) for part in each.split()} <= set(ids)


def test_a_cause_that_nobody_asked_for_has_its_place(broken):
    text = report_html.page(made(broken, ("ac8",)), None)
    found = Page(text)
    assert "Others" in found.text
    assert {each[1:] for each in found.attributes("href") if each.startswith("#")} <= set(found.attributes("id"))
    assert "NotReady" in found.text


def test_headings_go_down_by_one_and_tables_have_captions(broken):
    found = page(broken)
    levels = [int(tag[1]) for tag, _attrs in found.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    tags = [tag for tag, _attrs in found.tags]
    assert tags.count("caption") == tags.count("table")
    assert all(attrs.get("scope") for tag, attrs in found.tags if tag == "th")
    assert next(attrs for tag, attrs in found.tags if tag == "html")["lang"] == "en"


def test_the_run_before_stands_beside_this_one(run, broken):
    now, before = made(run), made(broken)
    now["previous"] = {
        "measured_at": "2026-11-20T12:00:00+00:00", "verdict": "failed", "counts": before["counts"],
        "report": "20261120T120000Z",
        "changes": [{"cluster": "apps", "id": "kafka_cluster.ready", "title": "Kafka is Ready", "before": "failed",
                     "now": "passed", "change": "better"}],
    }  # fmt: skip
    text = Page(report_html.page(now, before)).text
    assert "Since the run of 2026-11-20T12:00:00+00:00" in text
    assert "Kafka is Ready apps ↑ better ✗ failed ✓ passed" in text
    assert "failed: NotReady" in text


def test_plots_have_words_and_the_pages_colours(run):
    found = page(run)
    pictures = [attrs for tag, attrs in found.tags if tag == "svg"]
    assert [attrs["role"] for attrs in pictures] == ["img"] * 3
    assert "Registry is quick on apps: 20 ms, at most 100 ms" in found.text
    drawn = report_html.page(made(run), None)
    assert not [colour for colour in report_plots.COLOURS if colour in drawn]
    assert "var(--passed)" in drawn


def test_without_matplotlib_the_numbers_stand_in_a_table(run, monkeypatch):
    real = builtins.__import__

    def none(name: str, *args: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", none)
    found = page(run)
    assert "pip install matplotlib" in found.text
    assert "at most 300 s" in found.text
    assert "svg" not in [tag for tag, _attrs in found.tags]


def test_a_plot_that_fails_costs_no_report(run, monkeypatch):
    def fails(_measures: Any) -> Any:
        raise RuntimeError("no fonts")

    monkeypatch.setattr(report_html, "plots", fails)
    assert "matplotlib fails here: no fonts" in page(run).text


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_words_stand_out(scheme):
    block = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[scheme]
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", block))
    for ground in ("paper", "panel"):
        for name in ("ink", "muted", "link", "passed", "failed", "blocked", "skipped"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    assert contrast(colours["ink"], colours["code"]) >= 4.5


def test_the_style_draws_with_colours_that_both_schemes_have():
    used = set(re.findall(r"var\(--(\w+)\)", STYLE + "".join(report_plots.COLOURS.values())))
    for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL):
        assert used <= {name for name, _value in re.findall(r"--(\w+): (#\w+);", block)}
