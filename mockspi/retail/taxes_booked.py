"""Taxes that were charged: given back with returns, booked with finalizeTaxSubmission.

Invariants:

- returns: units that come back give back the tax that they were charged, negated; all units together exactly that of
  the line, however they come back. Without an order that is known, what a sale now would be charged.
- not more: of a line that was sold no more units come back than are left of it.
- once: an order's taxes are booked once; the same order again gets the same answer, whatever is sent.
- match: what is booked is what calculateTax gives; each tax that is sent and differs is named.
- link: a booked submission names its order, and the order, wherever it is told, its submission.
- booked sums: a submission's total is the sum of its lines and of shipping, each line the sum of its jurisdictions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import takewhile

from mockspi.clock import Clock
from mockspi.exchange import Json
from mockspi.refusals import ReturnQuantityExceeded, TaxMismatch
from mockspi.retail.money import ZERO, amount, number, rounded, spread
from mockspi.retail.stock import product
from mockspi.retail.taxes import assess, currency_of, total
from mockspi.store.base import Readable, Records

RETURN = "RETURN"
_PLACED = ("storeId", "currency", "shippingAddress")


def calculate(records: Readable, cart: Json) -> Json:
    """The taxes of a sale, or of a return: what was charged, negated."""
    if cart.get("transactionType") != RETURN:
        return assess(records, cart)
    due = _given_back(records, cart)
    lines = [
        {**line, **_negated(line, "taxableAmount", "tax"), "taxes": [{**tax, **_negated(tax, "amount")} for tax in line["taxes"]]}
        for line in due["productList"]
    ]
    return {"productList": lines, **_negated(due, "shippingTax", "taxableAmount", "totalTax")}


def _negated(document: Json, *names: str) -> Json:
    return {name: number(-amount(document[name])) for name in names}


def _given_back(records: Readable, cart: Json) -> Json:
    """What a return gives back: of what was charged, the share of its units; of anything else, what a sale would cost."""
    original = returned_order(cart)
    order = records.get("orders", original) or {}
    booked = records.get("tax_submissions", original) or {}
    booked = {} if booked.get("transactionType") == RETURN else booked
    sold = booked.get("productList") or (_sold(records, order) if order else [])
    currency = str(booked.get("currency") or order.get("currency") or "")
    before = [0] * len(sold)
    for line in _returned(records, order, booked, cart.get("orderId", "")):
        if (place := _meant(records, sold, line, before)) is not None:
            before[place] += line["quantity"]
    lines = _shares(records, sold, cart["productList"], before, currency)
    rest = [line for line, found in zip(cart["productList"], lines, strict=True) if found is None]
    paid, charge = amount(booked.get("shippingAmount")), amount(cart.get("shippingAmount"))
    placed = {name: order[name] for name in _PLACED if name in order}
    asked = {**placed, **cart, "productList": rest, "shippingAmount": 0 if paid else cart.get("shippingAmount")}
    due = assess(records, asked)
    anew = iter(due["productList"])
    shipping = rounded(amount(booked["shippingTax"]) * charge / paid, currency) if paid else amount(due["shippingTax"])
    return total([line or next(anew) for line in lines], shipping)


def returned_order(cart: Json) -> str:
    """The order whose units come back."""
    return str(cart.get("originalOrderId") or cart.get("orderId") or "")


def _sold(records: Readable, order: Json) -> list[Json]:
    """The lines of an order with the tax that it was charged, by jurisdictions as they are now."""
    asked = [{name: value for name, value in line.items() if name != "taxExemption"} for line in order["orderProductList"]]
    placed = {name: order[name] for name in _PLACED if name in order}
    due = assess(records, {**placed, "taxIncluded": False, "productList": asked})
    lines = []
    for line, one in zip(order["orderProductList"], due["productList"], strict=True):
        taxes = [] if line.get("taxExemption") else one["taxes"]
        parts = spread(amount(line["tax"]), [amount(tax["amount"]) for tax in taxes], order["currency"])
        lines.append(
            {
                **one,
                **({"taxExemption": line["taxExemption"]} if line.get("taxExemption") else {}),
                "quantity": line["quantity"],
                "taxableAmount": number(amount(line["subTotal"]) - amount(line.get("discount"))),
                "tax": line["tax"],
                "taxes": [{**tax, "amount": number(part)} for tax, part in zip(taxes, parts, strict=True)],
            }
        )
    return lines


def _shares(records: Readable, sold: list[Json], told: list[Json], before: list[int], currency: str) -> list[Json | None]:
    """What each returned line gives back, after what came ``before`` of each sold one; None for one that was not sold, never
    more than was.
    """
    shares: list[Json | None] = []
    errors = []
    for index, line in enumerate(told):
        units, place = int(line["quantity"]), _meant(records, sold, line, before)
        if place is None:
            shares.append(None)
        elif units > (left := max(0, sold[place]["quantity"] - before[place])):
            name = sold[place].get("orderItemId") or sold[place].get("productId", "")
            message = f"{units} of line {name!r}, of which {left} are left"
            errors.append({"path": f"/productList/{index}/quantity", "message": message})
        else:
            shares.append(_share(sold[place], before[place], units, currency))
            before[place] += units
    if errors:
        raise ReturnQuantityExceeded(errors=errors)
    return shares


def _meant(records: Readable, sold: list[Json], line: Json, before: list[int]) -> int | None:
    """Which sold line a returned one names by id and product; of several the first that has enough units left."""
    item = product(records, line)
    if item is None and "orderItemId" not in line:
        return None
    meant = [
        place
        for place, one in enumerate(sold)
        if line.get("orderItemId", one.get("orderItemId")) == one.get("orderItemId")
        and (item is None or one.get("productId") == item["productId"])
    ]
    enough = (place for place in meant if sold[place]["quantity"] - before[place] >= line["quantity"])
    return next(enough, meant[0] if meant else None)


def _returned(records: Readable, order: Json, booked: Json, now: str) -> Iterator[Json]:
    """The lines that came back before the return with this id: into the order, else as they were booked."""
    back: Iterable[tuple[str, Json]]
    if order:
        back = ((line.get("returnOrderId", ""), line) for line in order.get("returnProductList", []))
    else:
        known = ((id_, records.get("tax_submissions", id_) or {}) for id_ in booked.get("returnOrderIds", []))
        back = ((id_, line) for id_, one in known for line in one.get("productList", []))
    return (line for _, line in takewhile(lambda one: not now or one[0] != now, back))


def _share(sold: Json, before: int, units: int, currency: str) -> Json:
    """The taxes of some units of a sold line, after others that came back before."""
    taxes, weights = sold["taxes"], [amount(tax["amount"]) for tax in sold["taxes"]]

    def part(name: str, count: int) -> Decimal:
        return rounded(amount(sold[name]) * count / sold["quantity"], currency)

    def split(count: int) -> list[Decimal]:
        return spread(part("tax", count), weights, currency)

    parts = zip(taxes, split(before + units), split(before), strict=True)
    return {
        **{name: value for name, value in sold.items() if name != "quantity"},
        **{name: number(part(name, before + units) - part(name, before)) for name in ("taxableAmount", "tax")},
        "taxes": [{**tax, "amount": number(after - already)} for tax, after, already in parts],
    }


def finalize(records: Records, sale: Json, clock: Clock) -> Json:
    """Book the taxes of an order once; asked again, the answer is the same."""
    order_id = sale["orderId"]
    submission = records.get("tax_submissions", order_id)
    if submission is None:
        due = calculate(records, sale)
        if differences := list(_differences(sale, due)):
            raise TaxMismatch(errors=differences)
        submission = _submission({**sale, "currency": currency_of(records, sale)}, due, clock)
        records.put("tax_submissions", submission)
        if submission.get("transactionType") == RETURN:
            _note_return(records, returned_order(sale), order_id)
    return {"orderId": order_id, "finalized": True, "submissionId": submission["submissionId"]}


def _submission(sale: Json, due: Json, clock: Clock) -> Json:
    lines = zip(due["productList"], sale["productList"], strict=True)
    kept = ("currency", "transactionType", "originalOrderId", "shippingAmount")
    return {
        **{name: sale[name] for name in kept if sale.get(name)},
        "orderId": sale["orderId"],
        "submissionId": clock.new_id("TS"),
        "date": clock.now(),
        **due,
        "productList": [{**taxed, "quantity": line["quantity"]} for taxed, line in lines],
    }


def _note_return(records: Records, original: str, return_id: str) -> None:
    """Let the sale's submission know its returns."""
    sale = records.get("tax_submissions", original)
    if sale and original != return_id:
        records.put("tax_submissions", {**sale, "returnOrderIds": [*sale.get("returnOrderIds", []), return_id]})


def link(records: Readable, order_id: str) -> Json:
    """What an order tells of its booked taxes; nothing where none are."""
    submission = records.get("tax_submissions", order_id)
    return {"taxSubmissionId": submission["submissionId"]} if submission else {}


def _differences(sale: Json, due: Json) -> Iterator[Json]:
    """Each tax that was sent and is not what it should be, and each that should have been sent with the others."""
    applied: dict[str, list[Json]] = {}
    for tax in sale.get("taxes", []):
        applied.setdefault(tax["orderItemId"], []).append(tax)
    for index, (line, right) in enumerate(zip(sale["productList"], due["productList"], strict=True)):
        named = {"orderItemId": line["orderItemId"]} if "orderItemId" in line else {}
        listed = line.get("taxes", applied.get(line.get("orderItemId", ""), [] if "taxes" in sale else None))
        told = line.get("tax", None if listed is None else number(sum((amount(one["amount"]) for one in listed), ZERO)))
        for path, message in (*_total(told, right), *_jurisdictions(listed or [], right)):
            yield {"path": f"/productList/{index}{path}", "message": message, **named}
    known = {line.get("orderItemId") for line in sale["productList"]}
    for index, tax in enumerate(sale.get("taxes", [])):
        if tax["orderItemId"] not in known:
            message = f"no line of productList is {tax['orderItemId']!r}"
            yield {"path": f"/taxes/{index}/orderItemId", "message": message, "orderItemId": tax["orderItemId"]}
    for name in ("shippingTax", "totalTax"):
        if name in sale and amount(sale[name]) != amount(due[name]):
            yield {"path": f"/{name}", "message": f"sent {sale[name]}, expected {due[name]}"}


def _total(told: float | None, right: Json) -> Iterator[tuple[str, str]]:
    if told is not None and amount(told) != amount(right["tax"]):
        yield "/tax", f"sent {told}, expected {right['tax']}"


def _jurisdictions(listed: list[Json], right: Json) -> Iterator[tuple[str, str]]:
    """Taxes that name their jurisdiction are held against it."""
    expected = {tax["jurisdiction"]: tax["amount"] for tax in right["taxes"]}
    for one in listed:
        if "jurisdiction" in one and amount(one["amount"]) != amount(expected.get(one["jurisdiction"])):
            wanted = expected.get(one["jurisdiction"], "none")
            yield "/taxes", f"sent {one['amount']} for {one['jurisdiction']}, expected {wanted}"
