# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
from __future__ import annotations

import pytest

from rehearsal import s3
from rehearsal.errors import RehearsalError
from rehearsal.files import write_atomically
from rehearsal.paths import Paths


def test_keys_that_are_kept_are_used_again(paths: Paths) -> None:
    first = s3.keys(paths)
    assert first != s3.keys(paths)  # nobody keeps them yet
    for name, value in first._asdict().items():
        write_atomically(paths.s3 / name, value)
    assert s3.keys(paths) == first


def test_a_store_that_never_ran_has_no_address(paths: Paths) -> None:
    with pytest.raises(RehearsalError, match="never started: run make rehearsal-up"):
        s3.endpoint(paths)
