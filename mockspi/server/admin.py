"""The admin port's door: a plain WSGI application over the admin service."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from mockspi.admin import MAX_BODY, AdminService, sandboxes
from mockspi.admin.route import Desk
from mockspi.server.environ import read, to_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SWEEP_SECONDS = 0.5
_STRAYS_EVERY = 1200  #: sweeps: ten minutes
_EVERY_REPLY = (("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"))  # what is told here was sent by others
log = logging.getLogger("mockspi")


def keep_house(desk: Desk) -> None:
    """Sweep away, for as long as the process runs, the sandboxes whose time is over, and what was written after it."""
    for turn in itertools.count():
        try:
            if turn % _STRAYS_EVERY == 0:
                sandboxes.sweep_strays(desk)
            sandboxes.sweep(desk)
        except Exception:
            log.exception("the sandboxes whose time is over could not be removed")
        time.sleep(_SWEEP_SECONDS)


def create_admin(service: AdminService) -> WSGIApplication:
    """The WSGI application of an admin service."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = to_request(environ)
        if service.admits(request):
            request = replace(request, body=read(environ, MAX_BODY))
        reply = service.handle(request)
        headers = [*reply.headers, *_EVERY_REPLY]
        if reply.chunks is None and "Content-Length" not in dict(reply.headers):
            headers.append(("Content-Length", str(len(reply.body))))
        start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", headers)
        return [reply.body] if reply.chunks is None else reply.chunks

    return application
