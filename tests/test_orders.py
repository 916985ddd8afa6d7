"""Orders: found, paged, told with what is derived, and given back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Sandbox, serving

SEARCH, RETURN = "/sa/orders/search", "/sa/orders/return"


def search(sandbox: Sandbox, **filters: Any) -> list[str]:
    """The ids that a search finds, in its order."""
    return [order["orderId"] for order in sandbox("POST", SEARCH, json={"pageSize": 100, **filters}).json()["orders"]]


def read(sandbox: Sandbox, order_id: str) -> dict[str, Any]:
    """An order as it is told now."""
    order: dict[str, Any] = sandbox("GET", f"/sa/orders/{order_id}").json()
    return order


def give_back(sandbox: Sandbox, order_id: str, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What a return answers."""
    answer: dict[str, Any] = sandbox("POST", RETURN, json={"orderId": order_id, "returnProductList": lines, **more}).json()
    return answer


def line(item: str, quantity: int = 1, **more: Any) -> dict[str, Any]:
    """Units of a line."""
    return {"orderItemId": item, "quantity": quantity, **more}


def cents(*amounts: float) -> int:
    """Amounts added up without the noise of binary fractions."""
    return sum(round(one * 100) for one in amounts)


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({"orderId": "O-7001"}, ["O-7001"]),
        ({"customerId": "C-1003"}, ["O-7030"]),
        ({"email": "HELEN.smith@example.com"}, ["O-7030"]),
        ({"phoneNumber": "+1-212-555-0103"}, ["O-7030"]),
        ({"phoneNumber": "5550103"}, ["O-7030"]),
        ({"phoneNumber": "0103"}, []),
        ({"firstName": "jose", "orderStatus": ["SHIPPED"]}, ["O-7053"]),
        ({"lastName": "sorens"}, ["O-7060", "O-7018"]),
        ({"storeId": "S-104"}, ["O-7060", "O-7037"]),
        ({"productId": "P-1019"}, ["O-7016"]),
        ({"gtin": "2004711010592"}, ["O-7016"]),
        ({"paymentCard": {"lastFour": "1881"}}, ["O-7053", "O-7041"]),
        ({"paymentCard": {"lastFour": "1881", "cardType": "VISA", "expiryMonth": 2, "expiryYear": 2031}}, ["O-7053", "O-7041"]),
        ({"paymentCard": {"lastFour": "1881", "expiryYear": 2030}}, []),
        ({"paymentCard": {"cardType": "diners"}}, ["O-7021"]),
        ({"orderStatus": ["PROCESSING", "PENDING"]}, ["O-7059", "O-7058", "O-7057", "O-7054"]),
        ({"orderSource": "ONLINE", "orderStatus": ["REFUNDED"]}, ["O-7043", "O-7016"]),
        ({"dateFrom": 1793447700000}, ["O-7060", "O-7059"]),
        ({"dateFrom": 1793447700001}, ["O-7060"]),
        ({"dateTo": 1738430700000}, ["O-7002", "O-7001"]),
        ({"dateFrom": 1738430700000, "dateTo": 1739110200000}, ["O-7003", "O-7002"]),
        ({"customerId": "C-1003", "storeId": "S-102"}, []),
        ({"orderId": "O-700"}, []),
    ],
    ids=str,
)
def test_a_search_finds_the_orders_that_meet_every_filter(sandbox: Sandbox, filters: dict[str, Any], ids: list[str]) -> None:
    answer = sandbox("POST", SEARCH, json=filters).json()
    assert [order["orderId"] for order in answer["orders"]] == ids
    assert answer.get("errorCode") == (None if ids else "ORDER_NOT_FOUND")


def test_without_a_filter_all_orders_come_newest_first(sandbox: Sandbox) -> None:
    orders = sandbox("POST", SEARCH, json={"pageSize": 100}).json()["orders"]
    dates = [order["orderDate"] for order in orders]
    assert len(orders) == 60
    assert dates == sorted(dates, reverse=True)


def test_pages_cover_every_order_once_even_while_orders_change(sandbox: Sandbox) -> None:
    whole, pages = search(sandbox), []
    for number in range(1, 10):
        pages += search(sandbox, pageSize=7, pageNumber=number)
        give_back(sandbox, "O-7001", line("1")) if number == 3 else None
    assert pages == whole
    assert search(sandbox, pageSize=7, pageNumber=10) == []


def test_an_order_from_a_store_is_no_online_order(sandbox: Sandbox) -> None:
    assert sandbox("GET", "/sa/orders/boris/O-7007").json() == read(sandbox, "O-7007")
    assert sandbox("GET", "/sa/orders/boris/O-7001").json()["errorCode"] == "ORDER_NOT_FOUND"


@pytest.mark.parametrize(
    ("order_id", "may"),
    [
        ("O-7001", "TRUE"),
        ("O-7009", "FALSE"),  # everything came back
        ("O-7018", "FALSE"),  # cancelled
        ("O-7022", "FALSE"),  # the window is over
        ("O-7027", "FALSE"),  # gift cards only
        ("O-7053", "FALSE"),  # still on its way
        ("O-7015", "TRUE"),  # the exchange left something
    ],
)
def test_an_order_says_whether_it_can_be_returned(sandbox: Sandbox, order_id: str, may: str) -> None:
    assert read(sandbox, order_id)["canReturn"] == may
    assert sandbox("POST", SEARCH, json={"orderId": order_id}).json()["orders"][0]["canReturn"] == may


def test_what_remains_is_what_was_sold_less_what_came_back(sandbox: Sandbox) -> None:
    for order in sandbox("POST", SEARCH, json={"pageSize": 100}).json()["orders"]:
        back = order.get("returnProductList", [])
        units = {sold["orderItemId"]: sold["quantity"] - sum(one["quantity"] for one in back
                 if one["orderItemId"] == sold["orderItemId"]) for sold in order["orderProductList"]}  # fmt: skip
        assert {left["orderItemId"]: left["quantity"] for left in order["productList"]} == {
            item: count for item, count in units.items() if count
        }
        for money in ("subTotal", "tax", "total"):
            assert cents(*(one[money] for one in [*order["productList"], *back])) == cents(
                *(one[money] for one in order["orderProductList"])
            )


def test_a_return_leaves_the_rest(sandbox: Sandbox) -> None:
    answer = give_back(sandbox, "O-7001", line("1", returnReason="Too small", disposition="RESALABLE"))
    order = read(sandbox, "O-7001")
    back = order["returnProductList"][0]
    assert (answer["orderId"], answer["returnOrderId"]) == ("O-7001", back["returnOrderId"])
    assert (answer["orderStatus"], answer["refundAmount"]) == ("PARTIALLY_REFUNDED", 26.46)
    assert (back["quantity"], back["subTotal"], back["tax"], back["total"], back["refund"]) == (1, 24, 2.46, 26.46, 26.46)
    assert (back["returnReason"], back["disposition"]) == ("Too small", "RESALABLE")
    assert [(left["orderItemId"], left["quantity"]) for left in order["productList"]] == [("1", 1), ("2", 1), ("3", 1)]
    assert order["orderProductList"][0]["quantity"] == 2
    assert order["orderStatus"] == "PARTIALLY_REFUNDED"
    assert search(sandbox, orderStatus=["PARTIALLY_REFUNDED"], customerId="C-1001") == ["O-7006", "O-7001"]


def test_units_that_come_back_one_by_one_refund_the_line_to_the_cent(sandbox: Sandbox) -> None:
    sold = read(sandbox, "O-7025")["orderProductList"][1]
    assert sold["quantity"] == 2
    for number in ("1", "2"):
        assert "errorCode" not in give_back(sandbox, "O-7025", line("2"), requestId=number)
    back = [one for one in read(sandbox, "O-7025")["returnProductList"] if one["orderItemId"] == "2"]
    assert [one["tax"] for one in back] == [4.93, 4.92]
    for money in ("subTotal", "discount", "tax", "total"):
        assert cents(*(one[money] for one in back)) == cents(sold[money])


def test_an_order_whose_lines_all_came_back_is_refunded(sandbox: Sandbox) -> None:
    assert give_back(sandbox, "O-7007", line("1"))["orderStatus"] == "PARTIALLY_REFUNDED"
    assert give_back(sandbox, "O-7007", line("2"))["orderStatus"] == "REFUNDED"
    order = read(sandbox, "O-7007")
    assert (order["productList"], order["canReturn"]) == ([], "FALSE")
    assert give_back(sandbox, "O-7007", line("2"), requestId="again")["errorCode"] == "NOT_RETURNABLE"


def test_a_line_that_is_exchanged_is_no_refund(sandbox: Sandbox) -> None:
    assert give_back(sandbox, "O-7007", line("1", exchange=True))["orderStatus"] == "PARTIALLY_EXCHANGED"
    assert give_back(sandbox, "O-7007", line("2", exchange=True))["orderStatus"] == "EXCHANGED"


def test_a_line_is_found_by_its_product(sandbox: Sandbox) -> None:
    assert "errorCode" not in give_back(sandbox, "O-7007", {"productId": "P-1038", "quantity": 1})
    assert [one["orderItemId"] for one in read(sandbox, "O-7007")["returnProductList"]] == ["2"]


@pytest.mark.parametrize(
    ("order_id", "lines", "code"),
    [
        ("O-7001", [line("1", 3)], "RETURN_QUANTITY_EXCEEDED"),
        ("O-7001", [line("1", 2), line("1", 1)], "RETURN_QUANTITY_EXCEEDED"),
        ("O-7001", [line("1", 1), line("3", 1)], "NOT_RETURNABLE"),
        ("O-7001", [line("1", 1), line("9", 1)], "NOT_RETURNABLE"),
        ("O-7001", [line("1", 1, productId="P-1007")], "NOT_RETURNABLE"),
        ("O-7022", [line("1", 1)], "NOT_RETURNABLE"),
        ("O-7053", [line("1", 1)], "NOT_RETURNABLE"),
        ("O-9999", [line("1", 1)], "ORDER_NOT_FOUND"),
    ],
)
def test_a_return_is_booked_as_a_whole_or_not_at_all(
    sandbox: Sandbox, order_id: str, lines: list[dict[str, Any]], code: str
) -> None:
    before = read(sandbox, order_id)
    answer = give_back(sandbox, order_id, *lines)
    assert answer.keys() - {"errors"} == {"errorCode", "errorMessage"}
    assert answer["errorCode"] == code
    assert read(sandbox, order_id) == before


def test_a_return_of_nothing_is_refused(sandbox: Sandbox) -> None:
    answer = sandbox("POST", RETURN, json={"orderId": "O-7037", "returnProductList": []})
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "/returnProductList")
    assert read(sandbox, "O-7037")["orderStatus"] == "PARTIALLY_REFUNDED"


def test_what_the_merchant_took_back_before_counts(sandbox: Sandbox) -> None:
    assert give_back(sandbox, "O-7006", line("2", 3))["errorCode"] == "RETURN_QUANTITY_EXCEEDED"
    assert "errorCode" not in give_back(sandbox, "O-7006", line("2", 2))
    assert cents(*(one["total"] for one in read(sandbox, "O-7006")["returnProductList"])) == cents(43.17)


def test_delivery_groups_come_only_where_they_are_wanted(sandbox: Sandbox, tmp_path: Path) -> None:
    assert "DeliveryGroup" not in read(sandbox, "O-7025")
    with serving(tmp_path, "--delivery-groups", "true") as server:

        def groups(order_id: str) -> list[dict[str, Any]]:
            listed: list[dict[str, Any]] = server.call("GET", f"/sa/orders/{order_id}").json()["DeliveryGroup"]
            return listed

        def items(order_id: str) -> list[list[str]]:
            return [one["orderItemIds"] for one in groups(order_id)]

        assert items("O-7001") == [["1", "2", "3"]]  # all taken at once
        assert items("O-7007") == [["1", "2"]]
        assert items("O-7053") == [["1"], ["2"]]  # two shipping methods
        assert items("O-7060") == [["1"], ["2"]]  # one shipped, one taken
        assert items("O-7025") == [["1"], ["2"], ["3"]]  # three addresses
        assert [one["deliveryDate"] for one in groups("O-7053")] == [1792432800000, 1792778400000]
        assert len({one["deliveryGroupId"] for one in groups("O-7025")}) == 3
        assert {one["fulfillmentType"] for one in groups("O-7060")} == {"SHIP_TO_HOME_CURRENT_STORE", "IN_STORE"}
