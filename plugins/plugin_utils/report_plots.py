# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plots of the report: static SVG that takes its colours from the page, with a title and a description.

matplotlib draws them. It is optional: without it the page has the same numbers as a table alone.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.figures import (
    MILLISECONDS,
    SHARES,
    Measure,
)

#: colours that are drawn with -> the page's own, which differ by light and dark
COLOURS = {
    "#010101": "var(--ink)",
    "#010102": "var(--passed)",
    "#010103": "var(--failed)",
    "#010104": "var(--muted)",
    "#010105": "var(--line)",
}
INK, PASSED, FAILED, MUTED, LINE = COLOURS
#: inches; narrow, so that its words are readable on a phone
WIDTH, ROW, MARGIN = 5.6, 0.5, 0.5
LONGEST = 52
#: bars end here, whatever the number: twice the limit
MOST_SHARE = 2.0
SETTINGS = {
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}


@dataclass
class Plot:
    """One picture; `svg` is safe to be put into a page, `text` says the same in words."""

    title: str
    text: str
    svg: str


def plots(measures: Sequence[Measure]) -> list[Plot]:
    """The plots that the numbers are enough for. Raises ImportError without matplotlib."""
    limited = [each for each in measures if each.limit is not None]
    upper, lower = [each for each in limited if each.most], [each for each in limited if not each.most]
    free = [each for each in measures if each.limit is None and not each.most]
    spread = [each for each in measures if each.unit in MILLISECONDS and set(SHARES) <= set(each.figures)]
    drawn = []
    if upper:
        drawn.append(_shares("Times and limits: shorter bars are better", upper))
    if lower:
        drawn.append(_shares("Throughput and targets: longer bars are better", lower))
    if free:
        drawn.append(_amounts("Throughput without a target: longer bars are better", free))
    if spread:
        drawn.append(_percentiles("Latency: median, 95th and 99th percentile", spread))
    return [Plot(title, text, _inline(svg, number, title, text)) for number, (title, text, svg) in enumerate(drawn, 1)]


def _figure(rows: int) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, ROW * rows + MARGIN))
    axes = figure.add_axes((0.02, MARGIN / (ROW * rows + MARGIN), 0.96, 1 - MARGIN / (ROW * rows + MARGIN)))
    axes.set_ylim(rows - 0.2, -0.6)
    axes.set_yticks([])
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _shares(title: str, measures: Sequence[Measure]) -> tuple[str, str, str]:
    """Each number as a bar, as a share of its limit, which is a line that all have in common."""
    import matplotlib

    with matplotlib.rc_context(SETTINGS):
        figure, axes = _figure(len(measures))
        end = max(1.1, min(max(each.of_limit(each.observed) for each in measures) * 1.05, MOST_SHARE))
        for row, each in enumerate(measures):
            colour = PASSED if each.status == "passed" else FAILED
            axes.barh(row, max(min(each.of_limit(each.observed), end), 0.004 * end), height=0.28, color=colour)
            if each.before is not None and each.of_limit(each.before) <= end:
                place = each.of_limit(each.before)
                axes.plot([place], [row], marker="D", markersize=5, color=INK, markerfacecolor="none")
            axes.plot([1, 1], [row - 0.2, row + 0.2], color=INK, linewidth=1.2, linestyle=(0, (3, 1.5)))
            axes.text(0, row - 0.24, _short(each), ha="left", va="bottom")
            axes.text(end, row - 0.24, f"{each.observed:g} {each.unit}", ha="right", va="bottom", weight="bold")
        axes.set_xlim(0, end)
        ticks = [share / 100 for share in range(0, int(end * 100) + 1, 25 if end < 1.5 else 50)]
        axes.set_xticks(ticks, [f"{share:.0%}" for share in ticks])
        before = any(each.before is not None for each in measures)
        axes.set_xlabel(f"of the limit (dashed){'; diamond: the run before' if before else ''}")
        return title, "; ".join(_words(each) for each in measures), _svg(figure)


def _amounts(title: str, measures: Sequence[Measure]) -> tuple[str, str, str]:
    """Each number as a bar, as it is: there is no limit to compare it with."""
    import matplotlib

    with matplotlib.rc_context(SETTINGS):
        figure, axes = _figure(len(measures))
        end = max(max(each.observed, each.before or 0.0) for each in measures) * 1.05 or 1.0
        for row, each in enumerate(measures):
            axes.barh(row, each.observed, height=0.28, color=MUTED)
            if each.before is not None:
                axes.plot([each.before], [row], marker="D", markersize=5, color=INK, markerfacecolor="none")
            axes.text(0, row - 0.24, _short(each), ha="left", va="bottom")
            axes.text(end, row - 0.24, f"{each.observed:g} {each.unit}", ha="right", va="bottom", weight="bold")
        axes.set_xlim(0, end)
        before = any(each.before is not None for each in measures)
        axes.set_xlabel(f"{measures[0].unit}{'; diamond: the run before' if before else ''}")
        return title, "; ".join(_words(each) for each in measures), _svg(figure)


def _percentiles(title: str, measures: Sequence[Measure]) -> tuple[str, str, str]:
    """Percentiles of each latency in milliseconds, on a scale of powers of ten, with the limit of the 95th."""
    import matplotlib
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    with matplotlib.rc_context(SETTINGS):
        figure, axes = _figure(len(measures))
        axes.set_xscale("log")
        words, numbers = [], []
        for row, each in enumerate(measures):
            factor = MILLISECONDS[each.unit]
            found = [max(each.figures[share] * factor, 0.001) for share in SHARES]
            limit = each.limit * factor if each.limit is not None else None
            numbers += [*found, limit or found[0]]
            axes.plot([found[0], found[-1]], [row, row], color=LINE, linewidth=3, zorder=1)
            for share, value, marker in zip(SHARES, found, ("o", "s", "^"), strict=True):
                axes.plot([value], [row], marker=marker, color=_colour(each.judged.get(share, "")), zorder=2)
            if limit is not None:
                axes.plot([limit, limit], [row - 0.2, row + 0.2], color=INK, linewidth=1.2, linestyle=(0, (3, 1.5)))
            told = ", ".join(f"{value:g}" for value in found)
            axes.text(0.0, row - 0.24, _short(each), ha="left", va="bottom", transform=axes.get_yaxis_transform())
            axes.text(
                1.0, row - 0.24, f"{told} ms", ha="right", va="bottom", weight="bold",
                transform=axes.get_yaxis_transform(),
            )  # fmt: skip
            words.append(f"{each.title} on {each.cluster}: {told} ms, limit {_milliseconds(limit)}")
        axes.set_xlim(min(numbers) / 2, max(numbers) * 2)
        axes.xaxis.set_major_locator(LogLocator(base=10))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("ms: circle p50, square p95, triangle p99; dashed: limit of p95")
        return title, "; ".join(words), _svg(figure)


def _colour(status: str) -> str:
    """Of what has no limit of its own, that of text."""
    return {"": INK, "passed": PASSED}.get(status, FAILED)


def _milliseconds(limit: float | None) -> str:
    return "none" if limit is None else f"{limit:g} ms"


def _short(each: Measure) -> str:
    name = f"{each.title} ({each.cluster})"
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _words(each: Measure) -> str:
    limit = "no target" if each.limit is None else each.limit_words
    before = f", {each.before:g} in the run before" if each.before is not None else ""
    return f"{each.title} on {each.cluster}: {each.observed:g} {each.unit}, {limit}{before}"


def _svg(figure: Any) -> str:
    stream = io.StringIO()
    figure.savefig(
        stream, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
    )
    return stream.getvalue()


def _inline(svg: str, number: int, title: str, text: str) -> str:
    """The picture as a part of an HTML page: its ids its own, the page's colours, words for those who cannot see it."""
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r' xmlns(?::\w+)?="[^"]*"', "", svg)
    svg = re.sub(r'\bid="', f'id="plot{number}-', svg)
    svg = re.sub(r'(url\(|href=")#', rf"\1#plot{number}-", svg)
    for drawn, shown in COLOURS.items():
        svg = svg.replace(drawn, shown)
    label = f'<title id="plot{number}-title">{escape(title)}</title><desc id="plot{number}-desc">{escape(text)}</desc>'
    role = f'<svg role="img" aria-labelledby="plot{number}-title" aria-describedby="plot{number}-desc"'
    return re.sub(r"<svg([^>]*)>", lambda found: f"{role}{found[1]}>{label}", svg, count=1)
