# -*- coding: utf-8 -*-
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module that uses a Kafka's brokers is told of them."""

from __future__ import annotations


class ModuleDocFragment:
    """How the brokers are reached; plugin_utils/kafka_access.py reads it."""

    DOCUMENTATION = r"""
options:
  cluster:
    description: Name of the Kafka.
    type: str
    required: true
  namespace:
    description: Namespace of the Kafka, its KafkaTopics and the KafkaUser.
    type: str
    required: true
  user:
    description:
      - Name of the KafkaUser to log in as, by SCRAM-SHA-512. Its password is read from its Secret, unless
        O(sasl_password) is given.
      - Without it there is no log-in, for a listener without authentication.
    type: str
  listener:
    description:
      - Name of the listener to use. By default the first internal one with authentication C(scram-sha-512), one with
        TLS before one without.
    type: str
  bootstrap_servers:
    description:
      - Addresses of brokers, C(host:port), that can be reached from the controller. No port-forward is used then, and
        neither the Kafka nor its listeners are looked at to find the brokers.
    type: list
    elements: str
  tls:
    description: Whether the O(bootstrap_servers) speak TLS. Without O(bootstrap_servers) the listener says so.
    type: bool
    default: true
  cluster_ca:
    description:
      - Certificates in PEM format that sign the brokers'. By default all certificates of the Secret
        C(<cluster>-cluster-ca-cert).
    type: str
  sasl_password:
    description: The password of O(user), instead of the one in the KafkaUser's Secret.
    type: str
"""
