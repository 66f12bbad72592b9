# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A component that does not run gives no metrics either: one failure, not two."""

from __future__ import annotations

import pytest
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.blame import blamed
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import Record


@pytest.mark.parametrize(
    ("vital", "observed", "expected", "scraped"),
    [
        ("strimzi.deployment", "Strimzi 1.2.0, progressing", "Strimzi 1.2.0, ready", "AC10-strimzi.metrics"),
        ("cnpg.operator", "CloudNativePG 1.30.0, progressing", "ready", "AC10-cloudnative-pg.metrics"),
        ("AC11-controllers", 3, 4, "AC10-flux.metrics"),
    ],
)
def test_who_does_not_run_is_not_scraped(vital: str, observed: object, expected: object, scraped: str) -> None:
    broken = Record(vital, "v", "failed", observed, expected)
    silent = Record(scraped, "m", "failed", 0, "> 0", "pods", detail="no pod that runs belongs to it")
    found = {each["id"]: each for each in blamed([broken.plain(), silent.plain()])}
    assert (found[vital]["status"], found[scraped]["status"]) == ("failed", "blocked")
    assert found[scraped]["blocked_by"]
    assert [each["status"] for each in blamed([silent.plain()])] == ["failed"], "it runs, and says nothing"
