"""Faults and delays as a client's socket sees them, with one worker and with two; and as far as plain WSGI can."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import ROOT, Server, serving, until
from test_serve import connect, read_all
from troubled import troubled
from werkzeug.test import Client

from mockspi import building, settings
from mockspi.server.app import create_app

PATH = "/spi/1.0/sa/customers/C-1001"
TROUBLED = (str(ROOT / "tests" / "troubled.py"),)


@pytest.fixture(scope="module", params=["1", "2"], ids=["one worker", "two workers"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that makes trouble."""
    with serving(tmp_path_factory.mktemp("trouble"), "--workers", request.param, program=TROUBLED) as one:
        yield one


def send(connection: socket.socket, server: Server, method: str = "GET", path: str = PATH, **trouble: Any) -> None:
    """One request that asks for trouble."""
    head = f"{method} {path}?api_key={server.key} HTTP/1.1\r\nHost: mock\r\nX-Trouble: {json.dumps(trouble)}\r\n\r\n"
    connection.sendall(head.encode())


def well(connection: socket.socket, server: Server) -> bytes:
    """The body of a call without trouble on an open connection."""
    send(connection, server)
    return whole(connection)


def whole(connection: socket.socket) -> bytes:
    """The body of one reply, which says how long it is."""
    got = b""
    while (found := re.search(rb"content-length: (\d+)\r\n(?s:.*?)\r\n\r\n", got)) is None or len(got) < found.end() + int(
        found[1]
    ):
        part = connection.recv(65536)
        assert part, got
        got += part
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    return got[found.end() :]


def ask(server: Server, **trouble: Any) -> bytes:
    """The bytes that come of a request, on a connection of its own that was good for one call before."""
    with connect(server) as connection:
        assert well(connection, server).startswith(b"{")
        send(connection, server, **trouble)
        return read_all(connection)


def body(server: Server) -> bytes:
    """The body without trouble."""
    with connect(server) as connection:
        return well(connection, server)


def workers(server: Server) -> list[int]:
    """The server's own children: its workers and the admin port."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return [int(child) for child in children]


def held(server: Server) -> int:
    """How many files and threads the processes of the server have."""
    return sum(len(list(Path(f"/proc/{one}/{what}").iterdir())) for one in workers(server) for what in ("fd", "task"))


def test_reset_is_a_reset(server: Server) -> None:
    with pytest.raises(ConnectionResetError):
        ask(server, fault="reset")


def test_empty_is_not_one_byte(server: Server) -> None:
    assert ask(server, fault="empty") == b""


def test_truncate_promises_the_whole_body_and_brings_half(server: Server) -> None:
    good = body(server)
    head, _, got = ask(server, fault="truncate").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: %d" % len(good) in head
    assert got == good[: len(good) // 2]


def test_garbage_comes_after_good_headers_and_is_the_same_each_time(server: Server) -> None:
    good = body(server)
    first, second = (ask(server, fault="garbage").partition(b"\r\n\r\n") for _ in range(2))
    assert first[0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-type: application/json" in first[0]
    assert len(first[2]) == len(good)
    assert first[2] == second[2]
    with pytest.raises(UnicodeDecodeError):
        first[2].decode()


def test_a_timeout_never_answers_until_the_client_gives_up(server: Server) -> None:
    with connect(server) as connection:
        send(connection, server, fault="timeout")
        connection.settimeout(1)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_dribble_brings_the_body_in_pieces_and_keeps_the_connection(server: Server) -> None:
    with connect(server) as connection:
        good = well(connection, server)
        send(connection, server, fault="dribble", chunk=len(good) // 4, interval=120)
        parts: list[bytes] = []
        while not b"".join(parts).endswith(good):
            parts.append(connection.recv(65536))
        assert len(parts) >= 4, "it came in one piece"
        assert well(connection, server) == good


def test_a_delayed_reply_is_the_same_reply(server: Server) -> None:
    with connect(server) as connection:
        good = well(connection, server)
        send(connection, server, delay=1000)
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(30)
        assert whole(connection) == good


@pytest.mark.parametrize("fault", ["truncate", "garbage"])
def test_a_reply_without_a_body_can_be_broken_too(server: Server, fault: str) -> None:
    with connect(server) as connection:
        send(connection, server, method="OPTIONS", fault=fault)
        got = read_all(connection)
    assert got.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert (b"\r\n\r\n" in got) == (fault == "garbage")


@pytest.mark.parametrize("fault", ["reset", "empty", "truncate", "garbage"])
def test_a_delay_comes_before_the_fault(server: Server, fault: str) -> None:
    with connect(server) as connection:
        send(connection, server, fault=fault, delay=1000)
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_faults_leave_no_files_and_no_threads_behind_and_no_line_in_the_log(server: Server) -> None:
    ask_all(server, 2)
    before, log = held(server), server.log.read_text()
    ask_all(server, 40)
    until(lambda: held(server) <= before + 10)  # a worker that was idle until now opens its databases; 200 would be a leak
    assert server.log.read_text() == log


def ask_all(server: Server, times: int) -> None:
    """Every fault, some times over."""
    for _ in range(times):
        for fault in ("empty", "truncate", "garbage"):
            ask(server, fault=fault)
        with pytest.raises(ConnectionResetError):
            ask(server, fault="reset")
        with connect(server) as connection:
            send(connection, server, fault="timeout")


def test_others_notice_nothing(server: Server) -> None:
    good, stop = body(server), threading.Event()

    def calm(_: int) -> int:
        calls = 0
        with connect(server) as connection:
            while not stop.wait(0.02) or not calls:
                assert well(connection, server) == good
                calls += 1
        return calls

    with ThreadPoolExecutor(50) as others:
        running = [others.submit(calm, number) for number in range(50)]
        try:
            ask_all(server, 10)
        finally:
            stop.set()
        assert min(one.result() for one in running) > 0


def test_a_thousand_and_more_may_hang_and_the_next_is_answered(server: Server) -> None:
    hanging = [connect(server) for _ in range(1500)]
    try:
        for one in hanging:
            send(one, server, fault="timeout")
        assert ask(server, fault="truncate").startswith(b"HTTP/1.1 200 OK\r\n")
    finally:
        for one in hanging:
            one.close()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT], ids=lambda one: str(one.name))
def test_the_way_out_wakes_who_sleeps_and_leaves_who_hangs(sign: signal.Signals, tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2", program=TROUBLED) as server:
        good = body(server)
        sleeping, hanging, broken = connect(server), connect(server), connect(server)
        for one, trouble in ((sleeping, {"delay": 3_600_000}), (hanging, {"fault": "timeout"}), (broken, {"delay": 3_600_000})):
            send(one, server, **({**trouble, "fault": "truncate"} if one is broken else trouble))
        with connect(server) as connection:
            assert well(connection, server) == good  # by now the others have arrived
        os.kill(server.process.pid, sign)
        assert whole(sleeping) == good
        assert read_all(hanging) == b""
        assert read_all(broken).endswith(good[: len(good) // 2])
        for one in (sleeping, hanging, broken):
            one.close()
        assert server.process.wait(30) == 0
    assert "Traceback" not in server.log.read_text()


# --- plain WSGI


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Asks the Flask application for trouble."""
    for name in [name for name in os.environ if name.startswith("MOCKSPI_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    chosen = settings.load({"state": str(tmp_path / "state")})
    app = Client(create_app(troubled(building.build(chosen).service())))
    return lambda **trouble: app.get(f"{PATH}?api_key=mockspi-staging", headers={"X-Trouble": json.dumps(trouble)})


@pytest.mark.parametrize("fault", ["reset", "empty", "garbage", "timeout"])
def test_wsgi_says_that_it_does_not_reach_the_connection(fault: str, client: Callable[..., Any]) -> None:
    answer = client(fault=fault)
    assert (answer.status_code, answer.json["errorCode"]) == (500, "FAULT_NEEDS_SERVER")
    assert fault in answer.json["errorMessage"]


def test_wsgi_can_truncate_and_dribble_and_wait(client: Callable[..., Any]) -> None:
    good = client()
    cut, slow = client(fault="truncate"), client(fault="dribble", chunk=100, interval=1, delay=1)
    assert cut.headers["Content-Length"] == str(len(good.data))
    assert cut.data == good.data[: len(good.data) // 2]
    assert slow.data == good.data


def test_requests_sees_what_it_would_see_of_a_broken_server(server: Server) -> None:
    for fault in ("reset", "empty"):
        with pytest.raises(requests.ConnectionError):
            server.call("GET", "/sa/customers/C-1001", headers={"X-Trouble": json.dumps({"fault": fault})})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        server.call("GET", "/sa/customers/C-1001", headers={"X-Trouble": json.dumps({"fault": "truncate"})})
    with pytest.raises(requests.JSONDecodeError):
        server.call("GET", "/sa/customers/C-1001", headers={"X-Trouble": json.dumps({"fault": "garbage"})}).json()
