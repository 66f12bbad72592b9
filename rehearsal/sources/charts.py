# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Small charts in the place of the operators' own, and the index that makes a folder of them a chart repository.

Each has what the rehearsal's manifests of that operator have, read from these; its values are the few that the
platform's roles set, and others are refused. Every chart says that it stands in, and so do its objects but definitions.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rehearsal.files import write_atomically
from rehearsal.labels import STAND_IN
from rehearsal.paths import Paths

NAMESPACE = "@namespace@"  # in a chart's objects: that of the release
TEMPLATES = Path(__file__).parent / "chart"
CREATED = "2026-01-01T00:00:00Z"  # a chart made again is the same chart
KEEP = {"helm.sh/resource-policy": "keep"}
OPERATOR_VALUES: dict[str, Any] = {"extraEnvs": [], "securityContext": {}, "image": {"tag": ""}}
# the defaults of the chart that it stands in for
INSTANCE_VALUES: dict[str, Any] = {
    "fullnameOverride": "flux",
    "commonLabels": {},
    "commonAnnotations": {},
    "instance": {
        "distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"},
        "components": ["source-controller", "kustomize-controller", "helm-controller", "notification-controller"],
        "cluster": {"type": "kubernetes", "domain": "cluster.local", "networkPolicy": True, "multitenant": False},
        "commonMetadata": {},
        "kustomize": {},
        "sharding": {},
        "storage": {},
        "wait": True,
        "sync": {"interval": "1m", "kind": "GitRepository", "url": "", "ref": "", "path": "", "pullSecret": ""},
    },
}

Object = dict[str, Any]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Chart:
    """A chart: of the manifests in `folder`, whose namespace becomes the release's; without a folder, of values alone.

    `definitions_apart`: in the folder that Helm installs from by its own rules, as in the chart that it stands in for.
    """

    name: str
    version: str
    folder: str = ""
    namespace: str = ""
    definitions_apart: bool = False
    values: Object = field(default_factory=lambda: dict(OPERATOR_VALUES))

    @property
    def file(self) -> str:
        """The archive's name."""
        return f"{self.name}-{self.version}.tgz"

    @property
    def metadata(self) -> Object:
        """Its Chart.yaml."""
        return {
            "apiVersion": "v2",
            "name": self.name,
            "version": self.version,
            "appVersion": self.version,
            "description": f"A stand-in of the rehearsal for the chart {self.name}; nothing for another cluster.",
            "type": "application",
            "annotations": {STAND_IN: f"{self.name}-chart"},
        }


def write(charts: list[Chart], paths: Paths) -> None:
    """Have exactly these charts and their index in the folder that is served. Does nothing where nothing changed."""
    made_from = paths.charts / "made-from"
    digest = _digest(charts, paths)
    if made_from.is_file() and made_from.read_text() == digest and (paths.charts / "index.yaml").is_file():
        return
    entries: dict[str, list[Object]] = {}
    for chart in charts:
        content = archive(chart, contents(chart, paths.manifests / chart.folder))
        _write_bytes(paths.charts / chart.file, content)
        entry = {"urls": [chart.file], "digest": hashlib.sha256(content).hexdigest(), "created": CREATED}
        entries.setdefault(chart.name, []).append({**chart.metadata, **entry})
    index = {"apiVersion": "v1", "entries": entries, "generated": CREATED}
    write_atomically(paths.charts / "index.yaml", yaml.safe_dump(index, sort_keys=False))
    for file in paths.charts.glob("*.tgz"):
        if file.name not in {chart.file for chart in charts}:
            file.unlink()
    write_atomically(made_from, digest)


def contents(chart: Chart, folder: Path) -> dict[str, str]:
    """The chart's files by their paths below its own folder."""
    files = {
        "Chart.yaml": yaml.safe_dump(chart.metadata, sort_keys=False),
        "values.yaml": yaml.safe_dump(chart.values, sort_keys=False),
        "values.schema.json": json.dumps(schema(chart.values)),
    }
    if not chart.folder:
        return files | {"templates/instance.yaml": (TEMPLATES / "instance.tpl").read_text()}
    definitions = (folder / "crds.yaml").read_text()
    documents = [] if chart.definitions_apart else [_kept(each) for each in _documents(definitions)]
    documents += objects(_documents((folder / "operator.yaml").read_text()), chart)
    files |= {
        "objects.json": json.dumps(documents, default=str),
        "templates/operator.yaml": (TEMPLATES / "operator.tpl").read_text(),
    }
    return files | ({"crds/crds.yaml": definitions} if chart.definitions_apart else {})


def objects(documents: list[Object], chart: Chart) -> list[Object]:
    """What the manifests have besides definitions, for any namespace, which is the release's business to make."""
    found = [_renamed(each, chart.namespace) for each in documents if each["kind"] != "Namespace"]
    for each in found:
        each["metadata"].setdefault("labels", {}).setdefault(STAND_IN, f"{chart.name}-chart")
    return found


def schema(values: Object) -> Object:
    """A schema that takes these values alone; maps that are empty by default take any content."""

    def of(value: Any) -> Object:
        if isinstance(value, dict):
            known = {"properties": {key: of(each) for key, each in value.items()}, "additionalProperties": False}
            return {"type": "object", **(known if value else {})}
        return {"type": {list: "array", str: "string", bool: "boolean"}[type(value)]}

    made = of(values)
    made["properties"]["global"] = {"type": "object"}
    for part in made["properties"].get("instance", {}).get("properties", {}).values():
        part.pop("additionalProperties", None)  # the resource's own definition says what it may have
    return made


def archive(chart: Chart, files: dict[str, str]) -> bytes:
    """The chart as Helm packs it, the same bytes for the same content."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, compresslevel=6) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as tar,
    ):
        for name, text in files.items():
            content = text.encode()
            entry = tarfile.TarInfo(f"{chart.name}/{name}")
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _renamed(value: Any, namespace: str) -> Any:
    """The same with every `namespace` that is this one left to the release."""
    if isinstance(value, dict):
        return {
            key: NAMESPACE if key == "namespace" and each == namespace else _renamed(each, namespace)
            for key, each in value.items()
        }
    return [_renamed(each, namespace) for each in value] if isinstance(value, list) else value


def _kept(definition: Object) -> Object:
    """A definition that outlives its release, as in the operators' own charts: its objects would go with it."""
    metadata = definition["metadata"]
    return {**definition, "metadata": {**metadata, "annotations": {**(metadata.get("annotations") or {}), **KEEP}}}


def _documents(text: str) -> list[Object]:
    return [each for each in yaml.load_all(text, _Loader) if each]


def _digest(charts: list[Chart], paths: Paths) -> str:
    """What the charts are made from: manifests, templates, this code."""
    digest = hashlib.sha256(repr(charts).encode())
    files = [Path(__file__), *sorted(TEMPLATES.iterdir())]
    for chart in charts:
        files += [paths.manifests / chart.folder / name for name in ("crds.yaml", "operator.yaml") if chart.folder]
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _write_bytes(file: Path, content: bytes) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_bytes(content)
    partial.chmod(0o600)
    partial.replace(file)
