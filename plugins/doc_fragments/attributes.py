# -*- coding: utf-8 -*-
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of the collection says about itself."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes of actions that run in the controller."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and say truly what it would change, without changing it.
  diff_mode:
    description: Returns what has changed, or would be changed in check mode, when in diff mode.
  idempotent:
    description: Changes nothing, and says so, when run a second time with the same parameters.
  action:
    description: Runs as an action in the controller; nothing is copied to the host and it needs no Python there.
    support: full
  platform:
    description: The operating systems that the controller may run on.
    platforms: posix
    support: full
"""

    # of modules that only look
    READ_ONLY = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: Never changes anything.
  diff_mode:
    support: N/A
    details: There is nothing to compare.
  idempotent:
    support: full
    details: Never changes anything.
"""

    # of modules that measure with something of their own, and take it away
    MEASURING = r"""
options:
  fail:
    description:
      - Whether a criterion that is not met, or that could not be measured, fails the task. If not, it is a record.
      - Options that make no sense always fail.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    details: Does nothing in check mode; its records are skipped.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: Nothing of it stays.
"""
