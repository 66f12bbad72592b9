# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Flux in the rehearsal: its real controllers, installed by a stand-in for flux-operator as flux-operator would."""

from __future__ import annotations

NAMESPACE = "flux-system"
NAME = "flux-operator"
INSTANCE = "flux"  # the only name of a FluxInstance that the operator takes
GROUP = "fluxcd.controlplane.io"
IMAGE = "ghcr.io/controlplaneio-fluxcd/flux-operator"
MODULE = "github.com/controlplaneio-fluxcd/flux-operator"
