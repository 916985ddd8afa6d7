"""A whole mockspi in this process: no port, no socket, and sandboxes all the same."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode

from mockspi import building, settings
from mockspi.admin import AdminService
from mockspi.adminclient import refused
from mockspi.errors import BrokenSet, UsageError
from mockspi.exchange import Json, Reply, Request, encode
from mockspi.reloading import Reloader
from mockspi.server.doors import pairs
from mockspi.testing.box import Box, using
from mockspi.testing.serving import environment

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

HOST = "http://mockspi.test"


class Inside:
    """The service that answers the SPIs, and the admin port without its port."""

    def __init__(self, fixtures: str) -> None:
        flags = {"state": settings.MEMORY} | ({"fixtures": fixtures} if fixtures else {})
        house = _built(settings.load(flags, environment(os.environ)))
        self.settings = house.settings
        self.root = f"{house.settings.base_path}/{house.settings.api_version[0]}"
        self.service = house.service()
        self._token = house.admin_token
        self._house, self._reloader = house, Reloader(house)
        self._admin = AdminService(house.desk(HOST + self.root, self._reload), self._token)

    def call(self, method: str, path: str, body: Json | None = None, query: Mapping[str, Any] | None = None) -> Json:
        """One call of the admin service; the JSON of its reply, or Refused."""
        found: Json = json.loads(self._asked(method, path, body, query).body)
        return found

    def lines(self, path: str, query: Mapping[str, Any] | None = None) -> Iterator[str]:
        """The lines of a reply, or Refused."""
        for line in self._asked("GET", path, None, query).chunks or ():
            yield line.decode().rstrip("\n")

    def _asked(self, method: str, path: str, body: Json | None, query: Mapping[str, Any] | None) -> Reply:
        headers = {"host": "localhost", "authorization": f"Bearer {self._token}", "content-type": "application/json"}
        sent = b"" if body is None else encode(body)
        reply = self._admin.handle(Request(method, unquote(path), pairs(urlencode(query or {}, doseq=True)), headers, sent))
        if reply.status >= 400:
            raise refused(reply.status, reply.body)
        return reply

    def _reload(self, name: str | None) -> Json:
        return {one: self._reloader.reload(one) for one in ([name] if name else self._house.settings.sets)}

    @cached_property
    def wsgi(self) -> Any:
        """The Flask application."""
        from mockspi.server.app import create_app  # Flask: only where it is asked for

        return create_app(self.service)


class AppBox(Box):
    """A sandbox without a socket: ``client`` is Flask's test client, ``wsgi`` the application for any other."""

    def __init__(self, inside: Inside, made: Json, base_url: str = "") -> None:
        super().__init__(inside, made, base_url)
        self._inside = inside

    def _listens_at(self) -> str:
        return "http://127.0.0.1:8080"  # nothing listens for this one; 'mockspi serve' would there

    @property
    def wsgi(self) -> WSGIApplication:
        """The WSGI application, for werkzeug's, httpx's and other clients."""
        application: WSGIApplication = self._inside.wsgi
        return application

    @cached_property
    def client(self) -> Any:
        """A ``flask.testing.FlaskClient``: ``box.client.get(box.url("GET_CUSTOMER", customerId="C-1001")).json``."""
        return self._inside.wsgi.test_client()


def _built(chosen: settings.Settings) -> building.House:
    try:
        return building.build(chosen)
    except BrokenSet as broken:
        told = "\n".join(f"  {finding}" for finding in broken.findings)
        raise UsageError(f"{broken.folder} is not served, for this is wrong with it:\n{told}") from broken


@cache
def inside(fixtures: str = "") -> Inside:
    """The one mockspi of this process for a fixture set; a sandbox is what tests have of their own."""
    return Inside(fixtures)


@contextmanager
def app(fixtures: str = "", **wanted: Any) -> Iterator[AppBox]:
    """A sandbox without a socket until the end of the block; ``wanted`` as for a server's sandbox."""
    house = inside(fixtures)
    with using(AppBox(house, house.call("POST", "/sandboxes", wanted))) as box:
        yield box
