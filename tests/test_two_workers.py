"""Two workers: whatever one of them does or is told, the other knows with its next call.

Each test has one open connection to each worker: whose it is, the kernel tells.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import Server, serving
from processes import children

NOON = 1_800_000_000_000
GOOD = "/sa/customers/C-1001"


@dataclass
class Worker:
    """One worker, by its process, and a connection that it answers."""

    pid: int
    base: str
    connection: http.client.HTTPConnection

    def call(self, key: str, method: str = "GET", path: str = GOOD, body: Any = None) -> tuple[int, Any]:
        """Status and body of one call."""
        self.connection.request(method, f"{self.base}{path}?api_key={key}", None if body is None else json.dumps(body),
                                {"Content-Type": "application/json"})  # fmt: skip
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None


@dataclass
class Pair:
    """A server and its two workers."""

    server: Server
    workers: list[Worker]

    def both(self, key: str, method: str = "GET", path: str = GOOD, body: Any = None) -> list[tuple[int, Any]]:
        """What each answers."""
        return [one.call(key, method, path, body) for one in self.workers]

    def codes(self, key: str, turns: int = 1) -> list[int]:
        """Statuses of a good call, by turns."""
        return [status for _ in range(turns) for status, _ in self.both(key)]

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the admin port, which must do well."""
        answer = self.server.admin(method, path, body)
        assert answer.ok, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The two."""
    with serving(tmp_path_factory.mktemp("two"), "--workers", "2", "--auto-sandbox", "auto-") as server:
        found: dict[int, Worker] = {}
        deadline = time.monotonic() + 60
        while len(found) < 2:
            assert time.monotonic() < deadline, "one worker answers every connection"
            worker = connected(server)
            if found.setdefault(worker.pid, worker) is not worker:
                worker.connection.close()
        yield Pair(server, list(found.values()))
        for worker in found.values():
            worker.connection.close()


def connected(server: Server) -> Worker:
    """A connection, and who has its other end."""
    parts = urlsplit(server.base)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.request("GET", "/")
    connection.getresponse().read()
    ends = f":{parts.port:04X} [0-9A-F]+:{connection.sock.getsockname()[1]:04X} "
    lines = Path("/proc/net/tcp").read_text().splitlines()
    (inode,) = {line.split()[9] for line in lines if re.search(ends, line)} - {"0"}  # it may be told twice
    link = f"socket:[{inode}]"
    assert server.process is not None
    for pid in children(server.process.pid):
        if any(_link(one) == link for one in Path(f"/proc/{pid}/fd").iterdir()):
            return Worker(pid, parts.path, connection)
    raise AssertionError("no worker has the connection")


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except FileNotFoundError:
        return ""


def test_there_are_two_of_them(pair: Pair) -> None:
    assert len({one.pid for one in pair.workers}) == 2


@pytest.mark.parametrize("first", [0, 1])
def test_a_record_is_there_and_a_reset_takes_it_from_both(first: int, pair: Pair) -> None:
    key = pair.server.minted()
    for _ in range(3):
        made = pair.workers[first].call(
            key, "POST", "/sa/customers", {"profile": {"customerId": "K-1", "firstName": "A", "lastName": "B"}}
        )
        assert "errorCode" not in made[1], made
        assert all("profile" in body for _, body in pair.both(key, path="/sa/customers/K-1"))
        pair.admin("POST", f"/sandboxes/{key}/reset", {"records": True})
        assert [body["errorCode"] for _, body in pair.both(key, path="/sa/customers/K-1")] == ["CUSTOMER_NOT_FOUND"] * 2


def test_a_snapshot_brings_back_what_both_had_written(pair: Pair) -> None:
    key = pair.server.minted(name="camera")
    for number, one in enumerate(pair.workers):
        one.call(key, "POST", "/sa/customers", {"profile": {"customerId": f"K-{number}", "firstName": "A", "lastName": "B"}})
    assert pair.admin("POST", "/sandboxes/camera/snapshot", {"name": "both"})["records"] == 2
    pair.admin("POST", "/sandboxes/camera/reset", {})
    pair.admin("POST", "/sandboxes/camera/restore", {"name": "both"})
    for number in range(2):
        assert all("profile" in body for _, body in pair.both(key, path=f"/sa/customers/K-{number}"))


def test_ids_of_a_seed_go_on_whichever_worker_gives_them(pair: Pair) -> None:
    def ids(order: list[int]) -> list[str]:
        key, body = pair.server.minted(seed="s"), {"profile": {"firstName": "A", "lastName": "B"}}
        made = [pair.workers[index].call(key, "POST", "/sa/customers", body) for index in order]
        return [one["profile"]["customerId"] for _, one in made]

    assert ids([0, 1, 1, 0]) == ids([1, 0, 0, 0]) == ids([1, 1, 1, 1])


def test_the_journal_has_each_call_in_order_and_verify_counts_them(pair: Pair) -> None:
    key = pair.server.minted(name="counted")
    for turn in range(1, 4):
        pair.both(key)
        found = pair.admin("GET", f"/sandboxes/{key}/journal")
        assert [one["number"] for one in found["entries"]] == list(range(1, 2 * turn + 1))
        question = {"contract": "GET_CUSTOMER", "count": {"exactly": 2 * turn}}
        assert pair.admin("POST", "/sandboxes/counted/verify", question) == {"ok": True, "count": 2 * turn}
    pair.admin("POST", "/sandboxes/counted/reset", {"journal": True})
    pair.workers[1].call(key)
    assert [one["number"] for one in pair.admin("GET", f"/sandboxes/{key}/journal")["entries"]] == [7]


@pytest.mark.parametrize("last", [0, 1])
def test_await_hears_both(last: int, pair: Pair) -> None:
    key, heard = pair.server.minted(), []
    question = {"contract": "GET_CUSTOMER", "count": {"atLeast": 2}, "timeout": 60_000}
    waiting = threading.Thread(target=lambda: heard.append(pair.admin("POST", f"/sandboxes/{key}/await", question)))
    waiting.start()
    pair.workers[1 - last].call(key)
    assert waiting.is_alive()
    pair.workers[last].call(key)
    waiting.join(60)
    assert heard == [{"ok": True, "count": 2}]


@pytest.mark.parametrize("wanted", ["sandbox", "rule"])
def test_a_quota_is_one_for_both(wanted: str, pair: Pair) -> None:
    quota = {"limit": 5, "window": 60_000}
    key = pair.server.minted(clock={"frozen": NOON}, **({"quota": quota} if wanted == "sandbox" else {}))
    if wanted == "rule":
        pair.admin("POST", f"/sandboxes/{key}/rules", {"rules": [{"then": {"quota": quota}}]})
    assert pair.codes(key, 4) == [200] * 5 + [429] * 3
    pair.admin("POST", f"/sandboxes/{key}/clock", {"advance": 60_000})
    assert pair.codes(key, 3) == [200] * 5 + [429]


def test_the_clock_is_one_for_both(pair: Pair) -> None:
    key, now = pair.server.minted(clock={"frozen": NOON}), NOON
    line = {"orderItemId": "1", "productId": "P-1001", "quantity": 1, "price": 24}
    cart = {"cartId": "CT", "storeId": "S-102", "currency": "USD", "productList": [line]}
    for change in ({"advance": 5000}, {"frozen": NOON - 10**9}, {"advance": 1}):
        now = pair.admin("POST", f"/sandboxes/{key}/clock", change)["now"]
        held = pair.both(key, "POST", "/sa/cartValidation", cart)
        assert {body["reservation"]["expiresAt"] for _, body in held} == {now + 900_000}


def test_rules_are_counted_once_for_both_and_go_from_both(pair: Pair) -> None:
    key = pair.server.minted()
    rules = f"/sandboxes/{key}/rules"
    pair.admin("POST", rules, {"rules": [{"when": {"times": {"first": 3}}, "then": {"status": 503}}]})
    assert pair.codes(key, 3) == [503] * 3 + [200] * 3
    pair.admin("PUT", rules, {"rules": [{"when": {"times": {"every": 3}}, "then": {"status": 500}}]})
    assert pair.codes(key, 3) == [200, 200, 500] * 2
    pair.admin("DELETE", rules)
    assert pair.codes(key, 3) == [200] * 6
    pair.admin("POST", f"/sandboxes/{key}/scenarios", {"use": ["flaky-first-call"]})
    assert pair.codes(key, 2) == [503, 200, 200, 200]
    pair.admin("POST", rules, {"rules": [{"then": {"status": 418}}]})
    assert pair.codes(key) == [418] * 2
    pair.admin("POST", f"/sandboxes/{key}/reset", {"rules": True})
    assert pair.codes(key) == [200] * 2


def test_a_key_opens_and_closes_for_both(pair: Pair) -> None:
    for _ in range(3):
        key = pair.server.minted(name="here-and-gone", api_key="key-here-and-gone")
        assert pair.codes(key) == [200] * 2
        pair.admin("DELETE", "/sandboxes/here-and-gone")
        assert pair.codes(key) == [401] * 2


def test_a_key_that_opens_its_own_sandbox_opens_the_same_one_for_both(pair: Pair) -> None:
    pair.workers[0].call("auto-1", "POST", "/sa/customers", {"profile": {"customerId": "K-1", "firstName": "A", "lastName": "B"}})
    assert "profile" in pair.workers[1].call("auto-1", path="/sa/customers/K-1")[1]
    names = [one["name"] for one in pair.admin("GET", "/sandboxes")["sandboxes"]]
    assert names.count("auto-1") == 1
