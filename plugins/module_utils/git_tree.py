# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a branch of a Git repository to a tree of files: one commit, or none when nothing is to change."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .errors import ClusterError
from .git_program import Git, PushRejectedError
from .tree_files import (
    KUSTOMIZATION,
    changes,
    folders,
    foreign_problem,
    in_folder,
    kustomization,
    message,
    owner_of,
)

ATTEMPTS = 6


@dataclass
class TreeReport:
    """What the branch is at, and what was done to it."""

    commit: str = ""
    changed: bool = False
    #: added, changed, removed -> paths
    files: dict[str, list[str]] = field(default_factory=dict)
    #: the same of objects
    objects: dict[str, list[str]] = field(default_factory=dict)
    message: str = ""
    diff: str = ""
    attempts: int = 1


@dataclass
class Tree:
    """The files that some owners want on a branch."""

    git: Git
    #: path -> text, as tree_files.files() makes them
    files: dict[str, str]
    #: whose files these are; what the branch has of theirs beside them is gone
    owners: frozenset[str]
    subject: str
    #: more files that depend on what the branch has: its text at a path in, files and paths to remove out
    compose: Callable[[Callable[[str], str | None]], tuple[dict[str, str], list[str]]] | None = None
    #: whether files of other people at the same paths become ours
    take_over: bool = False
    tell: Callable[[str], None] = lambda text: None

    def deliver(self, check_mode: bool, want_diff: bool) -> TreeReport:
        """Fetch, write, commit and push; from the start when somebody was faster. Never by force."""
        self.git.prepare()
        given = self.files
        for attempt in range(1, ATTEMPTS + 1):
            report = self._attempt(given, check_mode, want_diff)
            report.attempts = attempt
            if check_mode or not report.changed:
                return report
            try:
                self.git.push()
            except PushRejectedError as error:
                reason = error
                self.tell(f"somebody else has pushed to {self.git.branch}: fetching, and trying again on top of it")
                time.sleep(random.uniform(0.1, 0.5 * attempt))
            else:
                return report
        raise ClusterError(
            f"{ATTEMPTS} times in a row somebody else had pushed to {self.git.branch} meanwhile; run it again."
            f" The last answer: {reason}."
        )

    def _attempt(self, given: dict[str, str], check_mode: bool, want_diff: bool) -> TreeReport:
        report = TreeReport(commit=self._fetched())
        kept = self._kept()
        composed, empty = self.compose(self._read) if self.compose else ({}, [])
        self.files = {**given, **composed}
        gone = [path for path, owner in kept.items() if owner in self.owners and path not in self.files]
        gone += [path for path in empty if path not in gone]
        self._refuse_foreign(kept)
        wanted, empty = self._with_kustomizations([path for path in kept if path not in gone], gone)
        gone += empty
        before = {path: text for path in {*wanted, *gone} if (text := self._read(path)) is not None}
        report.files = {
            "added": sorted(path for path in wanted if path not in before),
            "changed": sorted(path for path in wanted if path in before and before[path] != wanted[path]),
            "removed": sorted(gone),
        }
        report.changed = any(report.files.values())
        if not report.changed:
            return report
        self._write(wanted, gone)
        report.objects = changes(before, wanted)
        report.message = message(self.subject, report.objects, report.files)
        if want_diff:
            report.diff = self.git.run("diff", "--cached", "--no-color", "--no-ext-diff")
        if not check_mode:
            report.commit = self.git.commit(report.message)
        return report

    def _fetched(self) -> str:
        """The working copy as the branch has it now: its commit."""
        return self.git.fetch()

    # -- the working copy

    def _place(self, path: str) -> Path:
        """Where a path is; never through a symbolic link, which may lead out of the tree."""
        place = self.git.tree / path
        for parent in [place, *place.parents]:
            if parent == self.git.tree:
                break
            if parent.is_symlink():
                raise ClusterError(f"{path}: the repository has a symbolic link on the way to it.")
        return place

    def _read(self, path: str) -> str | None:
        place = self._place(path)
        return place.read_text(encoding="utf-8", errors="replace") if place.is_file() else None

    def _kept(self) -> dict[str, str]:
        """Every file of the branch that is kept by this collection, with its owner."""
        found = {}
        for path in filter(None, self.git.run("ls-files", "-z").split("\0")):
            place = self.git.tree / path
            if place.is_symlink() or not place.is_file():
                continue
            with place.open("rb") as stream:
                owner = owner_of(stream.readline(4096).decode(errors="replace").rstrip("\n"))
            if owner is not None:
                found[path] = owner
        return found

    def _with_kustomizations(self, kept: list[str], gone: list[str]) -> tuple[dict[str, str], list[str]]:
        """The files with each folder's kustomization.yaml, and those of folders that have no file of ours any more."""
        wanted, empty = dict(self.files), []
        names = folders([*self.files, *kept])
        for folder in folders([*self.files, *gone]):
            path = in_folder(folder, KUSTOMIZATION)
            there = self._read(path)
            theirs = there is not None and owner_of(there) is None
            if path in self.files or (theirs and not (self.take_over and folder in names)):
                continue
            if folder in names:
                wanted[path] = kustomization(names[folder])
            elif there is not None:
                empty.append(path)
        return wanted, empty

    def _refuse_foreign(self, kept: dict[str, str]) -> None:
        """Files of other people are neither overwritten nor shut out."""
        problems = []
        for path in self.files:
            owner = kept.get(path)
            mine = owner in self.owners or (owner is not None and owner == owner_of(self.files[path]))
            if self._read(path) is None or mine or (owner is None and self.take_over):
                continue
            whose = f"kept for {owner}" if owner else "not ours"
            problems.append(f"{path} exists and is {whose}: move it away, or let it be taken over (take_over)")
        for folder, names in folders(self.files).items():
            path = in_folder(folder, KUSTOMIZATION)
            if path in kept or path in self.files or self.take_over:
                continue
            others = [
                name for name in self._beside(folder) if name not in names and in_folder(folder, name) not in kept
            ]
            problem = foreign_problem(folder, names, self._read(path), others)
            problems += [problem] if problem else []
        if problems:
            raise ClusterError(f"Nothing has been pushed. {'. '.join(problems)}.")

    def _beside(self, folder: str) -> list[str]:
        """What is in a folder, by name; folders end with a slash."""
        place = self._place(folder) if folder != "." else self.git.tree
        if not place.is_dir():
            return []
        every = [each for each in place.iterdir() if each.name not in (".git", KUSTOMIZATION)]
        return sorted(
            f"{each.name}/" if each.is_dir() else each.name
            for each in every
            if each.suffix in (".yaml", ".yml") or (each.is_dir() and self._foreign_below(each))
        )

    def _foreign_below(self, folder: Path) -> bool:
        """Whether a folder has YAML that is not kept by this collection."""
        for place in folder.rglob("*.y*ml"):
            if place.is_symlink() or not place.is_file():
                continue
            with place.open("rb") as stream:
                if owner_of(stream.readline(4096).decode(errors="replace").rstrip("\n")) is None:
                    return True
        return False

    def _write(self, wanted: dict[str, str], gone: list[str]) -> None:
        for path, text in wanted.items():
            place = self._place(path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        for path in gone:
            self._place(path).unlink()
        # the repository's own .gitignore is for people; what is delivered is delivered
        paths = "\0".join([*wanted, *gone])
        self.git.run("add", "--all", "--force", "--pathspec-from-file=-", "--pathspec-file-nul", text=paths)
