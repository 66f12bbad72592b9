# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors that users of the collection see: one sentence each, which says what to do next."""

from __future__ import annotations


class ClusterError(Exception):
    """Something that the user has to know and can act on; the message is shown as it is."""


class UnreachableError(ClusterError):
    """No answer came from the API server: connection refused or reset, TLS, time-out."""


class LoginError(ClusterError):
    """No way to log in could be built from the connection options."""
