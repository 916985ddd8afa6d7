"""Stock and reservations.

Rules: available = onHand - reserved, never below zero; a cart has at most one reservation, and validating it again
replaces it; a reservation counts until its ``expiresAt``; what is reverted is given back once.
"""

from __future__ import annotations

from collections import Counter

from mockspi.errors import InsufficientInventory, ProductNotFound, ReservationNotFound
from mockspi.exchange import Json
from mockspi.retail.places import ONLINE, kilometres, location
from mockspi.store.base import Criterion, Readable, Records


def product(records: Readable, line: Json) -> Json | None:
    """The product that a line names by id or gtin."""
    if wanted := line.get("productId"):
        return records.get("products", wanted)
    found = records.find("products", Criterion("gtin", (line.get("gtin", ""),)), limit=1)
    return found.records[0] if found.total else None


def known_product(records: Readable, line: Json) -> Json:
    """The same, or the refusal that says it is unknown."""
    if (found := product(records, line)) is None:
        raise ProductNotFound(productId=line.get("productId") or line.get("gtin"))
    return found


def on_hand(records: Readable, product_id: str, place: str) -> int:
    """What lies there, reserved or not."""
    stock = records.get("stock", f"{product_id}|{place}")
    return int(stock["onHand"]) if stock else 0


def reserved(records: Readable, product_id: str, place: str, now: int, without_cart: str = "") -> int:
    """What carts other than one hold there now."""
    active = (Criterion("productId", (product_id,)), Criterion("expiresAt", low=now + 1))
    return sum(
        line["quantity"]
        for hold in records.find("reservations", *active).records
        if hold["cartId"] != without_cart
        for line in hold["productList"]
        if line["productId"] == product_id and line["locationId"] == place
    )


def expired(records: Readable, before: int, after: int) -> list[tuple[str, int]]:
    """The carts whose reservation still held something and ended between two moments, each with its end."""
    if after <= before:
        return []
    holds = records.find("reservations", Criterion("expiresAt", low=before + 1, high=after)).records
    return [(hold["cartId"], hold["expiresAt"]) for hold in holds if any(line["quantity"] for line in hold["productList"])]


def available(records: Readable, product_id: str, place: str, now: int, without_cart: str = "") -> int:
    """What can still be sold there now."""
    held = reserved(records, product_id, place, now, without_cart)
    return max(0, on_hand(records, product_id, place) - held)


def check_online(records: Records, cart: Json, now: int) -> Json:
    """What is available online for each line; refused with the list when any line asks for more."""
    asked = [(known_product(records, line), line["quantity"]) for line in cart["productList"]]
    wanted = Counter[str]()
    for item, quantity in asked:
        wanted[item["productId"]] += quantity
    lines = []
    for item, _ in asked:
        id_ = item["productId"]
        free = available(records, id_, ONLINE, now, cart.get("cartId", ""))
        lines.append({"productId": id_, "gtin": item["gtin"], "availableQuantity": free, "available": free >= wanted[id_]})
    if not all(line["available"] for line in lines):
        raise InsufficientInventory(extra={"productList": lines})
    return {"productList": lines}


def overview(records: Records, item: Json, near: str | None, now: int) -> Json:
    """What every store has of a product; nearest first when a store is named."""
    shops = list(records.find("stores").records)
    start = next((shop for shop in shops if shop["storeId"] == near), None)
    if start:
        shops.sort(key=lambda shop: (kilometres(start, shop), shop["storeId"]))
    rows = []
    for shop in shops:
        free = available(records, item["productId"], shop["storeId"], now)
        rows.append(
            {
                "storeId": shop["storeId"],
                "storeName": shop["name"],
                "availableQuantity": free,
                "availability": "IN_STOCK" if free else "OUT_OF_STOCK",
            }
        )
    return {"productId": item["productId"], "inventoryList": rows}


def reserve(records: Records, cart: Json, expires: int) -> Json:
    """Hold the cart's lines, in place of whatever the cart held before."""
    lines = []
    for line in cart["productList"]:
        item = known_product(records, line)
        held = {"productId": item["productId"], "locationId": location(line, cart), "quantity": line["quantity"]}
        lines.append({**({"orderItemId": line["orderItemId"]} if "orderItemId" in line else {}), **held})
    reservation = {"cartId": cart["cartId"], "expiresAt": expires, "productList": lines}
    records.put("reservations", reservation)
    return reservation


def revert(records: Records, cart_id: str, named: list[Json] | None, now: int) -> Json:
    """Give back what a cart holds, all of it or the named lines; the second time there is nothing left to give."""
    reservation = records.get("reservations", cart_id)
    if reservation is None:
        raise ReservationNotFound(cartId=cart_id)
    wanted = None if named is None else [_meant(records, line) for line in named]
    back = []
    for line in reservation["productList"]:
        quantity = _given_back(line, wanted)
        if quantity is None:
            continue
        back.append({"productId": line["productId"], "revertedQuantity": quantity})
        line["quantity"] -= quantity
    if not any(line["quantity"] for line in reservation["productList"]):
        reservation["expiresAt"] = min(reservation["expiresAt"], now)  # holds nothing any more, so nobody need look at it
    records.put("reservations", reservation)
    return {"cartId": cart_id, "productList": back}


def _meant(records: Records, line: Json) -> Json:
    """What a line of a revert means: its product by id, and how many units are still to be given back."""
    return {**line, "productId": known_product(records, line)["productId"]}


def _given_back(held: Json, wanted: list[Json] | None) -> int | None:
    """How many units of a held line are reverted; None where the line is not meant. What is given is taken off."""
    if wanted is None:
        return int(held["quantity"])
    mine = [
        line
        for line in wanted
        if line["productId"] == held["productId"] and line.get("orderItemId", held.get("orderItemId")) == held.get("orderItemId")
    ]
    given = 0
    for line in mine:
        part = min(line.get("quantity", held["quantity"]), held["quantity"] - given)
        given += part
        if "quantity" in line:
            line["quantity"] -= part
    return given if mine else None
