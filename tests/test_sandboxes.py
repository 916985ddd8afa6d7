"""Sandboxes over the admin port and the command line: made, reset, snapshot, restored, expired, counted, deleted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from conftest import Server, serving, until
from sandboxes import NOON, create, has


@pytest.fixture(scope="module", params=["1", "2"], ids=lambda workers: f"{workers} workers")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose state can be looked into."""
    folder = tmp_path_factory.mktemp("house")
    with serving(folder, "--workers", request.param, "--state", str(folder / "state"), "--auto-sandbox", "auto-") as one:
        yield one


KEPT = {"records": ("records", "terms", "numbers"), "journal": ("exchanges", "journals"), "rules": ("rules", "hits", "windows")}


def spaces(server: Server) -> list[str]:
    """Whose records, journals, rules and counts are kept."""
    found = set()
    for file, tables in KEPT.items():
        connection = sqlite3.connect(server.log.parent / "state" / f"{file}.sqlite")
        for table in tables:
            found |= {name for (name,) in connection.execute(f"SELECT DISTINCT sandbox FROM {table}")}
        connection.close()
    return sorted(found)


def test_a_minted_key_opens_a_sandbox_that_nobody_else_sees(house: Server) -> None:
    made = house.admin("POST", "/sandboxes", {})
    assert made.status_code == 201
    assert made.json()["baseUrl"] == house.base
    key = made.json()["api_key"]
    create(house, key)
    assert has(house, key)
    assert not has(house, house.minted())
    assert not has(house, house.key)


def test_a_key_that_is_made_up_can_be_pasted_behind_a_command_and_into_an_address(house: Server) -> None:
    keys = {house.minted() for _ in range(200)}
    assert len(keys) == 200
    assert all(key.isascii() and key.isalnum() and len(key) >= 24 for key in keys)


def test_a_sandbox_is_read_by_name_and_by_key(house: Server) -> None:
    key = house.minted(name="read-me", seed="s", locale="fr")
    for name in ("read-me", key):
        told = house.admin("GET", f"/sandboxes/{name}").json()
        assert (told["name"], told["api_key"], told["seed"], told["locale"]) == ("read-me", key, "s", "fr")
    assert "read-me" in [one["name"] for one in house.admin("GET", "/sandboxes").json()["sandboxes"]]


@pytest.mark.parametrize("given", ["name", "api_key"])
def test_a_name_and_a_key_are_given_once(given: str, house: Server) -> None:
    house.admin("POST", "/sandboxes", {"name": f"only-{given}", "api_key": f"only-key-{given}"})
    again = {"name": f"only-{given}"} if given == "name" else {"api_key": f"only-key-{given}"}
    refused = house.admin("POST", "/sandboxes", again)
    assert (refused.status_code, refused.json()["errorCode"]) == (409, "SANDBOX_EXISTS")
    for taken in ({"name": "staging"}, {"api_key": house.key}):
        assert house.admin("POST", "/sandboxes", taken).json()["errorCode"] == "SANDBOX_EXISTS"


def test_of_many_who_ask_for_one_name_at_once_one_gets_it(house: Server) -> None:
    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda _: house.admin("POST", "/sandboxes", {"name": "race"}).status_code, range(32)))
    assert sorted(codes) == [201] + [409] * 31


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": "a/b"}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 65}, "/name"),
        ({"api_key": ""}, "/api_key"),
        ({"ttl": 0}, "/ttl"),
        ({"ttl": "5"}, "/ttl"),
        ({"tll": 5}, "/tll"),
        ({"quota": {"limit": 5}}, "/quota/window"),
        ({"quota": {"limit": -1, "window": 1000}}, "/quota/limit"),
        ({"quota": {"limit": 5, "window": 1000, "calls": 5}}, "/quota/calls"),
        ({"clock": {"frozen": "noon"}}, "/clock/frozen"),
        ({"clock": {"frozen": NOON, "shift": 1}}, "/clock"),
    ],
    ids=str,
)
def test_what_a_sandbox_cannot_be_is_said(body: dict[str, Any], path: str, house: Server) -> None:
    refused = house.admin("POST", "/sandboxes", body)
    assert (refused.status_code, refused.json()["errorCode"]) == (400, "REQUEST_INVALID")
    assert [one["path"] for one in refused.json()["errors"]] == [path]


def test_reset_brings_back_each_part_alone_or_all(house: Server) -> None:
    key = house.minted(name="parts", clock={"frozen": NOON})

    def spoil() -> None:
        create(house, key)
        house.admin("POST", "/sandboxes/parts/clock", {"advance": 5000})

    def now() -> int:
        return int(house.admin("GET", "/sandboxes/parts").json()["clock"]["now"])

    spoil()
    house.admin("POST", "/sandboxes/parts/reset", {"clock": True})
    assert (has(house, key), now()) == (True, NOON)
    house.admin("POST", "/sandboxes/parts/clock", {"advance": 5000})
    house.admin("POST", "/sandboxes/parts/reset", {"records": True, "clock": False})
    assert (has(house, key), now()) == (False, NOON + 5000)
    spoil()
    house.admin("POST", "/sandboxes/parts/reset", {"records": False})
    assert (has(house, key), now()) == (True, NOON + 10000)
    house.admin("POST", "/sandboxes/parts/reset", {})
    assert (has(house, key), now()) == (False, NOON)


def test_a_snapshot_can_be_restored_and_begun_from(house: Server) -> None:
    key = house.minted(name="camera")
    create(house, key, "K-before")
    assert house.admin("POST", "/sandboxes/camera/snapshot", {"name": "filled"}).json() == {"name": "filled", "records": 1}
    create(house, key, "K-after")
    house.call("DELETE", "/sa/customers/K-before", key=key)
    house.admin("POST", "/sandboxes/camera/restore", {"name": "filled"})
    assert (has(house, key, "K-before"), has(house, key, "K-after")) == (True, False)
    other = house.minted(**{"from": "filled"})
    found = house.call("GET", "/sa/customers", key=other, params={"lastName": "Vandermeer"}).json()["customers"]
    assert [one["profile"]["customerId"] for one in found] == ["K-before"], "what a snapshot holds can be searched"
    create(house, other, "K-other")
    assert not has(house, key, "K-other")
    assert "filled" in house.admin("GET", "/snapshots").json()["snapshots"]
    refused = house.admin("DELETE", "/snapshots/filled")
    assert (refused.status_code, refused.json()["errorCode"]) == (409, "SNAPSHOT_IN_USE")
    name = next(one["name"] for one in house.admin("GET", "/sandboxes").json()["sandboxes"] if one["api_key"] == other)
    house.admin("POST", f"/sandboxes/{name}/reset", {})
    assert (has(house, other, "K-before"), has(house, other, "K-other")) == (True, False)
    assert house.admin("DELETE", f"/sandboxes/{name}").status_code == 200
    assert house.admin("DELETE", "/snapshots/filled").status_code == 200
    for path, body in (("/sandboxes", {"from": "filled"}), ("/sandboxes/camera/restore", {"name": "filled"})):
        assert house.admin("POST", path, body).json()["errorCode"] == "SNAPSHOT_NOT_FOUND"


def test_of_a_sandbox_that_cannot_be_made_nothing_is_left(house: Server) -> None:
    create(house, house.minted(name="source"))
    house.admin("POST", "/sandboxes/source/snapshot", {"name": "one-record"})
    before = spaces(house)
    for wanted in ({"scenario": "no-such-scenario"}, {"name": "source"}, {"from": "no-such-snapshot"}, {"locale": "tlh"}):
        assert (
            house.admin("POST", "/sandboxes", {"from": "one-record", "scenario": "flaky-first-call", **wanted}).status_code >= 400
        )
        assert spaces(house) == before, wanted


def test_a_snapshot_of_an_untouched_sandbox_empties_a_touched_one(house: Server) -> None:
    key = house.minted(name="touched")
    house.admin("POST", "/sandboxes/touched/snapshot", {"name": "untouched"})
    create(house, key)
    house.admin("POST", "/sandboxes/touched/restore", {"name": "untouched"})
    assert not has(house, key)


def test_when_its_time_is_over_a_sandbox_and_its_records_are_gone(house: Server) -> None:
    key = house.minted(name="brief", ttl=1500, quota={"limit": 9000, "window": 1})
    house.admin("POST", "/sandboxes/brief/rules", {"rules": [{"when": {"times": {"after": 9000}}, "then": {"status": 500}}]})
    create(house, key)
    assert any(space.startswith("brief~") for space in spaces(house))
    until(lambda: house.call("GET", "/sa/customers/K-1", key=key).status_code == 401)
    assert house.admin("GET", "/sandboxes/brief").json()["errorCode"] == "SANDBOX_NOT_FOUND"
    until(lambda: not any(space.startswith("brief~") for space in spaces(house)))
    assert house.admin("POST", "/sandboxes", {"name": "brief"}).status_code == 201


def test_a_deleted_sandbox_is_gone_and_one_of_the_same_name_and_key_starts_afresh(house: Server) -> None:
    wanted = {"name": "phoenix", "api_key": "key-of-the-phoenix", "quota": {"limit": 9000, "window": 1}}
    for _ in range(3):
        key = house.minted(**wanted)
        assert not has(house, key)
        house.admin("POST", "/sandboxes/phoenix/rules", {"rules": [{"when": {"times": {"after": 9}}, "then": {"status": 500}}]})
        create(house, key)
        assert any(space.startswith("phoenix") for space in spaces(house))
        assert house.admin("DELETE", "/sandboxes/phoenix").status_code == 200
        assert {house.call("GET", "/sa/customers/K-1", key=key).status_code for _ in range(4)} == {401}
        assert not any(space.startswith("phoenix") for space in spaces(house))
    assert house.admin("DELETE", "/sandboxes/phoenix").status_code == 404


def test_a_sandbox_given_at_start_can_be_reset_but_not_deleted(house: Server) -> None:
    refused = house.admin("DELETE", "/sandboxes/staging")
    assert (refused.status_code, refused.json()["errorCode"]) == (409, "SANDBOX_FIXED")
    create(house, house.key)
    house.admin("POST", "/sandboxes/staging/reset", {})
    assert not has(house, house.key)


def test_at_the_cap_the_answer_says_what_to_do(tmp_path: Path) -> None:
    with serving(tmp_path, "--max-sandboxes", "2", "--auto-sandbox", "auto-") as server:
        server.minted(name="first")
        server.minted(name="brief", ttl=800)
        refused = server.admin("POST", "/sandboxes", {})
        assert (refused.status_code, refused.json()["errorCode"]) == (409, "TOO_MANY_SANDBOXES")
        assert "There are already 2 sandboxes" in refused.json()["errorMessage"]
        assert "--max-sandboxes" in refused.json()["errorMessage"]
        on_its_own = server.call("GET", "/sa/customers/C-1001", key="auto-third")
        assert (on_its_own.status_code, on_its_own.json()["errorCode"]) == (409, "TOO_MANY_SANDBOXES")
        until(lambda: server.admin("POST", "/sandboxes", {"name": "third"}).status_code == 201)
        assert len(server.admin("GET", "/sandboxes").json()["sandboxes"]) == 3, "staging does not count"


def test_an_unknown_key_with_the_prefix_opens_its_own_sandbox(house: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: house.call("GET", "/sa/customers/C-1001", key="auto-7").status_code, range(16)))
    assert set(codes) == {200}
    create(house, "auto-7")
    create(house, "auto-mit Leerzeichen/und mehr")
    assert has(house, "auto-7")
    assert not has(house, "auto-8")
    assert house.call("GET", "/sa/customers/C-1001", key="other-7").status_code == 401


def test_without_the_setting_no_key_opens_anything_on_its_own(server: Server) -> None:
    for key in ("", "auto-1", "\x00", "key-box"):
        assert server.call("GET", "/sa/customers/C-1001", params={"api_key": key}).status_code == 401


def test_sandboxes_and_clocks_outlive_the_server_but_a_key_that_is_no_longer_given_opens_nothing(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "kept"))
    with serving(tmp_path, *state, "--api-key", "old=key-of-the-old") as server:
        key = server.minted(name="kept")
        create(server, key)
        server.admin("POST", "/sandboxes/old/clock", {"frozen": NOON})
    with serving(tmp_path, *state, "--api-key", "new=key-of-the-new") as server:
        assert has(server, key)
        assert server.call("GET", "/sa/customers/C-1001", key="key-of-the-old").status_code == 401
    with serving(tmp_path, *state, "--api-key", "old=another-key") as server:
        assert server.admin("GET", "/sandboxes/old").json()["clock"]["now"] == NOON
        assert server.call("GET", "/sa/customers/C-1001", key="key-of-the-old").status_code == 401


def test_making_one_does_not_grow_with_the_set_or_with_what_others_wrote(house: Server) -> None:
    """Not timed: what is stored when a sandbox is made is one row, and no record."""
    for one in house.admin("GET", "/sandboxes").json()["sandboxes"]:  # who reads a journal waits for it; some end meanwhile
        house.admin("GET", f"/sandboxes/{quote(one['name'], safe='')}/journal?pageSize=1")
    before = spaces(house)
    house.minted(name="cheap")
    assert spaces(house) == before
