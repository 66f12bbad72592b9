# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No error in the logs of a component's own pods."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from ..component_objects import Seen
from .records import BLOCKED, Record, judged, unmeasured

MINUTES = 5
#: of one log; what has more in these minutes was not read to the end
LINES = 20_000
#: for the API server: each line with its time
QUERY = {"sinceSeconds": MINUTES * 60, "timestamps": "true", "tailLines": LINES}
STAMP = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)\s+(.*)$")
NEVER = re.compile(r"(?!)")


def log_record(
    identity: str,
    title: str,
    seen: Seen,
    logs: Mapping[str, str | BaseException],
    now: datetime,
    *,
    error: re.Pattern[str],
    harmless: re.Pattern[str] = NEVER,
) -> Record:
    """`logs` by pod, an exception for one that could not be had. `error` finds a line's level in what the pod wrote."""
    title = f"{title}, last {MINUTES} min"
    if not logs:
        return unmeasured(identity, title, BLOCKED, "there is no pod to read a log of")
    unread = {pod: str(text) for pod, text in logs.items() if isinstance(text, BaseException)}
    texts = {pod: text for pod, text in logs.items() if isinstance(text, str)}
    lines = [f"{pod}: {line}" for pod, text in texts.items() for line in error_lines(text, now, error)]
    errors = [line for line in lines if not harmless.search(line)]
    unread |= {
        pod: f"more than {LINES} lines, only the last were read"
        for pod, text in texts.items()
        if text.count("\n") >= LINES
    }
    if unread and not errors:
        reason = "; ".join(f"{pod}: {why}" for pod, why in unread.items())
        return unmeasured(
            identity, title, BLOCKED, f"not the whole log could be had, no error in the rest: {reason}", seen["pods"]
        )
    told = [f"the last: {errors[-1][:300]}"] if errors else []
    if len(lines) > len(errors):
        told.append(f"{len(lines) - len(errors)} that say only that an object changed or went meanwhile")
    measured, detail = (len(errors), 0), "; ".join(told)
    return judged(identity, title, measured, not errors, objects=seen["pods"], unit="errors", detail=detail)


def error_lines(text: str, now: datetime, error: re.Pattern[str]) -> list[str]:
    """Lines in which the pattern finds an error, without the API server's stamp, that are not older than the limit."""
    oldest, found = now - timedelta(minutes=MINUTES), []
    for line in text.splitlines():
        stamp = STAMP.match(line)
        if stamp and datetime.fromisoformat(stamp.group(1) + "+00:00") < oldest:
            continue
        words = stamp.group(2) if stamp else line
        if error.search(words):
            found.append(words)
    return found
