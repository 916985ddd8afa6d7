"""Taxes are booked once, as they were calculated; what comes back gives back what was charged."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from conftest import ROOT, Sandbox

CALCULATE, FINALIZE = "/taxEngine/calculateTax", "/taxEngine/finalizeTaxSubmission"
SPRINGFIELD = {"city": "Springfield", "state": "IL", "countryCode": "US"}
CHICAGO = {"city": "Chicago", "state": "IL", "postalCode": "60622", "countryCode": "US"}
SEATTLE = {"city": "Seattle", "state": "WA", "countryCode": "US"}
ORDERS = {one["orderId"]: one for one in json.loads((ROOT / "fixtures/records/orders.json").read_text("utf-8"))["records"]}


def line(id_: str, price: float, quantity: int = 1, **more: Any) -> dict[str, Any]:
    """A line of a sale."""
    return {"orderItemId": id_, "productId": "P-1027", "quantity": quantity, "price": price, **more}


SALE = {"orderId": "O-1", "destinationAddress": SPRINGFIELD, "productList": [line("1", 2), line("2", 10)]}


def post(sandbox: Sandbox, path: str, **body: Any) -> dict[str, Any]:
    """What a call answers."""
    answer: dict[str, Any] = sandbox("POST", path, json=body).json()
    return answer


def finalize(sandbox: Sandbox, **more: Any) -> dict[str, Any]:
    """What finalising the sale answers."""
    return post(sandbox, FINALIZE, **{**SALE, **more})


def test_taxes_are_finalised_once(new_sandbox: Callable[[], Sandbox]) -> None:
    one, other = new_sandbox(), new_sandbox()
    first = finalize(one, totalTax=0.76, taxes=[{"orderItemId": "1", "amount": 0.13}, {"orderItemId": "2", "amount": 0.63}])
    assert (first["orderId"], first["finalized"]) == ("O-1", True)
    assert finalize(one) == first == finalize(one, totalTax=99, productList=[])
    assert finalize(one, orderId="O-2")["submissionId"] != first["submissionId"] != finalize(other)["submissionId"]


def test_many_at_once_are_booked_once(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: finalize(sandbox), range(32)))
    assert len({answer["submissionId"] for answer in answers}) == 1


def differ(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Where, of which line, what."""
    assert answer["errorCode"] == "TAX_MISMATCH"
    return [(one["path"], one.get("orderItemId", ""), one["message"]) for one in answer["errors"]]


#: what is sent, and each difference: its path, its line, what is wrong
DIFFERENT: list[tuple[dict[str, Any], list[tuple[str, str, str]]]] = [
    ({"totalTax": 0.75}, [("/totalTax", "", "sent 0.75, expected 0.76")]),
    ({"shippingTax": 0.1}, [("/shippingTax", "", "sent 0.1, expected 0.0")]),
    (
        {"taxes": [{"orderItemId": "1", "amount": 0.12}, {"orderItemId": "2", "amount": 0.63}]},
        [("/productList/0/tax", "1", "sent 0.12, expected 0.13")],
    ),
    ({"taxes": [{"orderItemId": "1", "amount": 0.13}]}, [("/productList/1/tax", "2", "sent 0.0, expected 0.63")]),
    (
        {"taxes": [{"orderItemId": "1", "amount": 0.13}, {"orderItemId": "9", "amount": 0.63}]},
        [
            ("/productList/1/tax", "2", "sent 0.0, expected 0.63"),
            ("/taxes/1/orderItemId", "9", "no line of productList is '9'"),
        ],
    ),
    (
        {"productList": [line("1", 2, tax=0.12), line("2", 10, tax=0.62)]},
        [("/productList/0/tax", "1", "sent 0.12, expected 0.13"), ("/productList/1/tax", "2", "sent 0.62, expected 0.63")],
    ),
    (
        {"productList": [line("1", 2, taxes=[{"jurisdiction": "US-WA", "amount": 0.13}]), line("2", 10)]},
        [("/productList/0/taxes", "1", "sent 0.13 for US-WA, expected none")],
    ),
    (
        {"productList": [line("1", 2, taxes=[{"jurisdiction": "US-IL", "amount": 0.12}]), line("2", 10)]},
        [
            ("/productList/0/tax", "1", "sent 0.12, expected 0.13"),
            ("/productList/0/taxes", "1", "sent 0.12 for US-IL, expected 0.13"),
        ],
    ),
    (
        {"productList": [{"productId": "P-1027", "quantity": 1, "price": 2, "tax": 1}]},
        [("/productList/0/tax", "", "sent 1, expected 0.13")],
    ),
]


@pytest.mark.parametrize(("sent", "found"), DIFFERENT, ids=str)
def test_taxes_that_differ_are_refused_line_by_line_and_can_be_sent_again(
    sandbox: Sandbox, sent: dict[str, Any], found: list[tuple[str, str, str]]
) -> None:
    assert differ(finalize(sandbox, **sent)) == found
    assert finalize(sandbox, totalTax=0.76)["finalized"] is True


def test_what_calculate_answers_can_be_finalised_as_it_is(sandbox: Sandbox) -> None:
    cart = {
        "storeId": "S-104",
        "destinationAddress": CHICAGO,
        "shippingAmount": 5,
        "transactionDiscountAmount": 3,
        "productList": [
            line("1", 26, 3),
            line("2", 14.5, taxExemptions=["EX-RESALE"]),
            line("3", 9.99, destinationAddress=SEATTLE),
        ],
    }
    due = post(sandbox, CALCULATE, **cart)
    lines = [{**sold, **taxed} for sold, taxed in zip(cart["productList"], due["productList"], strict=True)]
    assert [one.get("taxExemption") for one in lines] == [None, "EX-RESALE", None]
    told = {name: due[name] for name in ("shippingTax", "totalTax", "taxableAmount")}
    assert post(sandbox, FINALIZE, orderId="O-1", **{**cart, **told, "productList": lines})["finalized"] is True


def test_an_order_and_its_submission_name_each_other(sandbox: Sandbox) -> None:
    order = sandbox("GET", "/sa/orders/O-7041").json()
    assert "taxSubmissionId" not in order
    sale = {"orderId": "O-7041", "storeId": order["storeId"], "productList": order["orderProductList"]}
    booked = post(sandbox, FINALIZE, **sale, totalTax=order["taxSubTotal"])
    assert booked["orderId"] == "O-7041"
    assert sandbox("GET", "/sa/orders/O-7041").json() == {**order, "taxSubmissionId": booked["submissionId"]}
    found = post(sandbox, "/sa/orders/search", orderId="O-7041")["orders"]
    assert [one["taxSubmissionId"] for one in found] == [booked["submissionId"]]
    bought = sandbox("GET", f"/sa/customers/{order['customerProfile']['customerId']}/orders").json()["orderList"]
    told = {one["orderId"]: one.get("taxSubmissionId") for one in bought}
    assert told == {**dict.fromkeys(told), "O-7041": booked["submissionId"]}
    assert "taxSubmissionId" not in sandbox("GET", "/sa/orders/O-7001").json()


def back(sandbox: Sandbox, order: str, id_: str, quantity: int = 1, **more: Any) -> dict[str, Any]:
    """The taxes of units that come back."""
    sent = {"orderItemId": id_, "quantity": quantity, **more.pop("line", {"productId": "P-1027"})}
    return post(sandbox, CALCULATE, transactionType="RETURN", orderId=order, productList=[sent], **more)


RETURNABLE = ["O-7001", "O-7006", "O-7021", "O-7025", "O-7029", "O-7033", "O-7037", "O-7042", "O-7057"]


@pytest.mark.parametrize("order", RETURNABLE)
def test_all_that_remains_of_an_order_gives_back_what_it_was_charged(sandbox: Sandbox, order: str) -> None:
    for sold in ORDERS[order]["orderProductList"]:
        came = [one for one in ORDERS[order].get("returnProductList", []) if one["orderItemId"] == sold["orderItemId"]]
        left = sold["quantity"] - sum(one["quantity"] for one in came)
        if left:
            sent = [{"orderItemId": sold["orderItemId"], "productId": sold["productId"], "quantity": 1}] * left
            due = post(sandbox, CALCULATE, transactionType="RETURN", orderId=order, productList=sent)
            charged = Decimal(str(sold["tax"])) - sum((Decimal(str(one["tax"])) for one in came), Decimal(0))
            assert Decimal(str(due["totalTax"])) == -charged
            for one in due["productList"]:
                assert Decimal(str(one["tax"])) == sum((Decimal(str(tax["amount"])) for tax in one["taxes"]), Decimal(0))


def test_what_comes_back_is_taxed_as_it_is_refunded(sandbox: Sandbox) -> None:
    for tax in (1.96, 1.95):  # of 3.91
        due = back(sandbox, "O-7041", "2", line={"productId": "P-1034"})
        sent = {"requestId": f"unit of {tax}", "returnProductList": [{"orderItemId": "2", "quantity": 1}]}
        post(sandbox, "/sa/orders/return", orderId="O-7041", **sent)
        refund = sandbox("GET", "/sa/orders/O-7041").json()["returnProductList"][-1]
        assert refund["tax"] == -due["totalTax"] == tax


@pytest.mark.parametrize("split", [(7,), (1, 6), (2, 2, 3), (1,) * 7])
def test_units_of_a_booked_sale_give_back_what_was_booked(sandbox: Sandbox, split: tuple[int, ...]) -> None:
    sale = {"destinationAddress": CHICAGO, "productList": [line("1", 1.11, 7), line("2", 8)]}
    due = post(sandbox, CALCULATE, **sale)["productList"][0]
    post(sandbox, FINALIZE, orderId="O-1", **sale)
    total, parts = Decimal(0), {tax["jurisdiction"]: Decimal(0) for tax in due["taxes"]}
    for number, units in enumerate(split):
        gone_units = [{"orderItemId": "1", "productId": "P-1027", "quantity": units}]
        named = {"transactionType": "RETURN", "originalOrderId": "O-1", "productList": gone_units}
        gone = post(sandbox, CALCULATE, **named)
        assert gone == post(sandbox, CALCULATE, **named)
        booked = {"orderId": f"O-1-R{number}", **named, "totalTax": gone["totalTax"]}
        assert post(sandbox, FINALIZE, **booked) == post(sandbox, FINALIZE, **booked)
        total += Decimal(str(gone["totalTax"]))
        for tax in gone["productList"][0]["taxes"]:
            parts[tax["jurisdiction"]] += Decimal(str(tax["amount"]))
    assert total == -Decimal(str(due["tax"]))
    assert {name: -value for name, value in parts.items()} == {
        one["jurisdiction"]: Decimal(str(one["amount"])) for one in due["taxes"]
    }


def test_no_more_comes_back_than_was_sold(sandbox: Sandbox) -> None:
    post(sandbox, FINALIZE, orderId="O-1", destinationAddress=SPRINGFIELD, productList=[line("1", 8, 2), line("2", 8, 3)])
    for lines, wrong in (
        ([line("1", 8, 3)], [("/productList/0/quantity", "3 of line '1', of which 2 are left")]),
        ([line("1", 8, 1), line("1", 8, 2)], [("/productList/1/quantity", "2 of line '1', of which 1 are left")]),
        (
            [line("1", 8, 9), line("2", 8, 9)],
            [(f"/productList/{n}/quantity", f"9 of line '{n + 1}', of which {n + 2} are left") for n in (0, 1)],
        ),
    ):
        told = post(sandbox, CALCULATE, transactionType="RETURN", orderId="O-1", productList=lines)
        assert told["errorCode"] == "RETURN_QUANTITY_EXCEEDED"
        assert [(one["path"], one["message"]) for one in told["errors"]] == wrong
    by_product = [{"productId": "P-1027", "quantity": units} for units in (3, 2)]  # the first with enough units: 2, then 1
    due = post(sandbox, CALCULATE, transactionType="RETURN", orderId="O-1", productList=by_product)
    assert [one["orderItemId"] for one in due["productList"]] == ["2", "1"]
    gone = {"transactionType": "RETURN", "originalOrderId": "O-1", "productList": [line("1", 8, 2)]}
    assert post(sandbox, FINALIZE, orderId="R-1", **gone)["finalized"] is True
    assert post(sandbox, FINALIZE, orderId="R-2", **gone)["errorCode"] == "RETURN_QUANTITY_EXCEEDED"
    assert post(sandbox, FINALIZE, orderId="R-1", **gone)["finalized"] is True


def test_lines_of_one_product_without_ids_come_back_one_by_one(sandbox: Sandbox) -> None:
    one = {"productId": "P-1027", "price": 8, "quantity": 1}
    sold = post(sandbox, FINALIZE, orderId="O-1", destinationAddress=SPRINGFIELD, productList=[one, one])
    assert sold["finalized"] is True
    gone = {"transactionType": "RETURN", "originalOrderId": "O-1"}
    assert len(post(sandbox, CALCULATE, **gone, productList=[one, one])["productList"]) == 2
    assert post(sandbox, CALCULATE, **gone, productList=[one, one, one])["errorCode"] == "RETURN_QUANTITY_EXCEEDED"
    for number in (1, 2):
        assert post(sandbox, FINALIZE, orderId=f"R-{number}", **gone, productList=[one])["finalized"] is True
    assert post(sandbox, FINALIZE, orderId="R-3", **gone, productList=[one])["errorCode"] == "RETURN_QUANTITY_EXCEEDED"


def test_a_return_that_was_made_is_finalised_as_it_was_calculated(sandbox: Sandbox) -> None:
    unit = {"orderItemId": "2", "productId": "P-1034", "quantity": 1}
    due = back(sandbox, "O-7041", "2", line=unit)
    made = post(sandbox, "/sa/orders/return", orderId="O-7041", returnProductList=[unit])
    named = {"transactionType": "RETURN", "originalOrderId": "O-7041", "productList": [{**unit, "tax": due["totalTax"]}]}
    assert post(sandbox, FINALIZE, orderId=made["returnOrderId"], totalTax=-1.96, **named)["finalized"] is True


def test_shipping_that_comes_back_gives_back_its_tax(sandbox: Sandbox) -> None:
    post(sandbox, FINALIZE, orderId="O-1", destinationAddress=SEATTLE, shippingAmount=10, productList=[line("1", 8)])
    assert back(sandbox, "O-1", "1", shippingAmount=10)["shippingTax"] == -1.04
    assert back(sandbox, "O-1", "1", shippingAmount=5)["shippingTax"] == -0.52
    assert back(sandbox, "O-1", "1")["shippingTax"] == 0
    online = back(
        sandbox, "O-7033", "1", shippingAmount=10, line={"productId": "P-1035"}
    )  # to Seattle; the order carries no shipping
    assert (online["shippingTax"], online["productList"][0]["tax"]) == (-1.04, -7.71)


def test_a_line_that_the_order_has_not_is_taxed_as_it_would_be_sold(sandbox: Sandbox) -> None:
    for order, (sent, tax) in itertools.product(
        ["O-7004", "O-0000"],
        [
            ({"orderItemId": "1", "productId": "P-1027", "price": 8, "quantity": 1}, -0.5),  # another product
            ({"orderItemId": "99", "productId": "P-1036", "price": 8, "quantity": 1}, -0.5),  # another line
            ({"gtin": "1", "price": 8, "quantity": 1}, -0.5),  # nobody knows what
        ],
    ):
        due = post(
            sandbox, CALCULATE, transactionType="RETURN", orderId=order, destinationAddress=SPRINGFIELD, productList=[sent]
        )
        assert due["totalTax"] == tax
    named = {"productId": "P-1036", "quantity": 2}  # by its product alone
    assert post(sandbox, CALCULATE, transactionType="RETURN", orderId="O-7004", productList=[named])["totalTax"] == -5.33


def test_what_came_back_of_no_line_counts_for_none(sandbox: Sandbox) -> None:
    post(sandbox, FINALIZE, orderId="O-1", destinationAddress=SPRINGFIELD, productList=[line("1", 8, 1)])
    gone = {"transactionType": "RETURN", "originalOrderId": "O-1", "destinationAddress": SPRINGFIELD}
    for number, sent in (("R-1", line("9", 8, 1)), ("R-2", line("1", 8, 1))):
        assert post(sandbox, FINALIZE, orderId=number, **gone, productList=[sent])["finalized"] is True


def test_a_return_of_a_return_is_none(sandbox: Sandbox) -> None:
    sent = {"destinationAddress": SPRINGFIELD, "productList": [line("1", 8)]}
    post(sandbox, FINALIZE, orderId="R-1", transactionType="RETURN", **sent)
    assert post(sandbox, CALCULATE, orderId="R-1", transactionType="RETURN", **sent)["totalTax"] == -0.5
