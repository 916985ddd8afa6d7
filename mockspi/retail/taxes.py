"""Destination-based taxes from the rate table.

Rules: a line's tax is the sum over jurisdictions of rate x taxable amount, each rounded half up to the currency's
minor unit; totals are sums of lines; per level the most specific matching rate counts; included (VAT) tax is taken
out of the price, other tax comes on top; a return's tax is the sale's, negated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from mockspi.clock import Clock
from mockspi.errors import ExemptionUnknown, TaxJurisdictionUnknown, TaxMismatch
from mockspi.exchange import Json
from mockspi.retail.money import ZERO, amount, number, rounded
from mockspi.retail.places import country, postal_place
from mockspi.retail.stock import product
from mockspi.store.base import Criterion, Readable, Records, Remembered
from mockspi.store.terms import compact, folded

ANY = "*"
_LEVELS = ("COUNTRY", "STATE", "COUNTY", "CITY")
COLUMNS = (
    "jurisdiction", "level", "countryCode", "state", "city", "postalCode", "taxCode", "rate", "name",
    "appliesToShipping", "included",
)  # fmt: skip


def matches(rate: Json, place: Json) -> bool:
    """Whether a rate (or an exemption) holds at an address: what it names, the address must have."""
    return folded(rate["countryCode"]) == folded(country(place)) and all(
        fold(rate[name]) == fold(place.get(name, ""))
        for name, fold in (("state", folded), ("city", folded), ("postalCode", compact))
        if rate.get(name)
    )


def rates_for(records: Readable, place: Json, tax_code: str) -> list[Json]:
    """One rate per level, the most specific; unknown when the merchant has no rate there at all."""
    known = records.find("tax_rates", Criterion("countryCode", (country(place),))).records
    here = [rate for rate in known if matches(rate, place)]
    if not here:
        raise TaxJurisdictionUnknown
    chosen = {}
    for rate in sorted(here, key=lambda rate: _specific(rate, tax_code)):
        if rate["taxCode"] in (ANY, tax_code):
            chosen[rate["level"]] = rate
    return [chosen[level] for level in _LEVELS if level in chosen]


def _specific(rate: Json, tax_code: str) -> tuple[bool, bool, bool, bool]:
    return (rate["taxCode"] == tax_code, bool(rate.get("postalCode")), bool(rate.get("city")), bool(rate.get("state")))


def calculate(records: Readable, cart: Json) -> Json:
    """The taxes of a cart, line by line, with their totals."""
    records = Remembered(records)  # a cart asks for the same rates and products again and again
    sign = -1 if cart.get("transactionType") == "RETURN" else 1
    exemptions = [_exemption(records, code) for code in cart.get("taxExemptions", [])]
    lines = [_line(records, line, cart, exemptions, sign) for line in cart["productList"]]
    shipping = _shipping(records, cart, exemptions) * sign
    taxable = sum((amount(line["taxableAmount"]) for line in lines), ZERO)
    total = sum((amount(line["tax"]) for line in lines), shipping)
    return {
        "productList": lines,
        "shippingTax": number(shipping),
        "taxableAmount": number(taxable),
        "totalTax": number(total),
    }


def _line(records: Readable, line: Json, cart: Json, exemptions: list[Json], sign: int) -> Json:
    currency = cart.get("currency", "")
    item = product(records, line) or {}
    place = postal_place(records, line, cart)
    code = str(line.get("productTaxCode") or item.get("productTaxCode") or ANY)
    price = amount(line["price"] if "price" in line else item.get("price"))
    value = max(ZERO, price * int(line["quantity"]) - amount(line.get("discount")))
    own = [_exemption(records, named) for named in line.get("taxExemptions", [])]
    exempt = next((one for one in (*own, *exemptions) if _exempts(one, place, code)), None)
    due = list(_taxes(rates_for(records, place, code), value, currency, included=cart.get("taxIncluded")))
    net = value - sum((tax for rate, tax in due if _included(rate, cart.get("taxIncluded"))), ZERO)
    taxes = [] if exempt else due
    return {
        **({"orderItemId": line["orderItemId"]} if "orderItemId" in line else {}),
        **({"productId": item["productId"]} if item else {}),
        "taxableAmount": number(rounded(net, currency) * sign),
        "tax": number(sum((tax for _, tax in taxes), ZERO) * sign),
        "taxes": [
            {"jurisdiction": rate["jurisdiction"], "name": rate["name"], "rate": rate["rate"], "amount": number(tax * sign)}
            for rate, tax in taxes
        ],
        **({"taxExemption": exempt["exemptionCode"]} if exempt else {}),
    }


def _included(rate: Json, asked: bool | None) -> bool:
    return bool(rate["included"]) if asked is None else asked


def _taxes(rates: Iterable[Json], value: Decimal, currency: str, included: bool | None) -> Iterator[tuple[Json, Decimal]]:
    rates = list(rates)
    inside = sum((amount(rate["rate"]) for rate in rates if _included(rate, included)), ZERO)
    for rate in rates:
        yield rate, rounded(value * amount(rate["rate"]) / (1 + inside), currency)


def _shipping(records: Readable, cart: Json, exemptions: list[Json]) -> Decimal:
    value = amount(cart.get("shippingAmount"))
    if not value:
        return ZERO
    place = postal_place(records, _sent_to(cart), cart)
    if any(_exempts(one, place, ANY) for one in exemptions):
        return ZERO
    rates = [rate for rate in rates_for(records, place, ANY) if rate["appliesToShipping"]]
    return sum((tax for _, tax in _taxes(rates, value, cart.get("currency", ""), cart.get("taxIncluded"))), ZERO)


def _sent_to(cart: Json) -> Json:
    """What names the address that shipping is taxed at: the cart, else its first line that has one."""
    names = ("destinationAddress", "shippingAddress")
    holders = (cart, *cart["productList"])
    return next((holder for holder in holders if any(holder.get(name) for name in names)), cart)


def _exemption(records: Readable, named: str | Json) -> Json:
    code = named if isinstance(named, str) else str(named.get("exemptionCode", ""))
    exemption = records.get("tax_exemptions", code)
    if exemption is None:
        raise ExemptionUnknown(exemptionCode=code)
    return exemption


def _exempts(exemption: Json, place: Json, code: str) -> bool:
    return matches(exemption, place) and bool({ANY, code} & set(exemption["taxCodes"]))


def finalize(records: Records, sale: Json, clock: Clock) -> Json:
    """Accept the taxes of an order once; asked again, the answer is the same."""
    order_id = sale["orderId"]
    if submission := records.get("tax_submissions", order_id):
        return {"orderId": order_id, "finalized": True, "submissionId": submission["submissionId"]}
    due = calculate(records, sale)
    if differences := list(_differences(sale, due)):
        raise TaxMismatch(errors=differences)
    submission = {
        "orderId": order_id,
        "submissionId": clock.new_id("TS"),
        "totalTax": due["totalTax"],
        "date": clock.now(),
    }
    records.put("tax_submissions", submission)
    return {"orderId": order_id, "finalized": True, "submissionId": submission["submissionId"]}


def _differences(sale: Json, due: Json) -> Iterator[Json]:
    """Each tax that was sent and is not what it should be."""
    sent: dict[str, Decimal] = {}
    for tax in sale.get("taxes", []):
        sent[tax["orderItemId"]] = sent.get(tax["orderItemId"], ZERO) + amount(tax["amount"])
    for index, (line, right) in enumerate(zip(sale["productList"], due["productList"], strict=True)):
        told = line.get("tax", sent.get(str(line.get("orderItemId", ""))))
        if told is not None and amount(told) != amount(right["tax"]):
            yield {"path": f"/productList/{index}/tax", "message": f"sent {told}, expected {right['tax']}"}
    known = {line.get("orderItemId") for line in sale["productList"]}
    for index, tax in enumerate(sale.get("taxes", [])):
        if tax["orderItemId"] not in known:
            yield {"path": f"/taxes/{index}/orderItemId", "message": f"no line of productList is {tax['orderItemId']!r}"}
    if "totalTax" in sale and amount(sale["totalTax"]) != amount(due["totalTax"]):
        yield {"path": "/totalTax", "message": f"sent {sale['totalTax']}, expected {due['totalTax']}"}


def listed(records: Readable, collection: str, place: Json) -> list[Json]:
    """The rates or exemptions that hold for what is given of a place; what is not given does not narrow."""
    folds = {"countryCode": folded, "state": folded, "city": folded, "postalCode": compact}
    asked = {name: fold(place[name]) for name, fold in folds.items() if place.get(name)}
    return [
        record
        for record in records.find(collection).records
        if all(not record.get(name) or folds[name](record[name]) == value for name, value in asked.items())
    ]
