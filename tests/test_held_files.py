"""Another process holds a file of the state for a while: nothing is lost, and who need not wait does not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests
from conftest import Server, serving
from journals import Box, new_box

PATIENCE = 60


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module", params=["1", "2"])
def house(request: pytest.FixtureRequest, state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("held"), "--workers", request.param, "--state", str(state)) as server:
        yield server


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Nobody else writes to a file meanwhile."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")


def begun(pool: ThreadPoolExecutor, box: Box, many: int) -> list[Future[requests.Response]]:
    return [pool.submit(box.call, "GET", f"/sa/customers/C-{number}") for number in range(many)]


def test_a_held_journal_loses_no_entry_and_stops_no_call_that_sleeps(house: Server, state: Path) -> None:
    box = new_box(house)
    slow = {"when": {"contract": "SEARCH_ORDERS"}, "then": {"delay": {"fixed": 1500}}}
    box.ask("POST", f"/sandboxes/{box.key}/rules", json={"rules": [slow]})
    with ThreadPoolExecutor(16) as pool:
        sleeper = pool.submit(box.call, "POST", "/sa/orders/search", json={"orderId": "O-1"})
        assert box.wait(30_000, contract="SEARCH_ORDERS")["ok"]
        with held(state / "journal.sqlite"):
            waiting = begun(pool, box, 10)
            assert sleeper.result(PATIENCE).status_code == 200
            told = house.admin("GET", f"/sandboxes/{box.key}/journal")
            if any(one.done() for one in waiting):  # answered, and told to nobody as if they were not
                assert (told.status_code, told.json()["errorCode"]) == (503, "STORE_BUSY")
            else:
                assert told.json()["totalCount"] == 1
        assert [one.result(PATIENCE).status_code for one in waiting] == [200] * 10
    assert box.journal()["totalCount"] == 11


def test_held_counts_stop_only_the_calls_that_are_counted_and_count_each_once(house: Server, state: Path) -> None:
    counted, other = new_box(house), new_box(house)
    rule = {"when": {"contract": "GET_CUSTOMER", "times": {"first": 4}}, "then": {"status": 503}}
    counted.ask("POST", f"/sandboxes/{counted.key}/rules", json={"rules": [rule]})
    with ThreadPoolExecutor(16) as pool:
        with held(state / "rules.sqlite"):
            waiting = begun(pool, counted, 10)
            assert [other.call("GET", "/sa/customers/C-1001").status_code for _ in range(20)] == [200] * 20
            assert counted.call("GET", "/sa/orders/O-1").status_code == 200
            assert not any(one.done() for one in waiting)
        codes = [one.result(PATIENCE).status_code for one in waiting]
    assert sorted(codes) == [200] * 6 + [503] * 4
    assert counted.journal(contract="GET_CUSTOMER")["totalCount"] == 10


def test_what_cannot_be_emptied_now_says_so_or_waits_and_is_whole_either_way(house: Server, state: Path) -> None:
    box = new_box(house)
    for number in range(5):
        box.call("GET", f"/sa/customers/C-{number}")
    assert box.journal()["totalCount"] == 5
    with ThreadPoolExecutor(1) as pool:
        with held(state / "journal.sqlite"):
            emptied = pool.submit(box.ask, "DELETE", f"/sandboxes/{box.key}/journal")
            assert box.journal()["totalCount"] == 5
        assert emptied.result(PATIENCE).json()["done"].endswith("5 journal entries dropped")
    assert box.journal()["totalCount"] == 0
