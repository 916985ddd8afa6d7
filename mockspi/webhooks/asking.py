"""A webhook that somebody asks for, on the command line or over the admin port, made into a message."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mockspi.contracts.events import named
from mockspi.errors import UsageError
from mockspi.event import Event
from mockspi.exchange import Json
from mockspi.fixtures.reading import FixtureSet
from mockspi.store.letters import is_reference
from mockspi.webhooks import trouble
from mockspi.webhooks.making import chosen, make
from mockspi.webhooks.message import Message, Target
from mockspi.webhooks.sender import Sender
from mockspi.webhooks.signing import SIGNATURES

Result = TypeVar("Result")
_ORDERS = ("cartId", "cartID", "suspendCartId", "orderId", "id")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be sent where; everything but event and address has a default."""

    event: str
    to: str
    platform: str = ""
    profile: str = ""  #: the platform's unless given
    example: str = ""
    data: Json | None = None
    sets: Mapping[str, Any] = field(default_factory=dict)
    raw: bool = False
    method: str = ""
    secret: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    trouble: Sequence[str] = ()
    order: str | None = None  #: what the body tells unless given; empty for none


class Unfit(UsageError):
    """What was asked for cannot be sent; ``path`` is the part that is wrong."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


def message_of(wanted: Wanted, sender: Sender, at: int, fixtures: FixtureSet | None = None) -> Message:
    """The message, checked as far as can be before it is sent; Unfit says what is wrong."""
    event = _at("/event", lambda: chosen(wanted.event, wanted.platform))
    body = _at("/set" if wanted.sets else "/data", lambda: _body(wanted, event, fixtures))
    _at("/trouble", lambda: trouble.known(wanted.trouble))
    profile = wanted.profile or event.platform
    _at("/profile", lambda: sender.profile(profile))
    method = wanted.method or event.methods[0]
    if method not in event.methods and not wanted.raw:
        raise Unfit("/method", f"{event.name} is sent with {' or '.join(event.methods)}, not {method} (--raw sends it anyway)")
    if not is_reference(wanted.to):
        _at("/to", lambda: sender.outbound.check(wanted.to))
    target = Target(wanted.to, profile, method=method, secret=wanted.secret, headers=dict(wanted.headers))
    order = order_of(body) if wanted.order is None else wanted.order
    message = Message(str(uuid.uuid4()), event.id, body, target, at, order, tuple(wanted.trouble))
    _at("/secret" if wanted.secret else "/headers", lambda: sender.composed(message, at))
    for word, why in sender.idle(message, at):
        raise Unfit("/trouble", f"the trouble {word!r} would change nothing: {why}")
    return message


def remarks(message: Message) -> list[str]:
    """What whoever asked for a message had better know, though it is sent."""
    profile, secret = message.target.profile, message.target.secret
    if secret and profile not in SIGNATURES:
        return [f"{profile} signs nothing, so the secret is not used; a header can carry one (--header)"]
    if not secret and profile in SIGNATURES and "wrong-secret" not in message.trouble:
        return [f"{profile} signs where there is a secret; this goes unsigned, --secret signs it"]
    return []


def events_named(name: str) -> tuple[str, ...]:
    """The ids of all events with a name: of every platform and version."""
    return tuple(one.id for one in named(name))


def _body(wanted: Wanted, event: Event, fixtures: FixtureSet | None) -> Json:
    return make(event, example=wanted.example, data=wanted.data, sets=wanted.sets, raw=wanted.raw, found=fixtures)


def _at(path: str, work: Callable[[], Result]) -> Result:
    """What something gives; of what it refuses, which part is meant."""
    try:
        return work()
    except UsageError as error:
        raise Unfit(path, str(error)) from error


def order_of(body: Any) -> str:
    """What goes one after another: the messages of one cart or order; empty where the body names none."""
    if not isinstance(body, dict):
        return ""
    found = next((body[name] for name in _ORDERS if isinstance(body.get(name), str)), "")
    return found or order_of(body.get("data"))
