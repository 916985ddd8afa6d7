"""What holds for employees' limits, slots and shipping, as rules that tell the collection, the key, and where it is broken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from mockspi.exchange import Json
from mockspi.retail import shipping
from mockspi.retail.employees import bounds, worth
from mockspi.retail.money import ZERO, amount
from mockspi.retail.orders import counts
from mockspi.retail.slots import booked, places
from mockspi.schema import Problem
from mockspi.store.base import Readable

ShopRule = Callable[[Readable], Iterator[tuple[str, str, Problem]]]


def purchases_within_limit(records: Readable) -> Iterator[tuple[str, str, Problem]]:
    """What an employee buys in a period is never more than the limit."""
    known = {one["employeeId"]: one for one in records.find("employees").records}
    spent = defaultdict[object, list[Json]](list)
    for order in records.find("orders").records:
        if counts(order) and (found := known.get(order.get("employeeId", ""))):
            spent[found["employeeId"], bounds(records, found, order["orderDate"])].append(order)
    for orders in spent.values():
        limit = amount(known[orders[0]["employeeId"]]["discountLimit"])
        came_to = sum(map(worth, orders), ZERO)
        if came_to > limit:
            message = f"{orders[0]['employeeId']} bought for {came_to:f} of {limit:f} in this period"
            yield "orders", orders[0]["orderId"], Problem("/employeeId", message)


def slots_within_capacity(records: Readable) -> Iterator[tuple[str, str, Problem]]:
    """A slot is booked by no more orders than it has places."""
    there, bookings = places(records), defaultdict[str, list[tuple[str, str]]](list)
    for order in records.find("orders").records:
        for slot, path in booked(order).items():
            bookings[slot].append((order["orderId"], path))
    for slot, orders in bookings.items():
        if len(orders) > there(slot):
            message = f"{len(orders)} orders are booked for {there(slot)} places of {slot}"
            yield "orders", orders[0][0], Problem(orders[0][1], message)


def methods_serve(records: Readable) -> Iterator[tuple[str, str, Problem]]:
    """What is shipped goes by a method that serves its address and carries its weight."""
    for order in records.find("orders").records:
        for one in shipping.unserved(records, order):
            yield "orders", order["orderId"], one


#: What holds for the sales of a shop beside the orders themselves.
SHOP_RULES: tuple[tuple[str, ShopRule], ...] = (
    ("EMPLOYEE_WITHIN_LIMIT", purchases_within_limit),
    ("SLOT_WITHIN_CAPACITY", slots_within_capacity),
    ("SHIPPING_METHOD_SERVES", methods_serve),
)
