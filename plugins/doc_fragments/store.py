# -*- coding: utf-8 -*-
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module that asks a store of metrics or logs is told of it."""

from __future__ import annotations


class ModuleDocFragment:
    """How the store is reached, and what becomes of its answer; plugin_utils/store_access.py reads it."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of the store as the controller reaches it, C(http://host:port) or C(https://host:port).
        A path may follow.
      - Without it the store is reached by a port-forward of the API server to O(service) in O(namespace), and the
        connection options count. With it the cluster is not asked anything.
    type: str
  namespace:
    description: Namespace of the store's Service.
    type: str
    default: observability
  url_username:
    description: User for HTTP basic authentication at the store.
    type: str
  url_password:
    description: Password for HTTP basic authentication at the store.
    type: str
  url_ca:
    description:
      - Certificates in PEM format that sign the store's, for an O(url) with C(https). By default those that Python
        trusts.
    type: str
  id:
    description: Identifier of the evidence record, by default the module's name.
    type: str
  title:
    description: What is asked, in words, for the evidence record and for messages. By default O(query).
    type: str
  fail:
    description: Whether the task fails when the answer is not as expected. Look at RV(passed) when it is V(false).
    type: bool
    default: true
  timeout:
    description: Seconds for all of it.
    type: int
    default: 30
"""
