"""Emporix: HTTP strategy with a signature of the canonical JSON; Svix strategy, which is Standard Webhooks by other names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mockspi.event import EMPORIX
from mockspi.exchange import Json
from mockspi.schema import ASSUMED
from mockspi.webhooks.message import Message, Wire
from mockspi.webhooks.signing import SIGNATURES, canonical, emporix_signature
from mockspi.webhooks.way import HOUR, MINUTE, SECOND, Unsendable, Way, encode, event_name, option, wire


@dataclass(frozen=True, kw_only=True)
class Emporix(Way):
    """The HTTP strategy: much of it is not published, and here an option."""

    name: str = EMPORIX
    delays: tuple[int, ...] = option(
        (5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR),
        ASSUMED,
        "milliseconds between attempts: only that there are retries is stated",
    )
    envelope: str = option("none", ASSUMED, "what stands around the event: nothing, or type and payload", "none", "type-payload")
    sent: str = option(
        "as-is", ASSUMED, "how the body is written: as it is, or in the canonical form that is signed", "as-is", "canonical"
    )

    def compose(self, message: Message, now: int, secret: str) -> Wire:  # noqa: ARG002  # every profile is told the same
        """Signed only where there is a secret; the publish time is not part of what is signed."""
        body = message.body if self.envelope == "none" else {"type": event_name(message), "payload": message.body}
        raw = encode(body)
        own = [("emporix-event-publish-time", zulu(message.at))]
        try:
            own += [(SIGNATURES[EMPORIX], emporix_signature(secret, body))] if secret else []
            raw = canonical(body).encode("utf-8", "backslashreplace") if self.sent == "canonical" else raw
        except (OverflowError, RecursionError):
            raise Unsendable("the body cannot be signed: nested too deep, or a number that JavaScript cannot hold") from None
        return wire(message, raw, own)


def without(body: Json, excluded: Sequence[str] | None) -> Json:
    """The event without its ``excludedFields``, which name members of the root only."""
    return {name: value for name, value in body.items() if name not in (excluded or ())}


def zulu(moment: int) -> str:
    """Epoch milliseconds in RFC 3339, UTC."""
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
