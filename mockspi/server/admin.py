"""The admin port's door: a plain WSGI application over the admin service."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from mockspi.admin import MAX_BODY, AdminService
from mockspi.server.app import to_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def create_admin(service: AdminService) -> WSGIApplication:
    """The WSGI application of an admin service."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        reply = service.handle(to_request(environ, MAX_BODY))
        length = [] if dict(reply.headers).get("Content-Length") else [("Content-Length", str(len(reply.body)))]
        start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", [*reply.headers, *length])
        return [reply.body]

    return application
