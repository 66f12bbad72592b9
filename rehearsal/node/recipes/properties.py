# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Java's properties files, as java.util.Properties reads them."""

from __future__ import annotations

import re

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}


def parse(text: str) -> dict[str, str]:
    """Keys and values in the file's order; the last of equal keys wins."""
    properties: dict[str, str] = {}
    for line in _logical_lines(text):
        match = re.match(r"((?:\\.|[^\\=:\s])*)\s*[=:]?\s*(.*)", line, re.DOTALL)
        assert match
        properties[_unescaped(match[1])] = _unescaped(match[2])
    return properties


def render(properties: dict[str, str]) -> str:
    """The text of a file with these properties."""
    return "".join(f"{_escaped(key, '=: ')}={_escaped(value)}\n" for key, value in properties.items())


def _logical_lines(text: str) -> list[str]:
    lines: list[str] = []
    continued = ""
    for natural in text.splitlines():
        line = natural.lstrip()
        if not continued and (not line or line[0] in "#!"):
            continue
        line = continued + line
        if (len(line) - len(line.rstrip("\\"))) % 2:
            continued = line[:-1]
            continue
        lines.append(line)
        continued = ""
    return lines + ([continued] if continued else [])


def _unescaped(text: str) -> str:
    return re.sub(
        r"\\(?:u([0-9a-fA-F]{4})|(.))",
        lambda match: chr(int(match[1], 16)) if match[1] else _ESCAPES.get(match[2], match[2]),
        text,
        flags=re.DOTALL,
    )


def _escaped(text: str, more: str = "") -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    for character in more:
        text = text.replace(character, f"\\{character}")
    return f"\\{text}" if text.startswith(" ") else text
