"""What holds for the rate table and for booked taxes, as rules that tell the collection, the key, and where it is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mockspi.retail.money import ZERO, amount
from mockspi.retail.taxes_rates import ties
from mockspi.schema import Problem
from mockspi.store.base import Readable

TaxRule = Callable[[Readable], Iterator[tuple[str, str, Problem]]]


def rates_do_not_tie(records: Readable) -> Iterator[tuple[str, str, Problem]]:
    """No two rates have the same level, place and taxCode: only one of them could count."""
    rates = records.find("tax_rates").records
    for index, message in ties(rates):
        yield "tax_rates", f"{rates[index]['jurisdiction']}|{rates[index]['taxCode']}", Problem("", message)


def submissions_add_up(records: Readable) -> Iterator[tuple[str, str, Problem]]:
    """A booked total is the sum of its lines and of shipping, each line's tax the sum of its jurisdictions'."""
    for one in records.find("tax_submissions").records:
        lines = one.get("productList", [])
        due = sum((amount(line["tax"]) for line in lines), amount(one.get("shippingTax")))
        if lines and amount(one["totalTax"]) != due:
            yield "tax_submissions", one["orderId"], Problem("/totalTax", f"{one['totalTax']} does not add up; {due} is expected")
        for index, line in enumerate(lines):
            due = sum((amount(tax["amount"]) for tax in line["taxes"]), ZERO)
            if amount(line["tax"]) != due:
                message = f"{line['tax']} does not add up; {due} is expected"
                yield "tax_submissions", one["orderId"], Problem(f"/productList/{index}/tax", message)


def returns_are_booked(records: Readable) -> Iterator[tuple[str, str, Problem]]:
    """A return that a booked sale names is booked too."""
    for one in records.find("tax_submissions").records:
        for index, id_ in enumerate(one.get("returnOrderIds", [])):
            if records.get("tax_submissions", id_) is None:
                yield "tax_submissions", one["orderId"], Problem(f"/returnOrderIds/{index}", f"no booked return is {id_!r}")


#: What holds for all records of taxes.
TAX_RULES: tuple[tuple[str, TaxRule], ...] = (
    ("TAX_RATES_DO_NOT_TIE", rates_do_not_tie),
    ("TAX_SUBMISSIONS_ADD_UP", submissions_add_up),
    ("TAX_RETURNS_ARE_BOOKED", returns_are_booked),
)
