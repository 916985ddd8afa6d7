"""What was charged and booked, of the pure logic over real records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from taxed import MANY, ZERO, carts
from test_tax_booking import DIFFERENT, SALE
from test_tax_cases import PLACES

from mockspi.clock import Clock
from mockspi.errors import BrokenRequest
from mockspi.exchange import Json
from mockspi.refusals import ExemptionUnknown, TaxMismatch
from mockspi.retail import taxes, taxes_booked, taxes_rates
from mockspi.retail.money import amount, possible
from mockspi.retail.tax_rules import TAX_RULES
from mockspi.store.base import Records
from mockspi.store.sqlite import SqliteStore


@MANY
@given(cart=carts(), split=st.lists(st.integers(1, 5), min_size=1, max_size=4), data=st.data())
def test_however_a_booked_line_comes_back_it_gives_back_what_was_charged(
    store: SqliteStore, cart: Json, split: list[int], data: st.DataObject
) -> None:
    line = {**cart["productList"][0], "quantity": sum(split)}
    sale = {**cart, "orderId": "O-1", "productList": [line, *cart["productList"][1:]]}
    with store.write("box") as records:
        due = taxes_booked.calculate(records, sale)
        taxes_booked.finalize(records, {**sale, "totalTax": due["totalTax"]}, Clock())
        back, parts = ZERO, [ZERO for _ in due["productList"][0]["taxes"]]
        for number, units in enumerate(split):
            named = {"orderItemId": line["orderItemId"], "productId": line["productId"], "quantity": units}
            gone = {"transactionType": "RETURN", "originalOrderId": "O-1", "productList": [named]}
            told = taxes_booked.calculate(records, gone)
            taxes_booked.finalize(
                records, {**gone, "orderId": f"{'AR'[number % 2]}-{number}", "totalTax": told["totalTax"]}, Clock()
            )
            back += amount(told["totalTax"])
            taxed = told["productList"][0]["taxes"]
            parts = [part + amount(tax["amount"]) for part, tax in zip(parts, taxed, strict=True)]
        assert broken(records) == []
    assert back == -amount(due["productList"][0]["tax"])
    assert parts == [-amount(tax["amount"]) for tax in due["productList"][0]["taxes"]]
    store.reset("box")


def test_every_order_of_the_sample_gives_back_what_it_was_charged(records: Records) -> None:
    orders = records.find("orders").records
    assert len(orders) >= 60
    for order in orders:
        left = [one for one in order["orderProductList"] if not order.get("returnProductList")]
        lines = [{name: one[name] for name in ("orderItemId", "productId", "quantity")} for one in left]
        if lines:
            due = taxes_booked.calculate(
                records, {"transactionType": "RETURN", "orderId": order["orderId"], "productList": lines}
            )
            assert amount(due["totalTax"]) == -amount(order["taxSubTotal"]), order["orderId"]
            assert [line.get("taxExemption") for line in due["productList"]] == [one.get("taxExemption") for one in left]


def broken(records: Records) -> list[tuple[str, str, str, str]]:
    """Each rule that does not hold, with the record and the place."""
    return [(name, key, one.path, one.message) for name, rule in TAX_RULES for _, key, one in rule(records)]


def test_what_is_wrong_with_records_is_found_by_its_rule(store: SqliteStore) -> None:
    sale = {"orderId": "O-1", "destinationAddress": PLACES["chicago"], "productList": [{"productId": "P-1027", "quantity": 2}]}
    with store.write("bent") as records:
        taxes_booked.finalize(records, sale, Clock())
        good, rate = records.get("tax_submissions", "O-1"), records.get("tax_rates", "US-IL|FOOD")
        assert good
        assert rate
        assert broken(records) == []
        (line,) = good["productList"]
        records.put("tax_submissions", {**good, "orderId": "O-2", "totalTax": 9.99, "returnOrderIds": ["O-1", "R-1"]})
        records.put("tax_submissions", {**good, "orderId": "O-3", "productList": [{**line, "taxes": line["taxes"][1:]}]})
        records.put("tax_submissions", {name: good[name] for name in ("submissionId", "totalTax", "date")} | {"orderId": "O-4"})
        records.put("tax_rates", {**rate, "jurisdiction": "US-XX", "state": "il"})
        assert sorted(broken(records)) == [
            ("TAX_RATES_DO_NOT_TIE", "US-XX|FOOD", "", "same level, place and taxCode as US-IL|FOOD; only one can count"),
            ("TAX_RETURNS_ARE_BOOKED", "O-2", "/returnOrderIds/1", "no booked return is 'R-1'"),
            ("TAX_SUBMISSIONS_ADD_UP", "O-2", "/totalTax", "9.99 does not add up; 3.43 is expected"),
            ("TAX_SUBMISSIONS_ADD_UP", "O-3", "/productList/0/tax", "3.43 does not add up; 1.34 is expected"),
        ]
        with pytest.raises(TaxMismatch):
            taxes_booked.finalize(records, {**sale, "orderId": "O-5", "taxes": []}, Clock())


def test_the_sample_orders_are_taxed_as_calculate_taxes_them(records: Records) -> None:
    for order in records.find("orders").records:
        due = taxes.assess(records, {**order, "productList": order["orderProductList"], "taxIncluded": False})
        assert amount(due["totalTax"]) == amount(order["taxSubTotal"]), order["orderId"]


@pytest.mark.parametrize(("sent", "found"), DIFFERENT, ids=str)
def test_each_tax_that_differs_is_named(store: SqliteStore, sent: Json, found: list[tuple[str, str, str]]) -> None:
    with store.write("differing") as records, pytest.raises(TaxMismatch) as refused:
        taxes_booked.finalize(records, {**SALE, **sent}, Clock())
    assert [(one["path"], one.get("orderItemId", ""), one["message"]) for one in refused.value.errors] == found


def test_an_order_is_booked_once_and_tells_it(store: SqliteStore) -> None:
    with store.write("once") as records:
        assert taxes_booked.link(records, "O-1") == {}
        first = taxes_booked.finalize(records, {**SALE, "totalTax": 0.76}, Clock())
        assert first["finalized"] is True
        assert first == taxes_booked.finalize(records, {**SALE, "totalTax": 99}, Clock())
        assert taxes_booked.link(records, "O-1") == {"taxSubmissionId": first["submissionId"]}
        back = {**SALE, "transactionType": "RETURN", "productList": SALE["productList"][:1]}
        assert taxes_booked.calculate(records, back)["totalTax"] == -0.13
        taxes_booked.finalize(records, {**back, "orderId": "R-1"}, Clock())
        assert taxes_booked.calculate(records, {**back, "orderId": "R-1"})["totalTax"] == -0.13  # as it would be sold


@pytest.mark.parametrize(
    "sent",
    [
        {"gtin": "1"},
        {"productId": "P-1"},
        *({"orderItemId": id_, "productId": "P-1036"} for id_ in ("0", "9")),
        *({"orderItemId": "1", "productId": id_} for id_ in ("P-1027", "P-1040")),
    ],
    ids=str,
)
def test_what_is_of_no_line_is_taxed_as_it_would_be_sold(records: Records, sent: Json) -> None:
    line = {**sent, "price": 8, "quantity": 1}
    cart = {"transactionType": "RETURN", "orderId": "O-7004", "destinationAddress": PLACES["springfield"], "productList": [line]}
    assert taxes_booked.calculate(records, cart)["totalTax"] == -0.5


def test_a_return_is_booked_as_the_units_that_it_was_whatever_came_after(store: SqliteStore) -> None:
    sold = {
        "orderItemId": "1",
        "productId": "P-1036",
        "price": 3667,
        "quantity": 3,
        "subTotal": 11001,
        "tax": 1001,
        "total": 12002,
    }
    back = [{"orderItemId": "1", "productId": "P-1036", "quantity": 1, "returnOrderId": id_} for id_ in ("R-2", "R-1", "R-3")]
    order = {"orderId": "O-1", "orderDate": 0, "orderStatus": "REFUNDED", "currency": "KRW", "orderProductList": [sold]}
    order["shippingAddress"] = PLACES["seoul"]
    unit = {"orderItemId": "1", "productId": "P-1036", "quantity": 1}
    with store.write("won") as records:
        records.put("orders", {**order, "returnProductList": back})
        for id_, tax in (("R-2", -334), ("R-1", -333), ("R-3", -334)):
            sent = {"orderId": id_, "transactionType": "RETURN", "originalOrderId": "O-1", "productList": [{**unit, "tax": tax}]}
            assert taxes_booked.finalize(records, sent, Clock())["finalized"] is True


def test_two_lines_of_one_product_are_two_lines(store: SqliteStore) -> None:
    sale = {"orderId": "O-1", "storeId": "S-104", "shippingAmount": 10, "productList": []}
    sale["productList"] = [{"orderItemId": id_, "productId": "P-1027", "price": 8, "quantity": 2} for id_ in ("1", "2")]
    with store.write("two") as records:
        taxes_booked.finalize(records, sale, Clock())
        lines = [{"orderItemId": id_, "productId": "P-1027", "quantity": 1} for id_ in ("1", "2", "1", "2")]
        sent = {"orderId": "O-1", "transactionType": "RETURN", "productList": lines}
        due = taxes_booked.calculate(records, {**sent, "shippingAmount": 5})
        assert [line["tax"] for line in due["productList"]] == [-0.83, -0.83, -0.82, -0.82]  # of 1.65 each
        assert due["shippingTax"] == -0.52
        by_product = taxes_booked.calculate(records, {**sent, "productList": [{"productId": "P-1027", "quantity": 2}]})
        assert by_product["totalTax"] == -1.65


def test_what_nobody_knows_is_refused(records: Records) -> None:
    for line, failure in (
        ({"productId": "P-1"}, BrokenRequest),
        ({"productId": "P-1027", "currency": "GBP"}, BrokenRequest),
        ({"productId": "P-1027", "currency": "ZAR"}, BrokenRequest),
        ({"productId": "P-1027", "taxExemptions": ["EX-MINE"]}, ExemptionUnknown),
        ({"productId": "P-1027", "price": 1e12, "quantity": 9}, BrokenRequest),
    ):
        with pytest.raises(failure):
            taxes.assess(
                records, {"storeId": "S-102", "currency": line.get("currency"), "productList": [{"quantity": 1, **line}]}
            )
    with pytest.raises(BrokenRequest):
        possible(amount(1e13))


@pytest.mark.parametrize("collection", ["tax_rates", "tax_exemptions"])
def test_all_that_holds_at_an_address_is_listed_for_any_part_of_it(records: Records, collection: str) -> None:
    everything = records.find(collection).records
    assert list(taxes_rates.held(everything, {})) == list(everything)
    for place in PLACES.values():
        for part in [{}, *({name: place[name]} for name in place), place]:
            listed = list(taxes_rates.held(everything, part))
            assert all(one in listed for one in everything if taxes_rates.holds(one, place))
