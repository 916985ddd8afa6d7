"""What the doors share: which reply a request gets, how a query is read, and the headers as they go out."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import parse_qsl

from mockspi.exchange import Reply
from mockspi.routes import RouteTable

_SAME = 128  #: queries of which it is remembered how they are read


def reading(table: RouteTable) -> frozenset[tuple[str, str]]:
    """Method and path of the calls that certainly write no records, so that they never wait for another process."""
    writing = {(one.contract.method, one.path) for one in table.routes if one.contract.writes}
    return frozenset((one.contract.method, one.path) for one in table.routes) - writing


@lru_cache(_SAME)
def pairs(raw: str) -> tuple[tuple[str, str], ...]:
    """The query in order, blanks kept."""
    return tuple(parse_qsl(raw, keep_blank_values=True, errors="replace")) if raw else ()


def headers_of(reply: Reply) -> list[tuple[str, str]]:
    """The headers as they go out: with the length where it is known, and only with letters that a header can carry."""
    headers = [(name, value if _plain(value) else _plainly(value)) for name, value in reply.headers]
    if reply.status != 204 and reply.chunks is None and not any(name.lower() == "content-length" for name, _ in headers):
        headers.append(("Content-Length", str(len(reply.body))))
    return headers


def _plain(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _plainly(value: str) -> str:
    return "".join(letter if _plain(letter) else "?" for letter in value)
