"""Faults of rules, byte by byte: on kept and pipelined connections, of HEAD and of large replies, over IPv4 and IPv6, and on no
connection but the one that asked.
"""

from __future__ import annotations

import json
import random
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from conftest import serving
from ruled import Ruled, mint
from test_faults import whole
from test_serve import connect, read_all

LARGE = "x" * 3_000_000
FAULTS = ("reset", "empty", "truncate", "garbage")
RULES = [
    *({"when": {"query": {"want": fault}}, "then": {"fault": fault}} for fault in (*FAULTS, "timeout")),
    *({"when": {"query": {"want": f"late-{fault}"}}, "then": {"fault": fault, "delay": {"fixed": 700}}} for fault in FAULTS),
    {"when": {"query": {"want": "late"}}, "then": {"delay": {"fixed": 1500}}},
    {"when": {"query": {"want": "dribble"}}, "then": {"dribble": {"bytes": 200, "interval": 1}}},
    {"when": {"query": {"want": "busy"}}, "then": {"status": 503, "retryAfter": 7}},
    {"when": {"query": {"want": "large"}}, "then": {"reply": {"body": LARGE}}},
]


@pytest.fixture(
    scope="module", params=[("1", "127.0.0.1"), ("2", "127.0.0.1"), ("2", "::1")], ids=lambda one: f"{one[0]} workers on {one[1]}"
)
def box(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ruled]:
    """A sandbox in which a query says what goes wrong."""
    workers, host = request.param
    words = ("--workers", workers, "--host", host, "--api-key", "own=key-of-my-own")
    with serving(tmp_path_factory.mktemp("wire"), *words) as server:
        made = mint(server)
        made.rule(*RULES)
        yield made


def asked(box: Ruled, want: str = "", method: str = "GET") -> bytes:
    """The bytes of a request."""
    path = f"{urlsplit(box.server.base).path}/sa/customers/C-1001?api_key={box.key}&want={want}"
    return f"{method} {path} HTTP/1.1\r\nHost: m\r\n\r\n".encode()


def answered(box: Ruled, *wants: str, method: str = "GET") -> bytes:
    """All that comes until the server hangs up, on a connection that was good for a call before."""
    with connect(box.server) as connection:
        connection.sendall(asked(box))
        whole(connection)
        connection.sendall(b"".join(asked(box, want, method) for want in wants))
        return read_all(connection)


def happened(box: Ruled, fault: str, **options: str) -> None:
    """See that a fault is what it is called."""
    if fault == "reset":
        with pytest.raises(ConnectionResetError):
            answered(box, fault, **options)
        return
    head, _, body = answered(box, fault, **options).partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
    if fault == "empty":
        assert (head, body) == (b"", b"")
    elif fault == "truncate":
        assert 0 < len(body) < length
    else:
        assert len(body) == length
        with pytest.raises(ValueError, match="decode"):
            json.loads(body)


@pytest.mark.parametrize("fault", FAULTS)
def test_it_happens_on_a_kept_connection(fault: str, box: Ruled) -> None:
    happened(box, fault)


def test_nobody_answers_until_the_client_gives_up(box: Ruled) -> None:
    with connect(box.server) as connection:
        connection.sendall(asked(box, "timeout"))
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_status_says_when_to_come_again_and_keeps_the_connection(box: Ruled) -> None:
    with connect(box.server) as connection:
        for _ in range(2):
            connection.sendall(asked(box, "busy"))
            got = b""
            while not got.endswith(b"}"):
                got += connection.recv(65536)
            assert got.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nretry-after: 7\r\n" in got.lower()


def test_dribble_keeps_the_connection_for_the_next_call(box: Ruled) -> None:
    with connect(box.server) as connection:
        connection.sendall(asked(box))
        good = whole(connection)
        for _ in range(2):
            connection.sendall(asked(box, "dribble"))
            assert whole(connection) == good


@pytest.mark.parametrize("fault", FAULTS)
def test_head_is_broken_too(fault: str, box: Ruled) -> None:
    if fault == "reset":
        with pytest.raises(ConnectionResetError):
            answered(box, fault, method="HEAD")
        return
    got = answered(box, fault, method="HEAD")
    assert (got == b"") is (fault == "empty")
    assert (b"\r\n\r\n" in got) is (fault == "garbage"), "of a reply without a body, half of the head came"


@pytest.mark.parametrize("fault", ["empty", "truncate", "garbage"])
def test_what_was_pipelined_before_is_answered_and_what_came_behind_is_not(fault: str, box: Ruled) -> None:
    got = answered(box, "", "busy", fault, "")
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    assert got.count(b"HTTP/1.1 503 ") == 1
    assert got.count(b"HTTP/1.1 200 OK\r\n") == (1 if fault == "empty" else 2)
    assert got.endswith(b"}") is (fault == "empty")


def test_a_large_reply_comes_whole_beside_the_faults_of_others(box: Ruled) -> None:
    def large(_: int) -> None:
        with connect(box.server) as connection:
            connection.sendall(asked(box, "large"))
            assert whole(connection).decode() == LARGE

    with ThreadPoolExecutor(8) as pool:
        breaking = [pool.submit(happened, box, fault) for fault in FAULTS * 3]
        for one in [*breaking, *pool.map(large, range(6))]:
            assert one is None or one.result() is None


def test_a_large_reply_is_cut_off_for_a_slow_reader_and_nobody_waits_for_it(box: Ruled) -> None:
    other, profile = box.sibling(), {"customerId": "K-large", "firstName": LARGE[:900_000], "lastName": "Large"}
    assert other.call("POST", "/sa/customers", json={"profile": profile}).status_code == 200
    length = len(other.call("GET", "/sa/customers/K-large").content)
    other.rule({"then": {"fault": "truncate"}})
    url = urlsplit(box.server.base)
    with socket.socket(socket.AF_INET6 if ":" in str(url.hostname) else socket.AF_INET) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(30)
        slow.connect((url.hostname, url.port))
        slow.sendall(f"GET {url.path}/sa/customers/K-large?api_key={other.key} HTTP/1.1\r\nHost: m\r\n\r\n".encode())
        assert slow.recv(9) == b"HTTP/1.1 "
        happened(box, "truncate")
        assert box.call("GET", "/sa/customers/C-1001").status_code == 200
        head, _, body = read_all(slow).partition(b"\r\n\r\n")
    assert b"content-length: %d" % length in head
    assert len(body) == length // 2


def placed(here: tuple[str, int]) -> socket.socket:
    """A socket with an address and port of its own."""
    one = socket.socket(socket.AF_INET6 if ":" in here[0] else socket.AF_INET)
    one.settimeout(30)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(here)
    return one


@pytest.mark.parametrize("fault", FAULTS)
def test_a_late_fault_spares_a_new_connection_from_the_same_address_and_port(fault: str, box: Ruled) -> None:
    """The client that asked for it is gone; another has its port by the time the fault is due."""
    url = urlsplit(box.server.base)
    here = ("::1", 0) if ":" in str(url.hostname) else ("127.0.0.77", 0)  # where nobody else on this machine takes ports
    with placed(here) as first:
        first.connect((url.hostname, url.port))
        here = first.getsockname()[:2]
        first.sendall(asked(box, f"late-{fault}"))
        first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with placed(here) as second:
        second.connect((url.hostname, url.port))
        second.sendall(asked(box, "late"))
        assert whole(second).startswith(b"{")


def test_among_many_that_come_and_go_each_gets_what_it_asked_for(box: Ruled) -> None:
    """File descriptors are reused all the time here; whoever is broken must be who asked for it."""

    def visit(number: int) -> None:
        chance = random.Random(number)
        if (want := chance.choice(["", "", *FAULTS])) in FAULTS:
            happened(box, want)
            return
        with connect(box.server) as connection:
            for _ in range(chance.randint(1, 4)):
                connection.sendall(asked(box))
                assert b'"customerId":"C-1001"' in whole(connection)

    with ThreadPoolExecutor(24) as pool:
        list(pool.map(visit, range(600)))
