"""Several fixture sets in one server: what a sandbox is made from is what it sees, and goes back to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Server, mockspi, serving, until
from test_reload import CUSTOMERS, NOTE, Live, copy, edit, named

CUSTOMER = {"profile": {"customerId": "K-1", "firstName": "Nadia", "lastName": "Vandermeer"}}


def winter(folder: Path) -> Path:
    """A set of other customers, texts and rules."""
    copy(folder)
    edit(folder / CUSTOMERS, named("Winter"))
    edit(folder / "messages/en.json", lambda one: one.update(CUSTOMER_NOT_FOUND="Snowed in."))
    (folder / "rules" / "snow.json").write_text('{"about": "Snow.", "rules": [{"then": {"status": 508}}]}')
    return folder


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Two workers over the sample and a further set."""
    home = tmp_path_factory.mktemp("sets")
    folder = winter(home / "winter")
    words = ("--fixture-set", f"winter={folder}", "--workers", "2", "--state", str(home / "state"))
    with serving(home, *words, env={"XDG_CACHE_HOME": str(home / "cache")}) as server:
        yield Live(server, folder)


def test_a_sandbox_sees_the_set_that_it_was_made_from(running: Live) -> None:
    server = running.server
    made = server.admin("POST", "/sandboxes", {"from": "winter", "scenario": "snow"}).json()
    key, plain = made["api_key"], server.minted(**{"from": "winter"})
    assert made["fixtures"] == "winter"
    assert {server.call("GET", "/sa/customers/C-1001", key=key).status_code for _ in range(4)} == {508}
    assert running.name(key=plain) == "Winter"
    assert running.name() not in ("", "Winter")
    assert server.call("GET", "/sa/customers/nobody", key=plain).json()["errorMessage"] == "Snowed in."
    assert server.call("GET", "/sa/customers/nobody").json()["errorMessage"] != "Snowed in."
    assert server.admin("POST", "/sandboxes", {"scenario": "snow"}).json()["errorCode"] == "SCENARIO_NOT_FOUND"
    assert server.admin("POST", "/sandboxes", {"from": "main"}).json()["fixtures"] == "main"


def test_reset_returns_to_its_set(running: Live) -> None:
    key = running.server.minted(name="resets", **{"from": "winter"})
    change = {"profile": {"customerId": "C-1001", "firstName": "Spring"}}
    running.server.call("PUT", "/sa/customers", key=key, json=change)
    assert running.name(key=key) == "Spring"
    running.server.admin("POST", "/sandboxes/resets/reset", {})
    assert running.name(key=key) == "Winter"


def test_the_command_line_makes_one_from_a_set(running: Live, tmp_path: Path) -> None:
    admin = ("--admin-url", running.server.admin_url, "--admin-token", running.server.token)
    done = mockspi("sandbox", "create", "--from", "winter", *admin)
    assert done.returncode == 0, done.stderr
    assert running.name(key=done.stdout.strip()) == "Winter"
    done = mockspi("sandbox", "create", "--from", "sumer", *admin)
    assert (done.returncode, "No snapshot is called 'sumer', and no fixture set." in done.stderr) == (2, True)


@pytest.mark.parametrize("name", ["../winter", "/etc", "winter/../winter", "winter\0", "winter-evil", "", "WINTER"])
def test_a_set_is_named_and_never_a_path(name: str, running: Live) -> None:
    refused = running.server.admin("POST", "/sandboxes", {"from": name})
    assert (refused.status_code, refused.json()["errorCode"]) == (404, "SNAPSHOT_NOT_FOUND")


def test_a_snapshot_lies_over_its_set(running: Live) -> None:
    server = running.server
    key = server.minted(name="kept", **{"from": "winter"})
    server.call("POST", "/sa/customers", key=key, json=CUSTOMER)
    assert server.admin("POST", "/sandboxes/kept/snapshot", {"name": "snowy"}).json()["records"] == 1
    made = server.admin("POST", "/sandboxes", {"from": "snowy"}).json()
    assert made["fixtures"] == "winter"
    assert running.name(key=made["api_key"]) == "Winter"
    assert server.call("GET", "/sa/customers/K-1", key=made["api_key"]).json()["profile"]["firstName"] == "Nadia"
    server.minted(name="other")
    refused = server.admin("POST", "/sandboxes/other/restore", {"name": "snowy"})
    assert (refused.status_code, refused.json()["errorCode"]) == (409, "SNAPSHOT_OF_ANOTHER_SET")
    server.admin("POST", "/sandboxes/other/snapshot", {"name": "snowy"})
    assert server.admin("GET", "/snapshots").json()["snapshots"].count("snowy") == 1, "in place of the older one"
    again = server.admin("POST", "/sandboxes", {"from": "snowy"}).json()
    assert again["fixtures"] == "main"
    for name in ("winter", "main"):
        taken = server.admin("POST", "/sandboxes/kept/snapshot", {"name": name})
        assert (taken.status_code, taken.json()["errorCode"]) == (409, "SNAPSHOT_NAME_TAKEN")
    for name in (made["name"], again["name"]):
        server.admin("DELETE", f"/sandboxes/{name}")
    assert server.admin("DELETE", "/snapshots/snowy").status_code == 200


def test_each_set_is_read_again_and_goes_stale_alone(running: Live) -> None:
    key = running.server.minted(**{"from": "winter"})
    path = running.folder / CUSTOMERS
    right = path.read_text("utf-8")
    edit(path, named("Deep winter"))
    until(lambda: running.name(key=key) == "Deep winter")
    path.write_text("{", "utf-8")
    until(lambda: "" not in running.notes(key=key))
    assert running.notes(key=key) == {f"stale; see winter: {CUSTOMERS}:1:2, or GET /fixtures on the admin port"}
    assert running.notes() == {""}
    assert (running.state("winter"), running.state()) == ("stale", "fresh")
    path.write_text(right, "utf-8")
    until(lambda: running.notes(key=key) == {""})
    assert running.reload(set="winter")["ok"]


def test_a_sandbox_whose_set_is_not_given_any_more_says_so(tmp_path: Path) -> None:
    folder, state = winter(tmp_path / "winter"), ("--state", str(tmp_path / "state"))
    with serving(tmp_path, *state, "--fixture-set", f"winter={folder}") as server:
        key = server.minted(name="cold", **{"from": "winter"})
        server.admin("POST", "/sandboxes/cold/snapshot", {"name": "frost"})
        assert Live(server, folder).name(key=key) == "Winter"
    with serving(tmp_path, *state) as server:
        answer = server.call("GET", "/sa/customers/C-1001", key=key)
        assert (answer.status_code, answer.json()["errorCode"]) == (503, "FIXTURE_SET_MISSING")
        assert "winter" in answer.json()["errorMessage"]
        refused = server.admin("POST", "/sandboxes/cold/scenarios", {"use": ["snow"]})
        assert (refused.status_code, "--fixture-set winter=DIR" in refused.json()["errorMessage"]) == (503, True)
        assert server.admin("POST", "/sandboxes", {"from": "frost"}).json()["errorCode"] == "FIXTURE_SET_MISSING"
    done = mockspi("fixtures", "export", "out", "--sandbox", "cold", *state, cwd=tmp_path)
    assert (done.returncode, "--fixture-set winter=DIR" in done.stderr) == (2, True)
    done = mockspi("fixtures", "export", "out", "--sandbox", "cold", *state, "--fixture-set", "winter=winter", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    records: Any = json.loads((tmp_path / "out" / CUSTOMERS).read_text("utf-8"))
    assert "Winter" in [one["profile"]["firstName"] for one in records["records"]]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["winter"], "NAME=DIR is expected"),
        (["main=x"], "main is the name of --fixtures"),
        (["../x=y"], "NAME=DIR is expected"),
        (["a=x", "a=y"], "the same name is given twice"),
        (["a=nowhere"], "the fixture folder nowhere does not exist"),
    ],
    ids=str,
)
def test_a_set_that_cannot_be_is_refused_at_start(given: list[str], words: str, tmp_path: Path) -> None:
    flags = [word for one in given for word in ("--fixture-set", one)]
    done = mockspi("serve", "--port", "0", "--state", "memory", *flags, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_further_set_with_findings_is_refused_at_start_with_all_of_them(tmp_path: Path) -> None:
    folder = winter(tmp_path / "winter")
    edit(folder / CUSTOMERS, lambda document: document["records"][0].update(x=1))
    done = mockspi("serve", "--port", "0", "--state", "memory", "--fixture-set", f"winter={folder}", cwd=tmp_path)
    assert done.returncode == 2
    assert f"{folder}/{CUSTOMERS}:" in done.stderr
    assert f"{folder} is not served" in done.stderr


def test_the_header_is_only_there_while_something_is_wrong(server: Server) -> None:
    assert NOTE not in server.call("GET", "/sa/customers/C-1001").headers
