# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from rehearsal import ports
from rehearsal.errors import RehearsalError
from rehearsal.paths import Paths

EPHEMERAL = 32_768  # first port that the kernel gives to outgoing connections


def _listen(port: int) -> socket.socket:
    server = socket.create_server(("127.0.0.1", port))
    server.listen()
    return server


def test_a_name_keeps_its_port_and_two_names_differ(paths: Paths) -> None:
    first = ports.reserve("apps.etcd", paths)
    assert ports.FIRST <= first < EPHEMERAL
    assert ports.reserve("apps.etcd", paths) == first
    assert ports.reserve("infra.etcd", paths) != first


def test_a_port_that_is_listened_on_is_not_given_out(paths: Paths) -> None:
    wanted = ports.reserve("apps.etcd", paths)
    ports.release("apps.etcd", paths)
    with _listen(wanted):
        assert ports.reserve("apps.etcd", paths) != wanted


def test_a_port_taken_meanwhile_is_exchanged_only_when_it_must_be_free(paths: Paths) -> None:
    own = ports.reserve("apps.etcd", paths)
    with _listen(own):
        assert ports.reserve("apps.etcd", paths) == own
        assert ports.reserve_free("apps.etcd", paths) != own


def test_released_ports_can_be_had_again_and_unknown_names_are_no_error(paths: Paths) -> None:
    port = ports.reserve("apps.etcd", paths)
    ports.release("apps.etcd", paths)
    ports.release("apps.etcd", paths)
    assert ports.reserved(paths) == {}
    assert ports.reserve("apps.etcd", paths) == port


def test_two_checkouts_never_share_a_port(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither listens yet, and there are no more ports than both need: only the shared list keeps them apart."""
    other = Paths(state=tmp_path / "other", cache=paths.cache)
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    monkeypatch.setattr(ports, "LAST", ports.FIRST + 5)
    given = [ports.reserve(f"{n}", where) for n in range(3) for where in (paths, other)]
    assert sorted(given) == list(range(ports.FIRST, ports.FIRST + 6))
    with pytest.raises(RehearsalError, match="no free port"):
        ports.reserve("one more", paths)
    shutil.rmtree(other.state)
    assert ports.reserve("one more", paths) in given


def test_is_free_sees_listeners_on_any_interface(paths: Paths) -> None:
    port = ports.reserve("probe", paths)
    assert ports.is_free(port)
    with socket.create_server(("", port)):
        assert not ports.is_free(port)
