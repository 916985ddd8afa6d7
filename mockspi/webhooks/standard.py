"""Standard Webhooks 1.0.0, and Svix (through which Emporix delivers unless told otherwise): the same under names of its own."""

from __future__ import annotations

from dataclasses import dataclass

from mockspi.event import STANDARD
from mockspi.schema import ASSUMED, PUBLIC
from mockspi.webhooks.message import Message, Wire
from mockspi.webhooks.signing import EMPORIX_SVIX, standard_signature
from mockspi.webhooks.way import HOUR, MINUTE, SECOND, Unsendable, Way, encode, option, wire


@dataclass(frozen=True, kw_only=True)
class Standard(Way):
    """The schedule is the standard's example."""

    name: str = STANDARD
    timeout: int = option(20 * SECOND, PUBLIC, "milliseconds until an answer must be there; 15 to 30 s are advised")
    success: str = option("2xx", PUBLIC, "the statuses that count as delivered", "2xx", "200")
    gone_disables: bool = option(True, PUBLIC, "whether 410 ends all deliveries to the target")
    delays: tuple[int, ...] = option(
        (5 * SECOND, 5 * MINUTE, 30 * MINUTE, *(hours * HOUR for hours in (2, 5, 10, 14, 20, 24))),
        PUBLIC, "milliseconds between attempts",
    )  # fmt: skip
    jitter: float = option(0.2, PUBLIC, "the part of a delay by which it is shorter or longer, from the seed; the size is Svix's")
    retry_after: bool = option(
        True, PUBLIC, "whether Retry-After is honoured; its bounds, one and two delays (or the throttle), are Svix's"
    )
    throttle: int = option(
        MINUTE, PUBLIC, "milliseconds to wait at least after 429, 502 and 504 without Retry-After; the time is Svix's"
    )
    prefix: str = option("webhook", PUBLIC, "what the names of the three headers begin with", "webhook", "svix")
    restamp: bool = option(True, PUBLIC, "whether each attempt has a timestamp of its own; false keeps that of the message")

    def compose(self, message: Message, now: int, secret: str) -> Wire:
        """The id of the message, the time of the attempt, and a signature for each of the secrets."""
        body, stamp = encode(message.body), (now if self.restamp else message.at) // 1000
        if "." in message.id:
            raise Unsendable(f"the id {message.id!r} has a dot, which the standard forbids")
        try:
            signature = standard_signature(secret, message.id, stamp, body)
        except ValueError:
            raise Unsendable("the secret is missing or is none: whsec_ and Base64 are expected (--secret)") from None
        own = {"id": message.id, "timestamp": str(stamp), "signature": signature}
        return wire(message, body, [(f"{self.prefix}-{name}", value) for name, value in own.items()])


@dataclass(frozen=True, kw_only=True)
class EmporixSvix(Standard):
    """Svix's own names and times."""

    name: str = EMPORIX_SVIX
    timeout: int = option(30 * SECOND, PUBLIC, "milliseconds until an answer must be there")
    gone_disables: bool = option(True, ASSUMED, "whether 410 ends all deliveries to the target")
    delays: tuple[int, ...] = option(
        (5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR), PUBLIC, "milliseconds between attempts"
    )
    prefix: str = option("svix", PUBLIC, "what the names of the three headers begin with", "webhook", "svix")
