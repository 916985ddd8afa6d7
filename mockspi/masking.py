"""What is masked before anything is kept or told: one rule of names for headers, queries, members and pairs in text."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any

from mockspi.exchange import encode

MASK = "***"
_LONGEST_PATH = 4096
_SHORTEST_SECRET = 4  #: a shorter text is no secret that could be found again
#: A name in lower case, without - and _. A card acquisition token opens nothing: contracts find customers by it.
_SECRET = re.compile(
    r"(?!.*cardacquisitiontoken)(?:.*(?:apikey|cookie|secret|password|credential|token).*|.*authorization|pin|cvv|cvc)", re.DOTALL
)
_HEADER = re.compile(
    r"(?!idempotency|cache|surrogate|secwebsocket).*key|x?auth|pw"
)  #: of headers only: members have such names too
#: What every body holds that names a secret, in lower case and without - and _: ``_SECRET``, as a quick look can find it.
_WORDS = (b"apikey", b"cookie", b"secret", b"password", b"credential", b"authorization", b'"pin"', b'"cv')
_PAIRS = (b"pin=", b"cvv=", b"cvc=")
_TOKEN, _OPENS_NOTHING = b"token", b"cardacquisitiontoken"
_LOWER = bytes(range(256)).lower()
_SHORT = 8192  #: bytes; what is looked for in a longer body is not remembered
_MEMBER = re.compile(r'"([^"\\]{1,128})"(\s*:\s*)("(?:[^"\\]|\\.)*"?|[\[{]|[^\s,}\]]+)', re.DOTALL)
_PAIR = re.compile(r"(?<![\w-])([\w-]{1,128})=")
_VALUE, _VALUE_IN_JSON = re.compile(r'"[^"]*"?|[^&;#\s]*'), re.compile(r'[^&;#\s"\\]*')


def masked_query(query: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The query with every secret masked, the api_key however it is spelt."""
    return [
        (sound(name.partition("=")[0]), MASK) if _tells_secret(name, value) else (sound(name), sound(value))
        for name, value in query
    ]


def masked_header(name: str, value: str) -> str:
    """A header's value, or the mask; an address in it loses its key."""
    return MASK if is_secret_header(name) else _pairs_masked(value)


def maskable(texts: Iterable[str]) -> list[str]:
    """Secrets as they are looked for in what somebody echoes: longest first, none so short that it stands everywhere."""
    return sorted({one for one in texts if len(one) >= _SHORTEST_SECRET}, key=len, reverse=True)


def unechoed(text: str, secrets: Collection[str]) -> str:
    """A text of somebody who was told secrets, without those."""
    for one in secrets:
        text = text.replace(one, MASK)
    return text


def masked_path(path: str) -> str:
    """A path into which a query was put by mistake loses its key."""
    return _pairs_masked(path)[:_LONGEST_PATH]


def masked_body(body: bytes) -> bytes:
    """A body in which the members that name a secret are masked whole, and so are pairs (``password=...``) in text."""
    look = _may_again if len(body) <= _SHORT else _may_tell_secret
    return _masked(body) if body and look(body) else body


def _may_tell_secret(body: bytes) -> bool:
    """Whether there is anything to mask: a quick look, for in most there is nothing."""
    plain = body.translate(_LOWER, b"-_")
    for word in _WORDS:
        if word in plain:
            return True
    if b"=" in plain and any(pair in plain for pair in _PAIRS):
        return True
    return _TOKEN in plain and plain.count(_TOKEN) != plain.count(_OPENS_NOTHING)


_may_again = lru_cache(maxsize=64)(_may_tell_secret)  #: load tests send the same again and again


def _masked(body: bytes) -> bytes:
    text = body.decode("latin-1")
    holders = (one for one in _MEMBER.finditer(text) if one[3] in ("[", "{") and is_secret(one[1]))
    if holder := next(holders, None):
        try:
            text = encode(_members_masked(json.loads(body))).decode("latin-1")
        except (ValueError, RecursionError):  # where it ends cannot be known
            text = f'{text[: holder.start(3)]}"{MASK}"'
    text = _MEMBER.sub(_member_masked, text)
    return _pairs_masked(text, _VALUE_IN_JSON if text.lstrip()[:1] in ("{", "[") else _VALUE).encode("latin-1")


@lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    """Whether what has this name is a secret."""
    return _SECRET.fullmatch(name.lower().replace("-", "").replace("_", "")) is not None


@lru_cache(maxsize=1024)
def is_secret_header(name: str) -> bool:
    """Whether a header of this name is a secret: any key but one that only names a call, and what short names stand for."""
    return is_secret(name) or _HEADER.fullmatch(name.lower().replace("-", "").replace("_", "")) is not None


def printable(text: str) -> str:
    """Text without what would steer a terminal."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def sound(text: str) -> str:
    """Text that UTF-8 can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _tells_secret(name: str, value: str) -> bool:
    """Whether this is a secret, or a query that was put together wrongly with a secret inside (``a=1;api_key=...``)."""
    if is_secret(name.partition("=")[0]) or "apikey" in value.lower().replace("_", "").replace("-", ""):
        return True
    return any(is_secret(one[1]) for text in (name, value) if "=" in text for one in _PAIR.finditer(text))


def _pairs_masked(text: str, value: re.Pattern[str] = _VALUE) -> str:
    if "=" not in text:
        return text
    parts, end = [], 0
    for one in _PAIR.finditer(text):
        if one.start() >= end and is_secret(one[1]) and (found := value.match(text, one.end())):
            parts += [text[end : one.end()], MASK]
            end = found.end()
    return "".join([*parts, text[end:]])


def _member_masked(one: re.Match[str]) -> str:
    return f'"{one[1]}"{one[2]}"{MASK}"' if is_secret(one[1]) else one[0]


def _members_masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: MASK if is_secret(name) else _members_masked(one) for name, one in value.items()}
    return [_members_masked(one) for one in value] if isinstance(value, list) else value
