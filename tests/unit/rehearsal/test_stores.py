# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What infra has from those before us: stores that are reached from outside, at an address that stays."""

from __future__ import annotations

from rehearsal import process_images, stores
from rehearsal.api_server import COLLECTIONS
from rehearsal.node.services import SERVED
from rehearsal.paths import Paths


def test_the_stores_run_as_processes_behind_a_service_that_is_served(tmp_path):
    found = stores.objects()
    assert [each["kind"] for each in found] == ["Namespace", "Service", "StatefulSet", "Service", "StatefulSet"]
    assert {each["kind"] for each in found} <= set(COLLECTIONS), "what can be applied"
    for each in found[2::2]:
        assert process_images.claimed(each["spec"]["template"])
    for each in found[1::2]:
        assert {label for label, _ in SERVED} & set(each["metadata"]["labels"])
        assert each["spec"]["selector"].items() <= found[found.index(each) + 1]["metadata"]["labels"].items()


def test_addresses_are_written_once_and_stay(tmp_path):
    paths = Paths(tmp_path / "state", tmp_path / "cache")
    assert stores.write(paths)
    first = {name: (paths.stores / name).read_text() for name in ("metrics", "logs")}
    assert first["metrics"].startswith("http://127.")
    assert first["metrics"].endswith(":8428")
    assert not stores.write(paths)
    other = Paths(tmp_path / "other", tmp_path / "cache")
    stores.write(other)
    assert (other.stores / "logs").read_text() != first["logs"], "another rehearsal, another address"
