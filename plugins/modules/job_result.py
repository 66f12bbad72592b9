#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: job_result
short_description: Wait for a task of this collection that goes on beside the play
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Waits until a task has ended that was begun with C(async) and C(poll=0), and returns its result as if it were its
    own. It fails if that one failed.
  - For the modules of this collection that say they support C(async). They are actions, which C(async_status) knows
    nothing of; their files are where it looks, and it reads them too, but it needs Python on the host and leaves them.
  - The result can be had once. A task that is still at work when the run of C(ansible-playbook) ends is interrupted,
    takes away what it has made, and has no result.
extends_documentation_fragment:
  - synergyflow.platform.attributes
attributes:
  check_mode:
    support: full
    details: Waits as it does without; what was begun has seen to check mode itself.
  diff_mode:
    support: N/A
    details: There is nothing to compare.
  idempotent:
    support: none
    details: A second time there is no result.
options:
  job:
    description: The C(ansible_job_id) that the task returned when it began.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Begin to back up and to restore, in 30 minutes at most
  synergyflow.platform.volsync_check:
    secret: volsync-check-restic
    secret_namespace: volsync-system
  async: 1800
  poll: 0
  register: begun

- name: Prove the registry meanwhile
  synergyflow.platform.schema_registry_check:
    url: https://registry.example.com
    namespace: schema-registry

- name: Wait for the backup and the restore
  synergyflow.platform.job_result:
    job: "{{ begun.ansible_job_id }}"
"""

RETURN = r"""
msg:
  description: What that task said.
  type: str
  returned: when that task returns one
ansible_job_id:
  description: The task that was waited for, also when it had no result.
  type: str
  returned: always
"""
