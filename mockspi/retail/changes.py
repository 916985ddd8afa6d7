"""Updates of orders that have arrived.

Rules: an update never changes what was sold or what it cost; a status only goes forward, and CANCELED ends it; of several
updates the later one counts, whatever the order in which they came; what came back is told by RETURN alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from mockspi.exchange import Json
from mockspi.retail import sales, stock
from mockspi.retail.availability import available
from mockspi.retail.deliveries import APPLIED, HELD, Outcome
from mockspi.retail.orders import CANCELED, came_back
from mockspi.retail.places import ONLINE, location
from mockspi.schema import Problem
from mockspi.store.base import Criterion, Readable, Records

UPDATE = "ORDER_UPDATE"
FORWARD = ("CREATED", "PENDING", "PROCESSING", "READY_FOR_PICKUP", "SHIPPED", "COMPLETED", "FULFILLED", CANCELED)
_ORDER = ("displayOrderId", "email", "phoneNumber", "shippingAddress", "billingAddress", "notesList")
_LINE = (
    "fulfillmentType",
    "fulfillmentSubType",
    "omniFulfillmentType",
    "omniFulfillmentLocationType",
    "fulfillmentLocation",
    "shippingMethodId",
    "shippingAddress",
    "deliveryDate",
    "notesList",
    "salesAssociateAttribution",
)
_FIXED = ("currency", "orderSource", "orderSubTotal", "discount", "taxSubTotal", "taxableAmount", "totalAmount")
_SOLD = ("productId", "price", "quantity", "subTotal", "discount", "tax", "total")


def update(records: Records, body: Json, number: int, now: int) -> Outcome:
    """Change an order; HELD until it is there."""
    order = records.get("orders", body["orderId"])
    if order is None:
        return Outcome(HELD, f"order {body['orderId']} has not come")
    sales.refuse(chain(_changed(order, body), _unknown(records, body)))
    late, places = _is_late(order, body), [location(line, order) for line in order["orderProductList"]]
    for told in _all(records, body, number):
        _merge(order, told)
    if body["orderStatus"] == CANCELED or order["orderStatus"] == CANCELED:
        _cancel(records, order, places)
    else:
        _relocate(records, order, places, now)
        _advance(order, body["orderStatus"])
    records.put("orders", order)
    return Outcome(APPLIED, f"older than what is known: the order stays {order['orderStatus']}" if late else "")


def _changed(order: Json, body: Json) -> Iterator[Problem]:
    """What an update would change that it must not."""
    yield from _differences(order, body, _FIXED, "")
    known = {line["orderItemId"]: line for line in order["orderProductList"]}
    for index, line in enumerate(body["orderProductList"]):
        path = f"/orderProductList/{index}"
        if line["orderItemId"] not in known:
            yield Problem(f"{path}/orderItemId", "the order has no such line; RETURN tells what an exchange brings")
        else:
            yield from _differences(known[line["orderItemId"]], line, _SOLD, path)
    if body["orderStatus"] == CANCELED and order.get("returnProductList"):
        yield Problem("/orderStatus", "something came back, so the order cannot be canceled")


def _differences(known: Json, told: Json, names: tuple[str, ...], path: str) -> Iterator[Problem]:
    for name in names:
        if name in told and told[name] != known.get(name, 0 if name == "discount" else None):
            yield Problem(f"{path}/{name}", f"an update cannot change this; {known.get(name)!r} is known")


def _unknown(records: Readable, body: Json) -> Iterator[Problem]:
    """What an update names in vain."""
    for index, line in enumerate(body["orderProductList"]):
        for name, collection in (("fulfillmentLocation", "stores"), ("shippingMethodId", "shipping_methods")):
            key = line.get(name)
            if key and key != ONLINE and records.get(collection, key) is None:
                yield Problem(f"/orderProductList/{index}/{name}", f"no {collection} record has the key {key!r}")


def _all(records: Readable, body: Json, number: int) -> list[Json]:
    """This update and the others of its order, the first of them first."""
    criteria = (Criterion("orderId", (body["orderId"],)), Criterion("event", (UPDATE,)), Criterion("state", (APPLIED,)))
    found = [(one["body"], one["number"]) for one in records.find("received", *criteria).records]
    return [told for told, _ in sorted([*found, (body, number)], key=lambda one: _when(*one))]


def _when(body: Json, number: int) -> tuple[int, int, int]:
    """An update's place among others: by its time where it tells one, then by its status, then as they came."""
    time = body.get("eventTime")
    return (time if isinstance(time, int) else 0, _rank(body["orderStatus"]), number)


def _rank(status: str) -> int:
    return FORWARD.index(status) if status in FORWARD else -1


def _is_late(order: Json, body: Json) -> bool:
    """Whether the status that an update tells is behind what is known; what a return made of it is ahead of all others."""
    known, told = order["orderStatus"], body["orderStatus"]
    return _rank(told) > -1 and (_rank(known) > _rank(told) or bool(order.get("returnProductList") and known != told))


def _merge(order: Json, told: Json) -> None:
    order.update({name: told[name] for name in _ORDER if name in told})
    lines = {line["orderItemId"]: line for line in told["orderProductList"]}
    for line in order["orderProductList"]:
        said = lines.get(line["orderItemId"], {})
        line.update({name: said[name] for name in _LINE if name in said})
        if "itemStatus" in said and not came_back(order, line["orderItemId"]):
            line["itemStatus"] = said["itemStatus"]


def _relocate(records: Records, order: Json, places: list[str], now: int) -> None:
    """Lines that are fulfilled from another place: their units go back to the first and leave the second."""
    for index, (line, before) in enumerate(zip(order["orderProductList"], places, strict=True)):
        after = location(line, order)
        if after == before:
            continue
        if (free := available(records, line["productId"], after, now)) < line["quantity"]:
            message = f"{line['quantity']} asked for, {free} available at {after}"
            sales.refuse(iter([Problem(f"/orderProductList/{index}/fulfillmentLocation", message)]))
        stock.move(records, line["productId"], before, line["quantity"])
        stock.move(records, line["productId"], after, -line["quantity"])


def _cancel(records: Records, order: Json, places: list[str]) -> None:
    """A canceled order gives its units back to where they were taken, once."""
    if order["orderStatus"] == CANCELED:
        return
    for line, place in zip(order["orderProductList"], places, strict=True):
        stock.move(records, line["productId"], place, line["quantity"])
    _mark(order, CANCELED)


def _advance(order: Json, status: str) -> None:
    """The status goes forward, until something comes back."""
    if not order.get("returnProductList") and _rank(status) > _rank(order["orderStatus"]):
        _mark(order, status)


def _mark(order: Json, status: str) -> None:
    order["orderStatus"] = status
    for line in order["orderProductList"]:
        if "orderStatus" in line:
            line["orderStatus"] = status
