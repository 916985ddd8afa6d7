"""An order arrives, over the admin port: what the POS sold, as the merchant books it."""

from __future__ import annotations

from mockspi.admin.route import AdminRoute, Desk, SandboxNotFound
from mockspi.contract import refuse
from mockspi.contracts.common import Reserved
from mockspi.contracts.order_record import STATUSES, Order
from mockspi.errors import BrokenRequest, Failure, OrderExists, Refusal
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


class OutOfStock(Failure):
    """At least one line asks for more than is available; ``errors`` says which."""

    status = 409
    code = InsufficientInventory.code


class UnknownEmployee(Failure):
    """No employee has the id that the order names."""

    status = 409
    code = EmployeeNotFound.code


class FormerEmployee(Failure):
    """The employee that the order names is no longer active."""

    status = 409
    code = EmployeeInactive.code


class OverLimit(Failure):
    """The purchase comes to more than is left of the employee's limit in its period; ``errors`` says by how much."""

    status = 409
    code = EmployeeLimitExceeded.code


class SlotGone(Failure):
    """A chosen slot is unknown, full, over or not of this way; ``errors`` says which."""

    status = 409
    code = SlotNotAvailable.code


class TenderNotTaken(Failure):
    """A tender names a reward that cannot be used, or more points than are left; ``errors`` says which."""

    status = 409
    code = TenderRefused.code


_REFUSED: tuple[type[Failure], ...] = (OutOfStock, UnknownEmployee, FormerEmployee, OverLimit, SlotGone, TenderNotTaken)


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
    try:
        with edition.store.write(sandbox.space) as kept:
            records = Watched(kept, happened)
            reply = sales.arrive(records, body, now)
            acting.release(records, body["orderId"], sandbox.clock(records.next_number, desk.real()), text)
    except Refusal as no:
        told = next(one for one in _REFUSED if one.code == no.code)
        raise told(errors=no.errors, **no.facts) from no
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
