# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema registry that an action's options name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.api import Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.schema_registry import Registry
from ansible_collections.synergyflow.platform.plugins.plugin_utils import http_route

#: options of every action that uses a registry, beside those of the connection to the cluster
ARGUMENTS = http_route.arguments("messaging", "schema-registry", 8081, "registry_ca")
route = http_route.route


@contextmanager
def registry(args: Mapping[str, Any], deadline: Deadline) -> Iterator[Registry]:
    """The registry, as long as the block."""
    with http_route.reached(args, "the registry", "registry_ca") as way, Registry(deadline=deadline, **way) as client:
        yield client
