# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects by name alone."""

from __future__ import annotations

from ansible_collections.synergyflow.platform.plugins.filter.identities import identities


def test_only_what_names_an_object_is_left():
    labelled = {"name": "a", "namespace": "b", "labels": {"c": "d"}}
    found = identities(
        [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": labelled, "data": {"e": "f"}},
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "b"}},
        ]
    )
    assert found == [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "b"}},
    ]
