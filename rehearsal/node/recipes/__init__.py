# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Recipes: how the containers whose program we have become processes. One module each; see `recipe.Recipe`."""

from __future__ import annotations

from typing import cast

from rehearsal.node.recipes import (
    check_shell,
    cloudnative_pg,
    cruise_control,
    external_secrets,
    fluent_bit,
    flux_controller,
    flux_operator,
    kafka,
    opa,
    pgbouncer,
    postgres,
    schema_registry,
    strimzi_init,
    strimzi_operator,
    synergyflow_backend,
    victoria,
    volsync_manager,
    volsync_mover,
)
from rehearsal.node.recipes.recipe import Container, Recipe

RECIPES: dict[str, Recipe] = {
    module.__name__.rpartition(".")[2]: cast(Recipe, module)
    for module in (
        # first: it knows its init containers by their pod, whose images others run as something else
        synergyflow_backend,
        cruise_control,
        strimzi_init,
        strimzi_operator,
        kafka,
        schema_registry,
        volsync_manager,
        volsync_mover,
        check_shell,
        opa,
        external_secrets,
        flux_operator,
        flux_controller,
        cloudnative_pg,
        postgres,
        pgbouncer,
        victoria,
        fluent_bit,
    )
}


def find(container: Container) -> str | None:
    """The name of the container's recipe; None when there is none."""
    return next((name for name, recipe in RECIPES.items() if recipe.runs(container)), None)
