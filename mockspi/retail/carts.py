"""Cart validation: every line is looked at, then all are reserved or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from mockspi.exchange import Json
from mockspi.refusals import CartInvalid
from mockspi.retail import reservations, sales, stock
from mockspi.retail.availability import available
from mockspi.retail.money import ZERO, amount, is_whole
from mockspi.retail.places import ONLINE, TAKEN, is_complete, is_shipped, location, way
from mockspi.retail.shipping import serves
from mockspi.schema import Problem
from mockspi.store.base import Records

_FETCHED = frozenset({"BOPIS", "ROPIS"})


def validate(records: Records, cart: Json, now: int, minutes: int, text: Callable[..., str]) -> Json:
    """The reservation of a good cart; CART_INVALID with an error for every bad line otherwise."""
    sales.refuse(_named_twice(cart["productList"]))
    reservations.lapse(records, now)
    lines, found = [], []
    for line, code, held in _looked_at(records, cart, now):
        own = {"orderItemId": line["orderItemId"]} if "orderItemId" in line else {}
        if code:
            facts = {"productId": line.get("productId") or line.get("gtin"), "storeId": location(line, cart)}
            found.append({**own, "errorCode": code, "errorMessage": text(code, **facts)})
        lines.append({**own, **held})
    if found:
        raise CartInvalid(extra={"errors": found})
    reservation = reservations.reserve(records, cart["cartId"], lines, now + minutes * 60_000)
    return {
        "valid": True,
        "cartId": cart["cartId"],
        "reservation": {name: reservation[name] for name in ("expiresAt", "productList")},
    }


def _named_twice(lines: list[Json]) -> Iterator[Problem]:
    """Lines whose errors and reservations could not be told apart."""
    seen: set[str] = set()
    for index, line in enumerate(lines):
        if (name := line.get("orderItemId")) in seen:
            yield Problem(f"/productList/{index}/orderItemId", f"another line is {name!r} already")
        seen |= {name} if name else set()


def _looked_at(records: Records, cart: Json, now: int) -> Iterator[tuple[Json, str | None, Json]]:
    """Each line, the first thing wrong with it, and what is to be held for it."""
    wanted = Counter[tuple[str, str]]()
    free: dict[tuple[str, str], int] = {}
    for line in cart["productList"]:
        item = stock.product(records, line)
        if item is None:
            yield line, "PRODUCT_NOT_FOUND", {}
            continue
        place = location(line, cart)
        if code := _fault(records, line, cart, item, place):
            yield line, code, {}
            continue
        there, units = (item["productId"], place), int(line["quantity"])
        if there not in free:
            free[there] = available(records, *there, now, cart["cartId"])
        wanted[there] += units
        short = wanted[there] > free[there]
        held = {"productId": item["productId"], "locationId": place, "quantity": units}
        yield line, "INSUFFICIENT_INVENTORY" if short else None, held


def _fault(records: Records, line: Json, cart: Json, item: Json, place: str) -> str | None:
    if line["quantity"] < 1 or line["quantity"] != int(line["quantity"]):
        return "QUANTITY_INVALID"
    if not _is_sane(line, cart.get("currency") or item["currency"]):
        return "PRICE_INVALID"
    shop = records.get("stores", place) if place != ONLINE else None
    if place != ONLINE and shop is None:
        return "STORE_NOT_FOUND"
    if not _is_possible(line, item, shop):
        return "FULFILLMENT_NOT_POSSIBLE"
    if is_shipped(line) and (code := _unreachable(records, line, cart)):
        return code
    return "PRODUCT_NOT_SOLD_HERE" if stock.on_hand(records, item["productId"], place) is None else None


def _is_sane(line: Json, currency: str) -> bool:
    """Amounts of whole minor units, none below zero, and no discount larger than its line or without a price."""
    price, discount = amount(line.get("price")), amount(line.get("discount"))
    sane = all(value >= ZERO and is_whole(value, currency) for value in (price, discount))
    return sane and discount <= price * int(line["quantity"])


def _is_possible(line: Json, item: Json, shop: Json | None) -> bool:
    """Whether the product can go this way, and the store hands it over so."""
    chosen = way(line)
    if chosen not in item.get("omniFulfillmentTypes", (chosen,)):
        return False
    if chosen in _FETCHED:
        return shop is not None and bool(shop["pickup"])
    at_counter = chosen == TAKEN and ("omniFulfillmentType" in line or "fulfillmentType" in line)
    return shop is not None or not at_counter


def _unreachable(records: Records, line: Json, cart: Json) -> str | None:
    """Why a line cannot be sent to its address."""
    address = line.get("shippingAddress") or cart.get("shippingAddress")
    if not address:
        return "SHIPPING_ADDRESS_REQUIRED"
    if not is_complete(address):
        return "ADDRESS_INVALID"
    named = line.get("shippingMethodId")
    methods = records.find("shipping_methods").records
    served = any(serves(one, address) for one in methods if named in (None, one["shippingMethodId"]))
    return None if served else "ADDRESS_NOT_SERVICEABLE"
