"""Events that a sandbox received, over the admin port: what came, and what came of it."""

from __future__ import annotations

from mockspi.admin.route import AdminRoute, Desk, SandboxNotFound
from mockspi.contracts.event_record import STATES, Moved
from mockspi.contracts.receiving import RECEIVED
from mockspi.errors import BrokenRequest
from mockspi.exchange import Json
from mockspi.retail.deliveries import told
from mockspi.schema import Anything, Choice, Id, Integer, Many, Moment, Shape, Text, did_you_mean
from mockspi.store.base import Criterion

_LARGEST_PAGE = 500


class EventQuery(Shape):
    """Which events; all that is named must hold."""

    event = Text(about="name of the event, such as ORDER")
    status = Choice(*STATES)
    orderId = Text()
    id = Text(about="the sender's id, or ours")
    pageNumber = Integer(low=1, about="from 1, which holds the oldest")
    pageSize = Integer(low=1, high=_LARGEST_PAGE, about="100 unless given")


class EventReply(Shape):
    """One event, however often it was delivered."""

    eventId = Id(required=True, about="ours")
    id = Id(required=True, about="the sender's, else ours")
    direction = Choice("received", required=True)
    event = Id(required=True)
    endpoint = Id(required=True, about="the endpoint name to which it was delivered")
    at = Moment(required=True, about="when it came, by the sandbox's clock")
    status = Choice(*STATES, required=True, about="kept: it changes nothing beside being known")
    reason = Text(about="in a sentence, where there is something to say")
    errorCode = Text(about="why it was refused")
    errors = Many(Anything())
    attempts = Integer(required=True, about="how often it came")
    duplicates = Integer(required=True, about="how often it came once it was heard")
    findings = Many(Anything(), required=True, about="what is wrong with its body: code, path, message")
    orderId = Id()
    cartId = Id()
    moved = Many(Moved, about="units that it put on shelves by itself, or took off them")
    settledAt = Moment(about="when it was done, after it had waited for its order")


class EventsReply(Shape):
    """The events that are meant, the oldest first."""

    events = Many(EventReply, required=True)
    totalCount = Integer(required=True)


def read(desk: Desk, inputs: Json, _: Json) -> Json:
    """What was received."""
    known = list(dict.fromkeys(one.name.removesuffix(".webhook") for one in RECEIVED))
    spelt = {one.casefold(): one for one in known}
    if (name := inputs.get("event")) and (inputs := {**inputs, "event": spelt.get(name.casefold(), name)})["event"] not in known:
        message = f"no event is called {name!r}{did_you_mean(name, known)}"
        raise BrokenRequest(errors=[{"path": "/event", "message": message}])
    sandbox, size = desk.sandbox(inputs), inputs.get("pageSize", 100)
    terms = {"event": "event", "status": "state", "orderId": "orderId", "id": "id"}
    criteria = [Criterion(term, (inputs[name],)) for name, term in terms.items() if inputs.get(name)]
    with desk.editions(sandbox.fixtures).store.view(sandbox.space) as records:
        page = records.find("received", *criteria, offset=(inputs.get("pageNumber", 1) - 1) * size, limit=size)
        return {"events": [told(one) for one in page.records], "totalCount": page.total}


ROUTES = (
    AdminRoute(
        "GET_EVENTS",
        "GET /sandboxes/{sandbox}/events",
        "Events that were received.",
        read,
        EventsReply,
        query=EventQuery,
        fails=(BrokenRequest, SandboxNotFound),
    ),
)
