"""The journal as a HAR 1.2 file, which browsers' network panels and many tools read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from mockspi import __version__
from mockspi.exchange import Json, encode
from mockspi.journal import Entry


def written(entries: Iterator[Entry], root: str) -> Iterator[bytes]:
    """The file, in pieces; ``root`` is the address of the server."""
    creator = json.dumps({"name": "mockspi", "version": __version__})
    yield f'{{"log":{{"version":"1.2","creator":{creator},"entries":['.encode()
    comma = b""
    for one in entries:
        yield comma + encode(entry(one, root))
        comma = b",\n"
    yield b"]}}\n"


def entry(one: Entry, root: str) -> Json:
    """One exchange as HAR tells it; what only we know has a name with an underscore."""
    return {
        "startedDateTime": datetime.fromtimestamp(one.time / 1000, UTC).isoformat(timespec="milliseconds"),
        "time": one.milliseconds,
        "request": _request(one, root),
        "response": _response(one),
        "cache": {},
        "timings": {"send": 0, "wait": one.milliseconds, "receive": 0},
        "_number": one.number,
        "_contract": one.contract,
        "_sandbox": one.sandbox,
        "_findings": one.findings,
    }


def _request(one: Entry, root: str) -> Json:
    query = f"?{urlencode(one.query, safe='*')}" if one.query else ""
    text = _text(one.body)
    posted = {"postData": {"mimeType": one.headers.get("content-type", ""), "text": text}} if text else {}
    return {
        "method": one.method,
        "url": root + quote(one.path) + query,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in one.headers.items()],
        "queryString": [{"name": name, "value": value} for name, value in one.query],
        **posted,
        "headersSize": -1,
        "bodySize": one.cut.get("request", len(text.encode())),
    }


def _response(one: Entry) -> Json:
    text = _text(one.reply_body)
    size = one.cut.get("reply", len(text.encode()))
    headers = [{"name": name, "value": value} for name, value in one.reply_headers]
    media = next((value for name, value in one.reply_headers if name.lower() == "content-type"), "")
    known = one.status in [status.value for status in HTTPStatus]
    return {
        "status": one.status,
        "statusText": HTTPStatus(one.status).phrase if known else "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "content": {"size": size, "mimeType": media, "text": text},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": size,
    }


def _text(body: Any) -> str:
    return "" if body is None else body if isinstance(body, str) else encode(body).decode()
