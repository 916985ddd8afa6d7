"""Orders as they are told.

Rules: ``orderProductList`` is what was sold, ``returnProductList`` what came back, ``productList`` what remains; what can be
derived is, and is never stored; the totals are those of what was sold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from mockspi.exchange import Json
from mockspi.refusals import OrderNotFound
from mockspi.retail.money import ZERO, amount, number
from mockspi.store.base import Readable

RETURNABLE = frozenset({"COMPLETED", "EXCHANGED", "PARTIALLY_EXCHANGED", "FULFILLED", "PARTIALLY_REFUNDED"})
CANCELED = "CANCELED"
AMOUNTS = ("subTotal", "discount", "tax", "total")
DERIVED = frozenset({"productList", "canReturn", "orderStatusText", "DeliveryGroup"})
_SUMS = {"orderSubTotal": "subTotal", "discount": "discount", "taxSubTotal": "tax", "totalAmount": "total"}
_SOLD_ONLY = frozenset(
    [
        "priceCorrection",
        "priceAdjustments",
        "omniFulfillmentType",
        "omniFulfillmentLocationType",
        "returnsEligibility",
        "returnOrderId",
        "externalId",
        "taxExemption",
        "productTax",
        "reasons",
    ]
)


def added(lines: Iterable[Json], name: str) -> Decimal:
    """An amount of several lines together."""
    return sum((amount(line.get(name)) for line in lines), ZERO)


def totals(lines: list[Json]) -> dict[str, Decimal]:
    """What an order with these sold lines comes to."""
    sums = {name: added(lines, part) for name, part in _SUMS.items()}
    return {**sums, "taxableAmount": sums["totalAmount"] - sums["taxSubTotal"]}


def came_back(order: Json, item_id: str) -> list[Json]:
    """What came back of a line so far."""
    return [line for line in order.get("returnProductList", []) if line["orderItemId"] == item_id]


def left(order: Json, line: Json) -> int:
    """How many units of a sold line the customer still has."""
    return int(line["quantity"]) - sum(int(one["quantity"]) for one in came_back(order, line["orderItemId"]))


def remaining(order: Json) -> list[Json]:
    """What the customer still has: the sold lines less what came back, money included."""
    lines = []
    for line in order["orderProductList"]:
        if (units := left(order, line)) < 1:
            continue
        kept = {name: value for name, value in line.items() if name not in _SOLD_ONLY}
        back = came_back(order, line["orderItemId"])
        money = {name: number(amount(line.get(name)) - added(back, name)) for name in AMOUNTS}
        lines.append({**kept, **money, "quantity": units})
    return lines


def refunded(order: Json) -> Decimal:
    """What was given back of what was paid; what an older set does not say is the whole worth of what came back."""
    return sum(map(_refund, order.get("returnProductList", [])), ZERO)


def _refund(line: Json) -> Decimal:
    return amount(line.get("refund", line["total"]))


def paid(order: Json) -> Decimal:
    """What was paid: its tenders, and what exchanges carried over. An order without tenders was paid in full."""
    worth = added(order["orderProductList"], "total")
    if not order.get("tenders"):
        return worth
    got = (amount(tender["amountAuthorized"]) for tender in order["tenders"] if is_paid(tender))
    return min(worth, sum(got, ZERO) + sum((carried(order, one) for one in exchanges(order)), ZERO))


def is_paid(tender: Json) -> bool:
    """Whether a payment was made: it is approved, or nothing is said."""
    return tender.get("paymentStatus") in (None, "APPROVED")


def exchanges(order: Json) -> set[str]:
    """The returns in which something was taken instead."""
    return {line["returnOrderId"] for line in order["orderProductList"] if "returnOrderId" in line}


def carried(order: Json, return_id: str) -> Decimal:
    """What an exchange carries over: what came back pays for what was taken, as far as it goes."""
    back = [
        line for line in order.get("returnProductList", []) if line.get("returnOrderId") == return_id and line.get("exchange")
    ]
    taken = [line for line in order["orderProductList"] if line.get("returnOrderId") == return_id]
    return min(sum(map(_refund, back), ZERO), added(taken, "total"))


def counts(order: Json) -> bool:
    """Whether an order uses anything up."""
    return bool(order["orderStatus"] != CANCELED)


def closed(order: Json, now: int) -> str:
    """Why an order's status or its window allow no returns at all; empty where they do."""
    if order["orderStatus"] not in RETURNABLE:
        return f"its status is {order['orderStatus']}, and only these may come back: {', '.join(sorted(RETURNABLE))}"
    last = order.get("lastDateToReturnTimeStamp", now)
    return f"its last day to return was {datetime.fromtimestamp(last / 1000, UTC):%Y-%m-%d %H:%M} UTC" if now > last else ""


def is_eligible(line: Json) -> bool:
    """Whether a sold line may come back."""
    return bool(line.get("returnsEligibility") != "NOT_ELIGIBLE_FOR_RETURNS")


def can_return(order: Json, now: int) -> bool:
    """Whether the POS may start a return: it is allowed, and something is left that may come back."""
    return not closed(order, now) and any(is_eligible(line) and left(order, line) > 0 for line in order["orderProductList"])


def told(order: Json, now: int, *, grouped: bool = False) -> Json:
    """The order with everything that is derived."""
    return {
        **order,
        "orderStatusText": order["orderStatus"],
        "canReturn": "TRUE" if can_return(order, now) else "FALSE",
        "productList": remaining(order),
        **({"DeliveryGroup": delivery_groups(order)} if grouped else {}),
    }


def delivery_groups(order: Json) -> list[Json]:
    """The sold lines by fulfilment type, address, shipping method and delivery date."""
    groups: dict[str, Json] = {}
    for line in order["orderProductList"]:
        shared = {
            "fulfillmentType": line.get("omniFulfillmentType") or line.get("fulfillmentType"),
            "shippingAddress": line.get("shippingAddress") or order.get("shippingAddress"),
            "shippingMethodId": line.get("shippingMethodId"),
            "deliveryDate": line.get("deliveryDate"),
        }
        known = {name: value for name, value in shared.items() if value is not None}
        key = json.dumps(known, sort_keys=True)
        group = groups.setdefault(key, {"deliveryGroupId": f"{len(groups) + 1}", **known, "orderItemIds": []})
        group["orderItemIds"].append(line["orderItemId"])
    return list(groups.values())


def boris(records: Readable, order_id: str) -> Json:
    """An order that was not placed in a store."""
    order = records.get("orders", order_id)
    if order is None or order["orderSource"] == "IN_STORE":
        raise OrderNotFound(orderId=order_id)
    return order
