# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every check has to show once: that it fails, and says the right reason. See test_every_check_fails.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def fails(records: Iterable[Any] | Mapping[Any, Any], identity: str, reason: str) -> None:
    """One record of this id is among them, it is not met, and what it says has the reason in it."""
    every = records.values() if isinstance(records, Mapping) else records
    plain = [dict(each) if isinstance(each, Mapping) else each.plain() for each in every]
    found = [each for each in plain if each["id"] == identity]
    assert [each["status"] for each in found] == ["failed"], found or f"no {identity}"
    said = f"{found[0]['observed']} instead of {found[0]['expected']}: {found[0]['detail']}"
    assert reason, "a failure without its reason proves nothing"
    assert reason in said, said
