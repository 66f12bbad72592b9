# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter topic_specs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: topic_specs
short_description: Write the topics of an inventory out in full
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Gives every topic the name of its KafkaTopic, its replicas and its configuration.
  - The result is what the templates of the role kafka_cluster and
    M(synergyflow.platform.kafka_topics_check) both take, so that what is checked is what was asked for.
positional: _input, replication_factor, min_insync_replicas
options:
  _input:
    description:
      - Topics with C(name), C(partitions) and optionally C(retention_days), C(replicas) and C(config).
      - C(retention_days) of -1 means for ever.
    type: list
    elements: dict
    required: true
  replication_factor:
    description: Replicas of a topic that does not say otherwise.
    type: int
    default: 3
  min_insync_replicas:
    description: The C(min.insync.replicas) of a topic whose C(config) does not say otherwise.
    type: int
    default: 2
"""

EXAMPLES = r"""
- name: Show what one topic comes to
  ansible.builtin.debug:
    msg: "{{ topics | synergyflow.platform.topic_specs(3, 2) }}"
  vars:
    topics:
      - {name: user-events, partitions: 6, retention_days: 7}
"""

RETURN = r"""
_value:
  description: The topics, each with C(name), C(resource), C(partitions), C(replicas) and C(config).
  type: list
  elements: dict
  sample:
    - name: user-events
      resource: user-events
      partitions: 6
      replicas: 3
      config: {"min.insync.replicas": 2, "retention.ms": 604800000}
"""

from typing import Any

from ..module_utils.topics_and_users import topic_specs


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, Any]:
        return {"topic_specs": topic_specs}
