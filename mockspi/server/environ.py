"""The one translation from WSGI, for the Flask door and the admin port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockspi.exchange import Request
from mockspi.server.doors import pairs

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def to_request(environ: WSGIEnvironment) -> Request:
    """The request without its body."""
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
