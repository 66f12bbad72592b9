# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""kopf without the official client: it imports that for its types where it finds it, 19 MB and half a second a process.

Here it is in the environment for the collection's sake, and no operator of the rehearsal logs in with it. Nor does any
ask a server that a public authority speaks for: the machine's list of those, a sixth of a second, is not read either.
"""

from __future__ import annotations

import os
import sys

CLIENT = "kubernetes"
AUTHORITIES = {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}
_there = CLIENT in sys.modules
_told = {name: os.environ.get(name) for name in AUTHORITIES}
os.environ.update(AUTHORITIES)  # aiohttp reads them as it is imported
if not _there:
    sys.modules[CLIENT] = None  # type: ignore[assignment]  # to Python, one that cannot be imported
try:
    import kopf
finally:
    if not _there:
        del sys.modules[CLIENT]
    for name, value in _told.items():
        os.environ.pop(name)
        if value is not None:
            os.environ[name] = value

__all__ = ["kopf"]
