"""What must always hold, each rule with a name and a check that tells the records at fault.

They run over any records: a fixture set, a sandbox on demand, and the tests' after each write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mockspi.exchange import Json
from mockspi.retail.loyalty_rules import LOYALTY_RULES, LoyaltyRule
from mockspi.retail.order_rules import ORDER_RULES, OrderRule
from mockspi.retail.reservations import SOLD, is_held, reserved
from mockspi.retail.shop_rules import SHOP_RULES, ShopRule
from mockspi.retail.tax_rules import TAX_RULES, TaxRule
from mockspi.store.base import Readable


@dataclass(frozen=True, slots=True)
class Fault:
    """A record that breaks a rule: where in it, and how."""

    collection: str
    key: str
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule with its name; ``check`` tells the faults at a moment of the sandbox's clock."""

    name: str
    about: str
    check: Callable[[Readable, int], Iterator[Fault]]


def stock_is_there(records: Readable, _: int) -> Iterator[Fault]:
    """What lies at a place is never below zero."""
    for stock in records.find("stock").records:
        if stock["onHand"] < 0:
            yield Fault("stock", _shelf(stock), "/onHand", f"{stock['onHand']} is less than nothing")


def reserved_is_there(records: Readable, now: int) -> Iterator[Fault]:
    """Carts hold no more than there is."""
    shelves = {_shelf(stock): stock["onHand"] for stock in records.find("stock").records}
    for hold in records.find("reservations").records:
        for index, line in enumerate(hold["productList"]):
            shelf = _shelf(line)
            held = reserved(records, line["productId"], line["locationId"], now)
            if held > shelves.get(shelf, 0):
                message = f"carts hold {held} of {shelves.get(shelf, 0)} at {line['locationId']}"
                yield Fault("reservations", hold["cartId"], f"/productList/{index}/quantity", message)


def reservations_end(records: Readable, _: int) -> Iterator[Fault]:
    """A reservation that is HELD holds something, one that has ended holds nothing."""
    for hold in records.find("reservations").records:
        units = sum(line["quantity"] for line in hold["productList"])
        if is_held(hold) != (units > 0):
            yield Fault("reservations", hold["cartId"], "/status", f"{hold['status']} does not fit: it holds {units} units")


def sold_became_orders(records: Readable, _: int) -> Iterator[Fault]:
    """A reservation that is SOLD became an order."""
    for hold in records.find("reservations").records:
        if hold["status"] == SOLD and records.get("orders", hold.get("orderId", "")) is None:
            yield Fault("reservations", hold["cartId"], "/orderId", f"no order is {hold.get('orderId')!r}")


def receipts_are_true(records: Readable, _: int) -> Iterator[Fault]:
    """What was answered to a return is booked on its order."""
    for receipt in records.find("receipts").records:
        order, booked = records.get("orders", receipt["orderId"]) or {}, receipt["reply"].get("returnOrderId")
        if booked and all(line.get("returnOrderId") != booked for line in order.get("returnProductList", [])):
            message = f"the return {booked} is not on its order"
            yield Fault("receipts", f"{receipt['orderId']}|{receipt['token']}", "/reply/returnOrderId", message)


def _of_orders(name: str, rule: OrderRule) -> Invariant:
    def check(records: Readable, _: int) -> Iterator[Fault]:
        for order in records.find("orders").records:
            for one in rule(order):
                yield Fault("orders", order["orderId"], one.path, one.message)

    return Invariant(name, rule.__doc__ or "", check)


def _of_records(name: str, rule: TaxRule | ShopRule | LoyaltyRule) -> Invariant:
    def check(records: Readable, _: int) -> Iterator[Fault]:
        for collection, key, one in rule(records):
            yield Fault(collection, key, one.path, one.message)

    return Invariant(name, rule.__doc__ or "", check)


INVARIANTS: tuple[Invariant, ...] = (
    *(
        Invariant(name, check.__doc__ or "", check)
        for name, check in (
            ("STOCK_NOT_NEGATIVE", stock_is_there),
            ("RESERVED_WITHIN_STOCK", reserved_is_there),
            ("RESERVATION_HELD_OR_ENDED", reservations_end),
            ("RESERVATION_SOLD_AS_ORDER", sold_became_orders),
            ("RETURN_RECEIPTS_TRUE", receipts_are_true),
        )
    ),
    *(_of_orders(name, rule) for name, rule in ORDER_RULES),
    *(_of_records(name, rule) for name, rule in (*TAX_RULES, *SHOP_RULES, *LOYALTY_RULES)),
)


def faults(records: Readable, now: int) -> Iterator[tuple[Invariant, list[Fault]]]:
    """Each invariant with the records at fault; with none where it holds."""
    for one in INVARIANTS:
        yield one, list(one.check(records, now))


def _shelf(line: Json) -> str:
    return f"{line['productId']}|{line['locationId']}"
