# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store of metrics or logs that an action's options name, and what is made of its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.api import Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.evidence.records import Record, judged
from ansible_collections.synergyflow.platform.plugins.module_utils.store_expectations import Expectation
from ansible_collections.synergyflow.platform.plugins.module_utils.stores import Store
from ansible_collections.synergyflow.platform.plugins.plugin_utils import http_route


def arguments(service: str, port: int) -> dict[str, dict[str, Any]]:
    """Options of every action that asks a store, beside those of the connection to the cluster."""
    return {
        **http_route.arguments("observability", service, port, "url_ca"),
        "query": {"type": "str", "required": True},
        "at_least": {"type": "int"},
        "at_most": {"type": "int"},
        "absent": {"type": "bool", "default": False},
        "id": {"type": "str"},
        "title": {"type": "str"},
        "fail": {"type": "bool", "default": True},
        "timeout": {"type": "int", "default": 30},
    }


@contextmanager
def store(args: Mapping[str, Any]) -> Iterator[Store]:
    """The store, as long as the block."""
    with (
        http_route.reached(args, "the store", "url_ca") as way,
        Store(deadline=Deadline(args["timeout"]), **way) as client,
    ):
        yield client


def result(
    args: Mapping[str, Any], expectation: Expectation, found: tuple[int, str], wrong: str, default_id: str
) -> dict[str, Any]:
    """The result of the task; `found` is how many of what."""
    count, what = found
    title = args["title"] or args["query"]
    record: Record = judged(
        args["id"] or default_id, title, (count, expectation.words(what)), not wrong, unit=what, detail=wrong
    )
    answer: dict[str, Any] = {
        "changed": False,
        "passed": not wrong,
        "count": count,
        "evidence": [record.plain()],
        "msg": f"{title}: as expected, {expectation.words(what)}.",
    }
    if wrong:
        answer |= {
            "failed": args["fail"],
            "msg": f"{title}: expected {expectation.words(what)}, {wrong} (the store {http_route.route(args)}).",
        }
    return answer
