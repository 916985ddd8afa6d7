"""An order arrives, over the admin port: what the POS sold, as the merchant books it."""

from __future__ import annotations

from mockspi.admin.route import AdminRoute, Desk, SandboxNotFound
from mockspi.contract import refuse
from mockspi.contracts.common import Reserved
from mockspi.contracts.order_record import STATUSES, Order
from mockspi.errors import BrokenRequest, OrderExists
from mockspi.exchange import Json, Request
from mockspi.refusals import (
    EmployeeInactive,
    EmployeeLimitExceeded,
    EmployeeNotFound,
    InsufficientInventory,
    SlotNotAvailable,
    TenderRefused,
)
from mockspi.retail import acting, sales
from mockspi.schema import Choice, Id, Many, Shape, uneven
from mockspi.webhooks import emitting
from mockspi.webhooks.happening import Happened, Watched

_REFUSED = (InsufficientInventory, EmployeeNotFound, EmployeeInactive, EmployeeLimitExceeded, SlotNotAvailable, TenderRefused)


class OrderArrived(Shape):
    """The order as it was booked, and what it took from where; nothing where it arrived CANCELED."""

    orderId = Id(required=True)
    orderStatus = Choice(*STATUSES, required=True)
    taken = Many(Reserved, required=True)


def arrive(desk: Desk, inputs: Json, body: Json) -> Json:
    """Book an order in a sandbox, at the time of its clock."""
    refuse(list(uneven(Order, body)))
    sandbox = desk.sandbox(inputs)
    edition, now, happened = desk.editions(sandbox.fixtures), sandbox.timing.now(desk.real()), Happened()
    text = edition.messages.speak(Request("POST", ""), sandbox.locale)
    with edition.store.write(sandbox.space) as kept:
        records = Watched(kept, happened)
        reply = sales.arrive(records, body, now)
        acting.release(records, body["orderId"], sandbox.clock(records.next_number, desk.real()), text)
    if connectors := sandbox.connectors:
        found = emitting.safely(lambda: emitting.caused(happened, connectors, now), sandbox, "ORDER_ARRIVES")
        emitting.enqueue(found, sandbox, desk.sender.accept)
    return reply


ROUTES = (
    AdminRoute(
        "ORDER_ARRIVES",
        "POST /sandboxes/{sandbox}/orders",
        "An order arrives: book a sale, once.",
        arrive,
        OrderArrived,
        Order,
        fails=(BrokenRequest, SandboxNotFound, OrderExists, *_REFUSED),
        noted=True,
    ),
)
