"""Next Commerce: its envelope, Python's default JSON, a hex signature of exactly these bytes, 200 alone."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import cache
from typing import Any

from mockspi.contracts.events import EVENTS
from mockspi.event import NEXT_COMMERCE
from mockspi.exchange import Json
from mockspi.fixtures.reading import sample_set
from mockspi.schema import ASSUMED, PUBLIC
from mockspi.webhooks.message import Message, Wire
from mockspi.webhooks.signing import SIGNATURES, next_signature
from mockspi.webhooks.way import MINUTE, Way, encode, option, wire

#: The id and the target that the vendor's documentation shows.
_DOCUMENTED = frozenset({"a7a26ff2-e851-45b6-9634-d595f45458b7", "https://example.com/webhook/"})


@dataclass(frozen=True, kw_only=True)
class NextCommerce(Way):
    """Ten retries over several days; the spacing is ours."""

    name: str = NEXT_COMMERCE
    timeout: int = option(20_000, PUBLIC, "milliseconds until an answer must be there")
    success: str = option(
        "200", PUBLIC, "the statuses that count as delivered: 200 is stated; of 201 and 204 nothing is", "200", "2xx"
    )
    gone_disables: bool = option(True, PUBLIC, "whether 410 ends all deliveries to the target")
    delays: tuple[int, ...] = option(
        tuple(5 * MINUTE * 2**n for n in range(10)),
        ASSUMED,
        "milliseconds between attempts: 10 retries, exponential, over several days are stated",
    )

    def compose(self, message: Message, now: int, secret: str) -> Wire:  # noqa: ARG002  # every profile is told the same
        """Serialised once: the very bytes are signed and sent."""
        body = encode(enveloped(message), python=True)
        return wire(message, body, [(SIGNATURES[NEXT_COMMERCE], next_signature(secret, body))] if secret else [])


def enveloped(message: Message) -> Json:
    """The body with the message's own event_id and target where it has none but an example's."""
    body = dict(message.body)
    if _nobodys(body.get("event_id")):
        body["event_id"] = event_id(message.id)
    if isinstance(hook := body.get("webhook"), dict) and _nobodys(hook.get("target")):
        body["webhook"] = {**hook, "target": message.target.url}
    return body


def event_id(id: str) -> str:  # noqa: A002  # the message's word
    """The UUID by which receivers know a message: the same for every attempt, another after a repost."""
    try:
        return str(uuid.UUID(id))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, id))


def _nobodys(value: Any) -> bool:
    """Whether nobody chose this: it is not there, or as the examples have it."""
    return value in (None, "") or (isinstance(value, str) and value in _DOCUMENTED | _shown())


@cache
def _shown() -> frozenset[Any]:
    """The ids and targets of the sample set's examples."""
    events = [one.id for one in EVENTS if one.platform == NEXT_COMMERCE]
    bodies = [shown["body"] for event in events for shown in sample_set().event_examples(event).values()]
    return frozenset(text for body in bodies for text in (body.get("event_id"), body.get("webhook", {}).get("target")))
