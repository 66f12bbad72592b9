# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commits and pushes a tree of files from the controller."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.synergyflow.platform.plugins.module_utils.api import Deadline
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.git_program import Git, Login
from ansible_collections.synergyflow.platform.plugins.module_utils.git_tree import Tree, TreeReport
from ansible_collections.synergyflow.platform.plugins.module_utils.tree_files import files
from ansible_collections.synergyflow.platform.plugins.plugin_utils.cluster_action import display
from ansible_collections.synergyflow.platform.plugins.plugin_utils.role_values import plain


class ActionModule(ActionBase):
    """See the module of the same name for the documentation."""

    _requires_connection = False
    _supports_check_mode = True

    ARGUMENTS = {  # noqa: RUF012
        "url": {"type": "str", "required": True},
        "branch": {"type": "str", "default": "main"},
        "username": {"type": "str", "default": ""},
        "password": {"type": "str", "default": "", "no_log": True},
        "ca": {"type": "str", "default": ""},
        "trees": {"type": "dict", "required": True},
        "subject": {"type": "str", "default": "platform"},
        "take_over": {"type": "bool", "default": False},
        "author_name": {"type": "str", "default": "synergyflow.platform"},
        "author_email": {"type": "str", "default": "platform@synergyflow.invalid"},
        "timeout": {"type": "int", "default": 120},
    }

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _result, args = self.validate_argument_spec(self.ARGUMENTS)
        try:
            report = self._deliver(args)
        except ClusterError as error:
            return {"failed": True, "changed": False, "msg": str(error)}
        result: dict[str, Any] = {
            "changed": report.changed,
            "branch": args["branch"],
            "commit": report.commit,
            "revision": f"{args['branch']}@sha1:{report.commit}" if report.commit else "",
            "files": report.files,
            "objects": report.objects,
            "message": report.message,
            "attempts": report.attempts,
        }
        if report.diff:
            result["diff"] = {"prepared": report.diff}
        return result

    def _deliver(self, args: dict[str, Any]) -> TreeReport:
        wanted: dict[str, str] = {}
        for owner, paths in plain(args["trees"]).items():
            if not isinstance(paths, dict):
                raise ClusterError(
                    f"trees: expected files of {owner} as a mapping of paths, found {type(paths).__name__}."
                )
            for path, text in files(paths, owner).items():
                if path in wanted:
                    raise ClusterError(f"trees: {path} has two owners, {owner} is one of them.")
                if args["password"] and args["password"] in text:
                    raise ClusterError(f"trees: {path} holds the password of the repository.")
                wanted[path] = text
        with tempfile.TemporaryDirectory(prefix="git-tree-") as folder:
            login = Login(args["url"], args["username"], args["password"], args["ca"])
            author = (args["author_name"], args["author_email"])
            git = Git(login, args["branch"], Path(folder), Deadline(args["timeout"]), author)
            owners = frozenset(map(str, args["trees"]))
            tree = Tree(
                git, wanted, owners, args["subject"], args["take_over"], tell=lambda text: display.display(f"  {text}")
            )
            return tree.deliver(self._task.check_mode, self._task.diff)
