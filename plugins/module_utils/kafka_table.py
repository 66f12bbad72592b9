# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows as an aligned table, the way kubectl prints them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

GAP = "   "
NOTHING = "-"


def aligned(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> str:
    """One line a row under a line of titles; `columns` maps a row's key to its title. Empty for no rows."""
    if not rows:
        return ""
    lines = [[title.upper() for title in columns.values()]]
    lines += [[_cell(row.get(key)) for key in columns] for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(columns))]
    return "\n".join(
        GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cell(value: Any) -> str:
    """One line of text: a value that spans lines would break the table."""
    text = NOTHING if value is None else " ".join(str(value).split())
    return text or '""'
