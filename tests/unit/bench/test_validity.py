# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a run is no measurement of what it should be."""

from __future__ import annotations

import pytest

from bench.cluster import check_present, check_unmoved
from bench.contenders import all_applied, recap_changed
from bench.failures import InvalidMeasurementError
from bench.object_sets import object_set

RECAP = "localhost : ok={ok}    changed={changed}    unreachable=0    failed=0    skipped=0"
KEY = ("configmaps", "a", "one")


def versions_of(size: int) -> dict[tuple[str, str, str], str]:
    plurals = {"NetworkPolicy": "networkpolicies"}
    return {
        (plurals.get(o["kind"], f"{o['kind'].lower()}s"), o["metadata"]["namespace"], o["metadata"]["name"]): "1"
        for o in object_set(size, ("a", "b"))
    }


def test_the_same_versions_are_unmoved() -> None:
    check_unmoved({KEY: "7"}, {KEY: "7"})


@pytest.mark.parametrize("after", [{KEY: "8"}, {}, {KEY: "7", ("secrets", "a", "new"): "9"}])
def test_a_moved_vanished_or_new_object_is_named(after: dict[tuple[str, str, str], str]) -> None:
    with pytest.raises(InvalidMeasurementError, match=r"configmaps/a/one|secrets/a/new"):
        check_unmoved({KEY: "7"}, after)


def test_every_kind_of_the_set_is_looked_for() -> None:
    objects, versions = object_set(10, ("a", "b")), versions_of(10)
    check_present(objects, versions)
    for key in versions:
        with pytest.raises(InvalidMeasurementError, match="/".join(key)):
            check_present(objects, {k: v for k, v in versions.items() if k != key})


@pytest.mark.parametrize(("changed", "verdict"), [(0, False), (1, True)])
def test_the_recap_says_whether_something_changed(changed: int, verdict: bool) -> None:
    assert recap_changed(RECAP.format(ok=1, changed=changed), 100) is verdict


@pytest.mark.parametrize(
    "output", ["", RECAP.format(ok=0, changed=0), RECAP.format(ok=1, changed=0).replace("failed=0", "failed=1")]
)
def test_a_recap_without_one_good_task_is_no_verdict(output: str) -> None:
    with pytest.raises(InvalidMeasurementError, match="recap"):
        recap_changed(output, 100)


def test_kubectl_must_have_applied_all() -> None:
    line = "configmap/x serverside-applied\n"
    all_applied(line * 3, 3)
    with pytest.raises(InvalidMeasurementError, match="2 of 3"):
        all_applied(line * 2, 3)
