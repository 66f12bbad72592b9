#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: render
short_description: Turn templates and manifests into Kubernetes objects
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Renders a role's templates, reads manifests from files, and returns all Kubernetes objects in them as one list.
  - YAML is read as kubectl reads it. Timestamps and times of day stay strings, a key that stands twice is an error.
  - C(stringData) of Secrets becomes C(data). Objects without a name, and the same object twice, are refused.
  - An error names the template, the line of the rendered text and the line itself, unless it belongs to a Secret.
  - When there is a Secret among the objects, the result is kept off the screen and out of logs; what is registered is
    complete.
extends_documentation_fragment:
  - synergyflow.platform.attributes
  - synergyflow.platform.attributes.read_only
options:
  templates:
    description:
      - Templates, each with one or several YAML documents. Found where M(ansible.builtin.template) finds them, so in
        C(templates/) of the role first.
      - Put values in with P(ansible.builtin.to_json#filter), so that no value can be misread as another type.
    type: list
    elements: str
    default: []
  manifests:
    description:
      - A file, a folder (all its C(.yaml), C(.yml) and C(.json) files, by name), a list of these, or a list of objects.
      - A relative path is looked for in C(files/) of the role and beside the playbook. Nothing in these files is
        rendered.
    type: raw
  namespace:
    description: The namespace of objects that name none. Kinds that are known to have no namespace are left alone.
    type: str
seealso:
  - module: synergyflow.platform.apply_set
"""

EXAMPLES = r"""
- name: Render what the component consists of
  synergyflow.platform.render:
    templates:
      - namespace.yaml
      - cluster.yaml
    namespace: messaging
  register: rendered

- name: Read an operator's manifests
  synergyflow.platform.render:
    manifests: /srv/manifests/strimzi-1.2.0
    namespace: messaging
"""

RETURN = r"""
objects:
  description: The objects, in the order of templates, files and documents.
  returned: success
  type: list
  elements: dict
  sample:
    - apiVersion: v1
      kind: Namespace
      metadata:
        name: messaging
files:
  description: For each object the name of the file that it comes from, without C(.j2).
  returned: success
  type: list
  elements: str
  sample: [namespace.yaml]
"""
