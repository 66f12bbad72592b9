# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""One question to a broker over its own TLS listener: which brokers does it see? Two messages, no client library.

Metadata request, version 4 (answered by Kafka 0.11 and every later one; 4.x dropped nothing of it): `common/message/
MetadataRequest.json` and `MetadataResponse.json` in kafka-clients. A broker that is fenced, or has not caught up with
the controllers, is not in the answer.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
from functools import lru_cache

METADATA, VERSION, CORRELATION = 3, 4, 1
CLIENT = b"process-node"
LONGEST_ANSWER = 1 << 20  # bytes


def brokers(port: int, host: str, identity: str, trusted: str, timeout: float = 5.0) -> dict[int, str]:
    """The brokers the one at 127.0.0.1:`port` sees, as id -> host:port.

    `host` is the name its certificate must have; `identity` and `trusted` are PEM files. Raises OSError (TLS and
    time-outs are kinds of it) and ValueError for an answer that is none.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as plain:
        context = _context(identity, trusted)
        with context.wrap_socket(plain, server_hostname=host) as connection:
            connection.sendall(request())
            length = struct.unpack(">i", _read(connection, 4))[0]
            if not 0 < length <= LONGEST_ANSWER:
                raise ValueError(f"an answer of {length} bytes")
            return parse(_read(connection, length))


def request() -> bytes:
    """Metadata of no topic, none created."""
    header = struct.pack(">hhih", METADATA, VERSION, CORRELATION, len(CLIENT)) + CLIENT
    body = header + struct.pack(">ib", 0, 0)
    return struct.pack(">i", len(body)) + body


def parse(answer: bytes) -> dict[int, str]:
    """Brokers of a Metadata response, version 4, without its length."""
    correlation, _throttle, count = struct.unpack_from(">iii", answer)
    if correlation != CORRELATION:
        raise ValueError("an answer to another question")
    offset, found = 12, {}
    for _ in range(count):
        number, length = struct.unpack_from(">ih", answer, offset)
        offset += 6
        host = answer[offset : offset + length].decode()
        offset += length
        port, rack = struct.unpack_from(">ih", answer, offset)
        offset += 6 + max(rack, 0)
        found[number] = f"{host}:{port}"
    return found


@lru_cache(maxsize=32)
def _context_of(identity: str, trusted: str, _changed: tuple[float, float]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=trusted)
    # real authorities made before that flag existed do not always satisfy it
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.load_cert_chain(identity)
    return context


def _context(identity: str, trusted: str) -> ssl.SSLContext:
    return _context_of(identity, trusted, (os.stat(identity).st_mtime, os.stat(trusted).st_mtime))


def _read(connection: ssl.SSLSocket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        part = connection.recv(count - len(content))
        if not part:
            raise ConnectionError("the broker closed the connection")
        content += part
    return content
