"""Requests as bytes, for tests of what goes over the wire."""

from __future__ import annotations

HEAD = b"Host: HOST\r\nConnection: close\r\n"
JSON = HEAD + b"Content-Type: application/json\r\n"


def posted(body: bytes, headers: bytes = JSON, path: bytes = b"/taxEngine/calculateTax") -> bytes:
    """A POST with a key and a length."""
    return b"POST /spi/1.0%s?api_key=KEY HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s" % (path, headers, len(body), body)


def got(target: bytes, headers: bytes = HEAD, method: bytes = b"GET") -> bytes:
    """A call without a body."""
    return b"%s %s HTTP/1.1\r\n%s\r\n" % (method, target, headers)


def delivered(body: bytes, event: bytes = b"VOID_CART", key: bytes = b"?api_key=KEY", more: bytes = b"") -> bytes:
    """An event with a length."""
    head = b"POST /spi/webhooks/%s%s HTTP/1.1\r\n%s%s" % (event, key, JSON, more)
    return head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def form(text: bytes) -> bytes:
    """A request for a token."""
    kind = HEAD + b"Content-Type: application/x-www-form-urlencoded\r\n"
    return b"POST /spi/oauth/token HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s" % (kind, len(text), text)
