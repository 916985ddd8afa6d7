"""Orders as they are told, and returns.

Rules: ``orderProductList`` is what was sold, ``returnProductList`` what came back, ``productList`` what remains and is
derived; no more units come back than were sold; the refunds of a line's units add up to the line.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from mockspi.clock import Clock
from mockspi.errors import NotReturnable, OrderNotFound, ReturnQuantityExceeded
from mockspi.exchange import Json
from mockspi.retail.money import amount, number, rounded
from mockspi.store.base import Records

RETURNABLE = frozenset({"COMPLETED", "EXCHANGED", "PARTIALLY_EXCHANGED", "FULFILLED", "PARTIALLY_REFUNDED"})
_AMOUNTS = ("subTotal", "discount", "tax", "total")
_SOLD_ONLY = frozenset(
    [
        "priceCorrection",
        "priceAdjustments",
        "omniFulfillmentType",
        "omniFulfillmentLocationType",
        "returnsEligibility",
        "externalId",
        "taxExemption",
        "productTax",
        "reasons",
    ]
)


def returned(order: Json, item_id: str) -> int:
    """How many units of a line came back so far."""
    lines = order.get("returnProductList", [])
    return sum(int(line["quantity"]) for line in lines if line["orderItemId"] == item_id)


def remaining(order: Json) -> list[Json]:
    """What the customer still has: the sold lines less what came back, money included."""
    lines = []
    for line in order["orderProductList"]:
        left = line["quantity"] - returned(order, line["orderItemId"])
        if left < 1:
            continue
        kept = {name: value for name, value in line.items() if name not in _SOLD_ONLY}
        back = [one for one in order.get("returnProductList", []) if one["orderItemId"] == line["orderItemId"]]
        money = {
            name: number(amount(line.get(name)) - sum((amount(one.get(name)) for one in back), Decimal(0))) for name in _AMOUNTS
        }
        lines.append({**kept, **money, "quantity": left})
    return lines


def can_return(order: Json, now: int) -> bool:
    """Whether the POS may start a return: the status allows it, the window is open, something is left that may."""
    eligible = any(
        line.get("returnsEligibility") != "NOT_ELIGIBLE_FOR_RETURNS" and line["quantity"] > returned(order, line["orderItemId"])
        for line in order["orderProductList"]
    )
    return order["orderStatus"] in RETURNABLE and now <= order.get("lastDateToReturnTimeStamp", now) and eligible


def told(order: Json, now: int, *, grouped: bool = False) -> Json:
    """The order with everything that is derived."""
    return {
        **order,
        "orderStatusText": order.get("orderStatusText", order["orderStatus"]),
        "canReturn": "TRUE" if can_return(order, now) else "FALSE",
        "productList": remaining(order),
        **({"DeliveryGroup": delivery_groups(order)} if grouped else {}),
    }


def delivery_groups(order: Json) -> list[Json]:
    """The sold lines by fulfilment type, address, shipping method and delivery date."""
    groups: dict[tuple[str, ...], Json] = {}
    for line in order["orderProductList"]:
        shared = {
            "fulfillmentType": line.get("omniFulfillmentType") or line.get("fulfillmentType"),
            "shippingAddress": line.get("shippingAddress") or order.get("shippingAddress"),
            "shippingMethodId": line.get("shippingMethodId"),
            "deliveryDate": line.get("deliveryDate"),
        }
        key = tuple(str(value) for value in shared.values())
        known = {name: value for name, value in shared.items() if value is not None}
        group = groups.setdefault(key, {"deliveryGroupId": f"{len(groups) + 1}", **known, "orderItemIds": []})
        group["orderItemIds"].append(line["orderItemId"])
    return list(groups.values())


def boris(records: Records, order_id: str) -> Json:
    """An order that was not placed in a store."""
    order = records.get("orders", order_id)
    if order is None or order["orderSource"] == "IN_STORE":
        raise OrderNotFound(orderId=order_id)
    return order


def give_back(records: Records, sent: Json, clock: Clock) -> Json:
    """Take the returned lines of an order back: all of them, or none with the reason."""
    order = records.get("orders", sent["orderId"])
    if order is None:
        raise OrderNotFound(orderId=sent["orderId"])
    if order["orderStatus"] not in RETURNABLE or clock.now() > order.get("lastDateToReturnTimeStamp", clock.now()):
        raise NotReturnable
    return_id, back = clock.new_id(f"{order['orderId']}-R"), order.setdefault("returnProductList", [])
    for line in sent["returnProductList"]:
        back.append({**_refund(order, line), "returnDate": clock.now(), "returnOrderId": return_id})
    _mark(order, return_id)
    records.put("orders", order)
    return {"orderId": order["orderId"], "returnOrderId": return_id, "orderStatus": order["orderStatus"]}


def _mark(order: Json, return_id: str) -> None:
    """The statuses after a return: an exchange where all that came back now is exchanged, partial while units remain."""
    now = [line for line in order["returnProductList"] if line["returnOrderId"] == return_id]
    done = "EXCHANGED" if all(line.get("exchange") for line in now) else "REFUNDED"
    order["orderStatus"] = f"PARTIALLY_{done}" if remaining(order) else done
    touched = {line["orderItemId"] for line in now}
    for line in order["orderProductList"]:
        line["orderStatus"] = order["orderStatus"]
        if line["orderItemId"] in touched:
            left = line["quantity"] > returned(order, line["orderItemId"])
            line["itemStatus"] = f"PARTIALLY_{done}" if left else done


def _refund(order: Json, sent: Json) -> Json:
    """The units that come back, with what was paid for them: the last units take what rounding left."""
    sold = _sold_line(order, sent)
    if sold.get("returnsEligibility") == "NOT_ELIGIBLE_FOR_RETURNS":
        raise NotReturnable
    before, wanted = returned(order, sold["orderItemId"]), int(sent["quantity"])
    if before + wanted > sold["quantity"]:
        raise ReturnQuantityExceeded
    share = _shares(sold, before, order["currency"])
    after = _shares(sold, before + wanted, order["currency"])
    facts: Json = {name: sold[name] for name in ("orderItemId", "productId", "gtin", "name", "price") if name in sold}
    money = {name: number(after(name) - share(name)) for name in ("subTotal", "discount", "tax")}
    total = amount(money["subTotal"]) - amount(money["discount"]) + amount(money["tax"])
    said: Json = {name: sent[name] for name in ("returnReason", "disposition", "exchange") if name in sent}
    refund: Json = {"quantity": wanted, "total": number(total)}
    return {**facts, **money, **said, **refund}


def _shares(line: Json, units: int, currency: str) -> Callable[[str], Decimal]:
    """What the first units of a line cost, per kind of amount."""
    return lambda name: rounded(amount(line.get(name)) * units / line["quantity"], currency)


def _sold_line(order: Json, sent: Json) -> Json:
    """The line that is meant; of several with the same product the first that has enough units left."""
    meant = [
        line
        for line in order["orderProductList"]
        if sent.get("orderItemId", line["orderItemId"]) == line["orderItemId"]
        and sent.get("productId", line["productId"]) == line["productId"]
    ]
    if not meant:
        raise NotReturnable
    enough = (line for line in meant if line["quantity"] - returned(order, line["orderItemId"]) >= sent["quantity"])
    return dict(next(enough, meant[0]))
