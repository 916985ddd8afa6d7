"""The Flask application: every route of the table is a Flask rule, and every call goes through the service."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from mockspi.exchange import Reply, Request
from mockspi.service import Service

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def create_app(service: Service) -> Flask:
    """The WSGI application of a service. Two of them in one process share nothing."""
    app = Flask("mockspi", static_folder=None)
    app.url_map.merge_slashes = False  # a redirect would come before the key is looked at

    def answer(**_: Any) -> Response:
        asked = to_request(request.environ)
        if service.guard(asked) is not None:  # nobody without a key makes us wait for a body
            asked = replace(asked, body=read(request.environ, service.max_body))
        return to_flask(service.handle(asked))

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


def to_request(environ: WSGIEnvironment) -> Request:
    """The one translation from WSGI, without the body."""
    headers = {name[5:].replace("_", "-").lower(): str(value) for name, value in environ.items() if name.startswith("HTTP_")}
    headers |= {
        name.replace("_", "-").lower(): str(environ[name]) for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)
    }
    return Request(
        method=environ["REQUEST_METHOD"],
        path=text(environ.get("PATH_INFO", "")),
        query=pairs(environ.get("QUERY_STRING", "")),
        headers=headers,
    )


def read(environ: WSGIEnvironment, limit: int) -> bytes:
    """The body; of one that is too large no more than shows that it is."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not length and "HTTP_TRANSFER_ENCODING" not in environ:
        return b""
    wanted = min(int(length), limit + 1) if length.isdigit() else limit + 1
    body: bytes = environ["wsgi.input"].read(wanted)
    return body


def text(raw: str) -> str:
    """WSGI's latin-1 dress taken off."""
    return raw.encode("latin-1", "replace").decode("utf-8", "replace")


def pairs(raw: str) -> tuple[tuple[str, str], ...]:
    """The query in order, blanks kept."""
    from urllib.parse import parse_qsl

    return tuple(parse_qsl(raw, keep_blank_values=True, errors="replace", max_num_fields=None))


def to_flask(reply: Reply) -> Response:
    """The reply as it goes out: exactly its headers, and the length."""
    response = Response(reply.body, status=reply.status)
    del response.headers["Content-Type"]
    for name, value in reply.headers:
        response.headers[name] = value
    if "Content-Length" not in response.headers and reply.status != 204:
        response.headers["Content-Length"] = str(len(reply.body))
    return response
