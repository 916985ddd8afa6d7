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

from decimal import Decimal
from typing import NamedTuple

from mockspi.errors import BrokenRequest
from mockspi.exchange import Json
from mockspi.refusals import ExemptionUnknown
from mockspi.retail.money import ZERO, amount, half_up, minor_unit, number, spread
from mockspi.retail.places import is_handed_over, postal_place
from mockspi.retail.stock import product
from mockspi.retail.taxes_rates import ANY, holds, rates_for
from mockspi.store.base import Readable, Remembered
from mockspi.store.terms import compact, folded

_WHERE = ("countryCode", "country", "state", "city", "postalCode")


class _Rate(NamedTuple):
    """A rate that counts for a cart."""

    record: Json
    exact: Decimal
    inside: bool  #: whether prices contain it

    def told(self, tax: Decimal) -> Json:
        """The tax of its jurisdiction."""
        one = self.record
        return {"jurisdiction": one["jurisdiction"], "name": one["name"], "rate": one["rate"], "amount": number(tax)}


class _Due(NamedTuple):
    """What is due at an address for a product tax code."""

    rates: list[_Rate]
    inside: Decimal  #: the sum of those that prices contain

    def of(self, value: Decimal, unit: Decimal) -> list[Decimal]:
        """What each jurisdiction takes of a value; those inside the price of what the price is without them."""
        whole = 1 + self.inside
        return [half_up(value * rate.exact / whole, unit) for rate in self.rates]


class _Sale:
    """A cart that is sold, and what is the same for many of its lines."""

    def __init__(self, readable: Readable, cart: Json) -> None:
        self.records = Remembered(readable)
        self.cart = cart
        self.currency = currency_of(self.records, cart)
        self.unit = minor_unit(self.currency)
        self.exemptions = [_exemption(self.records, code) for code in cart.get("taxExemptions", [])]
        self._due: dict[tuple[str | None, ...], _Due] = {}

    def due(self, place: Json, code: str) -> _Due:
        """The rates that count at an address for a product tax code, the widest level first."""
        asked = (code, *map(place.get, _WHERE))
        if asked not in self._due:
            self._due[asked] = self._counting(rates_for(self.records, place, code))
        return self._due[asked]

    def due_of_shipping(self, place: Json) -> _Due:
        """Those of them for any product that count for shipping."""
        return self._counting([rate.record for rate in self.due(place, ANY).rates if rate.record["appliesToShipping"]])

    def _counting(self, rates: list[Json]) -> _Due:
        found = [_Rate(one, amount(one["rate"]), bool(self.cart.get("taxIncluded", one["included"]))) for one in rates]
        return _Due(found, sum((rate.exact for rate in found if rate.inside), ZERO))


def assess(readable: Readable, cart: Json) -> Json:
    """The taxes of a cart that is sold, line by line, with their totals."""
    sale = _Sale(readable, cart)
    values = _values(sale)
    taxed = [_line(sale, line, value) for line, value in zip(cart["productList"], values, strict=True)]
    taxable, tax = sum((net for _, net, _ in taxed), ZERO), sum((tax for _, _, tax in taxed), ZERO)
    return _totals([line for line, _, _ in taxed], taxable, tax, _shipping(sale, values))


def total(lines: list[Json], shipping: Decimal) -> Json:
    """Taxed lines with their sums."""
    taxable, tax = (sum((amount(line[name]) for line in lines), ZERO) for name in ("taxableAmount", "tax"))
    return _totals(lines, taxable, tax, shipping)


def _totals(lines: list[Json], taxable: Decimal, tax: Decimal, shipping: Decimal) -> Json:
    return {
        "productList": lines,
        "shippingTax": number(shipping),
        "taxableAmount": number(taxable),
        "totalTax": number(tax + shipping),
    }


def currency_of(records: Readable, cart: Json) -> str:
    """The cart's currency, else its store's."""
    if named := cart.get("currency"):
        return str(named)
    store = records.get("stores", str(cart.get("storeId", ""))) or {}
    return str(store.get("currency") or "")


def _values(sale: _Sale) -> list[Decimal]:
    """What each line is worth after both kinds of discount."""
    lines = sale.cart["productList"]
    values = [
        max(ZERO, _price(sale, index, line) * int(line["quantity"]) - amount(line.get("discount")))
        for index, line in enumerate(lines)
    ]
    if discount := min(amount(sale.cart.get("transactionDiscountAmount")), sum(values, ZERO)):
        order = _by_id(lines)
        shares = spread(discount, [values[index] for index in order], sale.currency, capped=True)
        for index, share in zip(order, shares, strict=True):
            values[index] -= share
    return values


def _price(sale: _Sale, index: int, line: Json) -> Decimal:
    """The price that was sent, else the product's own."""
    if "price" in line:
        return amount(line["price"])
    item, currency = product(sale.records, line), sale.currency
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


def _line(sale: _Sale, line: Json, value: Decimal) -> tuple[Json, Decimal, Decimal]:
    """A taxed line, what of it is taxable, and its tax."""
    item = product(sale.records, line) or {}
    place = postal_place(sale.records, line, sale.cart)
    code = str(line.get("productTaxCode") or item.get("productTaxCode") or ANY)
    exempt = _exempt(sale, line, place, code)
    due = sale.due(place, code)
    taxes = due.of(value, sale.unit)
    inside = sum((tax for tax, rate in zip(taxes, due.rates, strict=True) if rate.inside), ZERO) if due.inside else ZERO
    net, tax = half_up(value - inside, sale.unit), ZERO if exempt else sum(taxes, ZERO)
    taxed: Json = {"orderItemId": line["orderItemId"]} if "orderItemId" in line else {}
    if item:
        taxed["productId"] = item["productId"]
    taxed["taxableAmount"], taxed["tax"] = number(net), number(tax)
    taxed["taxes"] = [] if exempt else [rate.told(tax) for tax, rate in zip(taxes, due.rates, strict=True)]
    if exempt:
        taxed["taxExemption"] = exempt["exemptionCode"]
    return taxed, net, tax


def _exempt(sale: _Sale, line: Json, place: Json, code: str) -> Json | None:
    """The exemption that covers a line, its own before the cart's."""
    own = [_exemption(sale.records, one) for one in line.get("taxExemptions", ())]
    if named := line.get("taxExemption"):
        own.append(_exemption(sale.records, named))
    for one in (*own, *sale.exemptions):
        if _covers(one, place, code):
            return one
    return None


def _shipping(sale: _Sale, values: list[Decimal]) -> Decimal:
    """The tax of the shipping amount, spread by value over the addresses to which something is sent."""
    lines, charge = sale.cart["productList"], amount(sale.cart.get("shippingAmount"))
    if not charge:
        return ZERO
    order = _by_id(lines)
    sent = [index for index in order if not is_handed_over(lines[index])] or order
    worth: dict[tuple[str, ...], Decimal] = {}
    places: dict[tuple[str, ...], Json] = {}
    for line, value in [(lines[index], values[index]) for index in sent] or [({}, ZERO)]:
        place = postal_place(sale.records, line, sale.cart)
        key = tuple(compact(place.get(name, "")) for name in _WHERE)
        worth[key] = worth.get(key, ZERO) + value
        places[key] = place
    shares = spread(charge, list(worth.values()), sale.currency)
    return sum((_shipped_to(sale, place, share) for place, share in zip(places.values(), shares, strict=True)), ZERO)


def _shipped_to(sale: _Sale, place: Json, charge: Decimal) -> Decimal:
    if any(_covers(one, place, ANY) for one in sale.exemptions):
        return ZERO
    return sum(sale.due_of_shipping(place).of(charge, sale.unit), ZERO)


def _exemption(records: Readable, named: str | Json) -> Json:
    code = named if isinstance(named, str) else str(named["exemptionCode"])
    found = records.get("tax_exemptions", code)
    if found is None:
        raise ExemptionUnknown(exemptionCode=code)
    return found


def _covers(exemption: Json, place: Json, code: str) -> bool:
    return holds(exemption, place) and bool({ANY, code} & set(exemption["taxCodes"]))
