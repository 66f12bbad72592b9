# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills ansible-playbook, as kill -9 does, right before a task: the one whose name, or number, KILL_BEFORE is.

With KILL_PID that process instead, and the run goes on.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: kill_before
type: notification
short_description: Kill the run before a task
description: For tests of what a second run finds.
"""


class CallbackModule(CallbackBase):
    """Counts tasks as they start."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "kill_before"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.started = 0

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        wanted = os.environ.get("KILL_BEFORE", "")
        if wanted and (task.get_name().endswith(wanted) or str(self.started) == wanted):
            os.kill(int(os.environ.get("KILL_PID") or os.getpid()), signal.SIGKILL)
        self.started += 1
