# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""What Flux takes its sources from: a Git server and a chart repository on this machine, outside of the clusters."""
