"""What events that are received do: each one's effect, and those that wait for their order.

Rules: what comes before its order is held and done when the order is there; the order in which things come does not
change how they end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from mockspi.clock import Clock
from mockspi.exchange import Json
from mockspi.retail import changes, deliveries, movements, reservations, returns, sales
from mockspi.retail.changes import UPDATE
from mockspi.retail.deliveries import APPLIED, HELD, KEPT, Outcome
from mockspi.retail.once import digest
from mockspi.retail.orders import CANCELED, RETURNABLE
from mockspi.store.base import Criterion, Records

Act = Callable[[Records, Json, int, Clock], Outcome]  #: records, body, number of the event, clock
_TRANSFERS = ("ASN", "STS", "RTV", "CTS", "BLD")
_REFERENCES = ("adjustmentId", "requestId")
_ESSENCE = ("orderItemId", "productId", "quantity", "price", "total")


def order(records: Records, body: Json, _: int, clock: Clock) -> Outcome:
    """A sale is booked; the same sale once more is known already."""
    known = records.get("orders", body["orderId"])
    if known is not None and essence(known) == essence(body):
        return Outcome(KEPT, "the order is known")
    sales.arrive(records, body, clock.now())
    return Outcome(APPLIED)


def update(records: Records, body: Json, number: int, clock: Clock) -> Outcome:
    """An order is changed."""
    return changes.update(records, body, number, clock.now())


def give_back(records: Records, body: Json, _: int, clock: Clock) -> Outcome:
    """A return is booked, once its order is there and can have been handed over."""
    sold = records.get("orders", body["orderId"])
    if sold is None:
        return Outcome(HELD, f"order {body['orderId']} has not come")
    back = {line.get("returnOrderId") for line in sold.get("returnProductList", [])} - {None}
    if all(line.get("returnOrderId") in back for line in body["returnProductList"]):
        return Outcome(KEPT, "all of it came back before")
    if sold["orderStatus"] not in RETURNABLE | {"REFUNDED", CANCELED}:
        return Outcome(HELD, f"order {body['orderId']} is {sold['orderStatus']}, of which nothing can have come back")
    reply = returns.give_back(records, body, clock, returns.WEBHOOK)
    return Outcome(APPLIED, f"return {reply['returnOrderId']}")


def void(records: Records, body: Json, _: int, clock: Clock) -> Outcome:
    """What the cart holds is free again."""
    if _hold(records, body) is None:
        return Outcome(KEPT, "the cart holds nothing")
    back = reservations.revert(records, body["cartId"], None, clock.now())
    return Outcome(APPLIED, f"{sum(line['revertedQuantity'] for line in back['productList'])} units are free again")


def suspend(records: Records, body: Json, _: int, clock: Clock) -> Outcome:
    """What the cart holds stays held, for as long as it would."""
    reservations.lapse(records, clock.now())
    held = _hold(records, body)
    return Outcome(KEPT, "what the cart holds stays held" if held and reservations.is_held(held) else "the cart holds nothing")


def _hold(records: Records, body: Json) -> Json | None:
    cart = body.get("cartId")
    return records.get("reservations", cart) if isinstance(cart, str) else None


def _moving(move: Callable[[Records, Json, int], Outcome]) -> Act:
    return lambda records, body, _, clock: move(records, body, clock.now())


ACTS: Mapping[str, Act] = {
    "ORDER": order,
    UPDATE: update,
    "RETURN": give_back,
    "VOID_CART": void,
    "SUSPEND_CART": suspend,
    movements.SALE: _moving(movements.sold),
    movements.RETURN: _moving(movements.came_back),
    "INVENTORY_EXPORT_INA": _moving(movements.adjusted),
    "INVENTORY_EXPORT_INBA": _moving(movements.adjusted),
    "INVENTORY_EXPORT_CYC": _moving(movements.counted),
    **{f"INVENTORY_EXPORT_{kind}": _moving(partial(movements.transferred, kind=kind)) for kind in _TRANSFERS},
}
LENIENT = frozenset({"VOID_CART", "SUSPEND_CART"})  #: act on what they find, whatever else is wrong with them
#: Events that tell of the same thing under different names.
_SHARED = {"INVENTORY_EXPORT_INBA": "INVENTORY_EXPORT_INA"}


def reference(event: str, body: Json) -> str:
    """What every telling of the same thing has in common, beside the sender's id; nothing for an empty body."""
    name = _SHARED.get(event, event)
    if event == "ORDER" and deliveries.is_name(body.get("orderId")):
        return f"{name} {body['orderId']} {digest(essence(body))}"
    for one in _REFERENCES:
        if event in ACTS and deliveries.is_name(body.get(one)):
            return f"{name} {one} {body.get('orderId', '')} {body[one]}"
    return f"{name} {digest(body)}" if body else ""


def essence(sale: Json) -> Json:
    """What makes two sales the same: what was sold, for how much."""
    lines = sale.get("orderProductList")
    told = [[line.get(name) for name in _ESSENCE] for line in lines if isinstance(line, dict)] if isinstance(lines, list) else []
    return {"lines": told, "total": sale.get("totalAmount")}


def release(records: Records, order_id: str, clock: Clock, text: Callable[..., str]) -> None:
    """Do what waited for an order, as it came, until nothing more can be done."""
    waiting = True
    while waiting:
        waiting = False
        criteria = (Criterion("orderId", (order_id,)), Criterion("state", (HELD,)))
        for event in records.find("received", *criteria).records:
            act = partial(ACTS[event["event"]], records, event["body"], event["number"], clock)
            deliveries.settle(records, event, event["body"], text, act)
            if event["state"] != HELD:
                records.put("received", {**event, "settledAt": clock.now()})
                waiting = True
