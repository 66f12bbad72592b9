# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Formatting a broker's log directory, as `kafka-storage format` does, without a Java for each broker.

What the tool writes are a text file of ids and `bootstrap.checkpoint`, the features of a release, which is the same for
every broker. It is run once for a Kafka version and release, and the checkpoint kept in the cache. Upstream:
org.apache.kafka.metadata.storage.Formatter and MetaProperties in 4.x, kafka.tools.StorageTool in 3.8.
"""

from __future__ import annotations

import base64
import logging
import os
import shlex
import shutil
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

from rehearsal.files import locked, write_atomically
from rehearsal.node.recipes import properties

log = logging.getLogger(__name__)

CHECKPOINT = "bootstrap.checkpoint"
META = "meta.properties"
TIME_LIMIT = 180  # seconds
TOOL = "kafka.tools.StorageTool"


@dataclass(frozen=True)
class Storage:
    """The log directories of one broker, and the release it is to be formatted for (a metadata.version)."""

    log_dirs: list[str]
    metadata_dir: str
    node_id: int
    cluster_id: str
    release: str

    def formatted(self) -> bool:
        """Whether every directory is this cluster's."""
        return all(self._cluster_of(folder) == self.cluster_id for folder in self._folders())

    def format(self, checkpoint: Path) -> None:
        """Format the one, new directory."""
        folder = Path(self.metadata_dir)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(checkpoint, folder / CHECKPOINT)
        meta = {
            "version": "1",
            "cluster.id": self.cluster_id,
            "node.id": str(self.node_id),
            "directory.id": _directory_id(),
        }
        write_atomically(folder / META, properties.render(meta))  # last: with it the directory counts as formatted

    def simple(self) -> bool:
        """Whether there is just one directory, and it is new."""
        return len(self._folders()) == 1 and self._cluster_of(self.metadata_dir) is None

    def command(self, server: Path) -> list[str]:
        """The tool itself, with the image's own arguments, for all other cases: it refuses another cluster's logs."""
        return [TOOL, "format", f"-t={self.cluster_id}", f"-r={self.release}", f"-c={server}", "-g"]

    def _folders(self) -> set[str]:
        return {*self.log_dirs, self.metadata_dir}

    @staticmethod
    def _cluster_of(folder: str) -> str | None:
        try:
            return properties.parse(Path(folder, META).read_text()).get("cluster.id", "")
        except FileNotFoundError:
            return None


def checkpoint(cache: Path, version: str, release: str, java: list[str], class_path: str) -> Path | None:
    """The checkpoint of a release, made once; None when the tool refuses the release."""
    kept = cache / "kafka-checkpoints" / f"{version}-{release}"
    with locked(kept.with_name(f"{kept.name}.lock")):
        if kept.is_file():
            return kept
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            server = Path(folder, "server.properties")
            server.write_text(
                "process.roles=broker,controller\nnode.id=0\ncontroller.quorum.voters=0@localhost:9090\n"
                "controller.listener.names=C\nlisteners=C://localhost:9090,B://localhost:9091\n"
                "listener.security.protocol.map=C:PLAINTEXT,B:PLAINTEXT\ninter.broker.listener.name=B\n"
                f"log.dirs={folder}/log\n"
            )
            identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            done = subprocess.run(
                [*java, TOOL, "format", f"-t={identity}", f"-r={release}", f"-c={server}"],
                env={**os.environ, "CLASSPATH": class_path},
                capture_output=True,
                text=True,
                timeout=TIME_LIMIT,
                check=False,
            )
            made = Path(folder, "log", CHECKPOINT)
            if done.returncode or not made.is_file():
                log.warning("%s for %s: %s", shlex.join(done.args[-4:]), version, (done.stderr or done.stdout).strip())
                return None
            os.replace(made, kept)
    return kept


def _directory_id() -> str:
    """A Kafka Uuid as text; like Kafka's own it starts with no dash, which tools would take for an option."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text
