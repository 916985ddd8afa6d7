"""Replies given again: never one that no longer holds, every one in the journal, in its order.

Every call is made several times, by each of two workers, so that it is answered from what is kept.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import test_two_workers
from conftest import Server, serving, until
from processes import sender_of, workers_of
from test_doors import BASE
from test_every_contract import EXAMPLES, FOUND
from test_two_workers import GOOD, Pair

from mockspi import examples
from mockspi.contracts import SPIS
from mockspi.examples import Example
from mockspi.exchange import Request
from mockspi.store.stamps import Stamps

pair = test_two_workers.pair
OFTEN = 3
BEGIN = b"HTTP/1.1 "
WASTE = "/taxEngine/calculateTax"


@pytest.fixture
def key(pair: Pair) -> str:
    """A sandbox of its own."""
    return pair.server.minted()


def warm(pair: Pair, key: str, path: str = GOOD) -> list[tuple[int, Any]]:
    """The last answers of both workers after several."""
    for _ in range(OFTEN):
        found = pair.both(key, path=path)
    return found


def entries(pair: Pair, key: str) -> list[dict[str, Any]]:
    """The journal, oldest first."""
    found: list[dict[str, Any]] = pair.admin("GET", f"/sandboxes/{key}/journal?pageSize=500")["entries"]
    return found


def test_what_one_worker_writes_the_other_tells_at_once(pair: Pair, key: str) -> None:
    for number in range(60):
        warm(pair, key)
        writer, reader = pair.workers[number % 2], pair.workers[1 - number % 2]
        writer.call(key, "PUT", "/sa/customers", {"profile": {"customerId": "C-1001", "lastName": f"Nr{number}"}})
        for worker in (reader, writer):
            assert worker.call(key)[1]["profile"]["lastName"] == f"Nr{number}"


def test_another_sandbox_of_the_same_question_has_its_own_answer(pair: Pair, key: str) -> None:
    other = pair.server.minted()
    warm(pair, key)
    warm(pair, other)
    pair.workers[0].call(key, "PUT", "/sa/customers", {"profile": {"customerId": "C-1001", "lastName": "Other"}})
    assert [body["profile"]["lastName"] for _, body in warm(pair, other)] == ["Martin", "Martin"]


def test_rules_scenarios_and_resets_hold_from_the_next_call_on(pair: Pair, key: str) -> None:
    assert pair.codes(key, OFTEN) == [200] * 2 * OFTEN
    pair.admin("POST", f"/sandboxes/{key}/rules", {"rules": [{"when": {"contract": "GET_CUSTOMER"}, "then": {"status": 503}}]})
    assert pair.codes(key, OFTEN) == [503] * 2 * OFTEN
    pair.admin("DELETE", f"/sandboxes/{key}/rules")
    assert pair.codes(key, OFTEN) == [200] * 2 * OFTEN
    pair.workers[0].call(key, "PUT", "/sa/customers", {"profile": {"customerId": "C-1001", "lastName": "Gone"}})
    warm(pair, key)
    pair.admin("POST", f"/sandboxes/{key}/reset", {"records": True})
    assert [body["profile"]["lastName"] for _, body in pair.both(key)] == ["Martin", "Martin"]


def test_a_steady_delay_comes_each_time_and_ends_with_its_rule(pair: Pair, key: str) -> None:
    rule = {"name": "slow", "when": {"contract": "GET_CUSTOMER"}, "then": {"delay": {"fixed": 60}}}
    pair.admin("POST", f"/sandboxes/{key}/rules", {"rules": [rule]})
    for _ in range(OFTEN):
        begun = time.monotonic()
        assert [body["profile"]["lastName"] for _, body in pair.both(key)] == ["Martin", "Martin"]
        assert time.monotonic() - begun >= 2 * 0.06
    pair.admin("DELETE", f"/sandboxes/{key}/rules")
    warm(pair, key)
    found = [(one["rule"], one.get("trouble", {}).get("delay")) for one in entries(pair, key)]
    assert found == [("slow", 60)] * 2 * OFTEN + [("", None)] * 2 * OFTEN


def test_a_rule_for_some_of_the_calls_is_asked_at_each(pair: Pair, key: str) -> None:
    rule = {"when": {"contract": "GET_CUSTOMER", "times": {"every": 3}}, "then": {"delay": {"fixed": 1}}}
    pair.admin("POST", f"/sandboxes/{key}/rules", {"rules": [rule]})
    pair.codes(key, 6)
    assert [bool(one["rule"]) for one in entries(pair, key)] == [False, False, True] * 4


def test_a_quota_counts_every_call(pair: Pair) -> None:
    key = pair.server.minted(quota={"limit": 5, "window": 3_600_000})
    assert sorted(pair.codes(key, 5)) == [200] * 5 + [429] * 5


def test_a_key_opens_what_it_opened_last(pair: Pair) -> None:
    key = "later-" + os.urandom(4).hex()
    assert {status for status, _ in warm(pair, key)} == {401}
    pair.admin("POST", "/sandboxes", {"name": key, "api_key": key})
    assert {status for status, _ in warm(pair, key)} == {200}
    assert pair.server.admin("DELETE", f"/sandboxes/{key}").ok
    assert {status for status, _ in warm(pair, key)} == {401}
    pair.admin("POST", "/sandboxes", {"name": key, "api_key": key})
    pair.workers[0].call(key, "PUT", "/sa/customers", {"profile": {"customerId": "C-1001", "lastName": "Second"}})
    assert [body["profile"]["lastName"] for _, body in warm(pair, key)] == ["Second", "Second"]


def test_a_sandbox_ends_in_time(pair: Pair) -> None:
    key = pair.server.minted(ttl=1500)
    assert {status for status, _ in warm(pair, key)} == {200}
    never_asked = (f"/sa/customers/X-{number}" for number in itertools.count())
    until(lambda: pair.workers[0].call(key, path=next(never_asked))[0] == 401)
    assert pair.codes(key) == [401, 401]


def test_what_depends_on_the_clock_is_asked_each_time(pair: Pair, key: str) -> None:
    returnable, last_day = "/sa/orders/O-7001", 2_082_758_400_000
    pair.admin("POST", f"/sandboxes/{key}/clock", {"frozen": last_day - 3_000})
    pair.admin("POST", f"/sandboxes/{key}/clock", {"scale": 1})
    assert "TRUE" in json.dumps(warm(pair, key, returnable))
    until(lambda: "TRUE" not in json.dumps(pair.both(key, path=returnable)))


def test_the_journal_has_every_call_in_its_order_whoever_answered(pair: Pair, key: str) -> None:
    wanted = []
    for number in range(60):
        worker = pair.workers[(number // 8) % 2]
        if number % 5 == 4:
            worker.call(key, "PUT", "/sa/customers", {"profile": {"customerId": "C-1001", "lastName": f"Nr{number}"}})
            wanted.append("UPDATE_CUSTOMER")
        else:
            worker.call(key)
            wanted.append("GET_CUSTOMER")
    found = entries(pair, key)
    assert [one["contract"] for one in found] == wanted
    assert [one["number"] for one in found] == list(range(1, 61))
    told = ["Martin"] + [one["body"]["profile"]["lastName"] for one in found if one["contract"] == "UPDATE_CUSTOMER"]
    for place, one in enumerate(found):
        if one["contract"] == "GET_CUSTOMER":
            assert one["reply"]["body"]["profile"]["lastName"] == told[place // 5]
            assert one["query"] == {"api_key": "***"}
    assert found == sorted(found, key=lambda one: one["time"])


def test_who_asks_finds_the_call_that_was_answered_a_moment_before(pair: Pair, key: str) -> None:
    warm(pair, key)
    for number in range(OFTEN * 2 + 1, 40):
        pair.workers[number % 2].call(key)
        question = {"contract": "GET_CUSTOMER", "count": {"exactly": number}}
        assert pair.admin("POST", f"/sandboxes/{key}/verify", question)["ok"] is True


def test_another_header_is_another_call(pair: Pair, key: str) -> None:
    for trace in ("a", "a", "b", "a"):
        pair.server.call("GET", GOOD, key, headers={"X-Trace": trace})
    assert [one["headers"]["x-trace"] for one in entries(pair, key)] == ["a", "a", "b", "a"]


def test_the_counts_have_every_call(pair: Pair, key: str) -> None:
    def counted() -> int:
        text = pair.server.admin("GET", "/metrics").text
        found = re.search(r'mockspi_requests_total{contract="GET_CUSTOMER",outcome="answered"} (\S+)', text)
        return int(float(found[1])) if found else 0

    before = counted()
    warm(pair, key)
    assert counted() - before == 2 * OFTEN


def test_a_journal_at_its_bound_counts_what_it_dropped(tmp_path: Path) -> None:
    with serving(tmp_path, "--journal-entries", "50") as server, requests.Session() as session:
        for _ in range(400):
            assert session.get(server.url(GOOD), params={"api_key": server.key}).status_code == 200
        found = server.admin("GET", "/sandboxes/staging/journal?pageSize=500").json()
        assert found["lastNumber"] == 400
        assert [one["number"] for one in found["entries"]][-50:] == list(range(351, 401))
        assert found["dropped"] + len(found["entries"]) == 400


def test_more_questions_than_are_kept(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        pipelined(server, [("GET", f"{GOOD}?n={number}", b"") for number in range(4_200)])
        assert server.call("GET", f"{GOOD}").status_code == 200
        assert server.admin("GET", "/sandboxes/staging/journal?pageSize=1").json()["lastNumber"] == 4_201


def test_what_came_in_quick_succession_is_in_the_journal_in_its_order(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        for turn in range(1, 4):
            calls = [("PUT", "/sa/customers"), ("GET", GOOD), ("GET", "/nowhere"), ("POST", WASTE)] * 25
            bodies = {"PUT": b'{"profile":{"customerId":"C-1001","lastName":"Nr"}}', "POST": b'"%s"' % (b"x" * 300_000)}
            pipelined(server, [(method, path, bodies.get(method, b"")) for method, path in calls])
            found = server.admin("GET", "/sandboxes/staging/journal?pageSize=500").json()
            assert found["lastNumber"] == turn * len(calls)
            newest = found["entries"][-len(calls) :]
            assert [(one["method"], one["path"].removeprefix("/spi/1.0")) for one in newest] == calls
            assert {one["query"]["api_key"] for one in newest} == {"***"}
            assert {one.get("bodyCut") for one in newest if one["method"] == "POST"} == {300_002}


def pipelined(server: Server, calls: list[tuple[str, str, bytes]]) -> None:
    """Many calls over one connection, the next as soon as one is answered."""
    address = urlsplit(server.base)
    lines = (
        f"{method} {address.path}{path}{'&' if '?' in path else '?'}api_key={server.key} HTTP/1.1\r\nHost: x\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
        for method, path, body in calls
    )
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=60) as connection:
        threading.Thread(target=connection.sendall, args=(b"".join(lines),)).start()
        answers, last = 0, b""
        while answers < len(calls):
            seen = last + connection.recv(1_048_576)
            answers, last = answers + seen.count(BEGIN), seen[1 - len(BEGIN) :]


def test_stamps_from_before_the_machine_was_started_anew_hold_nobody_up(tmp_path: Path) -> None:
    stamps = Stamps(tmp_path / "stamps")
    stamps.move("mine")
    for place in range(len(stamps.cells)):
        stamps.cells[place] = 2**62  # of a clock that was far ahead
    assert stamps.seen(("mine",), time.monotonic_ns()) is None
    stamps.move()
    time.sleep(0.001)
    assert stamps.seen(("mine",), time.monotonic_ns()) is not None


def test_a_stop_and_a_pause_leave_nothing_unwritten(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with serving(tmp_path, "--state", str(state)) as server:
        for _ in range(OFTEN):
            server.call("GET", GOOD)
        server.process.terminate()
        server.process.wait(20)
    with serving(tmp_path, "--state", str(state)) as server:
        assert server.admin("GET", "/sandboxes/staging/journal").json()["lastNumber"] == OFTEN
        for _ in range(OFTEN):
            server.call("GET", GOOD)
        time.sleep(0.5)  # idle: what was noted is written without being asked for
        for pid in [*workers_of(server), sender_of(server)]:
            os.kill(pid, signal.SIGKILL)
        server.process.wait(20)
    with serving(tmp_path, "--state", str(state)) as server:
        assert server.admin("GET", "/sandboxes/staging/journal").json()["lastNumber"] == 2 * OFTEN


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """A server that gives replies again, and one that never does."""
    fast, slow = tmp_path_factory.mktemp("fast"), tmp_path_factory.mktemp("slow")
    with serving(fast) as one, serving(slow, "--fast-door", "off") as other:
        yield one, other


@pytest.mark.parametrize("example", [one for one in EXAMPLES if not one.contract.writes], ids=lambda one: one.title)
def test_the_same_bytes_as_made_anew(doors: tuple[Server, Server], example: Example) -> None:
    told = []
    for server in doors:
        key = server.minted(seed="same", clock={"frozen": test_two_workers.NOON})
        for one in examples.before(example, SPIS, FOUND):
            send(server, examples.request(one, BASE, key))
        for _ in range(OFTEN):
            reply = send(server, examples.request(example, BASE, key))
            headers = {name: value for name, value in reply.headers.items() if name.lower() not in ("date", "server")}
            told.append((reply.status_code, headers, re.sub(rb"ERR-\w+", b"ERR", reply.content)))
    assert all(one == told[0] for one in told)


def send(server: Server, request: Request) -> requests.Response:
    """One call."""
    target = server.root + examples.target(request)
    return requests.request(request.method, target, data=request.body, headers=dict(request.headers), timeout=30)
