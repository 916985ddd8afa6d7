"""Cart validation: every line is looked at, then all are reserved or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from mockspi.errors import CartInvalid
from mockspi.exchange import Json
from mockspi.retail import stock
from mockspi.retail.money import ZERO, amount
from mockspi.retail.places import ONLINE, is_shipped, location
from mockspi.store.base import Records

_FETCHED = frozenset({"BOPIS", "ROPIS"})


def validate(records: Records, cart: Json, now: int, minutes: int, text: Callable[..., str]) -> Json:
    """The reservation of a good cart; CART_INVALID with an error for every bad line otherwise."""
    found = [
        {**({"orderItemId": line["orderItemId"]} if "orderItemId" in line else {}), "errorCode": code,
         "errorMessage": text(code, productId=line.get("productId") or line.get("gtin"), storeId=location(line, cart))}
        for line, code in _faults(records, cart, now)
    ]  # fmt: skip
    if found:
        raise CartInvalid(extra={"errors": found})
    reservation = stock.reserve(records, cart, now + minutes * 60_000)
    return {
        "valid": True,
        "cartId": cart["cartId"],
        "reservation": {name: reservation[name] for name in ("expiresAt", "productList")},
    }


def _faults(records: Records, cart: Json, now: int) -> Iterator[tuple[Json, str]]:
    """The first thing wrong with each line."""
    wanted = Counter[tuple[str, str]]()
    free: dict[tuple[str, str], int] = {}
    for line in cart["productList"]:
        item = stock.product(records, line)
        if item is None:
            yield line, "PRODUCT_NOT_FOUND"
            continue
        place = location(line, cart)
        if code := _fault(records, line, cart, place):
            yield line, code
            continue
        there = item["productId"], place
        if there not in free:
            free[there] = stock.available(records, *there, now, cart["cartId"])
        wanted[there] += line["quantity"]
        if wanted[there] > free[there]:
            yield line, "INSUFFICIENT_INVENTORY"


def _fault(records: Records, line: Json, cart: Json, place: str) -> str | None:
    if line.get("price") is not None and amount(line.get("discount")) > amount(line["price"]) * line["quantity"]:
        return "PRICE_INVALID"
    if line.get("price") is None and amount(line.get("discount")) > ZERO:
        return "PRICE_INVALID"
    shop = records.get("stores", place) if place != ONLINE else None
    if place != ONLINE and shop is None:
        return "STORE_NOT_FOUND"
    if line.get("omniFulfillmentType") in _FETCHED and not (shop and shop["pickup"]):
        return "FULFILLMENT_NOT_POSSIBLE"
    if is_shipped(line) and not (line.get("shippingAddress") or cart.get("shippingAddress")):
        return "SHIPPING_ADDRESS_REQUIRED"
    return None
