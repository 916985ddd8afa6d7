"""``mockspi fixtures export``: a changed sandbox as a fixture set that can be checked and served."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Server, mockspi, serving

from mockspi import examples
from mockspi.contracts import SPIS
from mockspi.exchange import Request
from mockspi.fixtures.reading import sample_set

STATE = ("--state", "kept")


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment whose user folders are scratch."""
    return {"XDG_STATE_HOME": str(tmp_path / "user-state"), "XDG_CACHE_HOME": str(tmp_path / "user-cache")}


@pytest.fixture
def run(tmp_path: Path, home: dict[str, str]) -> Callable[..., str]:
    """Runs a command in the scratch folder, which must do well; what it printed."""

    def command(*words: str) -> str:
        done = mockspi(*words, cwd=tmp_path, env=home)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    return command


def records(folder: Path, name: str) -> list[dict[str, Any]]:
    """The records of a collection in a set."""
    found: list[dict[str, Any]] = json.loads((folder / "records" / f"{name}.json").read_text("utf-8"))["records"]
    return found


def test_an_exported_set_can_be_checked_and_served_with_the_change_in_it(
    tmp_path: Path, home: dict[str, str], run: Callable[..., str]
) -> None:
    sent = {
        "profile": {
            "customerId": "X-1", "firstName": "Export", "lastName": "Ed", "shoeSize": "39", "a/b~c": "signs", "7": "digit",
            "clienteling": {"7": {"deep": True}},
        },
        "addressList": [{"addressLine1": "1 Quay", "city": "Chicago", "countryCode": "US", "doorCode": "9"}],
        "preferences": {"newsletter": "weekly"},
    }  # fmt: skip
    with serving(tmp_path, *STATE, env=home) as server:
        made = server.call("POST", "/sa/customers", json=sent).json()
        assert "errorCode" not in made
        assert "examples are left out" not in run("fixtures", "export", "out", *STATE)
    own = json.loads((tmp_path / "out" / "custom_attributes.json").read_text())
    assert own == {
        "customers": [
            "addressList.doorCode", "preferences", "profile.7", "profile.a/b~c", "profile.clienteling", "profile.shoeSize",
        ]
    }  # fmt: skip
    assert "nothing to report" in run("fixtures", "lint", "out")
    with serving(tmp_path, "--fixtures", "out", env=home) as server:
        assert server.call("GET", "/sa/customers/X-1").json() == made
    assert (tmp_path / "out" / "schemas" / "customers.json").is_file()


def test_examples_that_no_longer_hold_are_left_out_and_that_is_said(
    tmp_path: Path, home: dict[str, str], run: Callable[..., str]
) -> None:
    with serving(tmp_path, *STATE, env=home) as server:
        change = {"profile": {"customerId": "C-1001", "firstName": "Changed"}}
        assert server.call("PUT", "/sa/customers", json=change).json()["profile"]["firstName"] == "Changed"
        told = run("fixtures", "export", "out", *STATE)
    assert "its examples are left out" in told
    assert not (tmp_path / "out" / "examples").exists()
    assert "no examples/ folder" in run("fixtures", "lint", "out")
    with serving(tmp_path, "--fixtures", "out", env=home) as server:
        assert server.call("GET", "/sa/customers/C-1001").json()["profile"]["firstName"] == "Changed"


def test_a_sandbox_in_which_every_example_was_played_exports_as_a_sound_set(
    tmp_path: Path, home: dict[str, str], run: Callable[..., str]
) -> None:
    with serving(tmp_path, *STATE, env=home) as server:
        statuses = [send(server, asked) for asked in every_example(server.key)]
    assert statuses.count(200) > 50
    assert max(statuses) < 500
    run("fixtures", "export", "out", *STATE)
    assert "nothing to report" in run("fixtures", "lint", "out")
    assert len(records(tmp_path / "out", "reservations")) + len(records(tmp_path / "out", "tax_submissions")) > 1


def every_example(key: str) -> list[Request]:
    """The requests of all examples of the sample set."""
    found = sample_set().examples()
    return [examples.request(one, "", key) for contract in SPIS for one in examples.of(contract, found)]


def send(server: Server, asked: Request) -> int:
    """The status of a request of an example."""
    query = {name: asked.values(name) for name, _ in asked.query}
    answer = server.call(asked.method, asked.path, params=query, data=asked.body, headers=dict(asked.headers))
    return answer.status_code


def test_a_sandbox_without_changes_exports_what_it_came_from(tmp_path: Path, run: Callable[..., str]) -> None:
    run("init", "mine")
    run("fixtures", "export", "out", "--fixtures", "mine", *STATE)
    for path in sorted((tmp_path / "mine").rglob("*.json")):
        twin = tmp_path / "out" / path.relative_to(tmp_path / "mine")
        one, other = json.loads(path.read_text("utf-8")), json.loads(twin.read_text("utf-8"))
        if path.parent.name == "records":  # in another order perhaps
            one, other = (sorted(json.dumps(record, sort_keys=True) for record in part["records"]) for part in (one, other))
        assert one == other, path.name


def test_each_sandbox_is_exported_for_itself(tmp_path: Path, home: dict[str, str], run: Callable[..., str]) -> None:
    keys = ("--api-key", "one=key-one", "--api-key", "two=key-two")
    with serving(tmp_path, *STATE, *keys, env=home) as server:
        sent = {"profile": {"customerId": "X-2", "firstName": "Second", "lastName": "Box"}}
        server.call("POST", "/sa/customers", key="key-two", json=sent)
    run("fixtures", "export", "first", *STATE, *keys)
    run("fixtures", "export", "second", "--sandbox", "two", *STATE, *keys)
    has = [
        any(one["profile"]["customerId"] == "X-2" for one in records(tmp_path / box, "customers")) for box in ("first", "second")
    ]
    assert has == [False, True]


def test_export_into_a_folder_with_something_in_it_is_refused_and_changes_nothing(tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    done = mockspi("fixtures", "export", "out", *STATE, cwd=tmp_path, env=home)
    assert (done.returncode, done.stderr) == (2, "mockspi: out exists and is not empty; name a new folder\n")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
