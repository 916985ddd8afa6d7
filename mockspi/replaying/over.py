"""Another implementation, for calls that are made again."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from mockspi.bundle import Change, Header, Snapshot
from mockspi.errors import UsageError
from mockspi.exchange import encode
from mockspi.journal import STREAMED, value
from mockspi.masking import MASK, masked_body
from mockspi.replaying import request_of
from mockspi.store.rows import Row

_NOT_SENT = ("host", "content-length", "connection", "transfer-encoding", "accept-encoding", "expect")
_MADE_UP = re.compile(r"[A-Z][\w-]*-[0-9A-HJKMNP-TV-Z]{10}\Z")
_PATIENCE = 60.0


class Over:
    """An implementation that is reached over HTTP: status, kind and body of its answers count, made-up ids are its own."""

    def __init__(self, header: Header, url: str, key: str) -> None:
        parsed = urlsplit(url)
        if not url.isprintable() or parsed.scheme not in ("http", "https") or not parsed.hostname:
            raise UsageError(f"--against is {url!r}: an address such as http://127.0.0.1:8080/spi/1.0 is expected")
        self._url, self._key = parsed, key
        self._bases = [f"{header.settings['base_path']}/{version}" for version in header.settings["api_version"]]
        self._ids: dict[str, str] = {}

    def begin(self, snapshot: Snapshot) -> None:
        """Nobody else has snapshots."""

    def change(self, change: Change) -> str:
        """Nobody else has an admin port."""
        return f"{change.call} was left out: it is mockspi's own"

    def skips(self, asked: Row) -> str:
        """What rules answered is mockspi's own."""
        rule = json.loads(asked.facts).get("rule", "")
        return f"the rule {rule} had answered it" if rule else ""

    def call(self, asked: Row) -> Row:
        """Over a connection of its own."""
        request = request_of(asked, self._key)
        target = (
            f"{quote(self._renamed(self._place(request.path)))}?{urlencode([(n, self._renamed(t)) for n, t in request.query])}"
        )
        headers = {name: text for name, text in request.headers.items() if name not in _NOT_SENT and MASK not in text}
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=_PATIENCE)
        try:
            connection.request(request.method, target, self._renamed_body(request.body), headers)
            came = connection.getresponse()
            body = came.read()
        except (OSError, http.client.HTTPException) as error:
            raise UsageError(f"{self._url.geturl()} did not answer call {asked.number}: {error}") from error
        finally:
            connection.close()
        return self._compared(asked, came.status, body, dict(came.getheaders()))

    def _compared(self, asked: Row, status: int, body: bytes, came: Mapping[str, str]) -> Row:
        """The answer as far as it counts: an id that the original made up is renamed where another came in its place."""
        facts = json.loads(asked.facts)
        kind = next((text.partition(";")[0] for name, text in came.items() if name.lower() == "content-type"), "")
        facts["replyHeaders"] = [
            [name, text if name.lower() != "content-type" or text.partition(";")[0] == kind else kind]
            for name, text in facts["replyHeaders"]
        ]
        body = masked_body(body)
        if size := facts.get("cut", {}).get("reply"):
            facts["cut"] = {**facts["cut"], "reply": len(body) if size != STREAMED else size}
            kept = body[: len(asked.reply)]
        elif isinstance(got := value(body), dict | list):
            self._learn(value(asked.reply), got)
            kept = encode(_with(got, {theirs: ours for ours, theirs in self._ids.items()}))
        else:
            kept = body
        return replace(asked, status=status, reply=kept, facts=json.dumps(facts))

    def _learn(self, expected: Any, got: Any) -> None:
        if isinstance(expected, dict) and isinstance(got, dict):
            for name in expected.keys() & got.keys():
                self._learn(expected[name], got[name])
        elif isinstance(expected, list) and isinstance(got, list):
            for one, other in zip(expected, got, strict=False):
                self._learn(one, other)
        elif isinstance(expected, str) and isinstance(got, str) and expected != got and _MADE_UP.match(expected):
            self._ids.setdefault(expected, got)

    def _place(self, path: str) -> str:
        own = self._url.path.rstrip("/")
        base = next((one for one in self._bases if own and path.startswith(f"{one}/")), None)
        return path if base is None else own + path.removeprefix(base)

    def _renamed(self, text: str) -> str:
        for ours, theirs in self._ids.items():
            text = text.replace(ours, theirs)
        return text

    def _renamed_body(self, body: bytes) -> bytes:
        for ours, theirs in self._ids.items():
            body = body.replace(ours.encode(), theirs.encode())
        return body


def _with(told: Any, names: Mapping[str, str]) -> Any:
    """JSON with some texts in the place of others."""
    if isinstance(told, dict):
        return {name: _with(member, names) for name, member in told.items()}
    if isinstance(told, list):
        return [_with(member, names) for member in told]
    return names.get(told, told) if isinstance(told, str) else told
