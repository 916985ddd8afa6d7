"""What the outbound client says of what went wrong, whose certificate it takes, and the check of a destination."""

from __future__ import annotations

import logging
import socket
import ssl
import traceback
from pathlib import Path

import pytest
import trustme
from hooked import receiving
from outside import OK, POST, Dribbler, hosts, listening, saying, send
from receivers import SECRET, message

from mockspi.errors import MockspiError
from mockspi.webhooks.message import Heard, Wire
from mockspi.webhooks.outbound import Outbound
from mockspi.webhooks.profiles import PROFILES
from mockspi.webhooks.reachable import unreachable


def free_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def resetting(connection: socket.socket) -> None:
    """Breaks the connection once it was asked."""
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ([], "the connection broke off"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"], "the connection broke off"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"], "the connection broke off"),
        ([b"SSH-2.0-OpenSSH_9.9\r\n"], "what answers is not HTTP"),
        ([b"HTTP/1.1 OK 200\r\n\r\n"], "what answers is not HTTP"),
        ([b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 1000 + b"\r\n"], "what answers is not HTTP"),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"], "what answers is not HTTP"),
        ([b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"], "the answer cannot be unpacked"),
    ],
)
def test_what_went_wrong_is_told(parts: list[bytes], told: str) -> None:
    with listening(saying(*parts)) as port:
        heard = send(f"http://127.0.0.1:{port}/")
    assert (heard.status, heard.error) == (None, told)


def test_who_breaks_off_who_is_not_there_and_who_is_not_known() -> None:
    with listening(resetting) as port:
        assert send(f"http://127.0.0.1:{port}/").error == "the connection broke off"
    assert send(f"http://127.0.0.1:{free_port()}/").error == "connection refused"
    assert send("http://nowhere.invalid/", "nowhere.invalid").error == "the host is not known"
    assert (
        Outbound(("nowhere.example",), hosts([])[0]).send(POST, "http://nowhere.example/", 5000).error == "the host is not known"
    )
    assert send(f"http://{'a' * 70}.localhost/").error == "the host is not known"
    Outbound(["nowhere.invalid"]).check("http://nowhere.invalid/")


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    with receiving() as receiver:
        assert send(receiver.hook.replace("127.0.0.1", "hooks.localhost"), found=["127.0.0.9", "127.0.0.1"]).status == 200


def test_an_answer_of_any_length_is_whole() -> None:
    for answer in (
        OK,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n{}",
    ):
        with listening(saying(answer)) as port:
            assert send(f"http://127.0.0.1:{port}/").body == b"{}"
    with listening(Dribbler(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"{", b"}", drops=1)) as port:
        assert send(f"http://127.0.0.1:{port}/").body == b"{}"


# --- certificates


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.file = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(str(self.file))
        self.named: list[str] = []

    def context(self, *names: str) -> ssl.SSLContext:
        """A server's side, which notes what name it is called by."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*names).configure_cert(context)
        context.sni_callback = lambda _socket, name, _context: self.named.append(name)
        return context


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that this machine believes."""
    one = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(one.file))
    return one


def secure(port: int, host: str = "hooks.localhost") -> Heard:
    """One call over TLS."""
    return send(f"https://{host}:{port}/", found=["127.0.0.1"])


def test_a_certificate_of_the_hosts_name_is_taken_though_an_address_is_called(authority: Authority) -> None:
    with listening(saying(OK), authority.context("hooks.localhost")) as port:
        assert secure(port).status == 200
    assert authority.named == ["hooks.localhost"]


@pytest.mark.parametrize("names", [["other.example"], ["127.0.0.1"], ["xhooks.localhost"], ["*.hooks.localhost"]])
def test_a_certificate_of_another_name_is_refused(names: list[str], authority: Authority) -> None:
    with listening(saying(OK), authority.context(*names)) as port:
        heard = secure(port)
    assert heard.status is None
    assert heard.error.startswith("the certificate is refused: Hostname mismatch")


def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    with listening(saying(OK), Authority(tmp_path).context("hooks.localhost")) as port:
        heard = secure(port)
    assert (heard.status, heard.error.partition(":")[0]) == (None, "the certificate is refused")


def test_who_speaks_no_tls_is_told_so() -> None:
    with listening(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        assert secure(port).error.startswith("TLS failed: ")


# --- secrets


def test_no_secret_is_in_a_log_or_an_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = "s3cret-key"
    wire = Wire("POST", (("Authorization", f"Bearer {key}"), ("Webhook-Signature", SECRET)), f'{{"password": "{key}"}}'.encode())
    told = []

    def call(url: str, wire: Wire = wire) -> None:
        try:
            told.append(repr(Outbound((), hosts(["127.0.0.1"])[0]).send(wire, url, 5000)))
        except MockspiError as error:
            told.append("".join(traceback.format_exception(error)))

    for parts in (
        [OK],
        [],
        [b"nonsense\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n{}"],
        [b"HTTP/1.1 302 Go\r\n\r\n"],
    ):
        with listening(saying(*parts)) as port:
            call(f"http://hooks.localhost:{port}/{key}?api_key={key}")
            call(f"https://hooks.localhost:{port}/{key}?api_key={key}")
    call(f"http://hooks.localhost:{free_port()}/?api_key={key}")
    call(f"http://joe:{key}@hooks.localhost/")
    call(f"http://hooks.localhost:x/?api_key={key}")
    call("http://hooks.localhost/", Wire("POST", (("X-A", f"{key}\r\n"),), b""))
    for url, found in (
        (f"http://x.localhost/?api_key={key}", "10.0.0.1"),
        (f"http://y.localhost/?api_key={key}", "169.254.169.254"),
    ):
        with pytest.raises(MockspiError) as caught:
            Outbound((), hosts([found])[0]).send(wire, url, 5000)
        told.append("".join(traceback.format_exception(caught.value)))
    with pytest.raises(MockspiError) as broken:
        PROFILES["standard"].compose(message("standard"), 0, f"whsec_{key}!")
    told.append("".join(traceback.format_exception(broken.value)))
    assert len(told) == 17
    for text in (*told, caplog.text):
        assert key not in text
        assert SECRET not in text


# --- the check of a destination


@pytest.mark.parametrize(
    ("statuses", "asked", "told"),
    [
        ([204], ["HEAD"], ""),
        ([405, 200], ["HEAD", "OPTIONS"], ""),
        ([404, 405], ["HEAD", "OPTIONS"], "HEAD: answered 404; OPTIONS: answered 405"),
        ([302, 401], ["HEAD", "OPTIONS"], "HEAD: answered 302; OPTIONS: answered 401"),
    ],
)
def test_a_destination_must_answer_head_or_options(statuses: list[int], asked: list[str], told: str) -> None:
    with receiving(answers=[(status, {}, b"") for status in statuses]) as receiver:
        assert unreachable(Outbound(), receiver.hook, {"X-Key": "k"}) == told
        assert [one.method for one in receiver.came] == asked
        assert receiver.came[0].headers["x-key"] == "k"


def test_a_destination_that_is_not_there() -> None:
    assert unreachable(Outbound(), f"http://127.0.0.1:{free_port()}/") == "HEAD: connection refused; OPTIONS: connection refused"
