# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is suspended brings no commit: it is refused before there is one."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.synergyflow.platform.plugins.module_utils import delivery_layout as layout
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.flux_graph import (
    KUSTOMIZE,
    first_kustomization,
    first_source,
)
from ansible_collections.synergyflow.platform.plugins.module_utils.flux_status import is_suspended, suspended_by
from ansible_collections.synergyflow.platform.plugins.module_utils.handover import find_kustomization, is_of
from ansible_collections.synergyflow.platform.plugins.module_utils.objects import Key, key_of, listed
from ansible_collections.synergyflow.platform.plugins.plugin_utils.staging import Staged


def refuse_suspended(api: Api, namespace: str, wanted: Iterable[Staged], of_the_run: Iterable[Staged]) -> None:
    """Refuse what would keep Flux from bringing `wanted`; of what is in the same run, each looks after itself."""
    staged = list(wanted)
    root, source = first_kustomization(namespace), first_source(namespace)
    resource = api.discover().preferred(source.group, source.kind)
    found = {
        root: find_kustomization(api, root),
        source: api.get(resource, namespace, namespace) if resource else None,
    }
    asleep = [key for key, live in found.items() if is_suspended(live or {})]
    for each in staged:
        if each.kustomization is None:
            continue
        key = key_of(each.kustomization)
        live = find_kustomization(api, key) or {}
        # what a hand-over has suspended, it resumes; what somebody else has, is for them to resume
        if is_suspended(live) and (not each.taken or suspended_by(live)):
            asleep.append(key)
    asleep += [key for key in sorted(_needed(namespace, staged, of_the_run)) if _is_asleep(api, key, root)]
    if asleep:
        raise ClusterError(
            f"Nothing has been committed. Suspended, so Flux would not bring it: {listed(map(str, asleep))}."
            " Resume them first (flux_objects, state: resumed)."
        )


def _needed(namespace: str, staged: Iterable[Staged], of_the_run: Iterable[Staged]) -> set[Key]:
    """What of Git the components wait for, and is not in this run."""
    wanted = {
        layout.kustomization_name(each.host, needed)
        for each in staged
        if each.kustomization
        for needed in layout.PLACES[each.component].needs
    }
    wanted -= {layout.kustomization_name(each.host, each.component) for each in of_the_run}
    return {Key(KUSTOMIZE, "Kustomization", namespace, name) for name in wanted}


def _is_asleep(api: Api, key: Key, root: Key) -> bool:
    live = find_kustomization(api, key)
    return live is not None and is_of(live, root) and is_suspended(live)
