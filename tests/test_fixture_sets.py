"""A fixture set as files: how they may be written, what may not be linked, how it is copied, refused and told."""

from __future__ import annotations

import codecs
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import mockspi, serving
from links import LINKS, STORES

CLEAN = "nothing to report"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``mockspi init`` makes."""
    folder = tmp_path_factory.mktemp("pristine") / "set"
    assert mockspi("init", str(folder)).returncode == 0
    return folder


@pytest.fixture
def mine(pristine: Path, tmp_path: Path) -> Path:
    """A set of the test's own."""
    return Path(shutil.copytree(pristine, tmp_path / "set"))


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment whose user folders are scratch."""
    return {"XDG_STATE_HOME": str(tmp_path / "user-state"), "XDG_CACHE_HOME": str(tmp_path / "user-cache")}


def lint(folder: Path | str, cwd: Path | None = None) -> tuple[int, list[str], str]:
    """Exit code, lines on standard output, and standard error."""
    done = mockspi("fixtures", "lint", str(folder), cwd=cwd)
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_the_set_that_init_makes_has_nothing_to_report(pristine: Path) -> None:
    code, lines, errors = lint(pristine)
    assert (code, errors) == (0, "")
    assert CLEAN in lines[0]
    assert "examples reproduced" in lines[0]


@pytest.mark.parametrize("plain", [True, False], ids=["a plain list", "an object with $schema and records"])
def test_records_may_be(plain: bool, mine: Path) -> None:
    rows = json.loads((mine / STORES).read_text("utf-8"))["records"]
    (mine / STORES).write_text(json.dumps(rows if plain else {"$schema": "../schemas/stores.json", "records": rows}))
    assert lint(mine)[0] == 0
    rows[1]["nmae"] = "x"
    (mine / STORES).write_text(json.dumps(rows if plain else {"records": rows}))
    code, lines, _ = lint(mine)
    assert code == 1
    assert f"{'' if plain else '/records'}/1/nmae: unknown field 'nmae'; did you mean 'name'?" in lines[0]


def test_a_byte_order_mark_does_no_harm(mine: Path) -> None:
    content = (mine / STORES).read_bytes()
    (mine / STORES).write_bytes(codecs.BOM_UTF8 + content)
    assert lint(mine)[0] == 0
    (mine / STORES).write_bytes(codecs.BOM_UTF8 + b'{"recrods": []}')
    assert lint(mine)[1][0].startswith(f"{mine}/{STORES}:1:1: /: a list of records is expected")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe{}", "1:1: /: not UTF-8: byte 0xff"),
        (b'{"records": [\n{"storeId": "caf\xe9"}]}', "2:17: /: not UTF-8: byte 0xe9"),
        (b"", "1:1: /: not JSON: Expecting value"),
        (b'{\n "records": [', "2:14: /: not JSON: Expecting value"),
        (b"5", "1:1: /: a list of records is expected"),
        (b'{"records": ' + b"[" * 700 + b"]" * 700 + b"}", "1:1: /records/0: a JSON object is expected"),
        (b'{"records": ' + b"[" * 99_999, "1:1: /: not JSON: "),
    ],
    ids=["UTF-16", "Latin-1", "empty", "cut off", "a number", "nested deeply", "nested without end"],
)
def test_a_file_that_is_hardly_json_is_a_finding_and_no_trace(content: bytes, words: str, mine: Path) -> None:
    (mine / STORES).write_bytes(content)
    code, lines, errors = lint(mine)
    assert (code, "Traceback" in errors) == (1, False)
    assert lines[0].startswith(f"{mine}/{STORES}:{words}"), lines[0]


def test_a_set_with_records_alone_is_checked_and_served(mine: Path, tmp_path: Path, home: dict[str, str]) -> None:
    for path in mine.iterdir():
        if path.is_file():
            path.unlink()
        elif path.name != "records":
            shutil.rmtree(path)
    code, lines, _ = lint(mine)
    assert code == 0
    assert "no examples/ folder" in lines[0]
    with serving(tmp_path, "--fixtures", str(mine), env=home) as server:
        assert server.call("GET", "/sa/customers/C-1001").json()["profile"]["customerId"] == "C-1001"
        refusal = server.call("GET", "/sa/customers/nobody").json()
        assert refusal["errorCode"] == "CUSTOMER_NOT_FOUND"
        assert refusal["errorMessage"], "texts that a set has not come from the sample"


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("command", [("fixtures", "lint"), ("serve", "--port", "0", "--state", "memory", "--fixtures")])
def test_no_file_outside_the_folder_is_read(
    link: Callable[[Path, Path], str], command: tuple[str, ...], mine: Path, tmp_path: Path, home: dict[str, str]
) -> None:
    (tmp_path / "set-outside").mkdir()  # a name that begins like the set's
    what = link(mine, tmp_path / "set-outside")
    done = mockspi(*command, str(mine), env=home)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"{mine}/{what}" in done.stderr
    assert "leads out of the fixture folder" in done.stderr


def test_links_that_stay_inside_and_names_with_dots_are_fine(mine: Path, tmp_path: Path) -> None:
    (mine / STORES).rename(mine / "our-stores.json")
    (mine / STORES).symlink_to(mine / "our-stores.json")
    (tmp_path / "linked").symlink_to(mine, target_is_directory=True)
    for name in ("set", "linked", "linked/../set", "./set/../linked/."):
        assert lint(name, cwd=tmp_path)[0] == 0


def test_findings_can_be_read_by_programs(mine: Path) -> None:
    text = (mine / STORES).read_text("utf-8")
    (mine / STORES).write_text(text.replace('"name"', '"nmae"', 1), "utf-8")
    done = mockspi("fixtures", "lint", str(mine), "--json")
    assert (done.returncode, done.stderr) == (1, "")
    line = text[: text.index('"name"')].count("\n") + 1
    found = [(one["file"], one["line"], one["column"], one["pointer"]) for one in json.loads(done.stdout)]
    assert (STORES, line, 7, "/records/0/nmae") in found
    assert {one["message"] for one in json.loads(done.stdout)} == {
        "unknown field 'nmae'; did you mean 'name'?", "Missing data for required field",
    }  # fmt: skip
    (mine / STORES).write_text(text, "utf-8")
    assert json.loads(mockspi("fixtures", "lint", str(mine), "--json").stdout) == []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [(STORES, '"name"', '"nmae"'), ("examples/GET_CUSTOMER.json", '"gender": "Female"', '"gender": "Male"')],
    ids=["a record", "an example"],
)
def test_serve_refuses_a_broken_set_with_the_list_of_lint(
    file: str, old: str, new: str, mine: Path, tmp_path: Path, home: dict[str, str]
) -> None:
    text = (mine / file).read_text("utf-8")
    (mine / file).write_text(text.replace(old, new, 1), "utf-8")
    _, expected, _ = lint("set", cwd=tmp_path)
    assert expected
    for _ in range(2):  # a second start knows no better
        done = mockspi("serve", "--port", "0", "--fixtures", "set", "--ready-file", "ready", cwd=tmp_path, env=home)
        progress, *findings, last = done.stderr.splitlines()
        assert progress == "mockspi: reading the fixture set ..."
        assert (done.returncode, done.stdout) == (2, "")
        assert [one for one in findings if not one.startswith("examples/ are tests")] == expected
        assert last.startswith(f"mockspi: set is not served: {len(expected)} finding")
    assert not (tmp_path / "ready").exists()
    assert not list((tmp_path / "user-cache").rglob("*.sqlite*")), "nothing of a broken set is kept"
    (mine / file).write_text(text, "utf-8")
    with serving(tmp_path, "--fixtures", "set", env=home) as server:
        assert server.call("GET", "/sa/customers/C-1001").status_code == 200


def test_init_leaves_a_folder_with_something_in_it_alone(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("set", "file"):
        done = mockspi("init", name, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (2, f"mockspi: {name} exists and is not empty; name a new folder\n")
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["file", "set", "set/mine.txt"]


def test_init_that_cannot_write_leaves_nothing_half_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    done = mockspi("init", "file/set", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "file/set cannot be written" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_init_makes_the_folders_on_the_way_and_takes_an_empty_one(tmp_path: Path, pristine: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new/deep"):
        done = mockspi("init", name, cwd=tmp_path)
        assert done.returncode == 0
        assert f"mockspi serve --fixtures {name}" in done.stdout
        made = sorted(path.relative_to(tmp_path / name) for path in (tmp_path / name).rglob("*"))
        assert made == sorted(path.relative_to(pristine) for path in pristine.rglob("*"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "new"]


def test_every_file_that_init_copies_names_a_schema_that_is_there(pristine: Path) -> None:
    seen = 0
    for path in sorted(pristine.glob("records/*.json")) + sorted(pristine.glob("examples/*.json")):
        named = json.loads(path.read_text("utf-8"))["$schema"]
        target = (path.parent / named).resolve()
        assert target.is_relative_to(pristine.resolve())
        assert json.loads(target.read_text("utf-8"))["$schema"].startswith("https://json-schema.org/"), path.name
        seen += 1
    assert seen > 30


def test_a_first_edit_is_told_that_examples_are_tests_of_the_data(tmp_path: Path) -> None:
    advice = "examples/ are tests of your data: change them with it, or remove the folder"
    assert "ours/examples are tests of your data" in mockspi("init", "ours", cwd=tmp_path).stdout
    customers = tmp_path / "ours" / "records" / "customers.json"
    customers.write_text(customers.read_text("utf-8").replace('"firstName": "Zoë"', '"firstName": "Zara"'), "utf-8")
    done = mockspi("serve", "--fixtures", "ours", "--port", "0", "--state", "memory", cwd=tmp_path)
    assert done.returncode == 2
    assert advice in done.stderr.splitlines()
    stores = tmp_path / "ours" / "records" / "stores.json"
    stores.write_text("{", "utf-8")
    done = mockspi("serve", "--fixtures", "ours", "--port", "0", "--state", "memory", cwd=tmp_path)
    assert advice not in done.stderr
