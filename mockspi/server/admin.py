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
        reply = service.handle(replace(to_request(environ), body=read(environ, MAX_BODY)))
        if reply.chunks is not None:
            start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", list(reply.headers))
            return reply.chunks
        length = [] if dict(reply.headers).get("Content-Length") else [("Content-Length", str(len(reply.body)))]
        start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", [*reply.headers, *length])
        return [reply.body]

    return application
