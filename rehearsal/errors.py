# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What the rehearsal tells its user when it cannot go on."""


class RehearsalError(Exception):
    """A failure that is explained by its message alone: what happened, and what to do. Printed without a traceback."""


class NotBuiltError(RehearsalError):
    """A program is asked for that the cache does not have."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not built yet: run make rehearsal-up")
