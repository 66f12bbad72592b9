# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rehearsal's S3 store a second time, over TLS with a certificate that only a private authority vouches for."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rehearsal import programs, s3
from rehearsal.paths import Paths
from rehearsal.strimzi import certificates

SECONDS_TO_ANSWER = 20


@contextmanager
def tls_store(paths: Paths, folder: Path) -> Iterator[tuple[str, str]]:
    """The same objects and keys at another address; that address, and the authority's certificate as PEM."""
    authority = certificates.authority("store-ca")
    server = certificates.issued(authority, "store", ["localhost"])
    for name, text in (("ca.crt", authority.certificate), ("tls.crt", server.certificate), ("tls.key", server.key)):
        (folder / name).write_text(text)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    keys = s3.keys(paths)
    command = [str(programs.binary("versitygw", paths)), "--quiet", "--port", f"127.0.0.1:{port}"]
    command += ["--region", s3.REGION, "--cert", str(folder / "tls.crt"), "--key", str(folder / "tls.key")]
    command += ["--iam-dir", str(paths.s3 / "accounts")]
    command += ["posix", "--sidecar", str(paths.s3 / "metadata"), str(paths.s3 / "data")]
    account = {"ROOT_ACCESS_KEY": keys.access_key, "ROOT_SECRET_KEY": keys.secret_key}
    with subprocess.Popen(command, env={**os.environ, **account}) as store:
        try:
            _wait(port, folder / "ca.crt", store)
            yield f"https://localhost:{port}", authority.certificate
        finally:
            store.terminate()


def _wait(port: int, ca: Path, store: subprocess.Popen[bytes]) -> None:
    context = ssl.create_default_context(cafile=str(ca))
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    while True:
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", port), 2) as plain,
            context.wrap_socket(plain, server_hostname="localhost"),
        ):
            return
        assert store.poll() is None, f"the store ended with {store.returncode}"
        assert time.monotonic() < deadline, "the store does not answer"
        time.sleep(0.1)
