#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: volsync_restore
short_description: Restore a volume from VolSync's repository into a new claim
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Makes a PersistentVolumeClaim and a ReplicationDestination that fills it from a snapshot, waits until that is done,
    and takes the ReplicationDestination away again. The restored claim stays.
  - A claim that exists is refused unless the overwriting is confirmed, and always while a pod uses it.
  - Fails with the mover's own reason, as M(synergyflow.platform.volsync_backup) does, and when there is no snapshot
    that fits, for VolSync's mover then succeeds without restoring anything. A claim that was made for a restore that
    failed is deleted again.
  - A restore that has not failed and is not done within O(timeout) goes on, with its claim and its
    ReplicationDestination; the message says how to know when it is done.
notes:
  - Restores with the copy method Direct, which every storage class has.
  - Needs the permissions C(get) and C(list) on C(replicationsources), C(create), C(get) and C(delete) on
    C(replicationdestinations) and C(persistentvolumeclaims), C(get) on C(secrets), and C(list) on C(jobs) and C(pods)
    and C(get) on C(pods/log) to know a mover's reason.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
attributes:
  check_mode:
    support: full
    details: Refuses what a run would refuse, and says that it would restore. Whether a snapshot fits is not known.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each run restores; a second one to the same claim needs the confirmation.
options:
  claim:
    description: Name of the PersistentVolumeClaim to restore to.
    type: str
    required: true
  namespace:
    description: Its namespace, where the repository Secret must be too.
    type: str
    required: true
  source:
    description:
      - Name of the ReplicationSource in the same namespace whose snapshots are wanted. Repository, capacity, storage
        class and access modes are taken from it and its claim, unless they are given.
      - This or O(repository) is required.
    type: str
    default: ""
  repository:
    description: Name of the Secret with the restic repository.
    type: str
    default: ""
  capacity:
    description: Size of the new claim. By default that of the source's claim; a smaller one is refused.
    type: str
    default: ""
  storage_class:
    description: Storage class of the new claim and of the mover's cache. By default that of the source's claim.
    type: str
    default: ""
  access_modes:
    description: Access modes of the new claim. By default those of the source's claim, else C(ReadWriteOnce).
    type: list
    elements: str
    default: []
  previous:
    description: How many newer snapshots to pass over; 1 is the one before the last.
    type: int
    default: 0
  restore_as_of:
    description: Take the newest snapshot that was made at this time or before, such as C(2026-11-20T22:00:00Z).
    type: str
    default: ""
  cache_capacity:
    description: Size of the mover's cache volume. By default that of the source's, else VolSync's own.
    type: str
    default: ""
  delete_extra_files:
    description: Whether files that the snapshot does not have are deleted from a claim that exists.
    type: bool
    default: false
  mover_security_context:
    description: Pod security context of the mover. By default that of the source's.
    type: dict
    default: {}
  confirm_overwrite:
    description: To restore into a claim that exists, C(CLAIM@HOST), with the inventory's name of the host.
    type: str
    default: ""
  timeout:
    description: Seconds to wait for the restore.
    type: int
    default: 600
"""

EXAMPLES = r"""
- name: Get yesterday's uploads back, beside today's
  synergyflow.platform.volsync_restore:
    namespace: synergyflow
    source: uploads
    claim: uploads-yesterday
    restore_as_of: "2026-11-20T22:00:00Z"
"""

RETURN = r"""
claim:
  description: Name of the restored claim.
  type: str
  returned: success, not in check mode
  sample: uploads-yesterday
capacity:
  description: Its size.
  type: str
  returned: success
  sample: 10Gi
snapshot:
  description: Short id of the snapshot that was restored.
  type: str
  returned: success, not in check mode
  sample: 57336a41
seconds:
  description: How long it took, as VolSync measured it.
  type: float
  returned: success, not in check mode
  sample: 8.0
msg:
  description: What was done, or why it was not.
  type: str
  returned: always
"""
