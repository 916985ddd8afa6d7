"""What comes back.

Rules: no more units come back than were sold; the returns of a line add up to the line, and the refunds to what was paid;
a return is booked whole or not at all, and once; what is not damaged is put back where it was returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from mockspi.clock import Clock
from mockspi.errors import Failure
from mockspi.exchange import Json
from mockspi.refusals import NotReturnable, OrderNotFound, ReturnQuantityExceeded
from mockspi.retail import employees, loyalty_booked, movements, reservations, sales, slots, stock
from mockspi.retail.money import amount, number, rounded
from mockspi.retail.once import digest, once
from mockspi.retail.orders import added, carried, closed, is_eligible, left, paid, refunded, totals
from mockspi.retail.places import ONLINE, location
from mockspi.schema import Problem
from mockspi.store.base import Criterion, Readable, Records

SPI, WEBHOOK = "SPI", "WEBHOOK"  #: who tells of a return
_SAID = ("returnReason", "disposition", "exchange")


def give_back(records: Records, sent: Json, clock: Clock, teller: str = SPI) -> Json:
    """Take lines of an order back, and hand out what an exchange brings: all of it once, or none with the reason.

    A return is told by the SPI and by a webhook; what both tell is one return.
    """
    token = sent.get("requestId") or digest(sent)
    known = records.get("receipts", f"{sent['orderId']}|{token}") or _told_by_another(records, sent, teller)
    reply = known["reply"] if known else once(records, sent["orderId"], token, lambda: _book(records, sent, clock))
    tellers = sorted({teller, *(known.get("tellers", [SPI]) if known else ())})
    for name in {token, known["token"] if known else token}:
        records.put("receipts", {"orderId": sent["orderId"], "token": name, "reply": reply, "tellers": tellers})
    return dict(reply)


def _told_by_another(records: Records, sent: Json, teller: str) -> Json | None:
    """The receipt of a return of just these lines that somebody else told, and this teller has not."""
    back = (records.get("orders", sent["orderId"]) or {}).get("returnProductList", [])
    for receipt in records.find("receipts", Criterion("orderId", (sent["orderId"],))).records:
        booked = [line for line in back if line.get("returnOrderId") == receipt["reply"].get("returnOrderId", "")]
        if teller not in receipt.get("tellers", [SPI]) and booked and _same_lines(booked, sent["returnProductList"]):
            return receipt
    return None


def _same_lines(booked: list[Json], told: list[Json]) -> bool:
    """Whether what was told is what was booked, line by line."""
    rest = list(told)
    for line in booked:
        names = ("orderItemId", "productId")
        fits = (
            one
            for one in rest
            if one["quantity"] == line["quantity"] and all(one.get(name, line[name]) == line[name] for name in names)
        )
        if (found := next(fits, None)) is None:
            return False
        rest.remove(found)
    return not rest


def _book(records: Records, sent: Json, clock: Clock) -> Json:
    order = records.get("orders", sent["orderId"])
    if order is None:
        raise OrderNotFound(orderId=sent["orderId"])
    if why := closed(order, clock.now()):
        raise NotReturnable(errors=[{"path": "/orderId", "message": why}])
    return_id, back = clock.new_id(f"{order['orderId']}-R"), order.setdefault("returnProductList", [])
    known, before = {line.get("returnOrderId") for line in back} - {None}, movements.sellable_back(order)
    now = [(index, line) for index, line in enumerate(sent["returnProductList"]) if line.get("returnOrderId") not in known]
    sales.refuse(iter([] if now else [Problem("/returnProductList", "all of it came back before")]))
    for index, line in now:
        place = _place(records, order, sent, index)
        back.append({**_line(order, line, index), "returnDate": clock.now(), "returnOrderId": return_id, "returnLocation": place})
        if line.get("disposition") != "DAMAGED":
            stock.move(records, back[-1]["productId"], place, line["quantity"])
    movements.unput(records, order, before, clock.now())
    _exchange(records, order, sent, return_id, clock.now())
    _mark(order, return_id)
    records.put("orders", order)
    loyalty_booked.came_back(records, order, return_id, clock.now())
    refund = added((line for line in back if line.get("returnOrderId") == return_id), "refund")
    return {
        "orderId": order["orderId"],
        "returnOrderId": return_id,
        "orderStatus": order["orderStatus"],
        "refundAmount": number(refund - carried(order, return_id)),
    }


def _place(records: Readable, order: Json, sent: Json, index: int) -> str:
    """Where a line came back: the place it names, else the request's, else the order's store."""
    line = sent["returnProductList"][index]
    place = str(line.get("storeId") or sent.get("storeId") or order.get("storeId") or ONLINE)
    if place != ONLINE and records.get("stores", place) is None:
        path = f"/returnProductList/{index}/storeId" if line.get("storeId") else "/storeId"
        raise NotReturnable(errors=[{"path": path, "message": f"no stores record has the key {place!r}"}])
    return place


def _line(order: Json, sent: Json, index: int) -> Json:
    """The units that come back, with what they cost and what was paid for them: the last ones take what rounding left."""
    where = f"/returnProductList/{index}"
    sold = _sold_line(order, sent, where)
    if not is_eligible(sold):
        raise NotReturnable(errors=[{"path": where, "message": f"line {sold['orderItemId']!r} may not come back"}])
    wanted, units = int(sent["quantity"]), left(order, sold)
    if wanted > units:
        message = f"{wanted} of line {sold['orderItemId']!r}, of which {units} are left"
        raise ReturnQuantityExceeded(errors=[{"path": f"{where}/quantity", "message": message}])
    before, after = (_shares(sold, sold["quantity"] - one, order["currency"]) for one in (units, units - wanted))
    money = {name: after(name) - before(name) for name in ("subTotal", "discount", "tax")}
    money["total"] = money["subTotal"] - money["discount"] + money["tax"]
    money["refund"] = _refund(order, money["total"])
    facts: Json = {name: sold[name] for name in ("orderItemId", "productId", "gtin", "name", "price") if name in sold}
    said: Json = {name: sent[name] for name in _SAID if name in sent}
    return {**facts, **{name: number(value) for name, value in money.items()}, **said, "quantity": wanted}


def _shares(line: Json, units: int, currency: str) -> Callable[[str], Decimal]:
    """What the first units of a line cost, per kind of amount."""
    return lambda name: rounded(amount(line.get(name)) * units / line["quantity"], currency)


def _refund(order: Json, worth: Decimal) -> Decimal:
    """What was paid for something worth so much: all of it, or its share where the order is not paid in full."""
    rest_paid = paid(order) - refunded(order)
    rest_worth = added(order["orderProductList"], "total") - added(order["returnProductList"], "total")
    return rounded(rest_paid * worth / rest_worth, order["currency"]) if rest_worth else Decimal(0)


def _sold_line(order: Json, sent: Json, where: str) -> Json:
    """The line that is meant; of several with the same product the first that has enough units left."""
    meant = [
        line
        for line in order["orderProductList"]
        if sent.get("orderItemId", line["orderItemId"]) == line["orderItemId"]
        and sent.get("productId", line["productId"]) == line["productId"]
    ]
    if not meant:
        named = " and ".join(f"{name} {sent[name]!r}" for name in ("orderItemId", "productId") if name in sent)
        raise NotReturnable(errors=[{"path": where, "message": f"no line of the order has {named}"}])
    enough = (line for line in meant if left(order, line) >= sent["quantity"])
    return dict(next(enough, meant[0]))


def _exchange(records: Records, order: Json, sent: Json, return_id: str, now: int) -> None:
    """The other side of an exchange: lines that the order did not have are sold, and what was paid for them is kept."""
    known, first = {line["orderItemId"]: line for line in order["orderProductList"]}, len(order["orderProductList"])
    here = {"storeId": sent.get("storeId") or order.get("storeId")}
    told = list(enumerate(sent.get("orderProductList", [])))
    sales.refuse(_renamed(known, told))
    new = [(index, line) for index, line in told if line["orderItemId"] not in known]
    fresh = [{**line, "fulfillmentLocation": location(line, here), "returnOrderId": return_id} for _, line in new]
    if not fresh:
        return
    try:
        _take_instead(records, order, sent, fresh, now)
    except Failure as no:  # its places are those of the order's lines; the caller knows those that were sent
        no.errors = [{**one, "path": _as_sent(one["path"], first, [index for index, _ in new])} for one in no.errors]
        raise


def _renamed(known: Mapping[str, Json], told: list[tuple[int, Json]]) -> Iterator[Problem]:
    """Lines under the name of a line that the order has, and that are not that line."""
    for index, line in told:
        same = known.get(line["orderItemId"], line)
        if any(line.get(name) != same.get(name) for name in ("productId", "price")):
            path = f"/orderProductList/{index}/orderItemId"
            yield Problem(path, f"the order has another line {line['orderItemId']!r}; a new one needs a name of its own")


def _as_sent(path: str, first: int, indices: list[int]) -> str:
    """A place in the order's lines as a place in those that were sent."""
    head = "/orderProductList/"
    if not path.startswith(head):
        return path
    number, slash, rest = path.removeprefix(head).partition("/")
    return f"{head}{indices[int(number) - first]}{slash}{rest}" if int(number) >= first else path


def _take_instead(records: Records, order: Json, sent: Json, fresh: list[Json], now: int) -> None:
    return_id, first = fresh[0]["returnOrderId"], len(order["orderProductList"])
    if not any(line.get("exchange") for line in order["returnProductList"] if line.get("returnOrderId") == return_id):
        message = f"no line of order {order['orderId']}, and nothing is exchanged for it"
        sales.refuse(iter([Problem("/orderProductList", f"{fresh[0]['orderItemId']!r} is {message}")]))
    order["orderProductList"] += fresh
    sales.refuse(sales.line_problems(records, order, first))
    sales.fill_in(records, order, first)
    employees.keep_within(records, order)
    slots.book(records, order, first, now)
    reservations.lapse(records, now)
    sales.take(records, order, first, now, sent.get("cartId", ""))
    order.update({name: number(value) for name, value in totals(order["orderProductList"]).items()})
    if had := order.get("tenders"):
        more = [(index, tender) for index, tender in enumerate(sent.get("tenders", [])) if tender not in had]
        if mine := loyalty_booked.pay(records, order, more, now):
            mine.save(records)
        order["tenders"] = had + [tender for _, tender in more]


def _mark(order: Json, return_id: str) -> None:
    """The statuses after a return: an exchange where all that came back now is exchanged, partial while units remain.

    What an exchange brought is no remainder of what was sold first.
    """
    now = [line for line in order["returnProductList"] if line.get("returnOrderId") == return_id]
    done = "EXCHANGED" if all(line.get("exchange") for line in now) else "REFUNDED"
    rest = [line for line in order["orderProductList"] if done == "REFUNDED" or "returnOrderId" not in line]
    order["orderStatus"] = f"PARTIALLY_{done}" if any(left(order, line) for line in rest) else done
    touched = {line["orderItemId"] for line in now}
    for line in order["orderProductList"]:
        line["orderStatus"] = order["orderStatus"]
        if line["orderItemId"] in touched:
            line["itemStatus"] = f"PARTIALLY_{done}" if left(order, line) else done
