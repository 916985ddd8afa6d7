"""What can still be sold: the one truth that the cart, the online check and the overview tell.

Rule: available = onHand - reserved, never below zero.
"""

from __future__ import annotations

from collections import Counter

from mockspi.exchange import Json
from mockspi.refusals import InsufficientInventory
from mockspi.retail.places import ONLINE, kilometres
from mockspi.retail.reservations import reserved
from mockspi.retail.stock import known_product, on_hand
from mockspi.store.base import Readable


def available(records: Readable, product_id: str, place: str, now: int, without_cart: str = "") -> int:
    """What can still be sold there now; what one cart holds itself is there for it."""
    there = on_hand(records, product_id, place) or 0
    return max(0, there - reserved(records, product_id, place, now, without_cart))


def check_online(records: Readable, cart: Json, now: int) -> Json:
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


def overview(records: Readable, item: Json, near: str | None, now: int) -> Json:
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
