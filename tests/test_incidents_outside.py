"""Incidents at the edges of the server: what the command line calls and prints, and texts that a fixture set brings."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from conftest import Server, mockspi, serving
from test_serve import until

from mockspi.cli.adminclient import AdminClient
from mockspi.errors import UsageError

TOKEN = "a-token-of-the-team"


@contextmanager
def answering(reply: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Someone who answers every call with these bytes (none: never), and what they heard."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                with connection, suppress(TimeoutError):
                    heard.append(connection.recv(65536))
                    connection.sendall(reply)
                    if not reply:
                        connection.settimeout(20)
                        heard.append(connection.recv(1))  # nothing, once the other side gives up

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_command_does_not_wait_for_ever_for_who_never_answers() -> None:
    with answering(b"") as (url, heard):
        with pytest.raises(UsageError, match="no admin port answers"):
            AdminClient(url, TOKEN, timeout=0.5).call("GET", "/sandboxes")
        until(lambda: len(heard) > 1)
        assert heard[1:] == [b""], "it was let go, it did not give up"


def test_a_command_follows_nobody_elsewhere_with_its_token() -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as (elsewhere, caught):
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {elsewhere}/sandboxes\r\nContent-Length: 0\r\n\r\n"
        with answering(moved.encode()) as (url, heard):
            environment = {"http_proxy": elsewhere, "HTTP_PROXY": elsewhere, "MOCKSPI_ADMIN_TOKEN": TOKEN}
            done = mockspi("sandbox", "list", "--admin-url", url, env=environment)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert TOKEN.encode() in heard[0]
        assert not caught


def test_what_others_sent_does_not_steer_the_terminal(tmp_path: Path) -> None:
    with serving(tmp_path, "--log-calls", "on") as server:
        server.call("GET", "/sa/%1b]0;owned%07%1b[2J%0a12:00:00 200", params={"q": "\x1b[31m\n"})
        shown = mockspi("journal", "tail", "--ready-file", str(tmp_path / "ready.json")).stdout
        assert "owned" in shown
        log = server.log.read_text()
        assert "owned" in log
        for text in (shown, log.partition("owned")[2]):
            assert not {letter for letter in text if not letter.isprintable()} - {"\n"}
        assert shown.count("\n") == 1


@pytest.fixture(scope="module")
def wicked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose texts would like to be more."""
    folder = tmp_path_factory.mktemp("wicked")
    assert mockspi("init", str(folder / "set")).returncode == 0
    file = folder / "set" / "messages" / "en.json"
    texts = {
        **json.loads(file.read_text()),
        "CUSTOMER_NOT_FOUND": "{self} {customerId.__class__} {0} {customerId!r} %s ${x} {unknown}.",
    }
    file.write_text(json.dumps(texts))
    for one in (folder / "set" / "examples").iterdir():
        one.unlink()
    (folder / "set" / "examples").rmdir()
    with serving(folder, "--fixtures", str(folder / "set")) as server:
        yield server


def test_a_text_of_a_fixture_set_is_filled_with_facts_and_nothing_else(wicked: Server) -> None:
    told = wicked.call("GET", "/sa/customers/{x}").json()["errorMessage"]
    assert told == " {customerId.__class__}  {customerId!r} %s $ ."
