# -*- coding: utf-8 -*-
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module that speaks to a schema registry is told of it."""

from __future__ import annotations


class ModuleDocFragment:
    """How the registry is reached; plugin_utils/registry_access.py reads it."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of the registry as the controller reaches it, C(http://host:port) or C(https://host:port). A path may
        follow, as in C(http://apicurio:8080/apis/ccompat/v7).
      - Without it the registry is reached by a port-forward of the API server to O(service) in O(namespace), and the
        connection options count. With it the cluster is not asked anything.
    type: str
  namespace:
    description: Namespace of the registry's Service.
    type: str
    default: messaging
  service:
    description: Name of the registry's Service.
    type: str
    default: schema-registry
  port:
    description: Port of the registry's Service. It speaks plain HTTP; for TLS give O(url).
    type: int
    default: 8081
  path:
    description: Path of the API behind O(service) and O(port), such as C(/apis/ccompat/v7). Confluent's is at the root.
    type: str
    default: ""
  url_username:
    description: User for HTTP basic authentication at the registry.
    type: str
  url_password:
    description: Password for HTTP basic authentication at the registry.
    type: str
  registry_ca:
    description:
      - Certificates in PEM format that sign the registry's, for an O(url) with C(https). By default those that Python
        trusts.
    type: str
"""
