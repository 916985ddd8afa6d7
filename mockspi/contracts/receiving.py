"""Events that are received: every event of the table as a contract under ``/webhooks``, beside the SPIs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from mockspi.contract import Answer, Call, Contract
from mockspi.contracts.events import EVENTS
from mockspi.contracts.spi import addresses, checkout, customers, inventory, loyalty, orders, taxes
from mockspi.errors import BrokenRequest, Failure
from mockspi.event import Event
from mockspi.exchange import Json
from mockspi.refusals import InsufficientInventory, NotReturnable, ProductNotFound, ReturnQuantityExceeded
from mockspi.retail import acting, deliveries
from mockspi.retail.deliveries import Incoming, Outcome
from mockspi.schema import Anything, Id, Many, Shape, Text, uneven

GROUP = "Webhooks"
EVERY = "WEBHOOKS"  #: what rules and questions call all of them
DUPLICATE, NOT_APPLIED, WAITING = "EVENT_DUPLICATE", "EVENT_REFUSED", "EVENT_HELD"  #: codes of findings
_IDS = ("webhook-id", "svix-id", "x-event-id")
_SPIS = {one.name for room in (customers, addresses, inventory, loyalty, orders, checkout, taxes) for one in room.CONTRACTS}


_STOCK = (InsufficientInventory, ProductNotFound)
_FAILS: dict[str, tuple[type[Failure], ...]] = {
    "ORDER": (InsufficientInventory,),
    "RETURN": (NotReturnable, ReturnQuantityExceeded, InsufficientInventory),
    **{name: _STOCK for name in acting.ACTS if "INVENTORY" in name},
}


class Taken(Shape):
    """Nothing, which is success; or why the event was refused, by which its sender knows to repost it."""

    errorCode = Id()
    errorMessage = Text()
    errors = Many(Anything())


def _findings(event: Json, again: bool) -> Iterator[Json]:
    """What the journal tells of an event, beside what is wrong with its body."""
    if again:
        yield {"code": DUPLICATE, "message": f"it came as {event['eventId']} before, and is not applied again"}
    elif event["state"] == deliveries.HELD:
        yield {"code": WAITING, "message": event["why"]}
    elif event["state"] == deliveries.REFUSED:
        yield {"code": NOT_APPLIED, "message": f"{event['errorCode']}: {event['why']}"}


def _answer(name: str, shape: type[Shape]) -> Answer:
    def answer(call: Call) -> Json:
        """Keep the event, let it act, and say whether it was refused."""
        unsound, id_ = list(call.findings), _id(call)
        reference = acting.reference(name, call.body) if name in acting.ACTS or not id_ else ""

        def act(number: int) -> Outcome:
            if name not in acting.ACTS:
                return Outcome(deliveries.KEPT)
            errors = [*unsound, *(asdict(one) for one in uneven(shape, call.body))]
            if errors and name not in acting.LENIENT:
                raise BrokenRequest(errors=[{"path": one["path"], "message": one["message"]} for one in errors])
            return acting.ACTS[name](call.records, call.body, number, call.clock)

        incoming = Incoming(name, name, call.body, id_, reference, unsound)
        event, again = deliveries.take_in(call.records, incoming, call.clock, call.text, act)
        call.findings.extend(_findings(event, again))
        if event["state"] == deliveries.APPLIED and "orderId" in event and not again:
            acting.release(call.records, event["orderId"], call.clock, call.text)
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
                answer=_answer(name, ones[0].body),
                source=ones[0].source,
                also=(EVERY,),
                fails=_FAILS.get(name, ()),
                received=tuple(dict.fromkeys(one.body for one in ones)),
                aliases=tuple(dict.fromkeys(f"/webhooks/{other}" for one in ones for other in one.also)),
                writes=True,
            )


RECEIVED: tuple[Contract, ...] = tuple(_contracts())
