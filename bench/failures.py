# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What makes a measurement worthless."""


class InvalidMeasurementError(Exception):
    """A measured command failed, or did not do what was to be measured. The message says which, and what it did."""
