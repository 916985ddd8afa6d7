"""Taxes: by destination, per jurisdiction, rounded half up, to the cent."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from conftest import Sandbox

CALCULATE = "/taxEngine/calculateTax"
CHICAGO = {"city": "Chicago", "state": "IL", "postalCode": "60622", "countryCode": "US"}
SPRINGFIELD = {"city": "Springfield", "state": "IL", "countryCode": "US"}
NEW_YORK = {"city": "New York", "state": "NY", "countryCode": "US"}
SEATTLE = {"city": "Seattle", "state": "WA", "countryCode": "US"}
CALIFORNIA = {"city": "Fresno", "state": "CA", "countryCode": "US"}
OREGON = {"city": "Portland", "state": "OR", "countryCode": "US"}
LONDON, PARIS, BERLIN = ({"countryCode": country} for country in ("GB", "FR", "DE"))
MUG = "P-1027"  # GENERAL


def line(price: float, quantity: int = 1, product: str = MUG, **more: Any) -> dict[str, Any]:
    """A line of a cart."""
    return {"productId": product, "quantity": quantity, "price": price, **more}


def calculate(sandbox: Sandbox, place: dict[str, str], *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The taxes of a cart that goes to a place."""
    answer = sandbox("POST", CALCULATE, json={"destinationAddress": place, "productList": lines, **more})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def only(answer: dict[str, Any]) -> tuple[float, float]:
    """Taxable amount and tax of the one line, which are those of the cart."""
    one = answer["productList"][0]
    assert (answer["taxableAmount"], answer["totalTax"]) == (one["taxableAmount"], one["tax"])
    return one["taxableAmount"], one["tax"]


def test_every_jurisdiction_is_rounded_on_its_own(sandbox: Sandbox) -> None:
    answer = calculate(sandbox, CHICAGO, line(2))
    assert [(one["jurisdiction"], one["rate"], one["amount"]) for one in answer["productList"][0]["taxes"]] == [
        ("US-IL", 0.0625, 0.13),
        ("US-IL-COOK", 0.0275, 0.06),
        ("US-IL-CHICAGO", 0.0125, 0.03),
    ]
    assert only(answer) == (2, 0.22)  # the sum of the rates would give 0.21


@pytest.mark.parametrize(
    ("place", "price", "quantity", "tax"),
    [
        (SPRINGFIELD, 2, 1, 0.13),  # 0.125
        (SPRINGFIELD, 10, 1, 0.63),  # 0.625
        (SPRINGFIELD, 0.72, 1, 0.05),  # 0.045
        (SPRINGFIELD, 0.24, 1, 0.02),  # 0.015
        (SPRINGFIELD, 0.56, 1, 0.04),  # 0.035
        (CALIFORNIA, 2, 1, 0.15),  # 0.145, which binary fractions put just below
        (CALIFORNIA, 14, 1, 1.02),  # 1.015, likewise
        (SPRINGFIELD, 0.07, 1, 0),  # 0.004375
        (SPRINGFIELD, 0.08, 1, 0.01),  # 0.005
        (SPRINGFIELD, 0.04, 2, 0.01),  # the line is rounded, not the unit
        (SPRINGFIELD, 0.1, 3, 0.02),  # 0.01875
        (OREGON, 100, 1, 0),
        (SPRINGFIELD, 1_000_000, 1000, 62_500_000),
    ],
)
def test_half_a_cent_is_rounded_up(sandbox: Sandbox, place: dict[str, str], price: float, quantity: int, tax: float) -> None:
    assert calculate(sandbox, place, line(price, quantity))["totalTax"] == tax


@pytest.mark.parametrize("lines", [[line(1e12, 100_000)], [line(1e12), line(1e12)]], ids=["one line", "the sum"])
def test_a_cart_worth_more_than_there_is_money_is_refused(sandbox: Sandbox, lines: list[dict[str, Any]]) -> None:
    answer = sandbox("POST", CALCULATE, json={"destinationAddress": OREGON, "productList": lines})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "REQUEST_INVALID")


def test_a_discount_comes_off_before_the_tax_and_not_below_nothing(sandbox: Sandbox) -> None:
    assert only(calculate(sandbox, SPRINGFIELD, line(10, 2, discount=4))) == (16, 1)
    assert only(calculate(sandbox, SPRINGFIELD, line(10, 2, discount=25))) == (0, 0)


def test_without_a_price_the_products_own_counts(sandbox: Sandbox) -> None:
    assert only(calculate(sandbox, SPRINGFIELD, {"gtin": "2004711010677", "quantity": 1})) == (16.75, 1.05)


def test_the_total_is_the_sum_of_its_lines(sandbox: Sandbox) -> None:
    answer = calculate(sandbox, SPRINGFIELD, *(line(0.08, orderItemId=str(number)) for number in range(30)))
    assert [one["orderItemId"] for one in answer["productList"]] == [str(number) for number in range(30)]
    assert (answer["taxableAmount"], answer["totalTax"]) == (2.4, 0.3)


def test_the_kind_of_product_decides_the_rate(sandbox: Sandbox) -> None:
    assert calculate(sandbox, CHICAGO, line(100, product="P-1028"))["totalTax"] == 1  # food: the state alone
    assert calculate(sandbox, NEW_YORK, line(100, product="P-1001"))["totalTax"] == 0  # clothing
    assert calculate(sandbox, NEW_YORK, line(100, product="P-1001", productTaxCode="GENERAL"))["totalTax"] == 8.88
    assert calculate(sandbox, CHICAGO, line(100, product="P-1030"))["totalTax"] == 0  # a gift card


def test_the_most_specific_rate_of_a_level_counts(sandbox: Sandbox) -> None:
    pier = calculate(sandbox, {**CHICAGO, "postalCode": "60616"}, line(100))
    assert [one["jurisdiction"] for one in pier["productList"][0]["taxes"]] == ["US-IL", "US-IL-COOK", "US-IL-CHICAGO-60616"]
    assert pier["totalTax"] == 9.5


def test_the_place_is_the_lines_then_the_carts_then_the_stores(sandbox: Sandbox) -> None:
    lines = [line(100, destinationAddress=OREGON), line(100, shippingAddress=SPRINGFIELD), line(100)]
    answer = calculate(sandbox, {"city": "CHICAGO", "state": "il", "country": "us"}, *lines)
    assert [one["tax"] for one in answer["productList"]] == [0, 6.25, 10.25]
    store = sandbox("POST", CALCULATE, json={"storeId": "S-102", "productList": [line(100)]}).json()
    assert store["totalTax"] == 10.25


@pytest.mark.parametrize(
    "place", [{"countryCode": "JP"}, {}, {"countryCode": "US"}, {"countryCode": "US", "state": "TX"}], ids=str
)
def test_a_place_without_rates_is_refused(sandbox: Sandbox, place: dict[str, str]) -> None:
    answer = calculate(sandbox, place, line(1))
    assert answer.keys() == {"errorCode", "errorMessage"}
    assert answer["errorCode"] == "TAX_JURISDICTION_UNKNOWN"


@pytest.mark.parametrize(
    ("place", "price", "product", "net", "tax"),
    [
        (LONDON, 24, MUG, 20, 4),
        (LONDON, 10, MUG, 8.33, 1.67),
        (LONDON, 10, "P-1032", 10, 0),  # books
        (PARIS, 10.55, "P-1032", 10, 0.55),
        (BERLIN, 119, MUG, 100, 19),
        (BERLIN, 0.01, MUG, 0.01, 0),
    ],
)
def test_vat_is_taken_out_of_the_price(
    sandbox: Sandbox, place: dict[str, str], price: float, product: str, net: float, tax: float
) -> None:
    assert only(calculate(sandbox, place, line(price, product=product))) == (net, tax)


def test_the_pos_may_say_whether_prices_contain_the_tax(sandbox: Sandbox) -> None:
    assert only(calculate(sandbox, LONDON, line(20), taxIncluded=False)) == (20, 4)
    assert only(calculate(sandbox, SPRINGFIELD, line(106.25), taxIncluded=True)) == (100, 6.25)


def test_a_return_is_the_sale_negated(sandbox: Sandbox) -> None:
    lines = [line(2), line(14.5, 3, discount=4.35), line(6.5, product="P-1029")]
    sale = calculate(sandbox, SEATTLE, *lines, shippingAmount=5, transactionType="SALE")
    back = calculate(sandbox, SEATTLE, *lines, shippingAmount=5, transactionType="RETURN")
    for name in ("taxableAmount", "totalTax", "shippingTax"):
        assert sale[name] == -back[name] > 0
    for one, other in zip(sale["productList"], back["productList"], strict=True):
        assert (one["taxableAmount"], one["tax"]) == (-other["taxableAmount"], -other["tax"])
        assert [tax["amount"] for tax in one["taxes"]] == [-tax["amount"] for tax in other["taxes"]]
    assert only(calculate(sandbox, SPRINGFIELD, line(2), transactionType="RETURN")) == (-2, -0.13)


def test_nothing_is_ever_minus_zero(sandbox: Sandbox) -> None:
    sent = {"destinationAddress": OREGON, "productList": [line(1)], "shippingAmount": 5, "transactionType": "RETURN"}
    assert "-0" not in sandbox("POST", CALCULATE, json=sent).text


@pytest.mark.parametrize(("place", "tax"), [(SEATTLE, 1.04), (NEW_YORK, 0.89), (CHICAGO, 0), (LONDON, 1.67)])
def test_shipping_is_taxed_where_the_rate_says_so(sandbox: Sandbox, place: dict[str, str], tax: float) -> None:
    answer = calculate(sandbox, place, line(0), shippingAmount=10)
    assert (answer["shippingTax"], answer["totalTax"], answer["productList"][0]["tax"]) == (tax, tax, 0)


@pytest.mark.parametrize(("currency", "tax"), [("USD", 6.64), ("JPY", 7), ("jpy", 7), ("KRW", 7), ("", 6.64)])
def test_a_currency_without_cents_has_whole_units(sandbox: Sandbox, currency: str, tax: float) -> None:
    named = {"currency": currency} if currency else {}
    answer = calculate(sandbox, SEATTLE, line(102), **named)  # 6.63, 1.428 and 2.499: whole they are 7, 1 and 2
    assert answer["totalTax"] == {6.64: 10.56, 7: 10}[tax]


@pytest.mark.parametrize(
    ("codes", "place", "exempt"),
    [
        (["EX-RESALE"], CHICAGO, "EX-RESALE"),
        ([{"exemptionCode": "EX-RESALE"}], CHICAGO, "EX-RESALE"),
        (["EX-RESALE"], SEATTLE, None),
        (["EX-NONPROFIT"], SEATTLE, "EX-NONPROFIT"),
        (["EX-NONPROFIT"], LONDON, None),
        (["EX-AGRICULTURE"], CALIFORNIA, "EX-AGRICULTURE"),
        (["EX-RESALE", "EX-NONPROFIT"], CALIFORNIA, "EX-NONPROFIT"),
        ([], CHICAGO, None),
    ],
    ids=str,
)
@pytest.mark.parametrize("on", ["cart", "line"])
def test_an_exemption_frees_what_it_is_for(
    sandbox: Sandbox, codes: list[Any], place: dict[str, str], exempt: str, on: str
) -> None:
    lines, cart = ({}, {"taxExemptions": codes}) if on == "cart" else ({"taxExemptions": codes}, {})
    one = calculate(sandbox, place, line(100, **lines), **cart)["productList"][0]
    assert one.get("taxExemption") == exempt
    assert ((one["tax"], one["taxes"]) == (0, [])) is (exempt is not None)


def test_an_exemption_of_one_line_leaves_the_others(sandbox: Sandbox) -> None:
    lines = [line(100, taxExemptions=["EX-NONPROFIT"]), line(100)]
    assert [one["tax"] for one in calculate(sandbox, CHICAGO, *lines)["productList"]] == [0, 10.25]
    clothes = line(100, product="P-1001", taxExemptions=["EX-AGRICULTURE"])  # for general goods only
    assert calculate(sandbox, CALIFORNIA, clothes)["totalTax"] == 7.25


def test_an_exemption_of_the_cart_frees_its_shipping(sandbox: Sandbox) -> None:
    assert calculate(sandbox, SEATTLE, line(10), shippingAmount=10, taxExemptions=["EX-NONPROFIT"])["totalTax"] == 0


@pytest.mark.parametrize("on", ["cart", "line"])
def test_an_exemption_that_nobody_knows_is_refused(sandbox: Sandbox, on: str) -> None:
    named = {"taxExemptions": ["EX-MINE"]}
    answer = calculate(sandbox, CHICAGO, line(1, **(named if on == "line" else {})), **(named if on == "cart" else {}))
    assert answer["errorCode"] == "EXEMPTION_UNKNOWN"
    assert "EX-MINE" in answer["errorMessage"]


def rates(sandbox: Sandbox, **place: str) -> list[dict[str, str]]:
    """The rate table as a spreadsheet reads it."""
    answer = sandbox("GET", "/taxEngine/downloadTaxRates", params=place)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline=""), strict=True))


def test_the_rate_table_is_whole(sandbox: Sandbox) -> None:
    table = rates(sandbox)
    assert len({(row["jurisdiction"], row["taxCode"]) for row in table}) == len(table) == 66
    assert list(table[0]) == ["jurisdiction", "level", "countryCode", "state", "city", "postalCode", "taxCode", "rate", "name",
                              "appliesToShipping", "included"]  # fmt: skip
    cook = next(row for row in table if (row["jurisdiction"], row["taxCode"]) == ("US-IL-COOK", "*"))
    assert (cook["rate"], cook["included"], cook["postalCode"]) == ("0.0275", "false", "")
    assert {row["name"] for row in table if "," in row["name"]}, "a name with a comma stays one cell"


@pytest.mark.parametrize(
    ("place", "jurisdictions"),
    [
        ({"countryCode": "gb"}, ["GB"]),
        ({"state": "WA", "countryCode": "US"}, ["US-WA", "US-WA-KING", "US-WA-SEATTLE"]),
        ({"state": "CA", "city": "Fresno", "countryCode": "US"}, ["US-CA"]),
        (
            {"countryCode": "US", "state": "IL", "city": "chicago", "postalCode": "60622"},
            ["US-IL", "US-IL-CHICAGO", "US-IL-COOK"],
        ),
        ({"countryCode": "JP"}, []),
    ],
    ids=str,
)
def test_the_rate_table_can_be_narrowed(sandbox: Sandbox, place: dict[str, str], jurisdictions: list[str]) -> None:
    assert sorted({row["jurisdiction"] for row in rates(sandbox, **place)}) == jurisdictions


def test_a_price_that_nobody_knows_is_asked_for(sandbox: Sandbox) -> None:
    lines = [line(1), {"productId": "P-9999", "quantity": 1}, {"gtin": "1", "quantity": 1}]
    answer = sandbox("POST", CALCULATE, json={"destinationAddress": OREGON, "productList": lines})
    (told,) = answer.json()["errors"]
    message = "missing; no product is known by this id"
    assert (answer.status_code, told["path"], told["message"]) == (400, "/productList/1/price", message)
    pounds = {"storeId": "S-106", "productList": [{"productId": MUG, "quantity": 1}]}  # the store's currency is not the mug's
    answer = sandbox("POST", CALCULATE, json=pounds)
    assert answer.json()["errors"][0]["message"] == "missing; the product's own is in USD, not GBP"
    assert calculate(sandbox, SPRINGFIELD, line(8, product="P-9999"))["totalTax"] == 0.5


def test_a_rate_is_a_plain_number_in_the_table(sandbox: Sandbox) -> None:
    assert all(row["rate"].replace(".", "", 1).isdecimal() for row in rates(sandbox))


@pytest.mark.parametrize(
    ("place", "codes"),
    [
        ({"countryCode": "us", "state": "ca"}, ["EX-AGRICULTURE", "EX-DIPLOMATIC", "EX-NONPROFIT"]),
        ({"countryCode": "US", "city": "Seattle"}, ["EX-AGRICULTURE", "EX-DIPLOMATIC", "EX-NONPROFIT", "EX-RESALE"]),
        ({"city": "chicago", "state": "IL", "countryCode": "US"}, ["EX-DIPLOMATIC", "EX-NONPROFIT", "EX-PIER", "EX-RESALE"]),
        ({"countryCode": "US", "state": "IL", "postalCode": "60622"}, ["EX-DIPLOMATIC", "EX-NONPROFIT", "EX-RESALE"]),
        (
            {"countryCode": "US", "state": "IL", "postalCode": "60616-0001"},
            ["EX-DIPLOMATIC", "EX-NONPROFIT", "EX-PIER", "EX-RESALE"],
        ),
        ({"countryCode": "JP"}, []),
    ],
    ids=str,
)
def test_the_exemptions_of_a_place_are_those_that_can_hold_there(
    sandbox: Sandbox, place: dict[str, str], codes: list[str]
) -> None:
    listed = sandbox("GET", "/taxEngine/getTaxExemptions", params=place).json()["taxExemptions"]
    assert [one["exemptionCode"] for one in listed] == codes


@pytest.mark.parametrize(("place", "count"), [({}, 6), ({"countryCode": "DE"}, 1), ({"countryCode": "US", "state": "IL"}, 4)])
def test_exemptions_are_listed_for_a_place(sandbox: Sandbox, place: dict[str, str], count: int) -> None:
    listed = sandbox("GET", "/taxEngine/getTaxExemptions", params=place).json()["taxExemptions"]
    assert len(listed) == count
