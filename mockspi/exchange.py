"""What travels: one request, its reply, and nothing of the web framework that carried them."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

#: Faults after which no caller has the reply; of a dribble it all comes in the end.
LOST = frozenset({"reset", "empty", "truncate", "garbage", "timeout"})
JSON_TYPE = "application/json; charset=utf-8"

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)  # dumps would make one each time
_STRICT = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
_ZEROS = bytes(ord("0") if chr(code).isdecimal() else code for code in range(256))  #: every digit as 0
_SMALL = b"0.0000"  #: how orjson may write what is below 0.0001
_SMALLER, _LONG = b"0e-0", b"0" * 19  #: of digits as 0: exponents, and whole numbers beyond 64 bits

#: A JSON object. It travels whole through the middle; nobody re-lists its fields.
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One call as it came in: decoded path, ordered query pairs, lower-case header names, raw body bytes."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def values(self, name: str) -> list[str]:
        """Every value that the query gives for a name, in order."""
        return [value for key, value in self.query if key == name]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a rule does to a reply on its way: the door waits ``delay`` milliseconds, then commits the fault.

    Faults: reset, empty, truncate, garbage, timeout, dribble (``chunk`` bytes every ``interval`` milliseconds).
    """

    delay: float = 0.0
    fault: str = ""
    chunk: int = 0
    interval: float = 0.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: status, headers without Content-Length (the door adds it), body bytes, trouble on the way."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    trouble: Trouble | None = None
    lasting: bool = False  #: the same at any time, until a record, a rule or the sandbox changes
    regardless: bool = False  #: and whatever body was sent
    chunks: Iterable[bytes] | None = None  #: what follows ``body``, where the reply is made as it is sent

    @classmethod
    def of(cls, document: Json, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Reply:
        """A JSON reply, serialised once."""
        return cls(status, encode(document), (("Content-Type", JSON_TYPE), *headers))

    @classmethod
    def without_nulls(cls, document: Json) -> tuple[Json, Reply]:
        """A document without null members, and the reply that it is."""
        body = encode(document)
        if b"null" in body:
            document = without_nulls(document)
            body = encode(document)
        return document, cls(200, body, (("Content-Type", JSON_TYPE),))

    @classmethod
    def streamed(cls, pieces: Generator[bytes], least: int, headers: Iterable[tuple[str, str]]) -> Reply:
        """A reply whose pieces, each of ``least`` bytes or more but the last, are made as they are sent; one alone is whole."""
        first = next(pieces, b"")
        if len(first) >= least:
            return cls(200, first, tuple(headers), chunks=pieces)
        pieces.close()
        return cls(200, first, tuple(headers))

    def whole(self) -> Reply:
        """The same with all of its body."""
        return self if self.chunks is None else replace(self, body=b"".join([self.body, *self.chunks]), chunks=None)

    def without_body(self) -> Reply:
        """The answer to HEAD: the same headers, no body, and its length where GET would tell it."""
        if self.chunks is not None:
            return replace(self, body=b"", chunks=())
        return replace(self, body=b"", headers=(*self.headers, ("Content-Length", str(len(self.body)))))


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its reply under a contract; ``contract`` is empty where no contract was found."""

    contract: str
    request: Request
    reply: Reply
    sandbox: str = ""
    space: str = ""  #: where the sandbox's own things are kept
    milliseconds: float = 0.0
    time: int = 0  #: when it was answered, and ``clock`` the same in the sandbox's time
    clock: int = 0
    rule: str = ""  #: the name of the rule that acted
    findings: Sequence[Json] = ()


def encode(document: Any) -> bytes:
    """Compact UTF-8 JSON; refuses what JSON cannot say (NaN, infinity).

    The bytes are the standard library's, always: it is asked where orjson has no answer, or may have another one.
    """
    try:
        told = orjson.dumps(document, option=_STRICT)
    except TypeError:
        return _ENCODER.encode(document).encode()
    return _ENCODER.encode(document).encode() if _is_doubtful(told) else told


def encode_each(documents: Sequence[Any]) -> list[bytes]:
    """The same for each of some documents; what orjson wrote is looked at together."""
    try:
        told = [orjson.dumps(one, option=_STRICT) for one in documents]
    except TypeError:
        return list(map(encode, documents))
    return list(map(encode, documents)) if _is_doubtful(b",".join(told)) else told


def encode_plain(documents: Sequence[Any]) -> list[bytes]:
    """JSON for each of some documents that were read from JSON; numbers may be spelt in another way than ``encode`` does it."""
    return [orjson.dumps(one, option=_STRICT) for one in documents]


def listed(texts: Sequence[str | None]) -> str:
    """A JSON list of texts, some of which may be missing."""
    return orjson.dumps(texts).decode()


def _is_doubtful(told: bytes) -> bool:
    return b"null" in told or _SMALL in told or _SMALLER in told.translate(_ZEROS)  # NaN is written as null


def decode(raw: bytes) -> Any:
    """What the standard library reads in UTF-8 JSON; ValueError where it must be asked: nothing is said about why."""
    if _LONG in raw.translate(_ZEROS):
        raise ValueError
    return orjson.loads(raw)


decode_again = orjson.loads  #: the same for what ``decode`` has read before; in other JSON numbers beyond 64 bits become others


def without_nulls(value: Any, *, lists: bool = True) -> Any:
    """The same JSON without null members, which mean the same as absent ones; in lists they are left out too if asked."""
    if isinstance(value, dict):
        return {key: without_nulls(member, lists=lists) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [without_nulls(member, lists=lists) for member in value if member is not None or not lists]
    return value
