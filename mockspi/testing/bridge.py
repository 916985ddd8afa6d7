"""The bridge for code that calls with ``requests``: its calls are answered in this process, and it notices nothing."""

from __future__ import annotations

import errno
import http.client
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

from mockspi.errors import UsageError
from mockspi.exchange import Reply, Request, Trouble
from mockspi.server.doors import headers_of, pairs
from mockspi.server.faults import garbled, pieces
from mockspi.testing.box import using
from mockspi.testing.inside import AppBox, Inside, inside

try:
    import requests
    import responses
except ModuleNotFoundError as error:
    raise ImportError("responses_mock needs requests and responses: pip install 'mockspi[testing]'") from error

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def responses_mock(
    base_url: str = "https://pos-merchant.example/spi/1.0",
    *,
    fixtures: str = "",
    passthrough: Iterable[str] = (),
    mock: responses.RequestsMock | None = None,
    **wanted: Any,
) -> Iterator[AppBox]:
    """Answer what ``requests`` sends to the host of ``base_url`` from a sandbox in this process, until the end of the block.

    Calls to other hosts are refused, as ``responses`` does; ``passthrough`` names those that go out (beginnings of
    addresses). ``mock`` is a RequestsMock of your own. ``wanted`` is what the sandbox shall be: ``api_key``, ``seed`` ...
    """
    root = urlsplit(base_url)
    if root.scheme not in ("http", "https") or not root.netloc:
        raise UsageError(f"base_url is {base_url!r}: an address such as https://pos-merchant.example/spi/1.0 is expected")
    house = inside(fixtures)
    own = mock or responses.RequestsMock(assert_all_requests_are_fired=False)
    for prefix in passthrough:
        own.add_passthru(prefix)
    everything = re.compile(rf"{re.escape(f'{root.scheme}://{root.netloc}')}([/?].*)?\Z", re.IGNORECASE | re.DOTALL)
    callback = Bridge(house, root.path.rstrip("/"))
    with using(AppBox(house, house.call("POST", "/sandboxes", wanted), base_url)) as box, nullcontext() if mock else own:
        for method in METHODS:
            own.add_callback(method, everything, callback, content_type=None)
        try:
            yield box
        finally:
            for method in METHODS:
                own.remove(method, everything)


@dataclass(frozen=True)
class Bridge:
    """One call as ``responses`` hands it over, answered by the service; ``base`` stands for the service's own base path."""

    inside: Inside
    base: str

    def __call__(self, prepared: requests.PreparedRequest) -> Answer:
        """Status, headers and body; or the exception that the fault would have been."""
        reply = self.inside.service.handle(self.to_request(prepared)).whole()
        reply = suffer(reply, reply.trouble or Trouble(), prepared)
        cut = len(reply.body) // 2 if reply.trouble and reply.trouble.fault == "truncate" else None
        return reply.status, dict(headers_of(reply)), reply.body[:cut]

    def to_request(self, prepared: requests.PreparedRequest) -> Request:
        """The request as a server would read it."""
        asked = urlsplit(prepared.url or "")
        headers = {name.lower(): _text(value) for name, value in prepared.headers.items()} | {"host": asked.netloc}
        body = prepared.body or b""
        sent = body.encode() if isinstance(body, str) else body
        return Request(prepared.method or "GET", self.place(unquote(asked.path or "/")), pairs(asked.query), headers, sent)

    def place(self, path: str) -> str:
        """Where the service has what is called under the base; its other paths (connectors, samples) stand as they are."""
        if self.inside.service.table.methods(path) or not f"{path}/".startswith(f"{self.base}/"):
            return path
        return self.inside.root + path[len(self.base) :]


def suffer(reply: Reply, trouble: Trouble, prepared: requests.PreparedRequest) -> Reply:
    """Wait as long as a rule says, then do what is wrong, as ``requests`` would tell of it. Nobody waits for what never comes."""
    patience = _patience(prepared)
    waits = trouble.fault == "timeout"
    if waits or (patience is not None and trouble.delay / 1000 > patience):
        why = f"Read timed out. (read timeout={patience})" if patience is not None else _ENDLESS
        raise requests.exceptions.ReadTimeout(why, request=prepared)
    time.sleep(trouble.delay / 1000)
    if trouble.fault == "dribble":
        if patience is not None and trouble.interval / 1000 > patience:
            raise requests.exceptions.ConnectionError(f"Read timed out. (read timeout={patience})", request=prepared)
        time.sleep((len(list(pieces(reply.body, trouble.chunk))) - 1) * trouble.interval / 1000 if reply.body else 0)
    elif trouble.fault in _BROKEN:
        _BROKEN[trouble.fault](prepared)
    return garbled(reply) if trouble.fault == "garbage" else reply


_ENDLESS = "mockspi never answers this call, and it has no timeout: against a real server it would hang for ever"


def _reset(prepared: requests.PreparedRequest) -> NoReturn:
    reason = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
    raise requests.exceptions.ConnectionError(("Connection aborted.", reason), request=prepared) from reason


def _empty(prepared: requests.PreparedRequest) -> NoReturn:
    reason = http.client.RemoteDisconnected("Remote end closed connection without response")
    raise requests.exceptions.ConnectionError(("Connection aborted.", reason), request=prepared) from reason


_BROKEN: dict[str, Callable[[requests.PreparedRequest], NoReturn]] = {"reset": _reset, "empty": _empty}


def _patience(prepared: requests.PreparedRequest) -> float | None:
    """The read timeout in seconds; ``responses`` keeps what ``send`` was given beside the request."""
    given = getattr(prepared, "req_kwargs", {}).get("timeout")
    if isinstance(given, tuple):
        given = given[1]
    return given if isinstance(given, (int, float)) else getattr(given, "read_timeout", None)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
