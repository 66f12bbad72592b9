# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""How the stand-in is installed, and what it says of stores that it cannot read."""

from __future__ import annotations

import pytest

from rehearsal import process_images
from rehearsal.external_secrets import install, operator


def test_everything_says_that_it_stands_in() -> None:
    labels = {each["kind"]: each["metadata"]["labels"] for each in install.objects()}
    assert all(install.STAND_IN in each for each in labels.values())
    deployment = next(each for each in install.objects() if each["kind"] == "Deployment")
    pod = deployment["spec"]["template"]
    assert install.STAND_IN in pod["metadata"]["labels"]
    assert process_images.claimed(pod)


def test_its_rights_are_no_more_than_it_uses() -> None:
    verbs = {verb for rule in install.rules() for verb in rule["verbs"]}
    resources = {resource for rule in install.rules() for resource in rule["resources"]}
    assert "*" not in verbs | resources
    assert next(rule["verbs"] for rule in install.rules() if rule["resources"] == ["events"]) == ["create", "patch"]


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        ({"aws": {}}, "knows the provider vault alone, not aws"),
        ({"vault": {"server": "https://vault.example.com"}}, "https://vault.example.com cannot be reached"),
    ],
)
def test_a_store_that_it_cannot_read_is_not_ready(provider: dict, words: str) -> None:
    assert words in (operator.store_problem({"spec": {"provider": provider}}) or "")
    assert operator.store_problem(install.store()) is None
