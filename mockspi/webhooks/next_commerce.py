"""Next Commerce: its envelope, Python's default JSON, a hex signature of exactly these bytes, 200 alone."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from mockspi.event import NEXT_COMMERCE
from mockspi.exchange import Json
from mockspi.schema import ASSUMED, PUBLIC
from mockspi.webhooks.message import Message, Wire
from mockspi.webhooks.signing import SIGNATURES, next_signature
from mockspi.webhooks.way import MINUTE, Way, encode, option, wire

#: Ids that are nobody's: an example's, and the one of the vendor's documentation.
_NOBODYS = (None, "", str(uuid.UUID(int=0)), "a7a26ff2-e851-45b6-9634-d595f45458b7")
_NOWHERE = (None, "", "https://example.com/webhook/")


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

    def compose(self, message: Message, now: int, secret: str) -> Wire:  # noqa: ARG002
        """Serialised once: the very bytes are signed and sent."""
        body = encode(enveloped(message), python=True)
        return wire(message, body, [(SIGNATURES[NEXT_COMMERCE], next_signature(secret, body))] if secret else [])


def enveloped(message: Message) -> Json:
    """The body with the message's own event_id and target where it has none but an example's."""
    body = dict(message.body)
    if body.get("event_id") in _NOBODYS:
        body["event_id"] = event_id(message.id)
    if isinstance(hook := body.get("webhook"), dict) and hook.get("target") in _NOWHERE:
        body["webhook"] = {**hook, "target": message.target.url}
    return body


def event_id(id: str) -> str:  # noqa: A002  # the message's word
    """The UUID by which receivers know a message: the same for every attempt, another after a repost."""
    try:
        return str(uuid.UUID(id))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, id))
