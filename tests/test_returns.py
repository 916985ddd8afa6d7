"""What comes back: once, in time, where it belongs, and for what was paid."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import NOON, Sandbox
from selling import DAY, order, sell, sold
from test_checkout import at, online, validate
from test_checkout import line as of_cart
from test_orders import RETURN, cents, give_back, line, read

WEEK = 7 * DAY


def booked(shop: Sandbox, *lines: dict[str, Any], **more: Any) -> str:
    """The id of an order that has just been sold, with a return window of a week."""
    told = sell(shop, order("O-1", *lines, **{"lastDateToReturnTimeStamp": NOON + WEEK, **more}))
    assert "errorCode" not in told, told
    return "O-1"


def refunds(shop: Sandbox, order_id: str = "O-1") -> list[float]:
    """What was refunded, return by return."""
    return [one["refund"] for one in read(shop, order_id)["returnProductList"]]


@pytest.mark.parametrize("status", ["COMPLETED", "FULFILLED"])
def test_a_status_that_allows_it(shop: Sandbox, status: str) -> None:
    booked(shop, sold("P-1001"), orderStatus=status)
    assert give_back(shop, "O-1", line("1"))["orderStatus"] == "REFUNDED"


@pytest.mark.parametrize("status", ["CREATED", "PENDING", "PROCESSING", "SHIPPED", "READY_FOR_PICKUP", "CANCELED"])
def test_a_status_that_does_not_allow_it(shop: Sandbox, status: str) -> None:
    booked(shop, sold("P-1001"), orderStatus=status)
    assert read(shop, "O-1")["canReturn"] == "FALSE"
    assert give_back(shop, "O-1", line("1"))["errorCode"] == "NOT_RETURNABLE"


def test_the_window_closes_by_the_sandboxs_clock(shop: Sandbox) -> None:
    booked(shop, sold("P-1001", 2))
    shop.server.admin("POST", f"/sandboxes/{shop.key}/clock", {"advance": WEEK})
    assert give_back(shop, "O-1", line("1"))["orderStatus"] == "PARTIALLY_REFUNDED"
    shop.server.admin("POST", f"/sandboxes/{shop.key}/clock", {"advance": 1})
    assert read(shop, "O-1")["canReturn"] == "FALSE"
    assert give_back(shop, "O-1", line("1"), requestId="2")["errorCode"] == "NOT_RETURNABLE"
    assert give_back(shop, "O-1", line("1"))["orderStatus"] == "PARTIALLY_REFUNDED"  # the first one, asked for again


def test_the_same_return_is_booked_once_and_answered_the_same(shop: Sandbox) -> None:
    booked(shop, sold("P-1001", 3))
    first = give_back(shop, "O-1", line("1"))
    assert give_back(shop, "O-1", line("1")) == first
    second = give_back(shop, "O-1", line("1"), requestId="R-2")
    assert second["returnOrderId"] != first["returnOrderId"]
    assert give_back(shop, "O-1", line("1", 2, returnReason="the request is known"), requestId="R-2") == second
    assert give_back(shop, "O-1", line("1")) == first
    assert [one["quantity"] for one in read(shop, "O-1")["returnProductList"]] == [1, 1]
    assert at(shop, "P-1001", "S-102") == 41


def test_of_several_lines_of_a_product_the_first_with_enough_units_is_meant(shop: Sandbox) -> None:
    booked(shop, sold("P-1001", 1, "1"), sold("P-1001", 3, "2"))
    for units in (2, 1, 1):
        give_back(shop, "O-1", {"productId": "P-1001", "quantity": units}, requestId=f"{units}{read(shop, 'O-1')['productList']}")
    assert [(one["orderItemId"], one["quantity"]) for one in read(shop, "O-1")["returnProductList"]] == [
        ("2", 2),
        ("1", 1),
        ("2", 1),
    ]


def test_a_line_says_what_became_of_it(shop: Sandbox) -> None:
    booked(shop, *(sold("P-1001", 2, item, itemStatus="COMPLETED") for item in ("1", "2", "3")))
    give_back(shop, "O-1", line("1", 2), line("2", 1))
    lines = read(shop, "O-1")["orderProductList"]
    assert [one["itemStatus"] for one in lines] == ["REFUNDED", "PARTIALLY_REFUNDED", "COMPLETED"]
    assert {one["orderStatus"] for one in lines} == {"PARTIALLY_REFUNDED"}


def test_a_refused_return_may_be_sent_again(shop: Sandbox) -> None:
    booked(shop, sold("P-1001"), orderStatus="SHIPPED")
    booked_too = order("O-2", sold("P-1001"))
    assert give_back(shop, "O-2", line("1"))["errorCode"] == "ORDER_NOT_FOUND"
    sell(shop, booked_too)
    assert give_back(shop, "O-2", line("1"))["orderStatus"] == "REFUNDED"


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({}, "S-102"),
        ({"storeId": "S-101"}, "S-101"),
        ({"storeId": "ONLINE"}, "ONLINE"),
        ({"storeId": "S-103", "line": {"storeId": "S-101"}}, "S-101"),
        ({"line": {"storeId": "S-105", "disposition": "RESALABLE"}}, "S-105"),
    ],
    ids=str,
)
def test_it_is_put_back_where_it_was_returned(shop: Sandbox, said: dict[str, Any], where: str) -> None:
    def there() -> int:
        return online(shop, "P-1001")[0] if where == "ONLINE" else at(shop, "P-1001", where)

    booked(shop, sold("P-1001", 2))
    before = there()
    own = said.pop("line", {})
    give_back(shop, "O-1", line("1", 2, **own), **said)
    assert there() == before + 2
    assert read(shop, "O-1")["returnProductList"][0]["returnLocation"] == where


def test_a_store_that_did_not_have_it_has_it_then(shop: Sandbox) -> None:
    cart = of_cart("P-1002", orderItemId="1", storeId="S-102")
    assert validate(shop, "C", cart)["errors"][0]["errorCode"] == "PRODUCT_NOT_SOLD_HERE"
    booked(shop, sold("P-1002"), storeId="S-101")
    give_back(shop, "O-1", line("1"), storeId="S-102")
    assert at(shop, "P-1002", "S-102") == 1
    assert validate(shop, "C", cart)["valid"] is True


def test_what_is_damaged_is_not_put_back(shop: Sandbox) -> None:
    booked(shop, sold("P-1001", 2))
    answer = give_back(shop, "O-1", line("1", disposition="DAMAGED"), line("1", disposition="RESALABLE"))
    assert answer["refundAmount"] == 52.8
    assert at(shop, "P-1001", "S-102") == 41


@pytest.mark.parametrize(("own", "path"), [({"storeId": "S-999"}, "/returnProductList/1/storeId"), ({}, "/storeId")])
def test_a_store_that_is_not_there_takes_nothing_back(shop: Sandbox, own: dict[str, Any], path: str) -> None:
    booked(shop, sold("P-1001", 2))
    answer = give_back(shop, "O-1", line("1", storeId="S-102"), line("1", **own), storeId="S-998")
    assert answer["errorCode"] == "NOT_RETURNABLE"
    assert [one["path"] for one in answer["errors"]] == [path]
    assert at(shop, "P-1001", "S-102") == 40


@pytest.mark.parametrize("currency", ["USD", "JPY"])
@pytest.mark.parametrize("steps", [[1] * 7, [2, 3, 2], [6, 1], [7]], ids=str)
def test_units_of_a_discounted_line_add_up_to_the_line(shop: Sandbox, steps: list[int], currency: str) -> None:
    discount = 10.01 if currency == "USD" else 10
    one = sold("P-1001", 7, discount=discount, price=17)
    if currency == "JPY":
        one |= {"tax": 11, "total": 119 - discount + 11}
    booked(shop, one, currency=currency)
    for number, units in enumerate(steps):
        assert "errorCode" not in give_back(shop, "O-1", line("1", units), requestId=str(number))
    back = read(shop, "O-1")["returnProductList"]
    for name in ("subTotal", "discount", "tax", "total"):
        assert cents(*(part[name] for part in back)) == cents(one[name])
    assert cents(*refunds(shop)) == cents(one["total"])
    assert currency == "USD" or all(part[name] == int(part[name]) for part in back for name in ("tax", "discount", "refund"))
    assert read(shop, "O-1")["productList"] == []


def test_thousandths_of_a_dinar_come_back_to_the_last(shop: Sandbox) -> None:
    one = sold("P-1001", 3, price=1.001, discount=0.004) | {"tax": 0.1, "total": 3.099}
    booked(shop, one, currency="KWD", tenders=[{"paymentMethod": "Cash", "amountAuthorized": 2.999}])
    answers = [give_back(shop, "O-1", line("1"), requestId=str(number))["refundAmount"] for number in range(3)]
    assert answers == refunds(shop) == [1.0, 1.0, 0.999]
    assert [part["discount"] for part in read(shop, "O-1")["returnProductList"]] == [0.001, 0.002, 0.001]
    assert shop.server.admin("GET", f"/sandboxes/{shop.key}/invariants").json()["holds"] is True


def test_a_deposit_is_refunded_and_never_more_than_it(shop: Sandbox) -> None:
    deposit = [{"paymentMethod": "Miscellaneous", "amountAuthorized": 20.01}]
    booked(shop, sold("P-1001", 3), tenders=deposit)
    assert read(shop, "O-1")["canReturn"] == "TRUE"
    answers = [give_back(shop, "O-1", line("1"), requestId=str(number)) for number in range(3)]
    assert [one["refundAmount"] for one in answers] == refunds(shop) == [6.67, 6.67, 6.67]
    assert [one["total"] for one in read(shop, "O-1")["returnProductList"]] == [26.4] * 3
    assert answers[-1]["orderStatus"] == "REFUNDED"


@pytest.mark.parametrize(
    ("tenders", "refund"),
    [
        ([{"amountAuthorized": 26.4, "paymentStatus": "APPROVED"}], 26.4),
        ([{"amountAuthorized": 30.0}], 26.4),  # the change was handed out
        ([{"amountAuthorized": 26.4, "paymentStatus": "DECLINED"}, {"amountAuthorized": 5}], 5),
        ([{"amountAuthorized": 0}], 0),
        ([], 26.4),
    ],
    ids=str,
)
def test_what_was_paid_is_what_is_refunded(shop: Sandbox, tenders: list[dict[str, Any]], refund: float) -> None:
    booked(shop, sold("P-1001"), tenders=[{"paymentMethod": "Cash", **one} for one in tenders])
    assert give_back(shop, "O-1", line("1"))["refundAmount"] == refund


def test_what_was_free_is_refunded_with_nothing(shop: Sandbox) -> None:
    booked(shop, sold("P-1001", discount=24))
    assert give_back(shop, "O-1", line("1"))["refundAmount"] == 0


def test_an_exchange_carries_both_sides(shop: Sandbox) -> None:
    booked(shop, sold("P-1001"), tenders=[{"paymentMethod": "Cash", "amountAuthorized": 26.4}])
    fresh = sold("P-1036", item="2", price=30)
    extra = {"paymentMethod": "Cash", "amountAuthorized": 6.6}
    answer = give_back(
        shop, "O-1", line("1", exchange=True), orderProductList=[fresh], tenders=[*read(shop, "O-1")["tenders"], extra]
    )
    assert (answer["orderStatus"], answer["refundAmount"]) == ("EXCHANGED", 0)
    told = read(shop, "O-1")
    assert [(one["orderItemId"], one.get("returnOrderId")) for one in told["orderProductList"]] == [
        ("1", None), ("2", answer["returnOrderId"]),
    ]  # fmt: skip
    assert [(one["orderItemId"], one["returnOrderId"]) for one in told["returnProductList"]] == [("1", answer["returnOrderId"])]
    assert [one["orderItemId"] for one in told["productList"]] == ["2"]
    assert (told["orderSubTotal"], told["taxSubTotal"], told["totalAmount"]) == (54, 5.4, 59.4)
    assert [one["amountAuthorized"] for one in told["tenders"]] == [26.4, 6.6]
    assert (at(shop, "P-1001", "S-102"), at(shop, "P-1036", "S-102")) == (42, 3)
    assert told["canReturn"] == "TRUE"
    assert give_back(shop, "O-1", line("2"))["refundAmount"] == 33
    assert read(shop, "O-1")["orderStatus"] == "REFUNDED"


def test_an_exchange_for_less_gives_the_rest_back_and_keeps_the_rest_of_the_order(shop: Sandbox) -> None:
    booked(shop, sold("P-1001", 2))
    validate(shop, "CART-X", of_cart("P-1036", 4, storeId="S-102"))
    fresh = sold("P-1036", 4, item="2", price=5)
    answer = give_back(shop, "O-1", line("1", exchange=True), orderProductList=[fresh], cartId="CART-X")
    assert (answer["orderStatus"], answer["refundAmount"]) == ("PARTIALLY_EXCHANGED", 4.4)
    assert at(shop, "P-1036", "S-102") == 0
    assert give_back(shop, "O-1", line("1"), line("2", 4))["refundAmount"] == 48.4
    assert cents(*refunds(shop)) == cents(26.4, 26.4, 22)


def test_only_what_is_exchanged_pays_for_what_is_taken(shop: Sandbox) -> None:
    booked(shop, sold("P-1001"), sold("P-1001", item="2"))
    fresh = sold("P-1036", item="3", price=40)
    answer = give_back(shop, "O-1", line("1", exchange=True), line("2"), orderProductList=[fresh])
    assert (answer["orderStatus"], answer["refundAmount"]) == ("PARTIALLY_REFUNDED", 26.4)


def test_what_was_bought_online_is_exchanged_in_the_store(shop: Sandbox) -> None:
    before = online(shop, "P-1036")[0]
    fresh = sold("P-1036", item="9", omniFulfillmentType="IN_STORE")
    assert "errorCode" not in give_back(shop, "O-7012", line("1", exchange=True), orderProductList=[fresh], storeId="S-102")
    assert read(shop, "O-7012")["orderProductList"][-1]["fulfillmentLocation"] == "S-102"
    assert (at(shop, "P-1036", "S-102"), online(shop, "P-1036")[0], at(shop, "P-1035", "S-102")) == (3, before, 2)


@pytest.mark.parametrize(
    ("fresh", "exchange", "path"),
    [
        (sold("P-1036", item="2"), False, "/orderProductList"),
        (sold("P-9999", item="2"), True, "/orderProductList/0/productId"),
        ({**sold("P-1036", item="2"), "total": 1}, True, "/orderProductList/0/total"),
        (sold("P-1036", 5, item="2"), True, "/orderProductList/0/quantity"),
    ],
    ids=["nothing is exchanged", "no such product", "it does not add up", "there is not enough"],
)
def test_an_exchange_that_cannot_be_is_not_booked(shop: Sandbox, fresh: dict[str, Any], exchange: bool, path: str) -> None:
    booked(shop, sold("P-1001"))
    before = read(shop, "O-1")
    sent = {"orderId": "O-1", "returnProductList": [line("1", exchange=exchange)], "orderProductList": [fresh]}
    answer = shop("POST", RETURN, json=sent)
    assert [one["path"] for one in answer.json()["errors"]] == [path]
    assert read(shop, "O-1") == before
    assert at(shop, "P-1001", "S-102") == 41


def test_the_whole_order_may_be_sent_with_what_comes_back(shop: Sandbox) -> None:
    booked(shop, sold("P-1001", 2))
    whole = {**read(shop, "O-1"), "returnProductList": [{**read(shop, "O-1")["orderProductList"][0], "quantity": 1}]}
    answer = shop("POST", RETURN, json=whole).json()
    assert (answer["orderStatus"], answer["refundAmount"]) == ("PARTIALLY_REFUNDED", 26.4)
    whole = {**read(shop, "O-1"), "requestId": "R-2"}
    answer = shop("POST", RETURN, json=whole)
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (400, "all of it came back before")
    whole["returnProductList"].append(line("1"))
    assert shop("POST", RETURN, json=whole).json()["orderStatus"] == "REFUNDED"
    assert [one["quantity"] for one in read(shop, "O-1")["returnProductList"]] == [1, 1]
