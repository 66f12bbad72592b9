# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Recipes: how the containers whose program we have become processes. One module each; see `recipe.Recipe`."""

from __future__ import annotations

from typing import cast

from rehearsal.node.recipes import cruise_control, kafka, strimzi_init, strimzi_operator
from rehearsal.node.recipes.recipe import Container, Recipe

RECIPES: dict[str, Recipe] = {
    module.__name__.rpartition(".")[2]: cast(Recipe, module)
    for module in (cruise_control, strimzi_init, strimzi_operator, kafka)
}


def find(container: Container) -> str | None:
    """The name of the container's recipe; None when there is none."""
    return next((name for name, recipe in RECIPES.items() if recipe.runs(container)), None)
