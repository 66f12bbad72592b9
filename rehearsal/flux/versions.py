# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Whether the one distribution of Flux that the rehearsal has is what a FluxInstance asks for."""

from __future__ import annotations

import re

_EXACT = re.compile(r"^[v=]*(\d+|[x*])(?:\.(\d+|[x*]))?(?:\.(\d+|[x*]))?$")
_BOUND = re.compile(r"^(>=|<=|>|<)\s*v?(\d+(?:\.\d+){0,2})$")
_COMPARED = {
    ">=": lambda have, bound: have >= bound,
    "<=": lambda have, bound: have <= bound,
    ">": lambda have, bound: have > bound,
    "<": lambda have, bound: have < bound,
}


def matches(version: str, expression: str) -> bool:
    """Whether a release is in a range: `2.9.4`, `2.x`, `*`, `>=2.7.0`, or several of these with spaces or commas.

    ValueError for an expression of another form.
    """
    have = [int(part) for part in version.split(".")]
    parts = [part for part in re.split(r"[\s,]+", re.sub(r"([<>]=?)\s+", r"\1", expression.strip())) if part]
    return bool(parts) and all(_one(have, part, expression) for part in parts)


def _one(have: list[int], part: str, expression: str) -> bool:
    if bound := _BOUND.match(part):
        wanted = [int(number) for number in bound[2].split(".")]
        return _COMPARED[bound[1]](have, wanted + [0] * (3 - len(wanted)))
    if exact := _EXACT.match(part):
        return all(
            number in (None, "x", "*") or int(number) == mine for number, mine in zip(exact.groups(), have, strict=True)
        )
    raise ValueError(f"version {expression!r} is of a form that the stand-in for flux-operator does not know")
