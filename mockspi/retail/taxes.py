"""The taxes of a sale.

Invariants:

- destination: the address of the line's fulfillment decides, else the cart's, else the store's; never the billing address.
- half up: a tax is rate x taxable value, rounded once, half up, to the currency's minor unit, per line and jurisdiction.
- sums: a line's tax is the sum of its jurisdictions', the total tax the sum of the lines' and of shipping's.
- discounts: what is taxed is price x quantity less the line's discount and its share of the transaction discount, never
  below zero; shares are by value, each rounded, the last line takes what is left over, and they add up to the discount.
- inside: where prices contain the tax it is taken out: taxable amount + tax = what is paid.
- order: the order in which lines are sent changes nothing; the last line is the one with the highest ``orderItemId``
  (a line without one is known by its place in the list alone).
- splitting: n lines of one unit instead of one line of n change each jurisdiction's tax by at most (n + 1) / 2 minor units.
- exempt: a line that an exemption covers has no tax, and says which; a code that nobody knows is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from mockspi.errors import BrokenRequest
from mockspi.exchange import Json
from mockspi.refusals import ExemptionUnknown
from mockspi.retail.money import ZERO, amount, number, rounded, spread
from mockspi.retail.places import is_handed_over, postal_place
from mockspi.retail.stock import product
from mockspi.retail.taxes_rates import ANY, RatesOnce, holds
from mockspi.store.base import Readable
from mockspi.store.terms import compact, folded


def assess(readable: Readable, cart: Json) -> Json:
    """The taxes of a cart that is sold, line by line, with their totals."""
    records = RatesOnce(readable)  # a cart asks for the same rates and products again and again
    cart = {**cart, "currency": currency_of(records, cart)}
    exemptions = [_exemption(records, code) for code in cart.get("taxExemptions", [])]
    values = _values(records, cart)
    lines = [_line(records, line, value, cart, exemptions) for line, value in zip(cart["productList"], values, strict=True)]
    return total(lines, _shipping(records, cart, values, exemptions))


def total(lines: list[Json], shipping: Decimal) -> Json:
    """Taxed lines with their sums."""
    taxable, tax = (sum((amount(line[name]) for line in lines), ZERO) for name in ("taxableAmount", "tax"))
    return {
        "productList": lines,
        "shippingTax": number(shipping),
        "taxableAmount": number(taxable),
        "totalTax": number(tax + shipping),
    }


def currency_of(records: Readable, cart: Json) -> str:
    """The cart's currency, else its store's."""
    store = records.get("stores", str(cart.get("storeId", ""))) or {}
    return str(cart.get("currency") or store.get("currency") or "")


def _values(records: Readable, cart: Json) -> list[Decimal]:
    """What each line is worth after both kinds of discount."""
    lines = cart["productList"]
    values = [
        max(ZERO, _price(records, index, line, cart["currency"]) * int(line["quantity"]) - amount(line.get("discount")))
        for index, line in enumerate(lines)
    ]
    order = _by_id(lines)
    discount = min(amount(cart.get("transactionDiscountAmount")), sum(values, ZERO))
    shares = spread(discount, [values[index] for index in order], cart["currency"], capped=True)
    for index, share in zip(order, shares, strict=True):
        values[index] -= share
    return values


def _price(records: Readable, index: int, line: Json, currency: str) -> Decimal:
    """The price that was sent, else the product's own."""
    if "price" in line:
        return amount(line["price"])
    item = product(records, line)
    if item is None or (currency and folded(item["currency"]) != folded(currency)):
        known = f"the product's own is in {item['currency']}, not {currency}" if item else "no product is known by this id"
        raise BrokenRequest(errors=[{"path": f"/productList/{index}/price", "message": f"missing; {known}"}])
    return amount(item["price"])


def _by_id(lines: list[Json]) -> list[int]:
    """The positions of the lines in the order of their ids: those without as they stand, numbers by value, words."""

    def key(index: int) -> tuple[bool, int, str]:
        id_ = str(lines[index].get("orderItemId", ""))
        digits = id_.lstrip("0")
        return (False, len(digits), digits) if id_.isdecimal() else (bool(id_), 0, id_)

    return sorted(range(len(lines)), key=key)


def _line(records: RatesOnce, line: Json, value: Decimal, cart: Json, exemptions: list[Json]) -> Json:
    item = product(records, line) or {}
    place = postal_place(records, line, cart)
    code = str(line.get("productTaxCode") or item.get("productTaxCode") or ANY)
    named = [*line.get("taxExemptions", []), *([line["taxExemption"]] if line.get("taxExemption") else [])]
    own = [_exemption(records, one) for one in named]
    exempt = next((one for one in (*own, *exemptions) if _covers(one, place, code)), None)
    due = _taxes(records.rates_for(place, code), value, cart)
    net = value - sum((tax for rate, tax in due if _included(rate, cart)), ZERO)
    taxes = [] if exempt else due
    return {
        **({"orderItemId": line["orderItemId"]} if "orderItemId" in line else {}),
        **({"productId": item["productId"]} if item else {}),
        "taxableAmount": number(rounded(net, cart["currency"])),
        "tax": number(sum((tax for _, tax in taxes), ZERO)),
        "taxes": [
            {"jurisdiction": rate["jurisdiction"], "name": rate["name"], "rate": rate["rate"], "amount": number(tax)}
            for rate, tax in taxes
        ],
        **({"taxExemption": exempt["exemptionCode"]} if exempt else {}),
    }


def _taxes(rates: Iterable[Json], value: Decimal, cart: Json) -> list[tuple[Json, Decimal]]:
    """What each jurisdiction takes of a value; those inside the price of what the price is without them."""
    rates = list(rates)
    inside = sum((amount(rate["rate"]) for rate in rates if _included(rate, cart)), ZERO)
    return [(rate, rounded(value * amount(rate["rate"]) / (1 + inside), cart["currency"])) for rate in rates]


def _included(rate: Json, cart: Json) -> bool:
    return bool(cart.get("taxIncluded", rate["included"]))


def _shipping(records: RatesOnce, cart: Json, values: list[Decimal], exemptions: list[Json]) -> Decimal:
    """The tax of the shipping amount, spread by value over the addresses to which something is sent."""
    lines, charge = cart["productList"], amount(cart.get("shippingAmount"))
    if not charge:
        return ZERO
    order = _by_id(lines)
    sent = [index for index in order if not is_handed_over(lines[index])] or order
    worth: dict[tuple[str, ...], Decimal] = {}
    places: dict[tuple[str, ...], Json] = {}
    for line, value in [(lines[index], values[index]) for index in sent] or [({}, ZERO)]:
        place = postal_place(records, line, cart)
        key = tuple(compact(place.get(name, "")) for name in ("countryCode", "country", "state", "city", "postalCode"))
        worth[key] = worth.get(key, ZERO) + value
        places[key] = place
    shares = spread(charge, list(worth.values()), cart["currency"])
    return sum(
        (_shipped_to(records, place, share, cart, exemptions) for place, share in zip(places.values(), shares, strict=True)),
        ZERO,
    )


def _shipped_to(records: RatesOnce, place: Json, charge: Decimal, cart: Json, exemptions: list[Json]) -> Decimal:
    if any(_covers(one, place, ANY) for one in exemptions):
        return ZERO
    rates = [rate for rate in records.rates_for(place, ANY) if rate["appliesToShipping"]]
    return sum((tax for _, tax in _taxes(rates, charge, cart)), ZERO)


def _exemption(records: Readable, named: str | Json) -> Json:
    code = named if isinstance(named, str) else str(named["exemptionCode"])
    exemption = records.get("tax_exemptions", code)
    if exemption is None:
        raise ExemptionUnknown(exemptionCode=code)
    return exemption


def _covers(exemption: Json, place: Json, code: str) -> bool:
    return holds(exemption, place) and bool({ANY, code} & set(exemption["taxCodes"]))
