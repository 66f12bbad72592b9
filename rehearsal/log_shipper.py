# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Stands in for Fluent Bit: tails containers' logs, keeps what is not delivered on disk, posts it as JSON lines.

It reads Fluent Bit's own YAML configuration and does of it what the role `obs_collectors` uses: the input `tail` with
the format of the container runtime interface, the filters `parser`, `grep`, `throttle` and `record_modifier`, the
output `http`. Anything else ends it with a sentence, so that nobody takes for tried what was not.
Upstream: https://docs.fluentbit.io/manual/administration/configuring-fluent-bit/yaml.
"""

from __future__ import annotations

import argparse
import base64
import fnmatch
import gzip
import http.client
import json
import logging
import os
import re
import signal
import ssl
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from glob import glob
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from rehearsal.files import write_atomically

log = logging.getLogger("log-shipper")

LINE = re.compile(r"^(?P<time>\S+) (?P<stream>stdout|stderr) (?P<_p>[FP]) (?P<log>.*)$")
SIZES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
AT_ONCE = 1 << 20  # bytes read of a file at a time, and about the size of a chunk
LONGEST_WAIT = 10.0  # seconds between two tries to deliver
RECORD = dict[str, str]


class UnknownError(Exception):
    """Something of the configuration that the stand-in does not do."""


def size(text: Any) -> int:
    """`16M` in bytes."""
    found = re.fullmatch(r"(\d+)([KMG]?)B?", str(text).strip())
    if not found:
        raise UnknownError(f"{text!r} is no size")
    return int(found[1]) * SIZES[found[2]]


def expanded(value: Any, environment: Mapping[str, str]) -> Any:
    """The configuration with each `${NAME}` of the environment in its place."""
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda match: environment.get(match[1], ""), value)
    if isinstance(value, list):
        return [expanded(each, environment) for each in value]
    if isinstance(value, dict):
        return {key: expanded(each, environment) for key, each in value.items()}
    return value


@dataclass
class Counters:
    """What the metrics' page says."""

    read: int = 0
    filtered: int = 0
    delivered: int = 0
    retries: int = 0
    dropped: int = 0


# --- what becomes of a record


class Filters:
    """The filters, in their order."""

    def __init__(self, given: list[dict[str, Any]], parsers: list[dict[str, Any]], counters: Counters) -> None:
        self._counters = counters
        self._parsers = {each["name"]: re.compile(each["regex"].replace("(?<", "(?P<")) for each in parsers}
        self._steps = [(getattr(self, f"_{each['name']}", None), each) for each in given]
        for step, each in self._steps:
            if step is None:
                raise UnknownError(f"the filter {each['name']}")
        self._second, self._passed = 0, 0

    def apply(self, record: RECORD) -> RECORD | None:
        """The record as it is sent; None for one that is not."""
        for step, given in self._steps:
            assert step
            if not step(record, given):
                self._counters.filtered += 1
                return None
        return record

    def _parser(self, record: RECORD, given: Mapping[str, Any]) -> bool:
        found = self._parsers[given["parser"]].match(record.get(given["key_name"], ""))
        if found:
            record.update(found.groupdict())
            record.pop(given["key_name"])
        return True

    def _grep(self, record: RECORD, given: Mapping[str, Any]) -> bool:
        key, _, pattern = str(given["exclude"]).partition(" ")
        return not re.search(pattern, record.get(key, ""))

    def _throttle(self, record: RECORD, given: Mapping[str, Any]) -> bool:
        """So many records in each window of seconds; Fluent Bit's window slides, this one does not."""
        window = int(given.get("window", 5))
        second = int(time.monotonic()) // window
        if second != self._second:
            self._second, self._passed = second, 0
        self._passed += 1
        return self._passed <= int(given["rate"]) * window

    def _record_modifier(self, record: RECORD, given: Mapping[str, Any]) -> bool:
        for each in given.get("record") or []:
            key, _, value = each.partition(" ")
            record[key] = value
        for key in given.get("remove_key") or []:
            record.pop(key, None)
        return True


# --- where records come from


class Tail:
    """Files of a pattern, each from where it was left. A file is known by its inode: its name may go on to another."""

    def __init__(self, given: Mapping[str, Any], root: Path) -> None:
        if given.get("multiline.parser") != "cri":
            raise UnknownError(f"the format {given.get('multiline.parser')} of logs")
        self._root = root
        self._pattern = str(root / given["path"].lstrip("/"))
        self._exclude = [each.strip() for each in str(given.get("exclude_path") or "").split(",") if each.strip()]
        self._key = given["path_key"]
        self._db = root / given["db"].lstrip("/")
        # inode -> path in the container, offset
        self.offsets: dict[str, list[Any]] = json.loads(self._db.read_text()) if self._db.is_file() else {}

    def read(self) -> Iterator[RECORD]:
        """What is new. Offsets count once they are saved."""
        seen = set()
        for path in sorted(glob(self._pattern)):
            name = f"/{Path(path).relative_to(self._root)}"
            if any(fnmatch.fnmatch(name, each) for each in self._exclude):
                continue
            try:
                with open(path, "rb") as file:
                    status = os.fstat(file.fileno())
                    inode = str(status.st_ino)
                    seen.add(inode)
                    known = self.offsets.setdefault(inode, [name, 0])
                    if known[0] != name or status.st_size < known[1]:
                        known[:] = [name, 0]  # the inode is another file's now
                    file.seek(known[1])
                    content = file.read(AT_ONCE)
            except FileNotFoundError:
                continue  # gone since it was listed
            for record, length in self._records(name, content[: content.rfind(b"\n") + 1]):
                known[1] += length
                yield record
        for inode in set(self.offsets) - seen:
            del self.offsets[inode]

    def _records(self, name: str, content: bytes) -> Iterator[tuple[RECORD, int]]:
        """Each record with its length; what is begun and not ended yet is left for the next time."""
        partial, length = "", 0
        for line in content.splitlines(keepends=True):
            length += len(line)
            found = LINE.match(line.decode(errors="replace").rstrip("\n"))
            if found and found["_p"] == "P":
                partial += found["log"]
            elif found:
                yield {**found.groupdict(), "log": partial + found["log"], self._key: name}, length
                partial, length = "", 0

    def save(self) -> None:
        """What was read is kept elsewhere now."""
        write_atomically(self._db, json.dumps(self.offsets))


# --- what is not delivered yet


class Buffer:
    """Chunks on disk, the oldest first. Beyond its limit the oldest go, as Fluent Bit does it."""

    def __init__(self, folder: Path, limit: int, counters: Counters) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._limit, self._counters = folder, limit, counters
        self._number = max((int(each.stem) for each in self.chunks()), default=0)

    def chunks(self) -> list[Path]:
        """All that wait."""
        return sorted(self._folder.glob("*.jsonl"))

    def keep(self, records: list[RECORD]) -> None:
        """Write records down; what does not fit goes, oldest first, and is counted."""
        self._number += 1
        text = "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in records)
        write_atomically(self._folder / f"{self._number:012d}.jsonl", text)
        waiting = self.chunks()
        total = sum(each.stat().st_size for each in waiting)
        for each in waiting[:-1]:
            if total <= self._limit:
                break
            total -= each.stat().st_size
            self._counters.dropped += each.read_bytes().count(b"\n")
            each.unlink()


# --- where they go


@dataclass
class Output:
    """An HTTP server that takes JSON lines."""

    host: str
    port: int
    uri: str
    tls: bool = False
    verify: bool = True
    ca_file: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    compress: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any], root: Path) -> Output:
        """From the output `http`."""
        if given["name"] != "http" or given.get("format") != "json_lines":
            raise UnknownError(f"the output {given['name']} with format {given.get('format')}")
        headers = {"Content-Type": "application/x-ndjson"}
        if user := given.get("http_user"):
            word = base64.b64encode(f"{user}:{given.get('http_passwd', '')}".encode()).decode()
            headers["Authorization"] = f"Basic {word}"
        compress = given.get("compress") == "gzip"
        if compress:
            headers["Content-Encoding"] = "gzip"
        authority = str(given.get("tls.ca_file") or "")
        return cls(
            given["host"],
            int(given["port"]),
            given["uri"],
            tls=_on(given.get("tls", False)),
            verify=_on(given.get("tls.verify", True)),
            ca_file=str(root / authority.lstrip("/")) if authority else "",
            headers=headers,
            compress=compress,
        )

    def post(self, content: bytes) -> str | None:
        """None when it was taken, otherwise why not."""
        connection = self._connection()
        try:
            connection.request("POST", self.uri, gzip.compress(content) if self.compress else content, self.headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace").strip()
            return None if answer.status < 300 else f"HTTP {answer.status} {text[:200]}"
        except (OSError, http.client.HTTPException) as error:
            return str(error) or type(error).__name__
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if not self.tls:
            return http.client.HTTPConnection(self.host, self.port, timeout=10)
        context = ssl.create_default_context(cafile=self.ca_file or None)
        if not self.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(self.host, self.port, timeout=10, context=context)


def _on(value: Any) -> bool:
    return value is True or str(value).lower() in ("on", "true", "yes")


class Shipper:
    """All of it together."""

    def __init__(self, configuration: Mapping[str, Any], root: Path) -> None:
        self.counters = Counters()
        pipeline, service = configuration["pipeline"], configuration["service"]
        (source,), (target,) = pipeline["inputs"], pipeline["outputs"]
        if source["name"] != "tail":
            raise UnknownError(f"the input {source['name']}")
        self._tail = Tail(source, root)
        self._filters = Filters(pipeline.get("filters") or [], configuration.get("parsers") or [], self.counters)
        self._output = Output.of(target, root)
        self._time_key = target["json_date_key"]
        folder = root / service["storage.path"].lstrip("/")
        self.buffer = Buffer(folder, size(target["storage.total_limit_size"]), self.counters)
        self._flush = float(service.get("flush", 1))
        self._stopped = threading.Event()
        self._failures = 0
        self._try_at = 0.0

    def stop(self, *_: object) -> None:
        """Have `run` come to its end."""
        self._stopped.set()

    def run(self) -> None:
        """Until it is stopped; what is not delivered by then waits on disk."""
        while not self._stopped.is_set():
            self.read()
            self.deliver()
            self._stopped.wait(self._flush)
        self.read()
        self._try_at = 0
        self.deliver()

    def read(self) -> None:
        """Take what is new into the buffer: written down, then counted as read: a crash sends twice, at worst."""
        records = []
        for record in self._tail.read():
            self.counters.read += 1
            record[self._time_key] = record.pop("time")
            if kept := self._filters.apply(record):
                records.append(kept)
        if records:
            self.buffer.keep(records)
        self._tail.save()

    def deliver(self) -> None:
        """Send what waits, the oldest first, until something is not taken."""
        if time.monotonic() < self._try_at:
            return
        for chunk in self.buffer.chunks():
            content = chunk.read_bytes()
            why = self._output.post(content)
            if why is not None:
                self.counters.retries += 1
                self._failures += 1
                wait = min(2.0 ** (self._failures - 1), LONGEST_WAIT)
                self._try_at = time.monotonic() + wait
                log.warning("not delivered, %d chunks wait, again in %.0f s: %s", len(self.buffer.chunks()), wait, why)
                return
            self.counters.delivered += content.count(b"\n")
            chunk.unlink()
            if self._failures:
                log.info("delivered again")
            self._failures = 0

    def metrics(self) -> str:
        """The counters by the names that Fluent Bit gives them."""
        found = (
            ('fluentbit_input_records_total{name="tail.0"}', self.counters.read),
            ('fluentbit_filter_drop_records_total{name="all"}', self.counters.filtered),
            ('fluentbit_output_proc_records_total{name="http.0"}', self.counters.delivered),
            ('fluentbit_output_retries_total{name="http.0"}', self.counters.retries),
            ('fluentbit_output_dropped_records_total{name="http.0"}', self.counters.dropped),
        )
        lines = [f"# TYPE {name.partition('{')[0]} counter\n{name} {value}\n" for name, value in found]
        waiting = f"# TYPE fluentbit_storage_fs_chunks gauge\nfluentbit_storage_fs_chunks {len(self.buffer.chunks())}\n"
        return "".join(lines) + waiting


def serve(address: str, shipper: Shipper) -> None:
    """Health and metrics, in a thread."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages = {"/": "ok\n", "/api/v2/metrics/prometheus": shipper.metrics()}
            page = pages.get(self.path)
            self.send_response(404 if page is None else 200)
            content = (page or "").encode()
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Probes are not worth a line."""

    host, _, port = address.rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), Handler)
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.log_shipper", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="Fluent Bit's configuration, as YAML")
    parser.add_argument("--root", type=Path, required=True, help="where the container's paths are")
    parser.add_argument("--listen", required=True, help="address:port for health and metrics")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s [%(levelname)s] %(message)s", stream=sys.stderr)
    configuration = expanded(yaml.safe_load(arguments.config.read_text()), os.environ)
    try:
        shipper = Shipper(configuration, arguments.root)
    except (UnknownError, KeyError, ValueError) as error:
        sys.exit(f"this stand-in for Fluent Bit does not know {error}")
    serve(arguments.listen, shipper)
    signal.signal(signal.SIGTERM, shipper.stop)
    log.info("this is a stand-in for Fluent Bit; it reads %s", configuration["pipeline"]["inputs"][0]["path"])
    shipper.run()


if __name__ == "__main__":
    main()
