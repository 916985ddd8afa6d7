"""The proof of docs/security.md can be repeated: every patch of ``guards.toml`` applies, and the page has a line for each."""

from __future__ import annotations

import pytest
from conftest import ROOT
from guards import GUARDS, Guard

PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")


def row(guard: Guard) -> str:
    """A guard's line of the page."""
    return f"| {guard.number} | {guard.what} | `{guard.file}` | `{guard.test.partition('[')[0]}` |"


@pytest.mark.parametrize("guard", GUARDS, ids=lambda one: f"{one.number} {one.what}")
def test_a_guard_is_where_its_patch_looks_for_it_and_its_test_is_there(guard: Guard) -> None:
    text = (ROOT / guard.file).read_text("utf-8")
    assert guard.removed(text) != text
    file, name = guard.test.split("::")
    assert f"def {name.partition('[')[0]}(" in (ROOT / "tests" / file).read_text("utf-8")


def test_the_page_has_these_lines_and_no_other() -> None:
    assert [line for line in PAGE.splitlines() if line.startswith("| ") and line[2].isdigit()] == [row(one) for one in GUARDS]


def test_each_class_has_its_guards() -> None:
    assert {one.number for one in GUARDS} == set(range(1, 9))
