"""Two workers under load, and the journal: every call is in it, those of one client in their order, for whoever asks next.

The client's calls go to one worker or the other as the dice fall; meanwhile others keep both busy in the same sandbox.
"""

from __future__ import annotations

import http.client
import os
import random
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import test_two_workers
from conftest import Server, serving, until
from processes import workers_of
from test_again import pipelined
from test_two_workers import GOOD, Pair, Worker, connected

pair = test_two_workers.pair
TAX, SEARCH = "/taxEngine/calculateTax", "/sa/orders/search"
GONE = (OSError, http.client.HTTPException)


@pytest.fixture
def key(pair: Pair) -> str:
    """A sandbox of its own."""
    return pair.server.minted()


@contextmanager
def of_both(server: Server, many: int = 1) -> Iterator[list[Worker]]:
    """So many connections of one's own to each worker."""
    found: dict[int, list[Worker]] = {}
    with ExitStack() as stack:
        while len(found) < 2 or min(map(len, found.values())) < many:
            worker = connected(server)
            stack.callback(worker.connection.close)
            found.setdefault(worker.pid, []).append(worker)
        yield [worker for pid in sorted(found) for worker in found[pid][:many]]


def ask(worker: Worker, key: str, name: str, kind: str = "") -> str:
    """A call that is known by its name, of one of several kinds."""
    kind = kind or random.choice(("tax", "search", "get"))
    if kind == "get":
        worker.call(key, path=f"/sa/customers/{name}")
    else:
        worker.call(key, "POST", TAX if kind == "tax" else SEARCH, {"cartId": name, "customerId": name})
    return name


def name_of(entry: dict[str, Any]) -> str:
    """By what a call is known."""
    return str(entry["body"]["cartId"]) if "body" in entry else str(entry["path"]).rpartition("/")[2]


@contextmanager
def load(server: Server, key: str, many: int = 1) -> Iterator[list[list[str]]]:
    """Clients for each worker that call as quickly as they are answered; the names of what was, for each."""
    over = threading.Event()
    answered: list[list[str]] = [[] for _ in range(2 * many)]
    numbers = count()

    def client(worker: Worker, told: list[str]) -> None:
        with suppress(*GONE):
            while not over.is_set() and len(told) < 1_000:  # a journal keeps 10,000
                told.append(ask(worker, key, f"load-{next(numbers)}"))
                worker.call(key)  # given again

    with of_both(server, many) as workers:
        threads = [threading.Thread(target=client, args=each) for each in zip(workers, answered, strict=True)]
        for one in threads:
            one.start()
        try:
            yield answered
        finally:
            over.set()
            for one in threads:
                one.join()


def entries(server: Server, key: str, since: int = 0) -> list[dict[str, Any]]:
    """The journal, oldest first."""
    found: list[dict[str, Any]] = []
    while page := server.admin("GET", f"/sandboxes/{key}/journal?pageSize=500&since={since}").json()["entries"]:
        found += page
        since = page[-1]["number"]
    return found


def kept(server: Server, key: str) -> list[str]:
    """The names of the calls in the journal, whose numbers leave nothing out."""
    found = entries(server, key)
    numbers = [one["number"] for one in found]
    assert numbers == list(range(1, len(numbers) + 1))
    return [name_of(one) for one in found]


def ordered(found: list[str], clients: list[list[str]]) -> bool:
    """Whether what each client had answered is there, in its order."""
    return all([name for name in found if name in mine] == one for one, mine in [(one, set(one)) for one in clients])


@pytest.mark.parametrize("busy", [0, 1, 2], ids=["alone", "beside two", "beside four"])
def test_one_clients_calls_are_in_their_order_and_there_for_who_asks_next(busy: int, pair: Pair, key: str) -> None:
    told: list[str] = []
    with load(pair.server, key, busy) as others:
        while len(told) < 150:
            for _ in range(random.randrange(30)):
                told.append(ask(random.choice(pair.workers), key, f"own-{len(told)}"))
            told.append(ask(random.choice(pair.workers), key, f"own-{len(told)}", "tax"))
            question = {"contract": "TAX_SERVICE.calculateTax", "match": {"/cartId": told[-1]}, "count": {"exactly": 1}}
            assert pair.admin("POST", f"/sandboxes/{key}/verify", question) == {"ok": True, "count": 1}
    assert ordered(kept(pair.server, key), [told, *others])


def test_calls_given_again_are_among_the_others_in_their_order(pair: Pair, key: str) -> None:
    pair.both(key)
    told = ["C-1001", "C-1001"]
    for number in range(400):
        worker = random.choice(pair.workers)
        if random.random() < 0.3:
            told.append(ask(worker, key, f"own-{number}"))
        else:
            worker.call(key)
            told.append("C-1001")
    assert kept(pair.server, key) == told


def test_what_is_emptied_in_the_middle_is_what_came_before(pair: Pair, key: str) -> None:
    for turn in range(10):
        with load(pair.server, key) as others:
            before = [ask(random.choice(pair.workers), key, f"before-{turn}-{number}") for number in range(20)]
            assert pair.server.admin("DELETE", f"/sandboxes/{key}/journal").ok
            after = [ask(random.choice(pair.workers), key, f"after-{turn}-{number}") for number in range(20)]
        found = [name_of(one) for one in entries(pair.server, key)]
        assert not set(before) & set(found)
        assert ordered(found, [after])
        for one in others:
            left = [name for name in one if name in found]
            assert left == one[len(one) - len(left) :], "of each client the last, without a gap"


def test_a_deleted_sandbox_takes_its_journal_along(pair: Pair) -> None:
    for _ in range(5):
        key = pair.server.minted(name="brief", api_key="key-brief")
        with load(pair.server, key):
            assert pair.server.admin("DELETE", "/sandboxes/brief").ok
        pair.server.minted(name="brief", api_key=key)
        assert kept(pair.server, key) == []
        assert pair.server.admin("DELETE", "/sandboxes/brief").ok


def test_a_journal_at_its_bound_keeps_the_newest_of_both(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2", "--journal-entries", "50") as server, of_both(server) as workers:
        told = [ask(random.choice(workers), server.key, f"own-{number}") for number in range(700)]
        found = server.admin("GET", "/sandboxes/staging/journal?pageSize=500").json()
        assert [name_of(one) for one in found["entries"]][-50:] == told[-50:]
        assert found["lastNumber"] == 700 == found["dropped"] + len(found["entries"])
        pipelined(server, [("GET", GOOD, b"")] * 400)  # more than are kept, noted before any of them is written
        told = [ask(workers[number % 2], server.key, f"more-{number}") for number in range(20)]
        found = server.admin("GET", "/sandboxes/staging/journal?pageSize=500").json()
        assert [name_of(one) for one in found["entries"]][-50:] == ["C-1001"] * 30 + told
        assert found["lastNumber"] == 1_120 == found["dropped"] + len(found["entries"])


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped and killed"])
def test_a_worker_that_is_killed_takes_only_its_own_last_calls_along(sign: signal.Signals, tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as server, of_both(server) as workers:
        with load(server, server.key, 2) as others:
            until(lambda: all(len(one) > 100 for one in others))
            os.kill(workers[0].pid, sign)
            told = [ask(workers[1], server.key, f"own-{number}") for number in range(100)]
            with suppress(ProcessLookupError):
                os.kill(workers[0].pid, signal.SIGKILL)
            until(lambda: workers[0].pid not in (now := workers_of(server)) and len(now) == 2)
            with of_both(server) as both:
                told += [ask(random.choice(both), server.key, f"own-{number}") for number in range(100, 200)]
        found = kept(server, server.key)
        assert ordered(found, [told])
        for one in others:
            there = [name for name in one if name in set(found)]
            assert there == one[: len(there)]
            assert len(there) > 100 - 30, "what was answered long before"
        assert sum(ordered(found, [one]) for one in others) >= 2, "those of the other worker have lost nothing"


def test_what_is_staged_outlives_everybody_and_is_there_once(tmp_path: Path) -> None:
    state = ("--workers", "2", "--state", str(tmp_path / "state"))
    with serving(tmp_path, *state) as server:
        with load(server, server.key) as others:
            until(lambda: all(len(one) > 100 for one in others))
            for pid in [*workers_of(server), server.process.pid]:
                os.kill(pid, signal.SIGKILL)
        server.process.wait(20)
    (tmp_path / "ready.json").unlink()  # the killed one could not
    with serving(tmp_path, *state) as server, of_both(server) as workers:
        told = [ask(random.choice(workers), server.key, f"own-{number}") for number in range(5)]
        found = kept(server, server.key)
        assert found[-5:] == told
        for one in others:
            there = [name for name in one if name in set(found)]
            assert there == one[: len(there)]
        assert len(found) == len(set(found) - {"C-1001"}) + found.count("C-1001")


def test_an_end_in_the_middle_of_a_load_leaves_nothing_unwritten(tmp_path: Path) -> None:
    state = ("--workers", "2", "--state", str(tmp_path / "state"))
    with serving(tmp_path, *state) as server, load(server, server.key, 2) as others:
        until(lambda: all(len(one) > 100 for one in others))
        server.process.terminate()
        server.process.wait(20)
    with serving(tmp_path, *state) as server:
        assert ordered(kept(server, server.key), others)


def test_calls_are_answered_where_the_journal_cannot_be_written(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with serving(tmp_path, "--workers", "2", "--state", str(state)) as server, of_both(server) as workers:
        with closing(sqlite3.connect(state / "journal.sqlite", isolation_level=None)) as journal:
            journal.execute("ALTER TABLE staging RENAME TO elsewhere")
            for number in range(40):
                assert workers[number % 2].call(server.key)[0] == 200
            until(lambda: "missing in the journal: no such table" in server.log.read_text())
            until(lambda: "cannot be put in order: no such table" in server.log.read_text())
            journal.execute("ALTER TABLE elsewhere RENAME TO staging")
        told = [ask(workers[number % 2], server.key, f"own-{number}") for number in range(20)]
        assert kept(server, server.key)[-20:] == told


def test_a_journal_from_before_there_was_a_stage_goes_on(tmp_path: Path) -> None:
    state = ("--workers", "2", "--state", str(tmp_path / "state"))
    for turn in range(2):
        with serving(tmp_path, *state) as server, of_both(server) as workers:
            ask(workers[turn], server.key, f"own-{turn}")
            assert kept(server, server.key) == ["own-0", "own-1"][: turn + 1]
        with closing(sqlite3.connect(tmp_path / "state" / "journal.sqlite")) as connection:
            connection.execute("DROP TABLE staging")
