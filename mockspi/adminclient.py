"""A small client of the admin port, for commands and tests that ask a running server; the standard library only."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

from mockspi.errors import UsageError
from mockspi.exchange import Json

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

DEFAULT_URL = "http://127.0.0.1:8081"


@cache
def _opener() -> OpenerDirector:
    """Follows nothing, and no proxy stands between: the token is meant for one address."""
    from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener  # slow to import: only for who calls

    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            """No further request."""

    return build_opener(ProxyHandler({}), Stay)


class Refused(UsageError):
    """The admin port said no; the text is its sentence."""

    def __init__(self, status: int, code: str, message: str, body: Json) -> None:
        super().__init__(message)
        self.status, self.code, self.body = status, code, body


class AdminPort(Protocol):
    """An admin port, wherever it is: at an address, or in this process."""

    def call(self, method: str, path: str, body: Json | None = None, query: Mapping[str, Any] | None = None) -> Json:
        """One call; the JSON of its reply, or Refused."""

    def lines(self, path: str, query: Mapping[str, Any] | None = None) -> Iterator[str]:
        """The lines of a reply, or Refused."""


@dataclass(frozen=True, slots=True)
class AdminClient:
    """Calls of one admin port. No proxy stands between: the token must not travel through one."""

    url: str
    token: str
    timeout: float = 30.0

    def call(self, method: str, path: str, body: Json | None = None, query: Mapping[str, Any] | None = None) -> Json:
        """One call; the JSON of its reply."""
        with self._sent(method, path, body, query) as reply:
            return _read_json(reply.read())

    def lines(self, path: str, query: Mapping[str, Any] | None = None) -> Iterator[str]:
        """The lines of a reply as they arrive."""
        with self._sent("GET", path, None, query) as reply:
            for line in reply:
                yield line.decode("utf-8", "replace").rstrip("\n")

    @contextmanager
    def _sent(self, method: str, path: str, body: Json | None, query: Mapping[str, Any] | None) -> Iterator[Any]:
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.request import Request

        asked = f"?{urlencode(query, doseq=True)}" if query else ""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}"} | ({} if body is None else {"Content-Type": "application/json"})
        try:
            request = Request(self.url.rstrip("/") + path + asked, data, headers, method=method)  # noqa: S310  # http only: connect
            with _opener().open(request, timeout=self.timeout) as reply:
                yield reply
        except HTTPError as error:
            raise refused(error.code, error.read()) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise UsageError(f"no admin port answers at {self.url} ({reason}); is 'mockspi serve' running?") from None


def at(name: str, rest: str = "") -> str:
    """The path of a sandbox, and of what stands under it."""
    return f"/sandboxes/{quote(name, safe='')}{rest}"


def connect(admin_url: str = "", admin_token: str = "", ready_file: str = "") -> AdminClient:
    """The client that the options mean; flags win over the environment, and a ready file fills what they leave out."""
    environ = {name: os.environ.get(f"MOCKSPI_{name}", "") for name in ("ADMIN_URL", "ADMIN_TOKEN", "READY_FILE")}
    named = _told(ready_file) if ready_file else {}
    url = admin_url or named.get("adminUrl") or environ["ADMIN_URL"]
    token = admin_token or named.get("adminToken") or environ["ADMIN_TOKEN"]
    if not (url and token) and environ["READY_FILE"] and not ready_file:
        told = _told(environ["READY_FILE"])
        url, token = url or told.get("adminUrl", ""), token or told.get("adminToken", "")
    if not token:
        raise UsageError("the admin token is missing: give --admin-token, --ready-file or MOCKSPI_ADMIN_TOKEN")
    url = url or DEFAULT_URL
    if not url.isprintable() or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise UsageError(f"--admin-url is {url!r}: an address such as {DEFAULT_URL} is expected")
    return AdminClient(url, token)


def _told(ready_file: str) -> dict[str, str]:
    try:
        told = json.loads(Path(ready_file).read_text("utf-8"))
        return {name: str(told[name]) for name in ("adminUrl", "adminToken")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"the ready file {ready_file} cannot be used: is 'mockspi serve --ready-file' running?") from error


def refused(status: int, raw: bytes) -> Refused:
    """What a reply with an error says, in a sentence and a line for each problem."""
    try:
        body = _read_json(raw)
    except UsageError:
        body = {}
    message = str(body.get("errorMessage") or f"the admin port answered {status}")
    for one in body.get("errors", ()):
        if str(one.get("message")) not in message:  # most sentences tell their problems
            message += f"\n  {one.get('path') or '/'}: {one.get('message')}"
    return Refused(status, str(body.get("errorCode", "")), message, body)


def _read_json(raw: bytes) -> Json:
    try:
        found = json.loads(raw)
    except ValueError as error:
        raise UsageError("what answers there is no admin port of mockspi: its reply is not JSON") from error
    if not isinstance(found, dict):
        raise UsageError("what answers there is no admin port of mockspi: its reply is no JSON object")
    return found
