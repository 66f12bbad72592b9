# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sets that are timed: the same every time, and a mixture."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.object_sets import PART_OF, RESOURCES, SET_NAME, object_set

NAMESPACES = ("a", "b")


def test_same_arguments_same_set() -> None:
    assert object_set(300, NAMESPACES) == object_set(300, NAMESPACES)


@pytest.mark.parametrize("size", [1, 9, 10, 11, 100, 1000])
def test_size_is_exact_and_no_object_comes_twice(size: int) -> None:
    objects = object_set(size, NAMESPACES)
    keys = Counter((o["kind"], o["metadata"]["namespace"], o["metadata"]["name"]) for o in objects)
    assert keys.total() == size
    assert max(keys.values()) == 1


def test_a_larger_set_begins_with_the_smaller() -> None:
    assert object_set(1000, NAMESPACES)[:100] == object_set(100, NAMESPACES)


def test_both_namespaces_have_all_kinds_in_equal_parts() -> None:
    objects = object_set(100, NAMESPACES)
    by_namespace = {n: Counter(o["kind"] for o in objects if o["metadata"]["namespace"] == n) for n in NAMESPACES}
    assert by_namespace["a"] == by_namespace["b"]
    assert len(by_namespace["a"]) == len(RESOURCES)


def test_every_object_can_be_found_by_the_label_that_empties_the_namespace() -> None:
    assert all(o["metadata"]["labels"][PART_OF] == SET_NAME for o in object_set(100, NAMESPACES))
