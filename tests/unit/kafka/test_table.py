# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows as a table."""

from __future__ import annotations

from ansible_collections.synergyflow.platform.plugins.module_utils.kafka_table import aligned

COLUMNS = {"topic": "topic", "broker": "on the broker"}


def test_columns_are_as_wide_as_their_widest_cell_and_lines_end_at_their_last_word() -> None:
    rows = [{"topic": "user-events", "broker": "1000"}, {"topic": "t", "broker": "604800000000000"}]
    assert aligned(rows, COLUMNS) == (
        "TOPIC         ON THE BROKER\n"
        "user-events   1000\n"
        "t             604800000000000"
    )  # fmt: skip


def test_nothing_is_a_dash_and_an_empty_text_is_seen() -> None:
    assert aligned([{"topic": "t", "broker": None}, {"topic": "u", "broker": ""}], COLUMNS).splitlines()[1:] == [
        "t       -",
        'u       ""',
    ]


def test_a_value_of_several_lines_stays_on_one() -> None:
    assert aligned([{"topic": "t", "broker": "one\n  two"}], COLUMNS).splitlines()[1] == "t       one two"


def test_no_rows_make_no_table() -> None:
    assert aligned([], COLUMNS) == ""
