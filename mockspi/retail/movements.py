"""Stock that events move by themselves: sales and returns told as units, adjustments, transfers, counts.

Rules: a sale moves stock once, whether its order or the event about its units comes first, and so does a return; nothing
is taken off a shelf that is not there or that a cart holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from mockspi.errors import BrokenRequest
from mockspi.exchange import Json
from mockspi.refusals import InsufficientInventory
from mockspi.retail import stock
from mockspi.retail.availability import available
from mockspi.retail.deliveries import APPLIED, HELD, KEPT, Outcome
from mockspi.retail.places import ONLINE
from mockspi.store.base import Criterion, Readable, Records

SALE, RETURN = "SALE_INVENTORY", "RETURN_INVENTORY"
SELLABLE = ("AVAILABLE", "SELLABLE")  #: buckets whose units can be sold
_BACK = "RTV"
_Shelf = tuple[str, str]  # product, place


def sold(records: Records, body: Json, now: int) -> Outcome:
    """Units of a sale: its order took them, or takes them later in the place of this event."""
    if records.get("orders", body["orderId"]) is not None:
        return Outcome(APPLIED, "the order took these units")
    wanted = _units(records, body)
    if any(units > available(records, *shelf, now, body.get("cartId", "")) for shelf, units in wanted.items()):
        return Outcome(HELD, "too little is there; the order has not come, by whose cart it may be held")
    return Outcome(
        APPLIED, "taken before the order came", moved(records, {shelf: -units for shelf, units in wanted.items()}, now)
    )


def untake(records: Records, order_id: str) -> None:
    """Put back what events took for an order that now takes it itself."""
    for event in _told(records, SALE, order_id):
        for one in event.pop("moved", ()):
            stock.move(records, one["productId"], one["locationId"], -one["quantity"])
        records.put("received", {**event, "why": "the order took these units"})


def came_back(records: Records, body: Json, now: int) -> Outcome:
    """Units of a return: put on the shelf, as far as the return has not put them there."""
    done, told = _returned(records, body["orderId"]), _announced(records, body["orderId"])
    more = Counter[_Shelf]()
    for (product, place), units in _units(records, body).items():
        left = max(0, told[product] + units - done[product]) - max(0, told[product] - done[product])
        told[product] += units
        more[product, place] += left
    why = "" if any(more.values()) else "the return put these units back"
    return Outcome(APPLIED, why, moved(records, more, now))


def unput(records: Records, order: Json, before: Mapping[str, int], now: int) -> None:
    """Take away again what events put back before a return did; ``before`` is what had come back, by product."""
    done, told = sellable_back(order), _announced(records, order["orderId"])
    for product in done:
        twice = max(0, told[product] - before.get(product, 0)) - max(0, told[product] - done[product])
        for event in _told(records, RETURN, order["orderId"]):
            for one in event.get("moved", ()):
                if one["productId"] == product:
                    units = min(twice, one["quantity"], available(records, product, one["locationId"], now))
                    stock.move(records, product, one["locationId"], -units)
                    one["quantity"], twice = one["quantity"] - units, twice - units
            records.put("received", event)


def sellable_back(order: Json) -> Counter[str]:
    """How many units of each product came back with an order and can be sold again."""
    found = Counter[str]()
    for line in order.get("returnProductList", []):
        if line.get("disposition") != "DAMAGED":
            found[line["productId"]] += line["quantity"]
    return found


def adjusted(records: Records, body: Json, now: int) -> Outcome:
    """Stock that is put right: in sum, or where units enter or leave a bucket whose units can be sold."""
    place = _known(records, body["locationId"], "/locationId")
    moves = Counter[_Shelf]()
    for line in body["productList"]:
        moves[stock.known_product(records, line)["productId"], place] += _adjustment(line, body["eventType"])
    return _outcome(records, moves, now)


def _adjustment(line: Json, kind: str) -> int:
    units = int(line["quantity"])
    if "fromBucket" not in line and "toBucket" not in line:
        return units if kind == "INVENTORY_ADJUSTMENT" else 0
    return abs(units) * ((line.get("toBucket") in SELLABLE) - (line.get("fromBucket") in SELLABLE))


def transferred(records: Records, body: Json, now: int, kind: str) -> Outcome:
    """Goods that arrived, less what is damaged; they leave a store that sent them. Places that sell nothing do not count."""
    moves = Counter[_Shelf]()
    source, destination = (_place(records, body.get(name)) for name in ("sourceLocationId", "destinationLocationId"))
    for line in body["productList"]:
        units = line.get("receivedQuantity", line.get("expectedQuantity", 0) if kind == _BACK else 0)
        product = stock.known_product(records, line)["productId"]
        if source:
            moves[product, source] -= units
        if destination and kind != _BACK:
            moves[product, destination] += units - min(units, line.get("damagedQuantity", 0))
    return _outcome(records, moves, now)


def counted(records: Records, body: Json, now: int) -> Outcome:
    """What a count found beside what should have been there, once it is completed."""
    if body["eventType"] != "CYC_COUNT_COMPLETED_EVENT":
        return Outcome(KEPT)
    place = _known(records, body["locationId"], "/locationId")
    moves = Counter[_Shelf]()
    for line in body.get("productList", []):
        difference = line.get("countedQuantity", 0) - line.get("inventoryQuantity", line.get("countedQuantity", 0))
        moves[stock.known_product(records, line)["productId"], place] += line.get("variance", difference)
    return _outcome(records, moves, now)


def moved(records: Records, moves: Mapping[_Shelf, int], now: int) -> list[Json]:
    """Move units, all or none; INSUFFICIENT_INVENTORY where a shelf has too little."""
    short = [
        {"path": "", "message": f"{-units} of {product} are to go at {place}, {free} can"}
        for (product, place), units in moves.items()
        if units < 0 and -units > (free := available(records, product, place, now))
    ]
    if short:
        raise InsufficientInventory(errors=short)
    for (product, place), units in moves.items():
        if units:
            stock.move(records, product, place, units)
    return [{"productId": product, "locationId": place, "quantity": units} for (product, place), units in moves.items() if units]


def _outcome(records: Records, moves: Mapping[_Shelf, int], now: int) -> Outcome:
    done = moved(records, moves, now)
    return Outcome(APPLIED, "", done) if done else Outcome(KEPT, "it moves nothing that can be sold")


def _units(records: Readable, body: Json) -> Counter[_Shelf]:
    """The units of a sale or return by product and place; damaged ones do not count."""
    found = Counter[_Shelf]()
    for index, line in enumerate(body["productList"]):
        place = line.get("locationId") or body.get("storeId") or ONLINE
        _known(records, place, f"/productList/{index}/locationId" if line.get("locationId") else "/storeId")
        if line.get("disposition") != "DAMAGED":
            found[stock.known_product(records, line)["productId"], place] += line["quantity"]
    return found


def _told(records: Readable, event: str, order_id: str) -> Iterator[Json]:
    """The events of a kind that were applied for an order."""
    criteria = (Criterion("orderId", (order_id,)), Criterion("event", (event,)), Criterion("state", (APPLIED,)))
    yield from records.find("received", *criteria).records


def _announced(records: Readable, order_id: str) -> Counter[str]:
    """How many units of each product events said came back with an order."""
    found = Counter[str]()
    for event in _told(records, RETURN, order_id):
        for (product, _), units in _units(records, event["body"]).items():
            found[product] += units
    return found


def _returned(records: Readable, order_id: str) -> Counter[str]:
    return sellable_back(records.get("orders", order_id) or {})


def _place(records: Readable, name: str | None) -> str:
    """A place that sells, or nothing."""
    return name if name and (name == ONLINE or records.get("stores", name) is not None) else ""


def _known(records: Readable, name: str, path: str) -> str:
    if not _place(records, name):
        raise BrokenRequest(errors=[{"path": path, "message": f"no stores record has the key {name!r}"}])
    return name
