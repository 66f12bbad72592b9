# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The labels by which everything that is not the real thing says so; the collection's evidence reads both."""

from __future__ import annotations

#: what an object stands in for, or which stand-in made it
STAND_IN = "synergyflow.platform/stand-in"
#: on pods and volumes that the process node runs or holds; its value is PROCESS_NODE
RUN_BY = "synergyflow.platform/run-by"
PROCESS_NODE = "process-node"
