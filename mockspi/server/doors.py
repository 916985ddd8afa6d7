"""What the doors share: which reply a request gets, how a query is read, and the headers as they go out."""

from __future__ import annotations

from urllib.parse import parse_qsl

from mockspi.exchange import Reply, Request
from mockspi.routes import RouteTable
from mockspi.service import Service


def reading(table: RouteTable) -> frozenset[tuple[str, str]]:
    """Method and path of the calls that certainly write no records, so that they never wait for another process."""
    writing = {(one.contract.method, one.path) for one in table.routes if one.contract.writes}
    return frozenset((one.contract.method, one.path) for one in table.routes) - writing


def answer(service: Service, request: Request, scheme: str) -> Reply:
    """The reply to a request: the service's, or this server's OpenAPI."""
    if request.path.endswith("/openapi.json") and request.method in ("GET", "HEAD"):
        for version in service.table.versions:
            base = f"{service.table.base}/{version}"
            if request.path == f"{base}/openapi.json":
                return document(service, request, f"{scheme}://{request.headers.get('host', '')}{base}")
    return service.handle(request)


def document(service: Service, request: Request, base: str) -> Reply:
    """The OpenAPI of this server, under the address by which it was called; only with a key."""
    from mockspi.openapi import spi

    sandbox, refused = service.opened(request)
    if sandbox is None:
        return refused
    reply = Reply.of(spi(base=base))
    return reply.without_body() if request.method == "HEAD" else reply


def pairs(raw: str) -> tuple[tuple[str, str], ...]:
    """The query in order, blanks kept."""
    return tuple(parse_qsl(raw, keep_blank_values=True, errors="replace")) if raw else ()


def headers_of(reply: Reply) -> list[tuple[str, str]]:
    """The headers as they go out: with the length, and only with letters that a header can carry."""
    headers = [(name, value if _plain(value) else _plainly(value)) for name, value in reply.headers]
    if reply.status != 204 and not any(name.lower() == "content-length" for name, _ in headers):
        headers.append(("Content-Length", str(len(reply.body))))
    return headers


def _plain(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _plainly(value: str) -> str:
    return "".join(letter if _plain(letter) else "?" for letter in value)
