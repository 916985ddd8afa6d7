"""Events that are received: every event of the table as a contract under ``/webhooks``, beside the SPIs."""

from __future__ import annotations

from collections.abc import Iterator

from mockspi.contract import Answer, Call, Contract
from mockspi.contracts.events import EVENTS
from mockspi.contracts.spi import addresses, checkout, customers, inventory, loyalty, orders, taxes
from mockspi.event import Event
from mockspi.exchange import Json
from mockspi.retail import deliveries
from mockspi.retail.deliveries import Incoming, Outcome
from mockspi.schema import Anything, Id, Many, Shape, Text

GROUP = "Webhooks"
DUPLICATE, NOT_APPLIED, WAITING = "EVENT_DUPLICATE", "EVENT_REFUSED", "EVENT_HELD"  #: codes of findings
_IDS = ("webhook-id", "svix-id", "x-event-id")
_SPIS = {one.name for room in (customers, addresses, inventory, loyalty, orders, checkout, taxes) for one in room.CONTRACTS}


class Taken(Shape):
    """Nothing, which is success; or why the event was refused, by which its sender knows to repost it."""

    errorCode = Id()
    errorMessage = Text()
    errors = Many(Anything())


def _answer(name: str) -> Answer:
    def answer(call: Call) -> Json:
        """Keep the event, let it act, and say whether it was refused."""
        incoming = Incoming(name, name, call.body, _id(call), findings=list(call.findings))
        event, again = deliveries.take_in(call.records, incoming, call.clock, call.text, lambda: Outcome(deliveries.KEPT))
        if again:
            call.findings.append({"code": DUPLICATE, "message": f"it came as {event['eventId']} before; not applied again"})
        return dict(deliveries.failure_of(event))

    return answer


def _id(call: Call) -> str:
    """The id that the sender gave the event."""
    found = (call.headers.get(name) for name in _IDS)
    inside = call.body.get("event_id")
    return next(filter(None, found), inside if isinstance(inside, str) else "")


def _contracts() -> Iterator[Contract]:
    """One contract for each name and method, whatever platforms and versions have it."""
    events: dict[str, list[Event]] = {}
    for event in EVENTS:
        events.setdefault(event.name, []).append(event)
    for name, ones in events.items():
        for method in dict.fromkeys(method for one in ones for method in one.methods):
            yield Contract(
                name=f"{name}.webhook" if name in _SPIS else name,
                call=f"{method} /webhooks/{name}",
                sample="",
                about=ones[0].about,
                group=GROUP,
                reply=Taken,
                answer=_answer(name),
                source=ones[0].source,
                received=tuple(dict.fromkeys(one.body for one in ones)),
                aliases=tuple(dict.fromkeys(f"/webhooks/{other}" for one in ones for other in one.also)),
                writes=True,
            )


RECEIVED: tuple[Contract, ...] = tuple(_contracts())
