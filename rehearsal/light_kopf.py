# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""kopf without the official client: it imports that for its types where it finds it, 19 MB and half a second a process.

Here it is in the environment for the collection's sake, and no operator of the rehearsal logs in with it.
"""

from __future__ import annotations

import sys

CLIENT = "kubernetes"
_there = CLIENT in sys.modules
if not _there:
    sys.modules[CLIENT] = None  # type: ignore[assignment]  # to Python, one that cannot be imported
try:
    import kopf
finally:
    if not _there:
        del sys.modules[CLIENT]

__all__ = ["kopf"]
