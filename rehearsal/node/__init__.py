# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The process node: runs the pods whose program we have as processes of this machine, and binds volume claims.

The border to everything else is the Kubernetes API: pods, ConfigMaps, Secrets and claims come in, status comes out. Who
made a pod, the real operator or a stand-in, the node does not ask.
"""
