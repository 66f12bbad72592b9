# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes a component out of a branch, and reverts commits that are named; pushed at once, or not at all.

A commit of site.yml is of all components, and later ones have written the same files: reverting it by itself would take
others along, or conflict. So the files that the collection keeps are composed, as they are when they are delivered: of
the component none is left, of others nothing changes. Reverted is what people have written.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .. import delivery_layout as layout
from ..errors import ClusterError
from ..git_tree import Tree, TreeReport
from ..objects import listed
from ..tree_files import owner_of
from .from_git import FromGit


@dataclass
class Withdrawal(Tree):
    """What a branch becomes without a component."""

    #: by their hashes, the newest first
    commits: list[str] = field(default_factory=list)
    #: the first lines of the commits that were made for them; what is so already needs none
    reverted: list[str] = field(default_factory=list)

    def delivered(self, plan: FromGit) -> list[str]:
        """The parts of a component that the branch has: files of theirs, or their Kustomizations."""
        self.git.prepare()
        if not self.git.fetch():
            return []
        whose = set(self._kept().values())
        kept = layout.kept_kustomizations(plan.host, layout.cluster_folder(plan.folder), self._read)
        names = {name for content in kept.values() for name in content}
        return [
            part
            for part in plan.parts
            if layout.owner(plan.host, part) in whose or layout.kustomization_name(plan.host, part) in names
        ]

    def _fetched(self) -> str:
        head = self.git.fetch()
        self.reverted = []
        if not self.commits:
            return head
        self.git.fetch_history()
        for commit in self.commits:
            if not self._is_reverted(commit):
                self._revert(commit)
        return self.git.run("rev-parse", "HEAD").strip()

    def _attempt(self, given: dict[str, str], check_mode: bool, want_diff: bool) -> TreeReport:
        report = super()._attempt(given, check_mode, want_diff)
        report.changed = report.changed or bool(self.reverted)
        return report

    def _revert(self, commit: str) -> None:
        subject = self.git.run("show", "--no-patch", "--format=%s", commit).strip()
        conflicts = self.git.undo(commit)
        touched = filter(None, self.git.run("diff", "--name-only", "-z", "HEAD").split("\0"))
        kept = sorted(path for path in {*touched, *conflicts} if self._is_kept(path, commit))
        if kept:
            paths = ["--pathspec-from-file=-", "--pathspec-file-nul"]
            self.git.run("restore", "--source=HEAD", "--staged", "--worktree", *paths, text="\0".join(kept))
        left = sorted(set(conflicts) - set(kept))
        if left:
            raise ClusterError(
                f"Reverting {commit[:10]} ({subject}) conflicts in {listed(left, 5)}: later commits have changed the"
                " same lines. Nothing has been pushed. Name those commits too (rollback_revert=<after>..<up to>),"
                " revert by hand, or leave rollback_revert away: the component is taken out of Git without it."
            )
        if self.git.run("diff", "--cached", "--name-only").strip():
            but = ", but for the files that synergyflow.platform keeps" if kept else ""
            self.git.commit(f'Revert "{subject}"\n\nThis reverts commit {commit}{but}.\n')
            self.reverted.append(f"{commit[:10]} {subject}")

    def _is_reverted(self, commit: str) -> bool:
        """Whether the branch has been told so, by this rollback before it was killed, by another part of it, by hand.

        A revert that was reverted itself does not count.
        """
        return any(not self._is_reverted(each) for each in self._reverts(commit))

    def _reverts(self, commit: str) -> list[str]:
        """Commits of the branch that say of themselves, as git writes it, that they revert this one."""
        words = f"This reverts commit {commit}"
        return self.git.run("log", "--format=%H", "--fixed-strings", f"--grep={words}", "HEAD").split()

    def _is_kept(self, path: str, commit: str) -> bool:
        """Whether a file is the collection's: now, by the commit, or before it."""
        return any(owner_of(self._text(f"{each}:{path}")) is not None for each in ("HEAD", commit, f"{commit}^"))

    def _text(self, name: str) -> str:
        try:
            return self.git.run("show", name)
        except ClusterError:  # it was not there then
            return ""


def withdraw(tree: Withdrawal, plan: FromGit, check_mode: bool) -> TreeReport:
    """Fetch, revert, take out, push; from the start when somebody was faster. Nothing to do is nothing done."""
    changes = [layout.Change(plan.host, part, plan.folder, plan.namespace, None) for part in plan.parts]
    tree.commits = list(plan.commits)
    tree.compose = lambda read: layout.compose(changes, read)
    return tree.deliver(check_mode, want_diff=False)


def owners(plan: FromGit) -> frozenset[str]:
    """Whose files go."""
    return frozenset(layout.owner(plan.host, part) for part in plan.parts)
