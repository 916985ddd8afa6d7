"""Orders that arrive.

Rules: an order that does not add up, or names what is not there, is refused whole; a sale takes its lines off the shelf at
the right place and uses up its cart's reservation, one that is CANCELED gives it back; nothing is sold that is not
available, to an employee over the limit, or for a slot that is full.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain

from mockspi.errors import BrokenRequest, OrderExists
from mockspi.exchange import Json
from mockspi.refusals import InsufficientInventory
from mockspi.retail import employees, loyalty_booked, movements, order_rules, reservations, shipping, slots, stock
from mockspi.retail.availability import available
from mockspi.retail.once import digest, once
from mockspi.retail.orders import CANCELED, DERIVED
from mockspi.retail.places import ONLINE, location
from mockspi.schema import Problem
from mockspi.store.base import Readable, Records

ARRIVING = ("CREATED", "PENDING", "PROCESSING", "SHIPPED", "READY_FOR_PICKUP", "COMPLETED", "FULFILLED", CANCELED)
_ELIGIBLE = {True: "ELIGIBLE_FOR_RETURNS", False: "NOT_ELIGIBLE_FOR_RETURNS"}


def arrive(records: Records, sent: Json, now: int) -> Json:
    """Book an order once: what it is, and what it took from where. Sent again, the answer is the same."""
    return once(records, sent["orderId"], digest(sent), lambda: _book(records, sent, now))


def _book(records: Records, sent: Json, now: int) -> Json:
    if records.get("orders", sent["orderId"]) is not None:
        raise OrderExists(orderId=sent["orderId"])
    order = {name: value for name, value in sent.items() if name not in DERIVED}
    refuse(chain(_misplaced(records, order), line_problems(records, order, 0), order_rules.totals_add_up(order)))
    employees.admit(records, order)
    fill_in(records, order, 0)
    slots.book(records, order, 0, now)
    reservations.lapse(records, now)
    movements.untake(records, order["orderId"])
    taken: list[Json] = []
    if order["orderStatus"] == CANCELED:
        reservations.release(records, order.get("cartId", ""))
    else:
        taken = take(records, order, 0, now, order.get("cartId", ""))
        loyalty_booked.arrived(records, order, now)
    records.put("orders", order)
    return {"orderId": order["orderId"], "orderStatus": order["orderStatus"], "taken": taken}


def refuse(found: Iterator[Problem]) -> None:
    """A request with something wrong in it is not applied at all."""
    if errors := [{"path": one.path, "message": one.message} for one in found]:
        raise BrokenRequest(errors=errors)


def _misplaced(records: Readable, order: Json) -> Iterator[Problem]:
    """What an order as a whole cannot be, or names in vain."""
    if "/" in order["orderId"]:
        yield Problem("/orderId", "an id without / is expected: it must fit into a path")
    if order["orderStatus"] not in ARRIVING:
        yield Problem("/orderStatus", f"an order arrives as one of: {', '.join(ARRIVING)}")
    if order.get("returnProductList"):
        yield Problem("/returnProductList", "what comes back is told by RETURN, once the order is there")
    customer = order.get("customerProfile", {}).get("customerId")
    for path, collection, key in (
        ("/storeId", "stores", order.get("storeId")),
        ("/customerProfile/customerId", "customers", customer),
    ):
        if key and records.get(collection, key) is None:
            yield Problem(path, f"no {collection} record has the key {key!r}")


def line_problems(records: Readable, order: Json, first: int) -> Iterator[Problem]:
    """What is wrong with the lines from ``first`` on, which are to be sold."""
    yield from order_rules.lines_add_up(order)
    yield from order_rules.amounts_are_sane(order)
    yield from order_rules.lines_are_named_once(order)
    yield from shipping.unserved(records, order, first)
    for index, line in enumerate(order["orderProductList"][first:], first):
        if records.get("products", line["productId"]) is None:
            yield Problem(f"/orderProductList/{index}/productId", f"no products record has the key {line['productId']!r}")
        place = location(line, order)
        if place not in (ONLINE, order.get("storeId")) and records.get("stores", place) is None:
            yield Problem(f"/orderProductList/{index}/fulfillmentLocation", f"no stores record has the key {place!r}")


def fill_in(records: Readable, order: Json, first: int) -> None:
    """What the merchant knows of the lines from ``first`` on and the POS did not say."""
    for line in order["orderProductList"][first:]:
        item = stock.known_product(records, line)
        line.setdefault("gtin", item["gtin"])
        line.setdefault("returnsEligibility", _ELIGIBLE[item["returnable"]])


def take(records: Records, order: Json, first: int, now: int, cart_id: str) -> list[Json]:
    """Take the lines from ``first`` on off their shelves: all, or none where one has too little; the cart holds no more."""
    taken = [
        {"orderItemId": line["orderItemId"], "productId": line["productId"], "locationId": location(line, order)}
        | {"quantity": line["quantity"]}
        for line in order["orderProductList"][first:]
    ]
    wanted = Counter[tuple[str, str]]()
    for one in taken:
        wanted[one["productId"], one["locationId"]] += one["quantity"]
    free = {there: available(records, *there, now, cart_id) for there in wanted}
    short = [
        {
            "path": f"/orderProductList/{index}/quantity",
            "message": f"{wanted[there]} asked for, {free[there]} available at {there[1]}",
        }
        for index, one in enumerate(taken, first)
        if wanted[there := (one["productId"], one["locationId"])] > free[there]
    ]
    if short:
        raise InsufficientInventory(errors=short)
    for (product_id, place), units in wanted.items():
        stock.move(records, product_id, place, -units)
    reservations.sell(records, cart_id, order["orderId"])
    return taken
