"""The Flask application: every route of the table is a Flask rule, and every call goes through the service."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from mockspi.exchange import Reply, Request, Trouble
from mockspi.server import doors
from mockspi.server.environ import read, to_request
from mockspi.server.faults import impossible, pieces
from mockspi.server.logs import broken_off
from mockspi.service import Service

log = logging.getLogger("mockspi")


def create_app(service: Service) -> Flask:
    """The WSGI application of a service. Two of them in one process share nothing."""
    app = Flask("mockspi", static_folder=None)
    app.url_map.merge_slashes = False  # a redirect would be an answer without a key

    def answer(**_: Any) -> Response:
        asked = to_request(request.environ)
        if most := service.reads(asked):  # nobody without a key makes us wait for a body
            asked = replace(asked, body=read(request.environ, most))
        return to_flask(service.handle(asked), asked)

    def unmatched(_: HTTPException) -> Response:
        return answer()

    seen = set()
    for route in service.table.routes:
        rule, methods = re.sub(r"{(\w+)}", r"<\1>", route.path), (route.contract.method, "OPTIONS")
        if (rule, route.contract.method) not in seen:
            seen.add((rule, route.contract.method))
            app.add_url_rule(rule, endpoint=route.contract.id, view_func=answer, methods=methods, provide_automatic_options=False)
    app.register_error_handler(HTTPException, unmatched)
    return app


def to_flask(reply: Reply, asked: Request) -> Response:
    """The reply as it goes out: exactly its headers, the length, and what trouble WSGI can make."""
    trouble = reply.trouble or Trouble()
    time.sleep(trouble.delay / 1000)
    if trouble.fault not in ("", "truncate", "dribble"):
        reply = impossible(trouble.fault, "a WSGI application does not reach the connection; use 'mockspi serve'")
    response = Response(status=reply.status)
    response.headers.clear()
    response.headers.extend(doors.headers_of(reply))
    if trouble.fault == "truncate":
        response.response = [reply.body[: len(reply.body) // 2]]
    elif trouble.fault == "dribble":
        response.response = dribble(reply.body, trouble)
    elif reply.chunks is not None:
        response.response = streamed(reply, asked)
    else:
        response.response = [reply.body]
    return response


def streamed(reply: Reply, asked: Request) -> Iterator[bytes]:
    """The body as it is made; where that goes wrong, the server hears of it after the log."""
    try:
        yield reply.body
        yield from reply.chunks or ()
    except Exception:
        log.exception("%s", broken_off(asked))
        raise


def dribble(body: bytes, trouble: Trouble) -> Iterator[bytes]:
    """The body in small pieces."""
    for number, piece in enumerate(pieces(body, trouble.chunk)):
        if number:
            time.sleep(trouble.interval / 1000)
        yield piece
