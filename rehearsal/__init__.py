# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Two small Kubernetes clusters on this machine, to rehearse the collection on. No role knows that this exists."""
