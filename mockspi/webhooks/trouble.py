"""Deliberate trouble: what is sent instead, and what the outbox does on purpose."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mockspi.clock import DAY
from mockspi.errors import UsageError
from mockspi.schema import did_you_mean
from mockspi.webhooks.message import Message, Wire
from mockspi.webhooks.profiles import Profile
from mockspi.webhooks.signing import SIGNATURES
from mockspi.webhooks.way import Unsendable

WORDS = {
    "duplicate": "the delivery goes twice, with the same id",
    "reorder": "it goes after the next one of its order",
    "delay": "it goes 30 seconds later than it is due; delay:SECONDS says how long",
    "tampered": "the body is changed after it was signed",
    "wrong-secret": "it is signed with another secret; where nothing is signed, every header of the connector has another value",
    "stale": "its timestamp is a day old, and signed like that",
    "missing-header": "the header with the signature is left out; where nothing is signed, every header of the connector",
}
#: Why trouble on the wire may be none.
_NEEDS = {
    "wrong-secret": "nothing is signed and no header is sent; give --secret where {profile} signs, else --header",
    "missing-header": "nothing is signed and no header is sent; give --secret where {profile} signs, else --header",
    "stale": "{profile} sends no time",
}
_DELAY = re.compile(r"delay(?::([0-9]{1,9}))?")
_USUAL = 30


@dataclass(frozen=True, slots=True)
class Plan:
    """What the outbox is asked to do: how often a message goes, after the next of its order, and how many milliseconds late."""

    copies: int = 1
    after_next: bool = False
    delay: int = 0


def known(words: Sequence[str]) -> tuple[str, ...]:
    """The same words; UsageError names one that is none."""
    for word in words:
        if word not in WORDS and not _DELAY.fullmatch(word):
            raise UsageError(f"no trouble is called {word!r}{did_you_mean(word, list(WORDS))}; there are {', '.join(WORDS)}")
    return tuple(words)


def plan(words: Sequence[str]) -> Plan:
    """What of it concerns the outbox."""
    late = [int(found[1] or _USUAL) for word in words if (found := _DELAY.fullmatch(word))]
    return Plan(2 if "duplicate" in words else 1, "reorder" in words, sum(late) * 1000)


def compose(profile: Profile, message: Message, now: int, secret: str) -> Wire:
    """The request of one attempt with all that is wrong with it on purpose; without trouble, the profile's own."""
    words, signature = message.trouble, SIGNATURES.get(profile.name, "").lower()
    headers = {} if signature else message.target.headers
    if "wrong-secret" in words:
        secret = wrong(secret)
        message = _with_headers(message, {**message.target.headers, **{name: wrong(value) for name, value in headers.items()}})
    if "stale" in words:
        now, message = now - DAY, replace(message, at=message.at - DAY)
    if "missing-header" in words and not signature:
        message = _with_headers(message, {})
    sent = profile.compose(message, now, secret)
    if "missing-header" in words:
        sent = replace(sent, headers=tuple(pair for pair in sent.headers if pair[0].lower() != signature))
    return replace(sent, body=tampered(sent.body)) if "tampered" in words else sent


def idle(profile: Profile, message: Message, now: int, secret: str) -> Iterator[tuple[str, str]]:
    """The words of a message's trouble that would change nothing, each with the reason."""
    try:
        plain = profile.compose(message, now, secret)
    except Unsendable:  # with its trouble it can be sent: that changes something
        plain = None
    for word in message.trouble:
        if plain is not None and word in _NEEDS and compose(profile, replace(message, trouble=(word,)), now, secret) == plain:
            yield word, _NEEDS[word].format(profile=profile.name)
    if "reorder" in message.trouble and not message.order:
        yield "reorder", "it is of no cart or order whose next could pass it"


def tampered(body: bytes) -> bytes:
    """The same JSON object with one more member, so that it says something else in any form."""
    return b'{"tampered":true' + (b"," if body[1:].lstrip()[:1] != b"}" else b"") + body[1:]


def wrong(secret: str) -> str:
    """Another secret, always the same, of the form that every platform takes."""
    return "whsec_" + base64.b64encode(hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()).decode()


def _with_headers(message: Message, headers: dict[str, str]) -> Message:
    return replace(message, target=replace(message.target, headers=headers))
