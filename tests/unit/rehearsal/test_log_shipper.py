# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Fluent Bit's stand-in: what it reads, keeps and sends, and that it refuses what it does not do."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rehearsal.log_shipper import Shipper, UnknownError, expanded, size

IDENTITY = "0" * 64
CONFIGURATION: dict[str, Any] = {
    "service": {"flush": 1, "storage.path": "/var/lib/fluent-bit/chunks"},
    "parsers": [
        {
            "name": "container-file",
            "regex": r"^/var/log/containers/(?<pod>[^_]+)_(?<namespace>[^_]+)_(?<container>.+)-[a-z0-9]{64}\.log$",
        }
    ],
    "pipeline": {
        "inputs": [
            {
                "name": "tail",
                "path": "/var/log/containers/*.log",
                "exclude_path": "/var/log/containers/*_quiet_*.log",
                "path_key": "file",
                "multiline.parser": "cri",
                "db": "/var/lib/fluent-bit/tail.db",
            }
        ],
        "filters": [
            {"name": "parser", "key_name": "file", "parser": "container-file"},
            {"name": "record_modifier", "record": ["cluster apps", "node ${NODE_NAME}"], "remove_key": ["_p"]},
        ],
        "outputs": [
            {
                "name": "http",
                "host": "127.0.0.1",
                "uri": "/insert/jsonline?x=y",
                "format": "json_lines",
                "json_date_key": "date",
                "compress": "gzip",
                "http_user": "u",
                "http_passwd": "p",
                "storage.total_limit_size": "1M",
            }
        ],
    },
}


class Taker:
    """Takes lines, unless it is told not to."""

    def __init__(self) -> None:
        self.status = 200
        self.lines: list[dict[str, str]] = []
        self.logins: list[str | None] = []
        taker = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
                if taker.status == 200:
                    taker.lines += [json.loads(line) for line in content.splitlines()]
                    taker.logins.append(self.headers.get("Authorization"))
                self.send_response(taker.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def taker() -> Iterator[Taker]:
    it = Taker()
    yield it
    it.server.shutdown()


@pytest.fixture
def given(taker: Taker) -> dict[str, Any]:
    found = copy.deepcopy(CONFIGURATION)
    found["pipeline"]["outputs"][0]["port"] = taker.server.server_port
    return expanded(found, {"NODE_NAME": "node-a"})


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "var/log/containers"
    folder.mkdir(parents=True)
    return folder


def write(folder: Path, text: str, pod: str = "p-0", namespace: str = "n") -> Path:
    file = folder / f"{pod}_{namespace}_main-{IDENTITY}.log"
    with file.open("a") as stream:
        stream.write(text)
    return file


def line(text: str, tag: str = "F") -> str:
    return f"2026-11-21T12:00:00.123456789Z stdout {tag} {text}\n"


def again(shipper: Shipper) -> None:
    shipper._try_at = 0
    shipper.read()
    shipper.deliver()


def test_a_line_on_its_way(given, logs, taker, tmp_path):
    write(logs, line("hello"))
    shipper = Shipper(given, tmp_path)
    again(shipper)
    assert taker.lines == [
        {
            "stream": "stdout", "log": "hello", "date": "2026-11-21T12:00:00.123456789Z", "pod": "p-0",
            "namespace": "n", "container": "main", "cluster": "apps", "node": "node-a",
        }
    ]  # fmt: skip
    assert taker.logins == [f"Basic {base64.b64encode(b'u:p').decode()}"]
    assert 'proc_records_total{name="http.0"} 1' in shipper.metrics()
    assert shipper.buffer.chunks() == []
    again(shipper)
    assert len(taker.lines) == 1, "nothing twice"


def test_partial_lines_are_joined_and_unfinished_ones_waited_for(given, logs, taker, tmp_path):
    write(logs, line("one ", "P") + line("whole") + "2026-11-21T12:00:00Z stdout F half")
    shipper = Shipper(given, tmp_path)
    again(shipper)
    assert [each["log"] for each in taker.lines] == ["one whole"]
    write(logs, " and half\n")
    again(shipper)
    write(logs, line("begun ", "P"))
    again(shipper)
    write(logs, line("ended"))
    again(shipper)
    assert [each["log"] for each in taker.lines] == ["one whole", "half and half", "begun ended"]


def test_a_store_that_is_away_gets_everything_when_it_is_back(given, logs, taker, tmp_path):
    taker.status = 503
    shipper = Shipper(given, tmp_path)
    for number in range(5):
        write(logs, line(str(number)))
        again(shipper)
    assert taker.lines == []
    assert len(shipper.buffer.chunks()) == 5
    assert shipper.counters.retries == 5
    taker.status = 200
    again(Shipper(given, tmp_path))  # another process: what waits is on disk, and read once
    assert [each["log"] for each in taker.lines] == ["0", "1", "2", "3", "4"]


def test_the_buffer_has_a_limit_and_counts_what_goes(given, logs, taker, tmp_path):
    taker.status = 503
    given["pipeline"]["outputs"][0]["storage.total_limit_size"] = "1K"
    shipper = Shipper(given, tmp_path)
    for number in range(4):
        write(logs, line(f"{number}" * 500))
        again(shipper)
    assert shipper.counters.dropped == 3
    assert 'dropped_records_total{name="http.0"} 3' in shipper.metrics()
    taker.status = 200
    again(shipper)
    assert [each["log"][0] for each in taker.lines] == ["3"], "the oldest go"


def test_a_log_that_is_begun_anew_is_read_from_its_beginning(given, logs, taker, tmp_path):
    shipper = Shipper(given, tmp_path)
    file = write(logs, line("before, and longer"))
    again(shipper)
    file.rename(logs / "other")
    write(logs, line("after"))
    again(shipper)
    file.write_text(line("cut"))
    again(shipper)
    assert [each["log"] for each in taker.lines] == ["before, and longer", "after", "cut"]


def test_what_is_not_sent(given, logs, taker, tmp_path):
    given["pipeline"]["filters"].insert(1, {"name": "grep", "exclude": "log  DEBUG "})
    given["pipeline"]["filters"].insert(2, {"name": "throttle", "rate": 2, "window": 5})
    write(logs, line("no", "F"), namespace="quiet")
    write(logs, line("a DEBUG b") + "".join(line(str(number)) for number in range(20)))
    shipper = Shipper(given, tmp_path)
    again(shipper)
    assert [each["log"] for each in taker.lines] == [str(number) for number in range(10)]
    assert shipper.counters.filtered == 11


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("inputs", {"name": "systemd"}),
        ("inputs", {"multiline.parser": "docker"}),
        ("filters", {"name": "kubernetes"}),
        ("outputs", {"name": "loki"}),
        ("outputs", {"format": "json"}),
        ("outputs", {"storage.total_limit_size": "1Gi"}),
    ],
)
def test_what_it_does_not_do_ends_it(given, tmp_path, part, change):
    given["pipeline"][part][0] |= change
    with pytest.raises(UnknownError):
        Shipper(given, tmp_path)


def test_sizes():
    assert [size(text) for text in ("5", "16M", "1G", "2K")] == [5, 16 << 20, 1 << 30, 2048]
