#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: volsync_backup
short_description: Back up a volume now with VolSync, and let its schedule go on
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Asks a ReplicationSource for a manual sync, waits until its snapshot is in the repository, and takes the manual
    trigger away again, so that the schedule goes on. It does so too when the backup fails, runs into O(timeout), or is
    interrupted.
  - Waits first until no sync is under way, because VolSync would credit the request to that older sync.
  - Fails early with the mover's own reason. At once for what no further attempt mends (a wrong password, refused keys),
    after the second failed mover for anything else. VolSync itself would try for a quarter of an hour.
  - Fails when the volume has no files, because VolSync's mover then succeeds without making a snapshot.
notes:
  - Needs VolSync 0.10 or newer and its restic mover.
  - Needs the permissions C(get), C(list) and C(patch) on C(replicationsources), and C(list) on C(jobs) and C(pods) and
    C(get) on C(pods/log) to know a mover's reason.
  - The field C(spec.trigger.manual) is owned by the field manager C(synergyflow.platform.volsync) meanwhile, and by
    nobody afterwards. A ReplicationSource without a schedule keeps the tag, because VolSync syncs without end where
    it has no trigger at all.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
attributes:
  check_mode:
    support: full
    details: Refuses what a run would refuse, and says that it would back up.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each run makes a backup.
options:
  name:
    description: Name of the ReplicationSource.
    type: str
    required: true
  namespace:
    description: Its namespace.
    type: str
    required: true
  take_over:
    description:
      - Go on although C(spec.trigger.manual) is set already, left behind by a run that died. It is removed afterwards.
      - Without it such a source is refused, for another run may be using it.
    type: bool
    default: false
  timeout:
    description: Seconds until the backup must be done, waiting for an earlier sync included.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Back up the uploads before the migration
  synergyflow.platform.volsync_backup:
    namespace: synergyflow
    name: uploads
  register: backup

- name: Say which snapshot it is
  ansible.builtin.debug:
    msg: "{{ backup.snapshot }}, {{ backup.stored }} in {{ backup.seconds }} s"
"""

RETURN = r"""
snapshot:
  description: Short id of the snapshot in the restic repository.
  type: str
  returned: success, not in check mode
  sample: 57336a41
seconds:
  description: How long the sync took, as VolSync measured it.
  type: float
  returned: success, not in check mode
  sample: 6.7
finished:
  description: When it was done.
  type: str
  returned: success, not in check mode
  sample: "2026-11-21T06:53:46+00:00"
stored:
  description: What was added to the repository, in restic's words.
  type: str
  returned: success, not in check mode
  sample: 2.862 MiB (2.862 MiB stored)
msg:
  description: What was done, or why it was not.
  type: str
  returned: always
"""
