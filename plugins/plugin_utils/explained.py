# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What explains criteria that are not met, asked of the API server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.api import Api
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.behind import explanation, nameable
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import BLOCKED, FAILED, Record
from ansible_collections.synergyflow.platform.plugins.module_utils.objects import key_of
from ansible_collections.synergyflow.platform.plugins.module_utils.readiness import judge

# objects of a criterion whose events and logs explain why it is not met
MOST_EXPLAINED = 3
# seconds for that, after a check that may have used up its own
SECONDS = 10.0


def explain(api: Api, records: Iterable[Record]) -> None:
    """Give criteria that are not met what explains them. Each object is asked about once."""
    told: dict[str, list[str]] = {}
    for record in records:
        if record.status not in (FAILED, BLOCKED):
            continue
        for found in record.looked_at[:MOST_EXPLAINED]:
            name = str(key_of(found))
            if name not in told:
                told[name] = explanation(api, found)
            record.behind += told[name]


def explain_by(api: Api, records: Sequence[Record], objects: Iterable[Mapping[str, Any]]) -> None:
    """Give the first criterion that is not met what explains it: those of the objects it needs that are not well."""
    first = next((record for record in records if record.status in (FAILED, BLOCKED)), None)
    unwell = [each for each in nameable(objects) if not judge(each).done]
    if first and unwell:
        first.looked_at = unwell
        explain(api.within(SECONDS), [first])
