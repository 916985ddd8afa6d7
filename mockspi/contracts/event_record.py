"""What is kept of an event that was received."""

from __future__ import annotations

from mockspi.schema import ASSUMED, Anything, Choice, Id, Integer, Many, Moment, Shape, Text

APPLIED, HELD, REFUSED, KEPT = STATES = ("applied", "held", "refused", "kept")


class Moved(Shape):
    """Units that an event put on a shelf, or took off it where they are below zero."""

    productId = Id(required=True)
    locationId = Id(required=True)
    quantity = Integer(required=True)


class ReceivedEvent(Shape):
    """An event as it was received first, and what came of it since."""

    SOURCE, OPEN = ASSUMED, True

    eventId = Id(required=True, about="ours")
    number = Integer(low=1, required=True)
    event = Id(required=True)
    endpoint = Id(required=True, about="the endpoint name to which it was delivered")
    at = Moment(required=True)
    id = Text(about="the sender's, where it gave one")
    same = Many(Id(), required=True, about="what a repetition has in common with it")
    duplicates = Integer(low=0, required=True, about="how often it came again once it was heard")
    times = Integer(low=1, required=True, about="how often it came in all")
    state = Choice(*STATES, required=True)
    why = Text(about="in a sentence")
    errorCode = Text()
    errors = Many(Anything())
    findings = Many(Anything(), required=True)
    orderId = Id()
    cartId = Id()
    body = Anything(about="of what is held, or counts for its order again")
    settledAt = Moment(about="when it had waited for its order")
    moved = Many(Moved, about="what it did to the stock by itself")
