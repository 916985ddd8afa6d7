"""What holds for each order alone, as rules that tell where one is broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal

from mockspi.exchange import Json
from mockspi.retail.money import ZERO, amount, is_whole
from mockspi.retail.orders import AMOUNTS, DERIVED, added, came_back, left, paid, refunded, totals
from mockspi.schema import Problem

OrderRule = Callable[[Json], Iterator[Problem]]


def lines_add_up(order: Json) -> Iterator[Problem]:
    """Each sold line: price times quantity, less discount, plus tax."""
    for index, line in enumerate(order["orderProductList"]):
        for name, right in (
            ("subTotal", amount(line["price"]) * line["quantity"]),
            ("total", amount(line["subTotal"]) - amount(line.get("discount")) + amount(line["tax"])),
        ):
            yield from _unequal(f"/orderProductList/{index}/{name}", line[name], right)


def amounts_are_sane(order: Json) -> Iterator[Problem]:
    """No amount is below zero or finer than the currency's minor unit, and no discount is larger than its line."""
    for index, line in enumerate(order["orderProductList"]):
        for name in ("price", "discount", "tax"):
            if amount(line.get(name)) < ZERO:
                yield Problem(f"/orderProductList/{index}/{name}", f"{line[name]} is less than nothing")
            yield from _too_fine(f"/orderProductList/{index}/{name}", line.get(name), order["currency"])
        if (off := amount(line.get("discount"))) > amount(line["subTotal"]):
            yield Problem(f"/orderProductList/{index}/discount", f"{off} is more than the line's {line['subTotal']}")
    for index, tender in enumerate(order.get("tenders", [])):
        yield from _too_fine(f"/tenders/{index}/amountAuthorized", tender["amountAuthorized"], order["currency"])
    if order.get("tenders") and (got := paid(order)) < ZERO:
        yield Problem("/tenders", f"they come to {got}, less than nothing")


def totals_add_up(order: Json) -> Iterator[Problem]:
    """The order's totals are the sums of its lines."""
    for name, right in totals(order["orderProductList"]).items():
        yield from _unequal(f"/{name}", order[name], right)


def lines_are_named_once(order: Json) -> Iterator[Problem]:
    """No two sold lines share an orderItemId."""
    seen: set[str] = set()
    for index, line in enumerate(order["orderProductList"]):
        if line["orderItemId"] in seen:
            yield Problem(f"/orderProductList/{index}/orderItemId", f"another line is {line['orderItemId']!r} already")
        seen.add(line["orderItemId"])


def returns_within_sold(order: Json) -> Iterator[Problem]:
    """What came back was sold, and no more of it than was sold."""
    sold = Counter[str]()
    for line in order["orderProductList"]:
        sold[line["orderItemId"]] += line["quantity"]
    for index, line in enumerate(order.get("returnProductList", [])):
        back = sum(one["quantity"] for one in came_back(order, line["orderItemId"]))
        if back > sold[line["orderItemId"]]:
            message = f"{back} came back of {sold[line['orderItemId']]} that were sold"
            yield Problem(f"/returnProductList/{index}/quantity", message)


def returns_add_up(order: Json) -> Iterator[Problem]:
    """What the returns of a line come to is never more than the line, and all of it once every unit is back."""
    for index, line in enumerate(order.get("returnProductList", [])):
        right = amount(line["subTotal"]) - amount(line.get("discount")) + amount(line["tax"])
        yield from _unequal(f"/returnProductList/{index}/total", line["total"], right)
    for index, line in enumerate(order["orderProductList"]):
        back, units = came_back(order, line["orderItemId"]), left(order, line)
        for name in AMOUNTS:
            rest = amount(line.get(name)) - added(back, name)
            if rest < ZERO or (units == 0 and rest):
                yield Problem(f"/orderProductList/{index}/{name}", f"{units} units remain, and {rest} of this amount")


def refunds_within_paid(order: Json) -> Iterator[Problem]:
    """No more is refunded than was paid."""
    if (given := refunded(order)) > (got := paid(order)):
        yield Problem("/returnProductList", f"{given} was refunded of {got} that was paid")


def status_fits(order: Json) -> Iterator[Problem]:
    """The status tells what came back: nothing, a part, all of it, for money or for something else."""
    status, back = order["orderStatus"], order.get("returnProductList", [])
    remains = any(left(order, line) > 0 for line in order["orderProductList"])
    wanted = {
        "PARTIALLY_REFUNDED": bool(back) and remains,
        "PARTIALLY_EXCHANGED": bool(back) and remains,
        "REFUNDED": bool(back) and not remains,
        "EXCHANGED": any(line.get("exchange") for line in back),
    }
    if not wanted.get(status, not back):
        rest = "something remains" if remains else "nothing remains"
        yield Problem("/orderStatus", f"{status} does not fit: {len(back)} lines are returned and {rest}")


def nothing_derived_is_stored(order: Json) -> Iterator[Problem]:
    """What remains is computed, never kept apart from what was sold and what was returned."""
    for name in sorted(DERIVED & order.keys()):
        yield Problem(f"/{name}", "is derived and must not be stored")


#: What holds for each order alone.
ORDER_RULES: tuple[tuple[str, OrderRule], ...] = (
    ("ORDER_LINES_ADD_UP", lines_add_up),
    ("ORDER_TOTALS_ADD_UP", totals_add_up),
    ("ORDER_AMOUNTS_SANE", amounts_are_sane),
    ("ORDER_LINES_NAMED_ONCE", lines_are_named_once),
    ("RETURNS_WITHIN_SOLD", returns_within_sold),
    ("RETURNS_ADD_UP", returns_add_up),
    ("REFUNDS_WITHIN_PAID", refunds_within_paid),
    ("ORDER_STATUS_FITS", status_fits),
    ("ORDER_DERIVES_THE_REST", nothing_derived_is_stored),
)


def _too_fine(path: str, told: float | None, currency: str) -> Iterator[Problem]:
    if not is_whole(amount(told), currency):
        yield Problem(path, f"{told} is finer than the minor unit of {currency}")


def _unequal(path: str, told: float, right: Decimal) -> Iterator[Problem]:
    if amount(told) != right:
        yield Problem(path, f"{told} does not add up; {right.normalize():f} is expected")
