#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: volsync_check
short_description: Prove that VolSync backs up and restores, with data of its own
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Makes a namespace, writes files to a new volume, backs it up to a repository of its own, looks whether the snapshot
    is in the bucket, restores it to another volume, and compares the checksums of what was written, what was restored,
    and what the original has then.
  - Times the backup and the restore against their targets, each of which is its deadline too.
  - Takes away the namespace and the objects in the bucket afterwards, also when it fails or is interrupted, and says
    what remains if the keys may not delete. It waits for the end of the namespace, two minutes at most and one when it
    is interrupted, as movers in it may write to the bucket until then. What a killed run left is taken away by the next
    one, when it is older than three hours and than this check may take.
notes:
  - Needs the permission to make and delete a namespace, and everything that
    M(synergyflow.platform.volsync_backup) and M(synergyflow.platform.volsync_restore) need in it.
  - The store must be reachable from where Ansible runs; otherwise the record of the snapshot is blocked.
requirements:
  - boto3 (to look into the bucket)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
  - synergyflow.platform.attributes.measuring
attributes:
  async:
    description: Can go on beside the play, by C(async) and C(poll=0).
    support: full
    details: M(synergyflow.platform.job_result) waits for the result.
options:
  secret:
    description:
      - Secret with the store's keys (C(AWS_ACCESS_KEY_ID), C(AWS_SECRET_ACCESS_KEY)) and C(RESTIC_REPOSITORY), below
        which the repository is made. Its password is not used; each run has one of its own.
    type: str
    required: true
  secret_namespace:
    description: Namespace of the Secret.
    type: str
    required: true
  megabytes:
    description: Size of the data in mebibytes. 0 does nothing.
    type: int
    default: 64
  image:
    description: Image with C(sh), C(dd), C(find) and C(sha256sum).
    type: str
    default: docker.io/library/busybox:1.37.0-musl
  copy_method:
    description: How the volume is held still.
    type: str
    choices: [Snapshot, Clone, Direct]
    default: Snapshot
  snapshot_class:
    description: VolumeSnapshotClass for the copy method C(Snapshot). Empty means the cluster's default class.
    type: str
    default: ""
  storage_class:
    description: Storage class of the volumes. Empty means the cluster's default class.
    type: str
    default: ""
  cache_size:
    description: Size of the movers' cache volumes.
    type: str
    default: 1Gi
  backup_seconds:
    description: Seconds in which the backup must be done.
    type: int
    default: 300
  restore_seconds:
    description: Seconds in which the restore must be done.
    type: int
    default: 600
  metrics:
    description: Whether VolSync's own metrics must show the backup and the restore.
    type: bool
    default: true
  s3_endpoint:
    description: Address of the S3 store as the controller reaches it. Empty means that of the Secret's repository.
    type: str
    default: ""
  ca_secret:
    description:
      - Secret in O(secret_namespace) with the certificates (C(ca.crt)) that the store is trusted by. Empty means the
        usual authorities.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Prove that backups can be restored
  synergyflow.platform.volsync_check:
    secret: volsync-check-restic
    secret_namespace: volsync-system
    megabytes: 1024
    storage_class: rook-ceph-block
"""

RETURN = r"""
passed:
  description: Whether every criterion is met.
  type: bool
  returned: always
evidence:
  description: One record per criterion, as M(synergyflow.platform.component_evidence) returns them.
  type: list
  elements: dict
  returned: always
msg:
  description: What was found.
  type: str
  returned: always
"""
