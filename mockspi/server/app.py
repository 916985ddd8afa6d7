"""The Flask application: every route of the table is a Flask rule, and every call goes through the service."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from mockspi.exchange import Reply, Request
from mockspi.service import UNAUTHORIZED, Service

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def create_app(service: Service) -> Flask:
    """The WSGI application of a service. Two of them in one process share nothing."""
    app = Flask("mockspi", static_folder=None)

    def answer(**_: Any) -> Response:
        return to_flask(service.handle(to_request(request.environ, service.max_body)))

    def unmatched(_: HTTPException) -> Response:
        return answer()

    seen = set()
    for route in service.table.routes:
        rule, methods = re.sub(r"{(\w+)}", r"<\1>", route.path), (route.contract.method, "OPTIONS")
        if (rule, route.contract.method) not in seen:
            seen.add((rule, route.contract.method))
            app.add_url_rule(rule, endpoint=route.contract.id, view_func=answer, methods=methods, provide_automatic_options=False)
    for version in service.table.versions:
        rule = f"{service.table.base}/{version}/openapi.json"
        app.add_url_rule(rule, f"openapi {version}", lambda: to_flask(document(service)))
    app.register_error_handler(HTTPException, unmatched)
    return app


def document(service: Service) -> Reply:
    """The OpenAPI of this server, under the address by which it was called; only with a key."""
    from mockspi.openapi import spi

    if service.guard(to_request(request.environ, 0)) is None:
        return UNAUTHORIZED
    base = request.base_url.removesuffix("/openapi.json")
    return Reply.of(spi(base=base))


def to_request(environ: WSGIEnvironment, limit: int) -> Request:
    """The one translation from WSGI; no more of the body is read than shows that it is too large."""
    headers = {name[5:].replace("_", "-").lower(): str(value) for name, value in environ.items() if name.startswith("HTTP_")}
    headers |= {
        name.replace("_", "-").lower(): str(environ[name]) for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)
    }
    return Request(
        method=environ["REQUEST_METHOD"],
        path=text(environ.get("PATH_INFO", "")),
        query=pairs(environ.get("QUERY_STRING", "")),
        headers=headers,
        body=read(environ, limit),
    )


def read(environ: WSGIEnvironment, limit: int) -> bytes:
    """The body, or its first bytes over the limit."""
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
