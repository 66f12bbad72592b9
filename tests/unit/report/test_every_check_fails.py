# Copyright: (c) 2026, synergyflow.platform contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check has a test in which it fails for the right reason: one that gives its id to fails()."""

from __future__ import annotations

import ast
from fnmatch import fnmatchcase
from pathlib import Path

from check_ids import known, texts

TESTS = Path(__file__).resolve().parents[1]


def shown_to_fail() -> set[str]:
    """The ids that tests give to fails(): as they stand there, or by a name that a loop or parametrize() gives them."""
    found: set[str] = set()
    for file in TESTS.rglob("test_*.py"):
        for test in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(test, ast.FunctionDef) or not test.name.startswith("test_"):
                continue
            for call in ast.walk(test):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "fails":
                    found.update(text for source in sources(call.args[1], test) for text in texts(source))
    return found


def sources(argument: ast.expr, test: ast.FunctionDef) -> list[ast.AST]:
    """Where an argument's texts stand."""
    if not isinstance(argument, ast.Name):
        return [argument]
    loops = [each for each in ast.walk(test) if isinstance(each, ast.For)]
    return [*test.decorator_list, *(each.iter for each in loops if argument.id in ast.unparse(each.target))]


def test_every_check_is_shown_to_fail() -> None:
    shown = shown_to_fail()
    missing = {each for each in known() if not any(fnmatchcase(given, each) for given in shown)}
    assert not missing, f"no test shows that they fail: {', '.join(sorted(missing))}"
