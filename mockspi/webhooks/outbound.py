"""The one room that calls out: to loopback, or to where it is allowed, at the very address that was checked, and only so long.

One call is one request on one connection: nothing here follows a redirect, asks a proxy or tries again. What is raised or told
has no header's value, no query and no body of ours in it.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from mockspi import __version__
from mockspi.webhooks.addresses import NotAllowed, Places
from mockspi.webhooks.message import Heard, Wire
from mockspi.webhooks.way import Unsendable

if TYPE_CHECKING:  # slow to import, and few servers ever call out
    from types import ModuleType

    from urllib3.connection import HTTPConnection
    from urllib3.response import BaseHTTPResponse
    from urllib3.util import Url

KEPT = 65_536  #: bytes of an answer that are read, unpacked
_HEADERS_KEPT = 16_384
_PORTS = {"http": 80, "https": 443}
_OURS = ("host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect", "accept-encoding")
_NAME, _VALUE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"), re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_TOO_HIGH = re.compile(r"[a-z]+://(?:\[[^]]*\]|[^@:/?#\[\]]*):([0-9]{1,9})(?:[/?#]|\Z)", re.IGNORECASE)  #: of what cannot be read


def system_addresses(host: str) -> list[str]:
    """What the system's resolver says; OSError where it knows nothing."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)))


class _Unknown(OSError):
    """No address."""


def _library() -> ModuleType:
    """urllib3, imported whole: threads that import parts of it at once could meet one that is half there."""
    import urllib3

    return urllib3


@cache
def _failures() -> tuple[type[Exception], ...]:
    """All that may be raised by a call that goes wrong."""
    from http.client import HTTPException

    return OSError, _library().exceptions.HTTPError, HTTPException


@cache
def _sentences() -> dict[type[Exception], str]:
    """By the kind of error, the narrower first."""
    errors = _library().exceptions
    broken = "the connection broke off"
    return {
        _Unknown: "the host is not known",
        errors.DecodeError: "the answer cannot be unpacked",
        ConnectionResetError: broken,
        BrokenPipeError: broken,
        errors.ProtocolError: broken,
    }


class Outbound:
    """A client for webhooks. ``allow`` lists hosts, HOST:PORT and networks beside loopback; ``resolve`` gives a host's addresses.

    Certificates are checked against the system's, or those of ``SSL_CERT_FILE``.
    """

    def __init__(self, allow: Sequence[str] = (), resolve: Callable[[str], Sequence[str]] = system_addresses) -> None:
        self._places, self._resolve = Places(allow), resolve

    def check(self, url: str) -> None:
        """NotAllowed where nothing would be sent; a host that cannot be found now is no reason."""
        where = _where(url)
        self._places.ask(_host(where), _port(where))
        with suppress(OSError, UnicodeError):
            self._places.check(_host(where), _port(where), self._resolve(_host(where)))

    def fit(self, wire: Wire) -> None:
        """Unsendable where a request cannot go out as it is."""
        _headers(wire)

    def send(self, wire: Wire, url: str, timeout: int) -> Heard:
        """One request and what came of it within ``timeout`` milliseconds; NotAllowed before anything is connected."""
        where, began = _where(url), time.monotonic()
        self._places.ask(_host(where), _port(where))
        headers, line = _headers(wire), _Line(began + timeout / 1000)
        try:
            addresses = self._found(_host(where), line.deadline)
            self._places.check(_host(where), _port(where), addresses)
            heard = self._asked(where, line, addresses, wire, headers)
            if line.over:  # what was cut short may look like an answer
                raise TimeoutError
        except _failures() as error:
            late = line.over or isinstance(error, TimeoutError)
            heard = Heard(None, error=f"no whole answer within {timeout} ms" if late else _told(error))
        return replace(heard, milliseconds=round((time.monotonic() - began) * 1000))

    def _found(self, host: str, deadline: float) -> Sequence[str]:
        """The addresses of a host; in a thread, for a resolver cannot be told to hurry."""
        found: list[Sequence[str]] = []

        def look() -> None:
            with suppress(OSError, UnicodeError):
                found.append(())
                found.append(self._resolve(host))

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        looking.join(max(0.0, deadline - time.monotonic()))
        if looking.is_alive():
            raise TimeoutError
        if not found[-1]:
            raise _Unknown
        return found[-1]

    def _asked(self, where: Url, line: _Line, addresses: Sequence[str], wire: Wire, headers: dict[str, str]) -> Heard:
        connection = self._connection(where, lambda: line.opened(addresses, _port(where)))
        try:
            connection.request(wire.method, where.request_uri, wire.body, headers, preload_content=False)
            answer = connection.getresponse()
            body = answer.read(KEPT)
            return Heard(answer.status, _kept(answer), body)
        finally:
            line.closed()
            connection.close()

    def _connection(self, where: Url, opened: Callable[[], socket.socket]) -> HTTPConnection:
        """A connection that is opened here, to an address, and knows itself by its name: in Host, SNI and certificate."""
        kinds = _library().connection
        if where.scheme == "https":
            made: Any = kinds.HTTPSConnection(_host(where), _port(where), ssl_context=self._certificates)
        else:
            made = kinds.HTTPConnection(_host(where), _port(where))
        made._new_conn = opened  # noqa: SLF001  # urllib3's seam for who opens a connection
        return made  # type: ignore[no-any-return]  # the library is imported late

    @cached_property
    def _certificates(self) -> ssl.SSLContext:
        return ssl.create_default_context()


class _Line:
    """One connection, over which a watch stands: at the deadline it ends, whatever it is doing."""

    def __init__(self, deadline: float) -> None:
        self.deadline, self.over = deadline, False
        self._handle: socket.socket
        self._watch: threading.Timer | None = None

    def opened(self, addresses: Sequence[str], port: int) -> socket.socket:
        """The first of the addresses that takes the connection."""
        failed: OSError = _Unknown()
        for address in addresses:
            try:
                made = socket.create_connection((address, port), max(0.001, self.deadline - time.monotonic()))
            except OSError as error:
                failed = error
            else:
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._handle = made.dup()
                self._watch = threading.Timer(max(0.0, self.deadline - time.monotonic()), self._end)
                self._watch.daemon = True
                self._watch.start()
                return made
        raise failed

    def closed(self) -> None:
        """No watch any more."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch.join()
            self._handle.close()

    def _end(self) -> None:
        self.over = True
        with suppress(OSError):
            self._handle.shutdown(socket.SHUT_RDWR)


def _where(url: str) -> Url:
    """The parts of a URL that may be called at all; the refusal does not repeat it, for it may hold a secret."""
    library = _library()
    if not url.isprintable():
        raise NotAllowed("the URL has control characters, such as a line break, in it")
    try:
        where: Url = library.util.parse_url(url)
    except library.exceptions.LocationParseError:
        if port := _TOO_HIGH.match(url):
            raise NotAllowed(f"the URL's port is {port[1]}: 1 to 65535 is expected") from None
        raise NotAllowed("the URL cannot be read: http(s)://HOST/PATH is expected, in ASCII") from None
    if where.scheme not in _PORTS or not where.host:
        raise NotAllowed("the URL does not begin with http:// or https:// and a host")
    if where.auth is not None:
        raise NotAllowed(f"the URL of {where.host} has credentials in it; put them into a header")
    return where


def _host(where: Url) -> str:
    return str(where.host).strip("[]")


def _port(where: Url) -> int:
    return where.port or _PORTS[str(where.scheme)]


def _headers(wire: Wire) -> dict[str, str]:
    """The headers of a request, ours with them; Unsendable names one that cannot go out, but not its value."""
    if not _NAME.fullmatch(wire.method):
        raise Unsendable(f"the method {wire.method!r} is none")
    for name, value in wire.headers:
        if name.lower() in _OURS:
            raise Unsendable(f"the header {name} cannot be set: it follows from what is sent and where")
        for what, rule, text in (("name", _NAME, name), ("value", _VALUE, value)):
            if not rule.fullmatch(text):
                raise Unsendable(f"the header {name!r} cannot be sent: its {what} has letters that HTTP forbids")
    names = {name.lower() for name, _ in wire.headers}
    usual = {"User-Agent": f"mockspi/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
    return {name: value for name, value in usual.items() if name.lower() not in names} | dict(wire.headers)


def _kept(answer: BaseHTTPResponse) -> tuple[tuple[str, str], ...]:
    """The answer's headers, so many as fit into what is kept of them."""
    kept, size = [], 0
    for name, value in answer.headers.items():
        size += len(name) + len(value)
        if size <= _HEADERS_KEPT:
            kept.append((name, value))
    return tuple(kept)


def _told(error: Exception) -> str:
    """What went wrong, in our words: the error's own may have a URL or what came over the wire."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason}"
    for kind, sentence in _sentences().items():
        if isinstance(error, kind):
            return sentence
    said = getattr(error, "strerror", None)
    return said.lower() if said else "what answers is not HTTP"
