# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Paired timings of the collection against kubectl and kubernetes.core. `make bench`; not part of the collection."""
