"""``mockspi fixtures diff`` and ``fmt``: what differs between two sets, and the one format of their files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, mockspi

STORES = "records/stores.json"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A copy of the sample set."""
    return Path(shutil.copytree(ROOT / "fixtures", tmp_path / "set"))


def edit(path: Path, change: Any) -> None:
    """Change the JSON in a file."""
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document), "utf-8")


def diff(old: Path | str, new: Path | str, *words: str) -> tuple[int, str]:
    """Exit code and standard output."""
    done = mockspi("fixtures", "diff", str(old), str(new), *words)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_set_does_not_differ_from_itself_however_it_is_written(mine: Path) -> None:
    for path in mine.rglob("*.json"):
        edit(path, lambda _: None)
    edit(mine / STORES, lambda document: document["records"].reverse())
    assert diff("sample", mine) == (0, "no difference\n")
    assert diff("sample", mine, "--json") == (0, "[]\n")


def test_what_differs_is_told_record_by_record_with_pointers(mine: Path) -> None:
    def change(document: Any) -> None:
        first, second, *_ = document["records"]
        first["name"] = "New"
        first["added"] = 5
        second["storeId"] = "S-new"

    edit(mine / STORES, change)
    old = json.loads((ROOT / "fixtures" / STORES).read_text("utf-8"))["records"]
    code, told = diff("sample", mine, "--json")
    assert code == 1
    assert [(one["file"], one["key"], one["change"]) for one in json.loads(told)] == [
        (STORES, old[0]["storeId"], "changed"),
        (STORES, old[1]["storeId"], "removed"),
        (STORES, "S-new", "added"),
    ]
    assert json.loads(told)[0]["differences"] == [
        {"pointer": "/name", "old": old[0]["name"], "new": "New"},
        {"pointer": "/added", "new": 5},
    ]
    code, text = diff("sample", mine)
    assert code == 1
    assert text.splitlines()[:3] == [
        f"{STORES} {old[0]['storeId']} changed",
        f'  /name: "{old[0]["name"]}" -> "New"',
        "  /added: (nothing) -> 5",
    ]
    assert text.splitlines()[-1] == "1 added, 1 removed, 1 changed"
    assert "\x1b" not in text, "colour is for terminals"


def test_examples_messages_rules_and_magic_values_are_compared_too(mine: Path) -> None:
    edit(mine / "messages/en.json", lambda one: one.update(STORE_BUSY="Busy."))
    edit(mine / "rules/rate-limited.json", lambda one: one["rules"][0]["then"]["quota"].update(limit=True))
    edit(mine / "magic.json", lambda one: one["values"].insert(0, {"about": "new", "id": "MAGIC-NEW", "then": {"status": 500}}))
    edit(mine / "examples/GET_CUSTOMER.json", lambda one: one.pop(next(key for key in one if key != "$schema")))
    found = json.loads(diff("sample", mine, "--json")[1])
    assert [(one["file"], one["change"]) for one in found] == [
        ("examples/GET_CUSTOMER.json", "removed"),
        ("magic.json", "added"),
        ("messages/en.json", "changed"),
        ("rules/rate-limited.json", "changed"),
    ]
    assert found[1]["key"] == "MAGIC-NEW"
    assert found[3]["differences"] == [{"pointer": "/rules/0/then/quota/limit", "old": 10, "new": True}]


@pytest.mark.parametrize("side", [0, 1])
def test_what_cannot_be_compared_is_one_sentence_and_exit_2(side: int, mine: Path) -> None:
    (mine / STORES).write_text('{\n"records": [')
    for broken, words in ((mine, f"{mine}/{STORES}:2:13: /: not JSON"), (mine / "nothing", "does not exist")):
        sides = ["sample", "sample"]
        sides[side] = str(broken)
        done = mockspi("fixtures", "diff", *sides)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert words in done.stderr


def test_the_sample_is_in_the_one_format() -> None:
    done = mockspi("fixtures", "fmt", "--check", str(ROOT / "fixtures"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_fmt_brings_back_the_one_format_and_check_only_says_so(mine: Path) -> None:
    path = mine / STORES
    path.chmod(0o640)
    right = path.read_bytes()
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(json.loads(right)).encode())
    wrong = path.read_bytes()
    done = mockspi("fixtures", "fmt", str(mine), "--check")
    assert (done.returncode, done.stdout, done.stderr) == (1, f"{path} would change\n", "")
    assert path.read_bytes() == wrong
    done = mockspi("fixtures", "fmt", str(mine))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{path}\n", "")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (right, 0o640)
    assert not [one for one in path.parent.iterdir() if one.name.startswith(".")]
    done = mockspi("fixtures", "fmt", cwd=mine)
    assert (done.returncode, done.stdout) == (0, ""), "in the folder itself, and nothing is left to do"


def test_fmt_keeps_numbers_as_they_are_written_and_members_in_their_order(mine: Path) -> None:
    path = mine / STORES
    path.write_text('{"records":[{"z":10.00,"a":1E+2,"m":-0,"big":123456789012345678901234567890.10,"e":"caf\\u00e9"}]}')
    assert mockspi("fixtures", "fmt", str(mine)).returncode == 0
    line = '{"z": 10.00, "a": 1E+2, "m": -0, "big": 123456789012345678901234567890.10, "e": "café"}'
    assert path.read_text("utf-8") == '{\n  "records": [' + line + "]\n}\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{\n"records": [', "2:13: /: not JSON"),
        ('{"records": [], "records": []}', "1:17: /records: this member is there twice"),
        ('{"records": ' + "[" * 900 + "]" * 900 + "}", "nested too deeply"),
    ],
    ids=["cut off", "a member twice", "nested deeply"],
)
def test_fmt_leaves_a_file_alone_that_it_would_harm(content: str, words: str, mine: Path) -> None:
    (mine / STORES).write_text(content)
    (mine / "messages" / "en.json").write_text("{}")
    done = mockspi("fixtures", "fmt", str(mine))
    assert (done.returncode, done.stdout) == (1, f"{mine / 'messages' / 'en.json'}\n"), "the others are written"
    assert done.stderr.startswith(f"{mine}/{STORES}:")
    assert words in done.stderr
    assert (mine / STORES).read_text() == content


def test_fmt_writes_through_a_link_inside_the_set_and_not_outside(mine: Path, tmp_path: Path) -> None:
    (mine / STORES).rename(mine / "our-stores.json")
    (mine / STORES).symlink_to(mine / "our-stores.json")
    (mine / "our-stores.json").write_text("[ ]")
    assert mockspi("fixtures", "fmt", str(mine)).returncode == 0
    assert (mine / "our-stores.json").read_text() == "[]\n"
    assert (mine / STORES).is_symlink()
    (tmp_path / "outside.json").write_text("[ ]")
    (mine / STORES).unlink()
    (mine / STORES).symlink_to(tmp_path / "outside.json")
    done = mockspi("fixtures", "fmt", str(mine))
    assert (done.returncode, "leads out of the fixture folder" in done.stderr) == (2, True)
    assert (tmp_path / "outside.json").read_text() == "[ ]"
