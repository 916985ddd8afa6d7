"""How long the outbound client bears with whom it calls, and how much of an answer it takes."""

from __future__ import annotations

import gzip
import socket
import threading
import tracemalloc
from collections.abc import Iterator

import pytest
from hooked import Receiver, receiving
from outside import OK, POST, Dribbler, listening, send, silent

from mockspi.webhooks.message import Wire
from mockspi.webhooks.outbound import KEPT, Outbound


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that answers 200."""
    with receiving() as one:
        yield one


@pytest.mark.parametrize(
    "speak",
    [
        Dribbler(b"", b"", OK),
        Dribbler(b"", b"X", b""),
        Dribbler(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a", b"\r\nContent-Length: 0\r\n\r\n"),
        Dribbler(b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n", b"a", b""),
        Dribbler(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n", b"0\r\n\r\n"),
        Dribbler(b"", b"HTTP/1.1 100 Continue\r\n\r\n", OK),
    ],
    ids=["silent", "line", "header", "body", "chunks", "continue"],
)  # fmt: skip
def test_an_attempt_ends_at_its_time_whatever_the_receiver_does(speak: Dribbler) -> None:
    with listening(speak) as port:
        heard = send(f"http://127.0.0.1:{port}/", timeout=600)
    assert (heard.status, heard.error, heard.body) == (None, "no whole answer within 600 ms", b"")
    assert heard.milliseconds >= 600
    assert not speak.whole, "it was waited for"


def test_a_connection_that_is_not_taken_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        heard = send(f"http://127.0.0.1:{full.getsockname()[1]}/", timeout=600)
        for one in waiting:
            one.close()
    assert (heard.status, heard.error) == (None, "no whole answer within 600 ms")


def test_a_handshake_that_never_ends_ends_too() -> None:
    with listening(silent) as port:
        assert send(f"https://127.0.0.1:{port}/", timeout=600).error == "no whole answer within 600 ms"


def test_a_resolver_that_never_answers_is_not_waited_for(receiver: Receiver) -> None:
    gone, answered = threading.Event(), []

    def resolve(host: str) -> list[str]:
        gone.wait(20)
        answered.append(host)
        return ["127.0.0.1"]

    heard = Outbound((), resolve).send(POST, receiver.hook, 300)
    assert (heard.error, answered) == ("no whole answer within 300 ms", [])
    gone.set()


def test_a_receiver_that_takes_nothing_is_not_waited_for() -> None:
    def deaf(connection: socket.socket) -> None:
        connection.settimeout(20)
        gone.wait(20)

    gone = threading.Event()
    with listening(deaf) as port:
        heard = send(f"http://127.0.0.1:{port}/", wire=Wire("POST", (), b"x" * 50_000_000), timeout=600)
        gone.set()
    assert heard.error == "no whole answer within 600 ms"


def test_only_so_much_of_an_answer_is_read(receiver: Receiver) -> None:
    receiver.answers = [(200, {f"X-{number}": "v" * 1000 for number in range(40)}, b"x" * 5_000_000)]
    heard = send(receiver.hook)
    assert (heard.status, len(heard.body)) == (200, KEPT)
    assert 10_000 < sum(len(name) + len(value) for name, value in heard.headers) <= 16_384


def test_a_packed_answer_is_unpacked_only_so_far(receiver: Receiver) -> None:
    bomb = gzip.compress(b"0" * 200_000_000)
    receiver.answers = [
        (200, {"Content-Encoding": "gzip"}, bomb),
        (200, {"Content-Encoding": "gzip"}, gzip.compress(b'{"errorCode":1}')),
    ]
    tracemalloc.start()
    try:
        heard = send(receiver.hook)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (heard.status, heard.body) == (200, b"0" * KEPT)
    assert peak < 20_000_000
    assert send(receiver.hook).body == b'{"errorCode":1}'
