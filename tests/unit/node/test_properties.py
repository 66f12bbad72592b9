# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Java's properties files."""

from __future__ import annotations

import pytest

from rehearsal.node.recipes import properties


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=b\n", {"a": "b"}),
        ("# comment\n! also\n\n a = b c \n", {"a": "b c "}),
        ("a: b\nc d\n", {"a": "b", "c": "d"}),
        ("a=b\\\n   c\n", {"a": "bc"}),
        ("a=b\\\\\nc=d\n", {"a": "b\\", "c": "d"}),
        ("sasl.enabled.mechanisms=\n", {"sasl.enabled.mechanisms": ""}),
        ("a=x=y:z\n", {"a": "x=y:z"}),
        ("a\\=b=c\\u0041\\n\n", {"a=b": "cA\n"}),
        ("a=1\na=2\n", {"a": "2"}),
    ],
)
def test_parse(text, expected):
    assert properties.parse(text) == expected


@pytest.mark.parametrize(
    "value", ["plain", "two\nlines\n", "back\\slash", " leading", "tab\tand = : #", "", "RULE:^CN=(.*?),.*$/$1/"]
)
def test_render_is_read_back(value):
    assert properties.parse(properties.render({"a b": value})) == {"a b": value}
