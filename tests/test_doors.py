"""Two doors, one service: what RSGI answers under ``mockspi serve`` is, byte for byte, what Flask answers under WSGI."""

from __future__ import annotations

import gzip
import json
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from bytewise import HEAD, JSON, delivered, form, got, posted
from conftest import Server, clean_environment, serving
from test_every_contract import EXAMPLES, FOUND, each_example
from test_serve import free_port, listens, until

from mockspi import examples
from mockspi.contracts import SPIS
from mockspi.examples import Example
from mockspi.exchange import Request

FROZEN = 1_790_000_000_000
BASE = "/spi/1.0"


@dataclass
class Doors:
    """Both doors over one state, and the admin port that makes sandboxes for them."""

    rsgi: Server
    flask: Server
    admin: str
    token: str
    state: Path

    def twins(self) -> tuple[str, str]:
        """Keys of two sandboxes in which the same calls give the same bytes."""
        return self.sandbox(), self.sandbox()

    def sandbox(self, **more: Any) -> str:
        """The key of a sandbox."""
        body = {"seed": "twins", "clock": {"frozen": FROZEN}, **more}
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.post(f"{self.admin}/sandboxes", json=body, headers=headers, timeout=30)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["api_key"])


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """``mockspi serve``, and beside it Granian's own command with the WSGI application over the same state."""
    folder, state = tmp_path_factory.mktemp("doors"), tmp_path_factory.mktemp("state")
    cache = {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    limit = ("--state", str(state), "--max-body", "65536", "--max-sandboxes", "1000")
    with serving(folder, *limit, env=cache) as rsgi:
        told = json.loads((folder / "ready.json").read_text())
        port = free_port()
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "mockspi.wsgi:app"]
        own = {"MOCKSPI_STATE": str(state), "MOCKSPI_MAX_BODY": "65536", "MOCKSPI_MAX_SANDBOXES": "1000"}
        with (folder / "wsgi.log").open("w") as log:
            environment = clean_environment({**cache, **own})
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, text=True)
        flask = Server(process, f"http://127.0.0.1:{port}{BASE}", rsgi.key, folder / "wsgi.log")
        try:
            until(lambda: listens(flask) or process.poll() is not None)
            made = Doors(rsgi, flask, told["adminUrl"], told["adminToken"], state)
            hook = {
                "connectorType": "Webhook",
                "endpointName": "VOID_CART",
                "apiEndpoint": "http://127.0.0.1:9/spi/webhooks/VOID_CART",
            }
            made.sandbox(connectors=[{**hook, "jsonHeaders": {"Authorization": "Basic of-the-doors"}}])
            yield made
        finally:
            process.terminate()
            process.wait(30)


def raw(server: Server, request: bytes) -> bytes:
    """The reply to these bytes: everything until the server hangs up."""
    url = urlsplit(server.base)
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=30) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def compared(reply: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Status line, headers without those that name the moment or the server, body."""
    head, _, body = reply.partition(b"\r\n\r\n")
    first, *headers = head.split(b"\r\n")
    other = [one for one in headers if not one.lower().startswith((b"date:", b"server:"))]
    return first, sorted(other), re.sub(rb"ERR-\w+", b"ERR", body)


def same(doors: Doors, keys: tuple[str, str], request: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Both replies, which are one; KEY and HOST stand for each one's own."""
    answers = []
    for server, key in zip((doors.rsgi, doors.flask), keys, strict=True):
        answer = raw(server, request.replace(b"KEY", key.encode()).replace(b"HOST", urlsplit(server.base).netloc.encode()))
        answer = answer.replace(urlsplit(server.base).netloc.encode(), b"HOST").replace(key.encode(), b"KEY")
        answers.append(compared(answer))
    assert answers[0] == answers[1]
    return answers[0]


def written(request: Request) -> bytes:
    """A request as bytes."""
    lines = [f"{request.method} {examples.target(request)} HTTP/1.1", "Host: HOST", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    if request.body or request.method in ("POST", "PUT"):
        lines.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + request.body


def asked(example: Example) -> bytes:
    """An example as bytes, its key still to be filled in."""
    return written(examples.request(example, BASE, "KEY"))


@each_example
def test_every_example_is_the_same_through_both_doors(example: Example, doors: Doors) -> None:
    keys = doors.twins()
    for one in examples.before(example, SPIS, FOUND):
        same(doors, keys, asked(one))
    status, _, _ = same(doors, keys, asked(example))
    assert status.startswith(b"HTTP/1.1 %d " % example.status)


CART = json.dumps(next(one for one in EXAMPLES if one.contract.id == "TAX_SERVICE.calculateTax").request["body"]).encode()
PACKED = gzip.compress(CART, mtime=0)


CLIENT = b"client_id=staging&client_secret=mockspi-staging&grant_type=password"
CUSTOMER = b"/spi/1.0/sa/customers/C-1001?api_key=KEY"
ODD: dict[str, tuple[int, bytes]] = {
    "no key": (401, got(b"/spi/1.0/sa/customers/C-1001")),
    "a wrong key": (401, got(b"/spi/1.0/sa/customers/C-1001?api_key=nobody")),
    "two keys": (401, got(CUSTOMER + b"&api_key=other")),
    "no such path": (404, got(b"/spi/1.0/nowhere?api_key=KEY")),
    "no such path and no key": (401, got(b"/nowhere")),
    "the root": (404, got(b"/?api_key=KEY")),
    "another version": (400, got(b"/spi/9.9/sa/customers/C-1001?api_key=KEY")),
    "another method": (405, got(b"/spi/1.0/sa/orders/search?api_key=KEY", method=b"PATCH")),
    "a method that nobody knows": (405, got(CUSTOMER, method=b"BREW")),
    "HEAD": (200, got(CUSTOMER, method=b"HEAD")),
    "HEAD without a key": (401, got(b"/spi/1.0/sa/customers/C-1001", method=b"HEAD")),
    "OPTIONS": (204, got(CUSTOMER, method=b"OPTIONS")),
    "OPTIONS without a key": (401, got(b"/spi/1.0/sa/customers/C-1001", method=b"OPTIONS")),
    "a slash at the end": (200, got(CUSTOMER.replace(b"?", b"/?"))),
    "two slashes": (404, got(CUSTOMER.replace(b"/sa/", b"//sa/"))),
    "dots": (404, got(b"/spi/1.0/../1.0/sa/customers/C-1001?api_key=KEY")),
    "an encoded slash": (404, got(b"/spi/1.0/sa/customers/C-10%2F01?api_key=KEY")),
    "a path that is not UTF-8": (200, got(b"/spi/1.0/sa/customers/C-%FF%C3?api_key=KEY")),
    "a path with letters": (200, got(b"/spi/1.0/sa/customers/Zo%C3%AB?api_key=KEY")),
    "raw letters in a path": (200, got("/spi/1.0/sa/customers/Zoë?api_key=KEY".encode())),
    "a NUL in a path": (200, got(b"/spi/1.0/sa/customers/C%00?api_key=KEY")),
    "a query that is not UTF-8": (200, got(b"/spi/1.0/sa/customers?lastName=%FF%C3&api_key=KEY")),
    "raw letters in a query": (200, got("/spi/1.0/sa/customers?lastName=Zoë&api_key=KEY".encode())),
    "plus and blanks in a query": (200, got(b"/spi/1.0/sa/customers?lastName=a+b%20c&firstName=&x&api_key=KEY")),
    "a question mark in a query": (200, got(b"/spi/1.0/sa/customers?lastName=a?b&api_key=KEY")),
    "a whole address in the first line": (200, got(b"http://HOST" + CUSTOMER)),
    "a language twice": (200, got(CUSTOMER.replace(b"1001", b"0"), HEAD + b"Accept-Language: xx\r\nAccept-Language: fr\r\n")),
    "a header with letters": (200, got(CUSTOMER, HEAD + "Accept-Language: dé\r\n".encode("latin-1"))),
    "a header that is not UTF-8": (200, got(CUSTOMER, HEAD + b"X-Other: \xff\xfe\r\n")),
    "a content type that cannot be read": (200, posted(CART, HEAD + "Content-Type: täxt/plain\r\n".encode())),
    "a content type twice": (200, posted(CART, JSON + b"Content-Type: text/plain\r\n")),
    "a body": (200, posted(CART)),
    "an empty body": (400, posted(b"")),
    "no JSON": (400, posted(b"{")),
    "no UTF-8": (400, posted(b'{"cartId":"\xff"}')),
    "a list": (400, posted(b"[]")),
    "another type": (415, posted(CART, HEAD + b"Content-Type: text/plain\r\n")),
    "gzip": (200, posted(PACKED, JSON + b"Content-Encoding: gzip\r\n")),
    "half a gzip": (400, posted(PACKED[:50], JSON + b"Content-Encoding: gzip\r\n")),
    "no gzip": (400, posted(CART, JSON + b"Content-Encoding: gzip\r\n")),
    "a gzip that grows": (413, posted(gzip.compress(b" " * 200_000, mtime=0), JSON + b"Content-Encoding: gzip\r\n")),
    "another packing": (415, posted(CART, JSON + b"Content-Encoding: br\r\n")),
    "chunks": (
        200,
        b"POST /spi/1.0/taxEngine/calculateTax?api_key=KEY HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
        % (JSON, len(CART), CART),
    ),
    "exactly the limit": (200, posted(CART + b" " * (65_536 - len(CART)))),
    "one byte too many": (413, posted(CART + b" " * (65_537 - len(CART)))),
    "OpenAPI": (200, got(b"/spi/1.0/openapi.json?api_key=KEY")),
    "OpenAPI, HEAD": (200, got(b"/spi/1.0/openapi.json?api_key=KEY", method=b"HEAD")),
    "OpenAPI without a key": (401, got(b"/spi/1.0/openapi.json")),
    "OpenAPI, OPTIONS without a key": (401, got(b"/spi/1.0/openapi.json", method=b"OPTIONS")),
    "OpenAPI, POST": (405, posted(b"{}", path=b"/openapi.json")),
    "OpenAPI of another version": (400, got(b"/spi/9.9/openapi.json?api_key=KEY")),
    "an event": (200, delivered(b'{"reasonCode":"SYS_CART_EXPIRED"}')),
    "an event that is not as its shape says": (200, delivered(b'{"cartId":5}')),
    "an empty event": (200, delivered(b"")),
    "an event, HEAD": (200, got(b"/spi/webhooks/VOID_CART?api_key=KEY", method=b"HEAD")),
    "an event, OPTIONS": (204, got(b"/spi/webhooks/VOID_CART?api_key=KEY", method=b"OPTIONS")),
    "an event, GET": (405, got(b"/spi/webhooks/VOID_CART?api_key=KEY")),
    "an event without a key": (401, delivered(b"{}").replace(b"?api_key=KEY", b"")),
    "an event that nobody knows": (404, delivered(b"{}", b"VOID_CRAT")),
    "an event of a connector": (200, delivered(b"{}", key=b"", more=b"Authorization: Basic of-the-doors\r\n")),
    "an event of a connector, wrong": (401, delivered(b"{}", key=b"", more=b"Authorization: Basic of-the-floor\r\n")),
    "a form for a token": (400, form(CLIENT)),
    "a form for a token that is too long": (400, form(CLIENT + b"&more=" + b"x" * 9_000)),
    "a token by GET": (405, got(b"/spi/oauth/token")),
    "a token that nobody issued": (401, got(b"/spi/1.0/sa/customers/C-1001", HEAD + b"Authorization: Bearer x.y\r\n")),
    "HTTP/1.0": (200, b"GET " + CUSTOMER + b" HTTP/1.0\r\n\r\n"),
}


@pytest.mark.parametrize(("status", "request_"), ODD.values(), ids=ODD.keys())
def test_every_odd_request_is_the_same_through_both_doors(status: int, request_: bytes, doors: Doors) -> None:
    line, headers, body = same(doors, doors.twins(), request_)
    assert line.split(b" ")[1] == b"%d" % status
    names = [one.partition(b":")[0].lower() for one in headers]
    assert len(names) == len(set(names))
    if status == 401:
        assert (body, b"content-length: 0" in headers, b"content-type" in names) == (b"", True, False)
    if status == 204:
        assert (body, b"content-length" in names) == (b"", False)


def test_head_tells_the_length_that_get_brings(doors: Doors) -> None:
    keys = doors.twins()
    _, _, body = same(doors, keys, got(CUSTOMER))
    _, headers, nothing = same(doors, keys, got(CUSTOMER, method=b"HEAD"))
    assert nothing == b""
    assert b"content-length: %d" % len(body) in headers


def test_openapi_names_the_address_by_which_it_was_called(doors: Doors) -> None:
    _, _, body = same(doors, doors.twins(), got(b"/spi/1.0/openapi.json?api_key=KEY"))
    assert json.loads(body)["servers"][0]["url"].startswith("http://HOST/spi/1.0")


def test_a_body_over_the_limit_is_refused_before_it_has_come(doors: Doors) -> None:
    start = b"POST /spi/1.0/taxEngine/calculateTax?api_key=%s HTTP/1.1\r\n%sContent-Length: 1000000000\r\n\r\n"
    url = urlsplit(doors.rsgi.base)
    for _ in range(3):
        with socket.create_connection((url.hostname or "", url.port or 0), timeout=30) as connection:
            connection.sendall(start % (doors.rsgi.key.encode(), JSON) + b" " * 65_537)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_goes_in_the_middle_of_its_body_leaves_nothing_behind(doors: Doors) -> None:
    url = urlsplit(doors.rsgi.base)
    before = open_files(doors.rsgi)
    for _ in range(30):
        with socket.create_connection((url.hostname or "", url.port or 0), timeout=30) as connection:
            connection.sendall(posted(CART)[:-10].replace(b"KEY", doors.rsgi.key.encode()))
    assert doors.rsgi.call("GET", "/sa/customers/C-1001").status_code == 200
    until(lambda: open_files(doors.rsgi) <= before + 8)  # a thread of the pool may have opened its databases


def open_files(server: Server) -> int:
    """How many files the server's processes have open."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return sum(len(list(Path(f"/proc/{child}/fd").iterdir())) for child in children)


def test_a_write_that_waits_for_another_process_keeps_no_reader_waiting(doors: Doors) -> None:
    body = {"profile": {"firstName": "Nadia", "lastName": "Vandermeer"}}
    with closing(sqlite3.connect(doors.state / "records.sqlite", isolation_level=None)) as other, ThreadPoolExecutor(8) as pool:
        other.execute("BEGIN IMMEDIATE")
        try:
            writes = [pool.submit(doors.rsgi.call, "POST", "/sa/customers", json=body) for _ in range(8)]
            for _ in range(50):
                assert doors.rsgi.call("GET", "/sa/customers/C-1001").status_code == 200
            assert not any(one.done() for one in writes)
        finally:
            other.execute("ROLLBACK")
        assert {one.result().status_code for one in writes} == {200}


def test_the_garbage_of_a_rule_is_as_long_as_its_headers_say(doors: Doors) -> None:
    key, _ = doors.twins()
    rule = {"when": {"contract": "GET_CUSTOMER"}, "then": {"fault": "garbage"}}
    headers = {"Authorization": f"Bearer {doors.token}"}
    requests.post(f"{doors.admin}/sandboxes/{key}/rules", json={"rules": [rule]}, headers=headers, timeout=30).raise_for_status()
    answer = doors.rsgi.call("GET", "/sa/customers/C-1001", key=key)
    assert answer.headers["Content-Length"] == str(len(answer.content))
    with pytest.raises(UnicodeDecodeError):
        answer.content.decode()
