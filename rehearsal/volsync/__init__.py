# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""VolSync in the rehearsal: its real manager, installed from manifests."""
