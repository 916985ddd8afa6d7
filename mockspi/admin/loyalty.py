"""A customer's points over the admin port: what they have now, and the ledger that says why."""

from __future__ import annotations

from mockspi.admin.route import AdminRoute, Desk, SandboxNotFound
from mockspi.contracts.records import LoyaltyEntry
from mockspi.errors import Failure
from mockspi.exchange import Json
from mockspi.refusals import LoyaltyProfileNotFound
from mockspi.retail import ledger
from mockspi.schema import Id, Integer, Many, Shape, Text


class LedgerNotFound(Failure):
    """The customer is unknown or has no loyalty profile."""

    status = 404
    code = LoyaltyProfileNotFound.code


class LedgerReply(Shape):
    """The points of a customer and how they came about."""

    customerId = Id(required=True)
    points = Integer(required=True, about="the sum of the entries")
    tier = Text(about="the tier that counts now")
    entries = Many(LoyaltyEntry, required=True, about="in the order of booking; what is due and not booked yet comes last")


def read(desk: Desk, inputs: Json, _: Json) -> Json:
    """The ledger at the time of the sandbox's clock."""
    sandbox, customer_id = desk.sandbox(inputs), inputs["customerId"]
    with desk.editions(sandbox.fixtures).store.view(sandbox.space) as records:
        mine = ledger.account(records, customer_id, sandbox.timing.now(desk.real()))
    if mine is None:
        raise LedgerNotFound(customerId=customer_id)
    tier = {"tier": mine.tier["name"]} if mine.tier else {}
    return {"customerId": customer_id, "points": mine.balance, **tier, "entries": mine.entries}


ROUTES = (
    AdminRoute(
        "READ_LOYALTY",
        "GET /sandboxes/{sandbox}/loyalty/{customerId}",
        "The points of a customer, and the ledger that they are the sum of.",
        read,
        LedgerReply,
        fails=(SandboxNotFound, LedgerNotFound),
    ),
)
