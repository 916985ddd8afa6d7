"""A bundle that is none, or was tampered with, is refused with a sentence."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Server, mockspi
from journals import Box, Mend, mended, new_box, packed


@pytest.fixture
def box(server: Server) -> Box:
    return new_box(server)


def broken(name: str) -> Mend:
    def mend(told: list[Any]) -> None:
        change: dict[str, Callable[[], object]] = {
            "no header": lambda: told.pop(0),
            "another version": lambda: told[0].update(version=2),
            "a header without a seed": lambda: told[0].pop("seed"),
            "an end that is missing": told.pop,
            "an end that is wrong": lambda: told[-1].update(end=7),
            "a call without a path": lambda: told[1]["exchange"].pop("path"),
            "a body that is no base64": lambda: told[1]["exchange"].update(body={"base64": "!"}),
            "a number that is a text": lambda: told[1]["exchange"].update(status="many"),
            "a way out": lambda: told.insert(1, {"file": {"name": "records/../../../evil.json", "text": "{}"}}),
            "an absolute way out": lambda: told.insert(1, {"file": {"name": "/tmp/evil.json", "text": "{}"}}),
            "a time without end": lambda: told[1]["exchange"].update(time=10**40),
            "another kind": lambda: told.insert(1, {"strange": {}}),
            "no object": lambda: told.insert(1, [1]),
            "a header that is no header": lambda: told[0].update(settings=7),
            "a setting that is missing": lambda: told[0]["settings"].pop("max_body"),
            "a place that is none": lambda: told[0].update(placements=[["GET_CUSTOMER", "/x", [["a"]]]]),
            "a cut that is none": lambda: told[1]["exchange"].update(cut=5),
            "a setting that cannot be": lambda: told[0]["settings"].update(max_body="many"),
        }
        change[name]()

    return mend


@pytest.mark.parametrize("name", [
    "no header", "another version", "a header without a seed", "an end that is missing", "an end that is wrong",
    "a call without a path", "a body that is no base64", "a number that is a text", "a way out", "an absolute way out",
    "a time without end", "another kind", "no object", "a header that is no header", "a setting that cannot be",
    "a setting that is missing", "a place that is none", "a cut that is none",
])  # fmt: skip
def test_a_broken_bundle_is_refused_with_a_sentence(box: Box, tmp_path: Path, name: str) -> None:
    box.call("GET", "/sa/customers/C-1001")
    done = mockspi("replay", str(mended(packed(box, tmp_path), broken(name))))
    assert done.returncode == 2
    assert done.stderr.startswith("mockspi: ")
    assert "Traceback" not in done.stderr


def test_what_is_no_bundle_is_refused_with_a_sentence(box: Box, tmp_path: Path) -> None:
    whole = packed(box, tmp_path).read_bytes()
    for content in (b"", b"hello\n", whole[:-20], b"\x1f\x8b" + bytes(100), gzip.compress(b'{"format": 1}\n')):
        (tmp_path / "broken").write_bytes(content)
        done = mockspi("replay", str(tmp_path / "broken"))
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    shutil.rmtree(tmp_path / "nothing", ignore_errors=True)
    assert mockspi("replay", str(tmp_path / "nothing")).returncode == 2


def test_a_bundle_that_was_cut_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "cut.bundle").write_text('{"format": "mocks', "utf-8")
    said = mockspi("replay", "cut.bundle", cwd=tmp_path).stderr
    assert "the bundle ends in the middle of a line" in said
    assert "larger than" not in said
