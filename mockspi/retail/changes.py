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
from mockspi.retail.orders import came_back
from mockspi.retail.places import ONLINE, location
from mockspi.schema import Problem
from mockspi.store.base import Criterion, Readable, Records

UPDATE = "ORDER_UPDATE"
FORWARD = ("CREATED", "PENDING", "PROCESSING", "READY_FOR_PICKUP", "SHIPPED", "COMPLETED", "FULFILLED", sales.CANCELED)
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
    late = _is_late(order, body)
    for told in [*_earlier(records, body, number), body, *_later(records, body, number)]:
        _merge(records, order, told, now)
    _advance(records, order, body)
    records.put("orders", order)
    return Outcome(APPLIED, f"older than what is known: the order stays {order['orderStatus']}" if late else "")


def _changed(order: Json, body: Json) -> Iterator[Problem]:
    """What an update would change that it must not."""
    yield from _differences(order, body, _FIXED, "")
    known = {line["orderItemId"]: line for line in order["orderProductList"]}
    for index, line in enumerate(body["orderProductList"]):
        path = f"/orderProductList/{index}"
        if line["orderItemId"] not in known:
            yield Problem(
                f"{path}/orderItemId", "the order has no such line; what is taken later is told by RETURN as an exchange"
            )
        else:
            yield from _differences(known[line["orderItemId"]], line, _SOLD, path)
    if body["orderStatus"] == sales.CANCELED and order.get("returnProductList"):
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


def _earlier(records: Readable, body: Json, number: int) -> list[Json]:
    return [told for key, told in _others(records, body, number) if key < _when(body, number)]


def _later(records: Readable, body: Json, number: int) -> list[Json]:
    return [told for key, told in _others(records, body, number) if key > _when(body, number)]


def _others(records: Readable, body: Json, number: int) -> list[tuple[tuple[int, int, int], Json]]:
    """The other updates of an order, each with what sorts it; the first of them first."""
    criteria = (Criterion("event", (UPDATE,)), Criterion("orderId", (body["orderId"],)), Criterion("state", (APPLIED,)))
    found = [one for one in records.find("received", *criteria).records if one["number"] != number]
    return sorted(((_when(one["body"], one["number"]), one["body"]) for one in found), key=lambda pair: pair[0])


def _when(body: Json, number: int) -> tuple[int, int, int]:
    """An update's place among others: by its time where it tells one, then by its status, then as they came."""
    time = body.get("eventTime")
    return (time if isinstance(time, int) else 0, _rank(body["orderStatus"]), number)


def _rank(status: str) -> int:
    return FORWARD.index(status) if status in FORWARD else -1


def _is_late(order: Json, body: Json) -> bool:
    """Whether the status that an update tells is behind what is known."""
    return _rank(order["orderStatus"]) > _rank(body["orderStatus"]) > -1


def _merge(records: Records, order: Json, told: Json, now: int) -> None:
    order.update({name: told[name] for name in _ORDER if name in told})
    lines = {line["orderItemId"]: line for line in told["orderProductList"]}
    for index, line in enumerate(order["orderProductList"]):
        said = lines.get(line["orderItemId"], {})
        before = location(line, order)
        line.update({name: said[name] for name in _LINE if name in said})
        if "itemStatus" in said and not came_back(order, line["orderItemId"]):
            line["itemStatus"] = said["itemStatus"]
        if order["orderStatus"] != sales.CANCELED and (after := location(line, order)) != before:
            _relocate(records, index, line, before, after, now)


def _relocate(records: Records, index: int, line: Json, before: str, after: str, now: int) -> None:
    """A line is fulfilled from another place: its units go back to the first and leave the second."""
    if (free := available(records, line["productId"], after, now)) < line["quantity"]:
        message = f"{line['quantity']} asked for, {free} available at {after}"
        sales.refuse(iter([Problem(f"/orderProductList/{index}/fulfillmentLocation", message)]))
    stock.move(records, line["productId"], before, line["quantity"])
    stock.move(records, line["productId"], after, -line["quantity"])


def _advance(records: Records, order: Json, body: Json) -> None:
    """The status goes forward; a canceled order gives its units back."""
    status = body["orderStatus"]
    if order.get("returnProductList") or _rank(status) <= _rank(order["orderStatus"]):
        return
    order["orderStatus"] = status
    for line in order["orderProductList"]:
        if "orderStatus" in line:
            line["orderStatus"] = status
        if status == sales.CANCELED:
            stock.move(records, line["productId"], location(line, order), line["quantity"])
