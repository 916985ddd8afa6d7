"""What carts hold.

Rules: a cart has at most one reservation, and validating it again replaces it; it counts while it is HELD and the clock
has not reached ``expiresAt``; what is sold, given back or over holds nothing and never counts again.
"""

from __future__ import annotations

from mockspi.exchange import Json
from mockspi.refusals import ReservationNotFound
from mockspi.retail.stock import known_product
from mockspi.store.base import Criterion, Readable, Records

HELD, SOLD, REVERTED, EXPIRED = "HELD", "SOLD", "REVERTED", "EXPIRED"


def is_held(reservation: Json) -> bool:
    """Whether it has not ended; only then it is found by its products and its end."""
    return bool(reservation["status"] == HELD)


def reserved(records: Readable, product_id: str, place: str, now: int, without_cart: str = "") -> int:
    """What carts other than one hold there now."""
    criteria = (Criterion("productId", (product_id,)), Criterion("expiresAt", low=now + 1))
    return sum(
        line["quantity"]
        for hold in records.find("reservations", *criteria).records
        if hold["cartId"] != without_cart
        for line in hold["productList"]
        if line["productId"] == product_id and line["locationId"] == place
    )


def reserve(records: Records, cart_id: str, lines: list[Json], expires: int) -> Json:
    """Hold these lines for a cart, in place of whatever it held before; an empty cart gives that back."""
    reservation = {"cartId": cart_id, "status": HELD if lines else REVERTED, "expiresAt": expires, "productList": lines}
    records.put("reservations", reservation)
    return reservation


def sell(records: Records, cart_id: str, order_id: str) -> None:
    """What a cart holds has become an order."""
    if reservation := records.get("reservations", cart_id):
        _end(records, {**reservation, "orderId": order_id}, SOLD)


def release(records: Records, cart_id: str) -> None:
    """Give back what a cart holds, whatever it is."""
    if (reservation := records.get("reservations", cart_id)) and is_held(reservation):
        _end(records, reservation, REVERTED)


def lapse(records: Records, now: int) -> None:
    """End what is over, so that it stays so even if the clock is set back once others have taken its stock."""
    for reservation in records.find("reservations", Criterion("expiresAt", high=now)).records:
        _end(records, reservation, EXPIRED)


def expired(records: Readable, before: int, after: int) -> list[tuple[str, int]]:
    """The carts whose reservation ended between two moments because its time was over, each with its end."""
    holds = records.find("reservations", Criterion("expiresAt", low=before + 1, high=after)).records
    return [(hold["cartId"], hold["expiresAt"]) for hold in holds]


def revert(records: Records, cart_id: str, named: list[Json] | None, now: int) -> Json:
    """Give back what a cart holds, all of it or the named lines; the second time there is nothing left to give."""
    lapse(records, now)
    reservation = records.get("reservations", cart_id)
    if reservation is None:
        raise ReservationNotFound(cartId=cart_id)
    held = reservation["productList"]
    if named is None:
        back = [_given(line, line["quantity"]) for line in held]
    else:
        back = [one for line in named for one in _named(held, {**line, "productId": known_product(records, line)["productId"]})]
    if not any(line["quantity"] for line in held):
        reservation["status"] = REVERTED if is_held(reservation) else reservation["status"]
    records.put("reservations", reservation)
    return {"cartId": cart_id, "productList": back}


def _named(held: list[Json], named: Json) -> list[Json]:
    """What the lines that are meant give back; a quantity is shared out among them in their order."""
    mine = [
        line
        for line in held
        if line["productId"] == named["productId"]
        and named.get("orderItemId", line.get("orderItemId")) == line.get("orderItemId")
    ]
    wanted = named.get("quantity", sum(line["quantity"] for line in mine))
    back = []
    for line in mine:
        back.append(_given(line, min(wanted, line["quantity"])))
        wanted -= back[-1]["revertedQuantity"]
    return back or [{"productId": named["productId"], "revertedQuantity": 0}]


def _given(line: Json, units: int) -> Json:
    line["quantity"] -= units
    return {"productId": line["productId"], "revertedQuantity": units}


def _end(records: Records, reservation: Json, status: str) -> None:
    for line in reservation["productList"]:
        line["quantity"] = 0
    records.put("reservations", {**reservation, "status": status})
