"""The rules of taxes as properties, of the pure logic over real records; and the rate table over tables made up."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from taxed import CURRENCIES, MANY, ZERO, carts, total
from test_tax_cases import CASES, placed, shown

from mockspi.contracts.collections import COLLECTIONS
from mockspi.exchange import Json
from mockspi.refusals import TaxJurisdictionUnknown
from mockspi.retail import taxes, taxes_booked, taxes_rates
from mockspi.retail.money import amount, minor_unit, spread
from mockspi.store.base import Criterion, Page, Records


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_case_of_the_table_comes_out_here_too(records: Records, case: Json) -> None:
    answer = taxes_booked.calculate(records, placed(case["cart"]))
    assert shown(case, answer) == {name: case[name] for name in ("lines", "shippingTax", "totalTax")}


@MANY
@given(cart=carts())
def test_lines_add_up(records: Records, cart: Json) -> None:
    due = taxes_booked.calculate(records, cart)
    lines, unit = due["productList"], minor_unit(cart.get("currency", "USD"))
    assert amount(due["totalTax"]) == total([line["tax"] for line in lines]) + amount(due["shippingTax"])
    assert amount(due["taxableAmount"]) == total([line["taxableAmount"] for line in lines])
    for line in lines:
        assert amount(line["tax"]) == total([tax["amount"] for tax in line["taxes"]])
        assert all(amount(tax["amount"]) % unit == 0 <= tax["amount"] for tax in line["taxes"])
        assert ("taxExemption" in line) is (line["taxes"] == [])


@MANY
@given(cart=carts(), data=st.data())
def test_the_order_of_lines_changes_nothing(records: Records, cart: Json, data: st.DataObject) -> None:
    other = {**cart, "productList": data.draw(st.permutations(cart["productList"]))}
    one, two = (taxes_booked.calculate(records, sent) for sent in (cart, other))
    assert {**one, "productList": by_id(one)} == {**two, "productList": by_id(two)}


def by_id(due: Json) -> list[Json]:
    """Lines in an order of their own."""
    return sorted(due["productList"], key=lambda line: str(line["orderItemId"]))


@MANY
@given(cart=carts())
def test_a_return_is_the_sale_negated(records: Records, cart: Json) -> None:
    sale, back = (taxes_booked.calculate(records, {**cart, "transactionType": kind}) for kind in ("SALE", "RETURN"))
    assert [back[name] for name in ("totalTax", "shippingTax", "taxableAmount")] == [
        -sale[name] for name in ("totalTax", "shippingTax", "taxableAmount")
    ]
    for one, other in zip(sale["productList"], back["productList"], strict=True):
        assert (one["tax"], one["taxableAmount"]) == (-other["tax"], -other["taxableAmount"])
        assert [tax["amount"] for tax in one["taxes"]] == [-tax["amount"] for tax in other["taxes"]]
        assert {**one, "tax": 0, "taxableAmount": 0, "taxes": 0} == {**other, "tax": 0, "taxableAmount": 0, "taxes": 0}


@MANY
@given(cart=carts(discounts=False), units=st.integers(2, 40))
def test_splitting_a_line_changes_each_tax_by_no_more_than_rounding_may(records: Records, cart: Json, units: int) -> None:
    line = {**cart["productList"][0], "quantity": units}
    whole, split = (
        taxes.assess(records, {**cart, "productList": lines, "shippingAmount": 0})["productList"]
        for lines in ([line], [{**line, "quantity": 1, "orderItemId": str(number)} for number in range(units)])
    )
    bound = minor_unit(cart.get("currency", "")) * (units + 1) / 2
    for index, tax in enumerate(whole[0]["taxes"]):
        assert abs(amount(tax["amount"]) - total([one["taxes"][index]["amount"] for one in split])) <= bound


@MANY
@given(cart=carts())
def test_what_is_paid_is_taxable_amount_and_the_tax_inside(records: Records, cart: Json) -> None:
    sent = {**cart, "taxIncluded": True, "taxExemptions": []}
    due = taxes_booked.calculate(records, sent)
    worth = [max(ZERO, amount(one["price"]) * one["quantity"] - amount(one.get("discount"))) for one in cart["productList"]]
    paid = sum(worth, ZERO) - min(sum(worth, ZERO), amount(cart.get("transactionDiscountAmount")))
    assert paid == amount(due["taxableAmount"]) + total([line["tax"] for line in due["productList"]])


@MANY
@given(
    cents=st.integers(0, 10_000),
    weights=st.lists(st.integers(0, 10_000), min_size=1, max_size=20),
    capped=st.booleans(),
    currency=st.sampled_from(sorted(CURRENCIES)),
)
def test_shares_add_up_and_are_by_weight(cents: int, weights: list[int], capped: bool, currency: str) -> None:
    unit = minor_unit(currency)
    total_ = unit * (min(cents, sum(weights)) if capped else cents)
    shares = spread(total_, [unit * weight for weight in weights], currency, capped=capped)
    assert sum(shares, ZERO) == total_
    assert all(share >= 0 for share in shares)
    assert not capped or all(share <= unit * weight for share, weight in zip(shares, weights, strict=True))
    if sum(weights):
        exact = [total_ * weight / sum(weights) for weight in weights]
        assert all(abs(share - right) <= unit * len(weights) for share, right in zip(shares, exact, strict=True))


class Shelf:
    """Nothing but a rate table."""

    def __init__(self, rates: list[Json]) -> None:
        self.rates = rates

    def get(self, collection: str, key: str) -> Json | None:
        """There is nothing else."""
        return None

    def find(self, collection: str, *criteria: Criterion, offset: int = 0, limit: int | None = None) -> Page:
        """The rates that have one of the values, as the store finds them."""
        (criterion,), term = criteria, COLLECTIONS[collection].term("anchor")
        found = [rate for rate in self.rates if not set(criterion.values).isdisjoint(term.of(rate))]
        return Page(len(found), found)


@st.composite
def rate_tables(draw: st.DrawFn) -> list[Json]:
    """Rates of one country, of every level and kind of place."""
    rates = []
    for number in range(draw(st.integers(0, 12))):
        place = {name: draw(st.sampled_from(values)) for name, values in WHERE.items() if draw(st.booleans())}
        level, code = draw(st.sampled_from(taxes_rates.LEVELS)), draw(st.sampled_from(["*", "FOOD"]))
        rates.append({"jurisdiction": f"J{number}", "level": level, "countryCode": "US", "taxCode": code, **place})
    return rates


WHERE = {"state": ["IL", "NY"], "city": ["Chicago", "Cicero"], "postalCode": ["60616", "60616-1234", "60622"]}


@MANY
@given(rates=rate_tables(), place=st.fixed_dictionaries({name: st.sampled_from(values) for name, values in WHERE.items()}))
def test_one_rate_of_a_level_counts_and_it_is_the_most_specific(rates: list[Json], place: Json) -> None:
    never = {index for index, _ in taxes_rates.ties(rates)}
    rates = [rate for index, rate in enumerate(rates) if index not in never]
    address = {**place, "country": "us"}
    fitting = [rate for rate in rates if all(fits(name, rate.get(name), place[name]) for name in WHERE)]
    best: dict[str, Json] = {}
    for rate in fitting:
        if rate["level"] not in best or rank(rate) > rank(best[rate["level"]]):
            best[rate["level"]] = rate
    random.Random(1).shuffle(rates)
    if not best:
        with pytest.raises(TaxJurisdictionUnknown):
            taxes_rates.rates_for(Shelf(rates), address, "FOOD")
    else:
        chosen = taxes_rates.rates_for(Shelf(rates), address, "FOOD")
        assert chosen == [best[level] for level in taxes_rates.LEVELS if level in best]


def fits(name: str, named: str | None, given_: str) -> bool:
    """Whether an address has what a rate names."""
    return named in (None, given_) or (name == "postalCode" and (named, given_) == ("60616", "60616-1234"))


def rank(rate: Json) -> tuple[int, bool, bool, bool]:
    """How specific a rate is."""
    return (len(rate.get("postalCode", "")), "city" in rate, "state" in rate, rate["taxCode"] == "FOOD")


def test_rates_that_tie_are_found() -> None:
    rate = {"jurisdiction": "J", "level": "CITY", "countryCode": "US", "city": "Chicago", "taxCode": "*"}
    others: list[Json] = [{"level": "COUNTY"}, {"taxCode": "FOOD"}, {"city": "Cicero"}, {"state": "IL"}, {"countryCode": "CA"}]
    assert tied([rate, *({**rate, **one} for one in others)]) == []
    assert tied([rate, {**rate, "state": "Chicago"}, {**rate, "city": " CHICAGO", "countryCode": "us"}]) == [2]
    assert tied([{**rate, "city": "La Fox"}, {**rate, "city": "Lafox"}, {**rate, "state": "N Y"}, {**rate, "state": "NY"}]) == []
    assert tied([{**rate, "postalCode": "6061 6"}, {**rate, "postalCode": "60616"}]) == [1]


@pytest.mark.parametrize(
    ("named", "given_", "same"),
    [
        ("60616", "60616", True),
        ("60616", "60616-1234", True),
        ("60616", "606161234", True),
        ("sw1a 1aa", "SW1A1AA", True),
        ("60622", "60616", False),
        ("60616", "60622", False),
        ("60616", "60622-1234", False),
        ("60616-1234", "60616", False),
        ("6061", "60616", False),
        ("60616", "606161", False),
        ("606", "606161234", False),
        ("606161", "606161234", False),
        ("60616", "6061612345", False),
        ("60616", "60616123A", False),
        ("6061A", "6061A1234", False),
        ("AB123", "AB1234567", False),
    ],
)
def test_a_five_digit_zip_code_holds_for_its_nine_digit_ones_and_nothing_else_does(named: str, given_: str, same: bool) -> None:
    rate, place = {"countryCode": "US", "postalCode": named}, {"country": "us", "postalCode": given_}
    assert taxes_rates.holds(rate, place) is same
    assert not same or taxes_rates.anchor(rate) in taxes_rates.anchors(place)


def tied(rates: list[Json]) -> list[int]:
    """The positions of rates that can never count."""
    found = list(taxes_rates.ties(rates))
    assert all(message == "same level, place and taxCode as J|*; only one can count" for _, message in found)
    return [index for index, _ in found]
