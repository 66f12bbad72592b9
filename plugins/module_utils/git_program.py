# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the git program on a working copy of its own, with credentials that are written nowhere.

They reach git through its environment and a helper that git calls: no argument, no URL and no .git/config has them.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from .api import Deadline
from .errors import ClusterError
from .masking import Masker

#: what git asks: `Username for 'https://…': ` or `Password for …`
ASKPASS = """#!/bin/sh
case "$1" in
  Username*) printf '%s\\n' "$GIT_TREE_USERNAME" ;;
  *) printf '%s\\n' "$GIT_TREE_PASSWORD" ;;
esac
"""
#: the user's own settings may sign, call hooks or change line ends; a commit of a program does none of these
SETTINGS = {
    "commit.gpgsign": "false",
    "core.autocrlf": "false",
    "core.hooksPath": "/dev/null",
    "core.quotePath": "false",
    # a file that has another name now is two: what became of each is told and decided by itself
    "diff.renames": "false",
    "merge.renames": "false",
    "gc.auto": "0",
    "advice.detachedHead": "false",
}
#: how a push says that the branch has moved since it was fetched
REJECTED = ("[rejected]", "[remote rejected]", "fetch first", "non-fast-forward", "cannot lock ref", "failed to lock")
REFUSED = (
    "authentication failed",
    "could not read username",
    "invalid username or password",
    "error: 401",
    "error: 403",
)


class PushRejectedError(Exception):
    """The branch has moved: fetch, and try again on top of it."""


@dataclass
class Login:
    """How to log in to the repository; over SSH the user's own keys do."""

    url: str
    username: str = ""
    password: str = ""
    #: certificates of the server's authority
    ca: str = ""

    def check(self) -> None:
        parts = urlsplit(self.url)
        if parts.password or (parts.username and parts.scheme in ("http", "https")):
            raise ClusterError("url: it holds credentials; give them as username and password, which are kept secret.")
        if self.password and not self.username:
            raise ClusterError("password without username: give both; with a token any name will do.")
        if self.ca and "-----BEGIN CERTIFICATE-----" not in self.ca:
            raise ClusterError("ca: expected certificates in PEM format.")


@dataclass
class Git:
    """One working copy of one branch."""

    login: Login
    branch: str
    folder: Path
    deadline: Deadline
    author: tuple[str, str]
    masker: Masker = field(default_factory=Masker)

    @property
    def tree(self) -> Path:
        return self.folder / "tree"

    def prepare(self) -> None:
        """The working copy with nothing fetched yet. `folder` must be for this user's eyes alone."""
        if shutil.which("git") is None:
            raise ClusterError("The program git is not there: install it on the machine that runs Ansible.")
        self.login.check()
        self.masker.always([self.login.password])
        askpass = self.folder / "askpass"
        askpass.write_text(ASKPASS, encoding="utf-8")
        askpass.chmod(0o700)
        if self.login.ca:
            (self.folder / "ca.pem").write_text(self.login.ca, encoding="utf-8")
        self.tree.mkdir()
        self.run("init", "--quiet", f"--initial-branch={self.branch}")
        self.run("remote", "add", "origin", self.login.url)

    def fetch(self) -> str:
        """Check the branch out as the repository has it now: its commit, or "" in an empty repository."""
        heads = self.run("ls-remote", "--heads", "origin").splitlines()
        there = sorted(line.split("refs/heads/", 1)[1] for line in heads if "refs/heads/" in line)
        if self.branch not in there:
            if there:
                raise ClusterError(f"The repository has no branch {self.branch}; it has {', '.join(there[:10])}.")
            return ""
        here = f"refs/remotes/origin/{self.branch}"
        self.run("fetch", "--quiet", "--depth=1", "--no-tags", "origin", f"+refs/heads/{self.branch}:{here}")
        self.run("checkout", "--quiet", "--force", "-B", self.branch, here)
        self.run("clean", "--quiet", "-ffdx")
        return self.run("rev-parse", "HEAD").strip()

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether the branch has `new`, and `new` has `old` before it. Needs the history, not the files in it."""
        here = f"refs/remotes/origin/{self.branch}"
        there = f"+refs/heads/{self.branch}:{here}"
        self.run("fetch", "--quiet", "--filter=tree:0", "--no-tags", "origin", there)
        steps = [(old, new), (new, here)]
        return all(self._git(["merge-base", "--is-ancestor", *each], "").returncode == 0 for each in steps)

    def fetch_history(self) -> str:
        """All of the branch's commits; the reference to its end."""
        here = f"refs/remotes/origin/{self.branch}"
        # without an end, which a complete history does not mind; --unshallow is refused then
        there = f"+refs/heads/{self.branch}:{here}"
        self.run("fetch", "--quiet", f"--depth={2**31 - 1}", "--no-tags", "origin", there)
        return here

    def commits(self, given: str) -> list[str]:
        """The commits that `<commit>` or `<after>..<up to>` means on the branch, the newest first.

        Of what was merged, the merge alone counts: undoing it undoes all of it.
        """
        here = self.fetch_history()
        ends = [self._known(each, here) for each in given.split("..")]
        if len(ends) == 1:
            return ends
        found = self.run("rev-list", "--first-parent", f"{ends[0]}..{ends[1]}").split()
        if not found:
            raise ClusterError(f"{given}: there is no commit after the first up to the second on {self.branch}.")
        return found

    def _known(self, given: str, here: str) -> str:
        found = self._git(["rev-parse", "--verify", "--quiet", f"{given}^{{commit}}"], "")
        commit = found.stdout.strip()
        if found.returncode or self._git(["merge-base", "--is-ancestor", commit, here], "").returncode:
            raise ClusterError(f"{given} is no commit of the branch {self.branch}.")
        return commit

    def undo(self, commit: str) -> list[str]:
        """Put the reverse of a commit into the working copy, not committed; the paths that conflict."""
        parents = self.run("rev-list", "--parents", "--max-count=1", commit).split()[1:]
        mainline = ["--mainline=1"] if len(parents) > 1 else []
        done = self._git(["revert", "--no-commit", *mainline, commit], "")
        unmerged = list(filter(None, self.run("diff", "--name-only", "-z", "--diff-filter=U").split("\0")))
        if done.returncode and not unmerged:
            raise self._failed("revert", done)
        return unmerged

    def commit(self, message: str) -> str:
        """Commit what is staged; the new commit."""
        self.run("commit", "--quiet", "--file=-", text=message)
        return self.run("rev-parse", "HEAD").strip()

    def push(self) -> None:
        """Push the branch, never by force. Raises PushRejectedError when somebody was faster."""
        done = self._git(["push", "--quiet", "--porcelain", "origin", f"HEAD:refs/heads/{self.branch}"], "")
        if done.returncode == 0:
            return
        said = f"{done.stdout}\n{done.stderr}"
        if any(sign in said for sign in REJECTED) and "hook declined" not in said and "protected branch" not in said:
            raise PushRejectedError(self._said(done))
        raise self._failed("push", done)

    def run(self, *arguments: str, text: str = "") -> str:
        """What git answers. Raises ClusterError with git's own words."""
        done = self._git(list(arguments), text)
        if done.returncode != 0:
            raise self._failed(arguments[0], done)
        return done.stdout

    # -- the program

    def _environment(self) -> Mapping[str, str]:
        # GIT_DIR and its like are of whoever started Ansible inside of a working copy
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or "SSH" in name}
        name, mail = self.author
        settings = dict(SETTINGS)
        if self.login.password:
            settings["credential.helper"] = ""  # an empty one empties the list: nobody else is asked, or told
        environment = {
            **kept,
            "LC_ALL": "C.UTF-8",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": str(self.folder / "askpass"),
            "GIT_TREE_USERNAME": self.login.username,
            "GIT_TREE_PASSWORD": self.login.password,
            "GIT_SSH_COMMAND": kept.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
            "GIT_AUTHOR_NAME": name,
            "GIT_AUTHOR_EMAIL": mail,
            "GIT_COMMITTER_NAME": name,
            "GIT_COMMITTER_EMAIL": mail,
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for number, (setting, value) in enumerate(settings.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": setting, f"GIT_CONFIG_VALUE_{number}": value}
        if self.login.ca:
            environment["GIT_SSL_CAINFO"] = str(self.folder / "ca.pem")
        return environment

    def _git(self, arguments: list[str], text: str) -> subprocess.CompletedProcess[str]:
        left = self.deadline.left
        if left <= 0:
            raise ClusterError(f"git {arguments[0]}: the {self.deadline.seconds:g} s of timeout are over.")
        # a session of its own: git's helpers end with it
        with subprocess.Popen(
            ["git", *arguments],
            cwd=self.tree,
            env=dict(self._environment()),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                out, error = process.communicate(text, timeout=left)
            except BaseException as reason:
                os.killpg(process.pid, signal.SIGKILL)
                if isinstance(reason, subprocess.TimeoutExpired):
                    seconds = f"{self.deadline.seconds:g} s"
                    raise ClusterError(
                        f"git {arguments[0]} was not done within {seconds}: is {self._host()} up?"
                    ) from None
                raise
        return subprocess.CompletedProcess(arguments, process.returncode, out, error)

    def _host(self) -> str:
        return urlsplit(self.login.url).hostname or self.login.url

    def _said(self, done: subprocess.CompletedProcess[str]) -> str:
        words = " ".join(f"{done.stderr.strip()} {done.stdout.strip()}".split())
        return self.masker.foreign(words)[:600]

    def _failed(self, command: str, done: subprocess.CompletedProcess[str]) -> ClusterError:
        said = self._said(done)
        if any(sign in said.lower() for sign in REFUSED):
            return ClusterError(
                f"The repository refuses the log-in: check username and password. git {command}: {said}"
            )
        return ClusterError(f"git {command} failed: {said.rstrip('.') or 'without a word'}.")
