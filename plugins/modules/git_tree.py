#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: git_tree
short_description: Commit Kubernetes objects to a Git tree and push it
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Writes objects as files of a branch, the same objects always as the same text, with a C(kustomization.yaml) a
    folder.
  - Removes the files that an owner of O(trees) had and has no more. What it keeps says so in its first line; all other
    files of the repository are left alone.
  - Makes one commit, or none when nothing is to change, with a message that names the objects.
  - Pushes, never by force. When somebody has pushed meanwhile it fetches and starts again on top of that.
  - Refuses Secrets with content, by name, before anything is fetched.
notes:
  - Uses the program C(git) of the machine that runs Ansible, in a temporary working copy.
  - Credentials reach git by its environment. They are in no argument, URL, configuration file, output or commit.
  - Over SSH the keys of the user who runs Ansible are used, without any question.
extends_documentation_fragment:
  - synergyflow.platform.attributes
attributes:
  check_mode:
    support: full
    details: Fetches, and neither commits nor pushes.
  diff_mode:
    support: full
    details: The diff is Git's own.
  idempotent:
    support: full
options:
  url:
    description: Address of the repository, without credentials.
    type: str
    required: true
  branch:
    description: The branch. It must exist, unless the repository is empty.
    type: str
    default: main
  username:
    description: User of the repository; with a token any name will do.
    type: str
    default: ""
  password:
    description: Password or token.
    type: str
    default: ""
  ca:
    description: Certificates (PEM) of the authority that signed the server's, if it is none of the usual ones.
    type: str
    default: ""
  trees:
    description:
      - For each owner the files it wants, as a mapping of paths to a list of objects, or to a text.
      - An owner is any name. One with an empty mapping has its files removed, one that is not named keeps them.
      - A folder's C(kustomization.yaml) names the files of all owners in it, unless other people keep one there. Theirs
        must name ours.
    type: dict
    required: true
  subject:
    description: How the commit's message begins.
    type: str
    default: platform
  take_over:
    description: Whether files of other people at these paths are overwritten, and kept from now on.
    type: bool
    default: false
  author_name:
    description: Author of the commit.
    type: str
    default: synergyflow.platform
  author_email:
    description: Address of the author.
    type: str
    default: platform@synergyflow.invalid
  timeout:
    description: Seconds until everything must be done.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Keep the topics in Git
  synergyflow.platform.git_tree:
    url: https://git.example.org/platform/k8s-gitops.git
    username: platform
    password: "{{ git_token }}"
    trees:
      apps/topics:
        kubernetes/workloads/platform/messaging/kafka/kafka-topics.yaml: "{{ topics }}"
  register: pushed

- name: Wait until the commit is applied
  synergyflow.platform.flux_objects:
    state: reconciled
    revision: "{{ pushed.revision }}"
    objects:
      - {kind: Kustomization, name: cluster-apps-messaging-kafka}
"""

RETURN = r"""
commit:
  description: What the branch is at; in check mode what it was at.
  type: str
  returned: success
  sample: 1f3c0a5f8e5b1c9d7a6e4b3c2d1e0f9a8b7c6d5e
revision:
  description: The same as Flux writes it.
  type: str
  returned: success
  sample: main@sha1:1f3c0a5f8e5b1c9d7a6e4b3c2d1e0f9a8b7c6d5e
branch:
  description: The branch.
  type: str
  returned: success
  sample: main
files:
  description: The paths that were C(added), C(changed) and C(removed).
  type: dict
  returned: success
  sample: {added: [], changed: [kubernetes/workloads/platform/messaging/kafka/kafka-topics.yaml], removed: []}
objects:
  description: The objects that were C(added), C(changed) and C(removed), each with its folder; empty if nothing was.
  type: dict
  returned: success
  sample:
    added: []
    changed: [KafkaTopic messaging/user-events (kubernetes/workloads/platform/messaging/kafka)]
    removed: []
message:
  description: The commit's message; empty without a commit.
  type: str
  returned: success
attempts:
  description: How often it was tried; more than one when somebody else had pushed meanwhile.
  type: int
  returned: success
  sample: 1
msg:
  description: What went wrong.
  type: str
  returned: failure
"""
