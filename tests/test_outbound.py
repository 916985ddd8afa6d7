"""The safe outbound client: where it may go, that it goes nowhere else, and how long it bears with whom it calls."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from hooked import Receiver, receiving
from outside import POST, hosts, send

from mockspi.errors import UsageError
from mockspi.webhooks.addresses import NotAllowed
from mockspi.webhooks.message import Wire
from mockspi.webhooks.outbound import Outbound
from mockspi.webhooks.way import Unsendable

FAR = "203.0.113.7"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that answers 200."""
    with receiving() as one:
        yield one


def named(receiver: Receiver, host: str) -> str:
    """The receiver's URL under another host."""
    return f"http://{host}:{urlsplit(receiver.hook).port}/hook"


# --- where


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "2130706433", "[::ffff:127.0.0.1]"])
def test_this_machine_may_be_called(host: str, receiver: Receiver) -> None:
    heard = send(named(receiver, host))
    assert (heard.status, heard.body, heard.error) == (200, b"{}", ""), heard
    assert ("Content-Length", "2") in heard.headers
    (came,) = receiver.came
    assert (came.raw, came.headers["api-key"], came.headers["content-length"]) == (POST.body, "let-me-in", "7")


@pytest.mark.parametrize(
    "found", [FAR, "10.0.0.1", "192.168.1.1", "0.0.0.0", "100.64.0.1", "fd00::1", "2001:db8::1", "224.0.0.1", "::"]
)
def test_nowhere_else_is_called_unless_it_is_allowed(found: str, receiver: Receiver) -> None:
    for url in (named(receiver, "hooks.example"), named(receiver, f"[{found}]" if ":" in found else found)):
        client = Outbound((), hosts([found])[0])
        for call in (
            lambda url=url, client=client: client.send(POST, url, 1000),
            lambda url=url, client=client: client.check(url),
        ):
            with pytest.raises(NotAllowed, match="--allow-outbound"):
                call()
    assert not receiver.came


@pytest.mark.parametrize(
    "allow", ["hooks.example", "HOOKS.example.", "hooks.example:{port}", "0.0.0.0", "0.0.0.0:{port}", "0.0.0.0/8", "0.0.0.0/0"]
)
def test_what_is_allowed_is_called(allow: str, receiver: Receiver) -> None:
    """0.0.0.0 is no loopback address, but a system takes it for this machine."""
    port = urlsplit(receiver.hook).port
    assert send(named(receiver, "hooks.example"), allow.format(port=port), found=["0.0.0.0"]).status == 200
    assert len(receiver.came) == 1


@pytest.mark.parametrize(
    "allow", ["example", "xhooks.example", "hooks.example.com", "hooks.example:9", "0.0.0.0:9", "10.0.0.0/8", "::/0"]
)
def test_what_is_only_like_it_is_not(allow: str, receiver: Receiver) -> None:
    with pytest.raises(NotAllowed):
        send(named(receiver, "hooks.example"), allow, found=["0.0.0.0"])
    assert not receiver.came


@pytest.mark.parametrize("allow", [[], ["example"], ["other.example"], ["hooks.example:9"], ["10.0.0.0:9"]])
def test_who_may_not_be_called_is_not_even_looked_up(allow: list[str], receiver: Receiver) -> None:
    resolve, asked = hosts(["127.0.0.1"])
    client, url = Outbound(allow, resolve), named(receiver, "hooks.example")
    for call in (lambda: client.check(url), lambda: client.send(POST, url, 1000)):
        with pytest.raises(NotAllowed, match=r"hooks\.example is not this machine: --allow-outbound hooks\.example:\d+ lets"):
            call()
    assert (asked, receiver.came) == ([], [])


def test_an_address_is_named_once() -> None:
    for url, told in (
        ("http://10.0.0.1/", "10.0.0.1 is not this machine: --allow-outbound 10.0.0.1:80 lets"),
        ("http://[fd00::1]/", "fd00::1 is not this machine: --allow-outbound [fd00::1]:80 lets"),
        ("http://169.254.169.254/", "169.254.169.254 is an address of this link"),
        ("http://[::ffff:10.0.0.1]/", "::ffff:10.0.0.1 is 10.0.0.1, not this machine"),
    ):
        with pytest.raises(NotAllowed) as caught:
            Outbound().check(url)
        assert str(caught.value).startswith(told)


@pytest.mark.parametrize("found", [["127.0.0.1", FAR], [FAR, "127.0.0.1"], ["127.0.0.1", "::1", "169.254.169.254"]])
def test_every_address_of_a_host_is_checked(found: list[str], receiver: Receiver) -> None:
    with pytest.raises(NotAllowed):
        send(named(receiver, "hooks.localhost"), found=found)
    assert not receiver.came


def test_the_connection_goes_to_the_address_that_was_checked(receiver: Receiver) -> None:
    resolve, asked = hosts(["127.0.0.1"], ["169.254.169.254"])
    heard = Outbound((), resolve).send(POST, named(receiver, "rebinding.localhost"), 10_000)
    assert (heard.status, asked) == (200, ["rebinding.localhost"])
    assert receiver.came[0].headers["host"] == urlsplit(named(receiver, "rebinding.localhost")).netloc


METADATA = ["169.254.169.254", "169.254.0.1", "fe80::1", "febf::1", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"]
INSIDE = ["::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1", "::169.254.169.254", "2001:0:a9fe:a9fe::1"]


@pytest.mark.parametrize("found", METADATA)
def test_metadata_and_this_link_are_refused_unless_listed_themselves(found: str) -> None:
    url, resolve = "http://metadata.example/latest", hosts([found])[0]
    for allow in (
        "0.0.0.0/0",
        "::/0",
        "metadata.example",
        "metadata.example:80",
        "128.0.0.0/1",
        f"{found}:81" if "." in found else f"[{found}]:81",
    ):
        with pytest.raises(NotAllowed, match=f"--allow-outbound {found} lists it itself"):
            Outbound([allow, "0.0.0.0/0", "::/0"], resolve).check(url)
    for allow in (found, f"{found}/128" if ":" in found else f"{found}/32", f"[{found}]:80"):
        Outbound([allow], resolve).check(url)


@pytest.mark.parametrize("found", INSIDE)
def test_an_address_inside_another_counts_as_what_it_is(found: str) -> None:
    with pytest.raises(NotAllowed, match=r"is 169\.254\.169\.254"):
        Outbound(["::/0", "0.0.0.0/0"], hosts([found])[0]).check("http://metadata.example/")


def test_a_private_address_inside_another_must_be_listed_too() -> None:
    resolve = hosts(["64:ff9b::10.0.0.1"])[0]
    with pytest.raises(NotAllowed, match=r"is 10\.0\.0\.1"):
        Outbound(["::/0"], resolve).check("http://inner.example/")
    Outbound(["::/0", "10.0.0.0/8"], resolve).check("http://inner.example/")
    Outbound(["inner.example"], resolve).check("http://inner.example/")


def test_a_mapped_address_needs_no_second_listing(receiver: Receiver) -> None:
    Outbound(["10.0.0.0/8"], hosts(["::ffff:10.0.0.1"])[0]).check("http://inner.example/")
    assert send(named(receiver, "hooks.localhost"), found=["::ffff:127.0.0.1"]).status == 200


def test_a_wrong_list_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--allow-outbound: a network such as"):
        Outbound(["10.0.0.1/8"])


# --- which URLs, and with what


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://127.0.0.1/x", "does not begin with http"),
        ("file:///etc/passwd", "does not begin with http"),
        ("gopher://127.0.0.1:{port}/_POST", "does not begin with http"),
        ("//127.0.0.1:{port}/", "does not begin with http"),
        ("localhost:{port}/hook", "does not begin with http"),
        ("http:///hook", "does not begin with http"),
        ("", "does not begin with http"),
        ("http://[::1/", "cannot be read"),
        ("http://127.0.0.1:99999/", "the URL's port is 99999"),
        ("http://[::1]:99999", "the URL's port is 99999"),
        ("http://127.0.0.1:port/?api_key=s3cret", "cannot be read"),
    ],
)  # fmt: skip
def test_other_schemes_and_what_is_no_url_are_refused(url: str, told: str, receiver: Receiver) -> None:
    client = Outbound(("hoest.example", "host.example"), hosts(["127.0.0.1"])[0])
    with pytest.raises(NotAllowed, match=told) as caught:
        client.send(POST, url.format(port=urlsplit(receiver.hook).port), 1000)
    assert "s3cret" not in str(caught.value)
    assert not receiver.came


@pytest.mark.parametrize("user", ["joe:s3cret", "s3cret", ":s3cret"])
def test_credentials_in_a_url_are_refused_and_not_repeated(user: str, receiver: Receiver) -> None:
    with pytest.raises(NotAllowed, match="credentials") as caught:
        send(receiver.hook.replace("//", f"//{user}@"))
    assert "s3cret" not in str(caught.value)
    assert not receiver.came


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int, receiver: Receiver) -> None:
    with receiving(answers=[(status, {"Location": receiver.hook}, b"")]) as first:
        assert send(first.hook).status == status
        assert len(first.came) == 1
    assert not receiver.came


def test_no_proxy_of_the_environment_is_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.hook)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        assert send(receiver.hook).status == 200
        assert (len(receiver.came), proxy.came) == (1, [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "s3cret\r\nX-B: 1"), ("X-A", "s3cret\r\n folded"), ("X-A", "s3cret\n"), ("X-A", "s3cret \x00"),
        ("X-A", "s3cret €"),
        ("X A", "s3cret"), ("X-A:", "s3cret"), ("", "s3cret"), ("X-Ä", "s3cret"),
        ("Host", "s3cret.example"), ("content-length", "0"), ("Transfer-Encoding", "chunked"), ("Connection", "keep-alive"),
    ],
)  # fmt: skip
def test_a_header_that_cannot_go_out_is_named_without_its_value(name: str, value: str, receiver: Receiver) -> None:
    with pytest.raises(Unsendable) as caught:
        send(receiver.hook, wire=Wire("POST", ((name, value),), b""))
    assert repr(name)[1:-1] in str(caught.value)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
    assert not receiver.came


def test_a_method_that_is_none_is_refused(receiver: Receiver) -> None:
    for method in ("", "PO ST", "POST / HTTP/1.1\r\nX-A: 1\r\n\r\nPOST"):
        with pytest.raises(Unsendable, match="is none"):
            send(receiver.hook, wire=Wire(method, (), b""))
    assert not receiver.came


def test_nothing_is_slipped_in_by_a_path(receiver: Receiver) -> None:
    with pytest.raises(NotAllowed, match="control characters"):
        send(f"{receiver.hook}/a b\r\nX-Slipped: 1?c=d e#f")
    send(f"{receiver.hook}/a b?c=d e#f")
    assert [came.path for came in receiver.came] == ["/hook/a%20b?c=d%20e"]


def test_who_calls_can_be_said_otherwise(receiver: Receiver) -> None:
    send(receiver.hook)
    send(receiver.hook, wire=Wire("PUT", (("user-agent", "pos/1"), ("X-Latin", "é")), b""))
    assert [one.headers["user-agent"].split("/")[0] for one in receiver.came] == ["mockspi", "pos"]
    assert (receiver.came[1].method, receiver.came[1].headers["x-latin"]) == ("PUT", "é")
