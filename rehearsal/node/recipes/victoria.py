# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""VictoriaMetrics, VictoriaLogs and vmagent: the real programs, with the container's own arguments.

They listen on the loopback twin of their pod's address. vmagent finds pods by the API server with its ServiceAccount,
and scrapes each at the twin of its address: the two things that are added to its configuration.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from rehearsal import artifacts, programs
from rehearsal.errors import RehearsalError
from rehearsal.files import write_atomically
from rehearsal.node import addresses
from rehearsal.node.pod_files import inside
from rehearsal.node.recipes.http_probe import answers
from rehearsal.node.recipes.recipe import CannotStartError, Container, Run
from rehearsal.node.values import quantity

__all__ = ["answers", "prepare", "runs", "scrape_configuration"]

IMAGE = re.compile(r"(^|/)victoriametrics/(?P<program>victoria-metrics|victoria-logs|vmagent):(?P<tag>[^@]+)")
FAMILY = "victoria-metrics"
LISTEN, SCRAPE = "httpListenAddr", "promscrape.config"
# the programs read it from their cgroup, and take this share of it for their caches
MEMORY_SHARE = 0.6
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"
AT_THE_TWIN = {
    "source_labels": ["__address__"],
    "regex": r"10\.(.+)",
    "target_label": "__address__",
    "replacement": "127.$1",
}


def runs(container: Container) -> bool:
    """An image of VictoriaMetrics' makers."""
    return bool(IMAGE.search(container.image))


def prepare(container: Container) -> Run:
    """The program; paths and addresses are this machine's."""
    found = IMAGE.search(container.image)
    assert found  # runs() said so
    name, release = found["program"], artifacts.go_families()[FAMILY].version
    if found["tag"].removeprefix("v") != release:
        raise CannotStartError("ErrImagePull", f"the rehearsal has {name} {release}, not {found['tag']}")
    try:
        binary = programs.binary(name, container.paths)
    except RehearsalError as error:
        raise CannotStartError("ErrImagePull", f'Failed to pull image "{container.image}": {error}') from error
    address, port = addresses.loopback(container.address), 0
    arguments = []
    for argument in container.spec.get("args") or []:
        option, equals, value = argument.lstrip("-").partition("=")
        if option == LISTEN:
            port = int(value.rpartition(":")[2])
            value = f"{address}:{port}"
        elif option == SCRAPE:
            value = str(_scraping(container, inside(container.root, value)))
        elif value.startswith("/"):
            value = str(inside(container.root, value))
        arguments.append(f"-{option}{equals}{value}")
    if not port:
        raise CannotStartError("RunContainerError", f"{name}'s arguments lack -{LISTEN}=:PORT")
    if limit := ((container.spec.get("resources") or {}).get("limits") or {}).get("memory"):
        arguments.append(f"-memory.allowedBytes={int(quantity(limit) * MEMORY_SHARE)}")
    return Run(
        command=[str(binary), *arguments],
        environment=container.environment,
        directory=str(container.folder),
        address=address,
        ports={port: port},
        exec_directory=str(container.root),
        ready={"url": f"http://{address}:{port}/health"},
    )


def _scraping(container: Container, file: Path) -> Path:
    try:
        given = yaml.safe_load(file.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise CannotStartError("RunContainerError", f"-{SCRAPE}: {error}") from error
    kubeconfig = container.kubeconfig()
    # the token that the pod mounts is good for an hour, this one for the rehearsal
    token = container.folder / "token"
    write_atomically(token, json.loads(kubeconfig.read_text())["users"][0]["user"]["token"])
    changed = container.folder / "scrape.yml"
    write_atomically(changed, yaml.safe_dump(scrape_configuration(given, kubeconfig, token, container.root)))
    return changed


def scrape_configuration(given: dict[str, Any], kubeconfig: Path, token: Path, root: Path) -> dict[str, Any]:
    """The configuration with this machine's files, a way in to the API server, and pods at their twins."""
    changed = _with_local_files(given, token, root)
    for job in changed.get("scrape_configs") or []:
        discovered = job.get("kubernetes_sd_configs") or []
        for each in discovered:
            each["kubeconfig_file"] = str(kubeconfig)
        if discovered:
            job["relabel_configs"] = [*(job.get("relabel_configs") or []), AT_THE_TWIN]
    return changed


def _with_local_files(value: Any, token: Path, root: Path) -> Any:
    if isinstance(value, list):
        return [_with_local_files(each, token, root) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: str(token if each == TOKEN else inside(root, each))
        if key.endswith("_file") and isinstance(each, str)
        else _with_local_files(each, token, root)
        for key, each in value.items()
    }
