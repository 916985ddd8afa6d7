"""What events do to the merchant's world, seen through the SPIs and the admin port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import Sandbox
from delivering import asked, back, deliver, events, holds, line, shelf, stocked, told, units
from selling import order, sell, sold
from test_checkout import line as cart_line
from test_checkout import validate


@pytest.fixture(autouse=True)
def the_rules_hold(shop: Sandbox) -> Iterator[None]:
    """Whatever a test did, every rule of the merchant holds."""
    yield
    assert holds(shop)


def detail(shop: Sandbox, order_id: str) -> dict[str, Any]:
    """What GET_ORDER_DETAIL tells."""
    found: dict[str, Any] = shop("GET", f"/sa/orders/{order_id}").json()
    return found


def state(shop: Sandbox, **query: Any) -> list[tuple[str, str]]:
    """Each event that was received, with what came of it."""
    return [(one["event"], one["status"]) for one in events(shop, **query)]


def test_an_order_is_booked_and_uses_up_its_cart(shop: Sandbox) -> None:
    validate(shop, "cart-1", cart_line("P-1007", 2, storeId="S-102"))
    before = shelf(shop, "P-1007")
    assert told(shop, "ORDER", order("N-1", line(), cartId="cart-1")) == {}
    assert shelf(shop, "P-1007") == before - 2
    assert detail(shop, "N-1")["orderStatus"] == "COMPLETED"
    assert asked(shop, "/records/reservations/cart-1")["record"]["status"] == "SOLD"
    assert state(shop) == [("ORDER", "applied")]


def test_an_order_that_cannot_be_booked_is_refused_inside_a_200_and_leaves_nothing(shop: Sandbox) -> None:
    before = shelf(shop, "P-1007")
    answer = told(shop, "ORDER", order("N-1", line(quantity=before + 1)))
    assert answer["errorCode"] == "INSUFFICIENT_INVENTORY"
    assert answer["errors"][0]["path"] == "/orderProductList/0/quantity"
    assert shelf(shop, "P-1007") == before
    assert detail(shop, "N-1")["errorCode"] == "ORDER_NOT_FOUND"
    (event,) = events(shop)
    assert (event["status"], event["errorCode"], event["duplicates"]) == ("refused", "INSUFFICIENT_INVENTORY", 0)


def test_a_refused_order_is_tried_again_when_it_is_reposted(shop: Sandbox) -> None:
    sale = order("N-1", line(quantity=50))
    assert told(shop, "ORDER", sale)["errorCode"] == "INSUFFICIENT_INVENTORY"
    stocked(shop, "P-1007", 50)
    assert told(shop, "ORDER", sale) == {}
    (event,) = events(shop)
    assert (event["status"], event["attempts"], event["duplicates"]) == ("applied", 2, 0)
    assert shelf(shop, "P-1007") == 0


def test_an_order_that_is_not_as_its_shape_says_is_refused_with_where(shop: Sandbox) -> None:
    broken = order("N-1", line())
    broken.pop("currency")
    answer = told(shop, "ORDER", broken)
    assert (answer["errorCode"], answer["errors"][0]["path"]) == ("REQUEST_INVALID", "/currency")
    uneven = order("N-2", line(price=10.001, quantity=1))
    assert told(shop, "ORDER", uneven)["errorCode"] == "REQUEST_INVALID"
    assert [one["findings"][0]["path"] for one in events(shop) if one["findings"]] == ["/currency"]


def test_the_same_order_is_booked_once_however_it_is_told(shop: Sandbox) -> None:
    sale, before = order("N-1", line()), shelf(shop, "P-1007")
    for body in (sale, dict(reversed(sale.items())), {**sale, "notesList": [{"note": "again"}]}):
        assert told(shop, "ORDER", body) == {}
    for number in "12":
        assert deliver(shop, "ORDER", sale, headers={"webhook-id": number}).json() == {}
    assert shelf(shop, "P-1007") == before - 2
    (event,) = events(shop)
    assert (event["status"], event["duplicates"], event["attempts"]) == ("applied", 4, 5)


def test_another_order_of_the_same_id_is_refused(shop: Sandbox) -> None:
    told(shop, "ORDER", order("N-1", line()))
    assert told(shop, "ORDER", order("N-1", line(quantity=1)))["errorCode"] == "ORDER_EXISTS"
    assert state(shop) == [("ORDER", "applied"), ("ORDER", "refused")]


def test_an_order_that_came_over_the_admin_port_is_known(shop: Sandbox) -> None:
    sale = order("N-1", line())
    told(shop, "ORDER_UPDATE", {**sale, "email": "new@example.com"})
    assert state(shop) == [("ORDER_UPDATE", "held")]
    sell(shop, sale)
    assert detail(shop, "N-1")["email"] == "new@example.com"
    assert told(shop, "ORDER", {**sale, "notesList": []}) == {}
    assert state(shop) == [("ORDER_UPDATE", "applied"), ("ORDER", "kept")]


def test_an_update_changes_what_may_change(shop: Sandbox) -> None:
    sale = order("N-1", line(orderStatus="PROCESSING"), orderStatus="PROCESSING")
    told(shop, "ORDER", sale)
    changed = order("N-1", line(deliveryDate=5, itemStatus="PACKED", fulfillmentLocation="S-101"), orderStatus="COMPLETED")
    stocked(shop, "P-1007", 2, "S-101")
    before = shelf(shop, "P-1007"), shelf(shop, "P-1007", "S-101")
    assert told(shop, "ORDER_UPDATE", {**changed, "email": "new@example.com"}) == {}
    now = detail(shop, "N-1")
    assert (now["orderStatus"], now["email"]) == ("COMPLETED", "new@example.com")
    (one,) = now["orderProductList"]
    assert (one["orderStatus"], one["itemStatus"], one["deliveryDate"]) == ("COMPLETED", "PACKED", 5)
    assert (shelf(shop, "P-1007"), shelf(shop, "P-1007", "S-101")) == (before[0] + 2, before[1] - 2)


@pytest.mark.parametrize(
    ("update", "path"),
    [
        (order("N-1", line(quantity=1)), "/orderSubTotal"),
        (order("N-1", line(item="2")), "/orderProductList/0/orderItemId"),
        (order("N-1", line("P-1001")), "/orderProductList/0/productId"),
        (order("N-1", line(), currency="EUR"), "/currency"),
        (order("N-1", line(fulfillmentLocation="S-999")), "/orderProductList/0/fulfillmentLocation"),
        (order("N-1", line(fulfillmentLocation="S-104")), "/orderProductList/0/fulfillmentLocation"),
        (order("N-1", line(shippingMethodId="SM-NONE")), "/orderProductList/0/shippingMethodId"),
    ],
    ids=["a quantity", "a line", "a product", "the currency", "no place", "too little there", "no method"],
)
def test_an_update_that_breaks_a_rule_is_refused_whole(shop: Sandbox, update: dict[str, Any], path: str) -> None:
    stocked(shop, "P-1007", 1, "S-104")
    told(shop, "ORDER", order("N-1", line()))
    before = detail(shop, "N-1")
    answer = told(shop, "ORDER_UPDATE", {**update, "email": "new@example.com"})
    assert answer["errorCode"] == "REQUEST_INVALID"
    assert path in [one["path"] for one in answer["errors"]]
    assert detail(shop, "N-1") == before
    assert state(shop, status="refused") == [("ORDER_UPDATE", "refused")]


def test_a_status_never_goes_back_and_what_is_late_is_said_to_be(shop: Sandbox) -> None:
    told(shop, "ORDER", order("N-1", line()))
    for number, (status, stays) in enumerate([("SHIPPED", "COMPLETED"), ("PENDING", "PARTIALLY_REFUNDED")]):
        assert told(shop, "ORDER_UPDATE", order("N-1", line(), orderStatus=status)) == {}
        assert detail(shop, "N-1")["orderStatus"] == stays
        assert events(shop, event="ORDER_UPDATE")[number]["reason"] == f"older than what is known: the order stays {stays}"
        told(shop, "RETURN", back("N-1"))


def test_of_two_updates_the_later_one_counts_also_where_it_came_first(shop: Sandbox) -> None:
    told(shop, "ORDER", order("N-1", line()))
    for time, email in ((20, "second@example.com"), (10, "first@example.com")):
        told(shop, "ORDER_UPDATE", {**order("N-1", line()), "email": email, "eventTime": time})
    assert detail(shop, "N-1")["email"] == "second@example.com"


def test_an_order_that_is_canceled_gives_its_units_back_once(shop: Sandbox) -> None:
    before = shelf(shop, "P-1007")
    told(shop, "ORDER", order("N-1", line(), orderStatus="PROCESSING"))
    for email in ("a@example.com", "b@example.com"):
        told(shop, "ORDER_UPDATE", {**order("N-1", line(fulfillmentLocation="S-101"), orderStatus="CANCELED"), "email": email})
    assert shelf(shop, "P-1007") == before
    assert told(shop, "RETURN", back("N-1"))["errorCode"] == "NOT_RETURNABLE"
    told(shop, "ORDER", order("N-2", line()))
    told(shop, "RETURN", back("N-2"))
    assert told(shop, "ORDER_UPDATE", order("N-2", line(), orderStatus="CANCELED"))["errors"][0]["path"] == "/orderStatus"


def test_what_comes_before_its_order_waits_for_it(shop: Sandbox) -> None:
    sale = order("N-1", line(), orderStatus="PROCESSING")
    assert told(shop, "RETURN", back("N-1")) == {}
    assert told(shop, "RETURN", back("N-1")) == {}
    assert told(shop, "ORDER_UPDATE", {**sale, "orderStatus": "COMPLETED"}) == {}
    assert state(shop) == [("RETURN", "held"), ("ORDER_UPDATE", "held")]
    told(shop, "ORDER", sale)
    assert detail(shop, "N-1")["orderStatus"] == "PARTIALLY_REFUNDED"
    assert state(shop) == [("RETURN", "applied"), ("ORDER_UPDATE", "applied"), ("ORDER", "applied")]
    assert all("settledAt" in one for one in events(shop)[:2])


def test_a_return_waits_until_the_order_was_handed_over(shop: Sandbox) -> None:
    sale = order("N-1", line(), orderStatus="PROCESSING")
    told(shop, "ORDER", sale)
    assert told(shop, "RETURN", back("N-1")) == {}
    assert "PROCESSING" in events(shop, status="held")[0]["reason"]
    told(shop, "ORDER_UPDATE", {**sale, "orderStatus": "COMPLETED"})
    assert state(shop, status="held") == []


def test_what_waited_and_is_no_good_is_refused_and_leaves_the_order(shop: Sandbox) -> None:
    told(shop, "RETURN", back("N-1", quantity=9))
    assert told(shop, "ORDER", order("N-1", line())) == {}
    assert detail(shop, "N-1")["orderStatus"] == "COMPLETED"
    assert events(shop, status="refused")[0]["errorCode"] == "RETURN_QUANTITY_EXCEEDED"


@pytest.mark.parametrize("first", ["SPI", "webhook"])
@pytest.mark.parametrize("named", [{"orderItemId": "1"}, {"productId": "P-1007"}])
def test_the_spi_and_the_event_tell_of_one_return(shop: Sandbox, first: str, named: dict[str, str]) -> None:
    told(shop, "ORDER", order("N-1", line()))
    before = shelf(shop, "P-1007")
    spi = {"orderId": "N-1", "storeId": "S-102", "returnProductList": [{**named, "quantity": 1}]}
    calls: list[Callable[[], Any]] = [
        lambda: shop("POST", "/sa/orders/return", json=spi).json(),
        lambda: told(shop, "RETURN", back("N-1", requestId="POS-1")),
    ]
    for call in (calls if first == "SPI" else calls[::-1]) * 2:
        assert "errorCode" not in call()
    assert (shelf(shop, "P-1007"), len(detail(shop, "N-1")["returnProductList"])) == (before + 1, 1)
    assert "errorCode" not in shop("POST", "/sa/orders/return", json={**spi, "requestId": "another"}).json()
    assert shelf(shop, "P-1007") == before + 2


def test_a_return_that_the_merchant_booked_is_not_booked_again(shop: Sandbox) -> None:
    told(shop, "ORDER", order("N-1", line(), line("P-1001", item="2")))
    told(shop, "RETURN", back("N-1"))
    booked = detail(shop, "N-1")["returnProductList"]
    known = [{**back("N-1")["returnProductList"][0], "returnOrderId": booked[0]["returnOrderId"]}]
    assert told(shop, "RETURN", {"orderId": "N-1", "returnProductList": known}) == {}
    assert state(shop)[-1] == ("RETURN", "kept")
    assert detail(shop, "N-1")["returnProductList"] == booked
    other = back("N-1", item="2")["returnProductList"]
    assert told(shop, "RETURN", {"orderId": "N-1", "requestId": "r", "returnProductList": other}) == {}
    assert len(detail(shop, "N-1")["returnProductList"]) == 2


@pytest.mark.parametrize("first", ["ORDER", "SALE_INVENTORY"])
def test_a_sale_moves_stock_once_whichever_event_comes_first(shop: Sandbox, first: str) -> None:
    before, sale = shelf(shop, "P-1007"), units("N-1", "P-1007", 2)
    bodies = {"ORDER": order("N-1", line()), "SALE_INVENTORY": sale}
    for name in sorted(bodies, reverse=first != "ORDER") * 2:
        assert told(shop, name, bodies[name]) == {}
        assert shelf(shop, "P-1007") == before - 2
    assert told(shop, "SALE_INVENTORY", {**sale, "requestId": "r"}) == {}
    assert shelf(shop, "P-1007") == before - 2


def test_units_that_a_cart_holds_wait_for_their_order(shop: Sandbox) -> None:
    stocked(shop, "P-1007", 2)
    validate(shop, "cart-1", cart_line("P-1007", 2, storeId="S-102"))
    assert told(shop, "SALE_INVENTORY", units("N-1", "P-1007", 2)) == {}
    assert state(shop) == [("SALE_INVENTORY", "held")]
    told(shop, "ORDER", order("N-1", line(), cartId="cart-1"))
    assert state(shop) == [("SALE_INVENTORY", "applied"), ("ORDER", "applied")]
    assert shelf(shop, "P-1007") == 0


@pytest.mark.parametrize("first", ["RETURN", "RETURN_INVENTORY"])
def test_a_return_moves_stock_once_whichever_event_comes_first(shop: Sandbox, first: str) -> None:
    told(shop, "ORDER", order("N-1", line()))
    before = shelf(shop, "P-1007")
    bodies = {"RETURN": back("N-1"), "RETURN_INVENTORY": units("N-1", "P-1007", 1)}
    for name in sorted(bodies, reverse=first != "RETURN") * 2:
        assert told(shop, name, bodies[name]) == {}
        assert shelf(shop, "P-1007") == before + 1


def test_damaged_units_do_not_come_back_to_the_shelf(shop: Sandbox) -> None:
    before = shelf(shop, "P-1007")
    body = units("N-1", "P-1007", 1)
    body["productList"].append({"gtin": "none", "quantity": 1, "disposition": "DAMAGED"})
    assert told(shop, "RETURN_INVENTORY", body) == {}
    assert shelf(shop, "P-1007") == before + 1


def test_a_voided_cart_lets_go_and_a_suspended_one_does_not(shop: Sandbox) -> None:
    validate(shop, "cart-1", cart_line("P-1007", 2, storeId="S-102"))
    parked = {"suspendCartId": "0f8fad5b-d9cb-469f-a165-70867728950e", "cartId": "cart-1"}
    assert told(shop, "SUSPEND_CART", parked) == {}
    assert asked(shop, "/records/reservations/cart-1")["record"]["status"] == "HELD"
    assert told(shop, "VOID_CART", {"cartId": "cart-1", "reasonCode": "SYS_CART_EXPIRED"}) == {}
    assert asked(shop, "/records/reservations/cart-1")["record"]["status"] == "REVERTED"
    assert told(shop, "VOID_CART", {}) == {}
    assert told(shop, "VOID_CART", {}) == {}
    assert told(shop, "SUSPEND_CART", {"cartId": 7}) == {}
    assert [(one["event"], one["status"], one.get("reason"), one["duplicates"]) for one in events(shop)] == [
        ("SUSPEND_CART", "kept", "what the cart holds stays held", 0),
        ("VOID_CART", "applied", "2 units are free again", 0),
        ("VOID_CART", "kept", "the cart holds nothing", 0),
        ("VOID_CART", "kept", "the cart holds nothing", 0),
        ("SUSPEND_CART", "kept", "the cart holds nothing", 0),
    ]


def test_eight_threads_with_the_same_order_book_it_once(shop: Sandbox) -> None:
    before = shelf(shop, "P-1007")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: told(shop, "ORDER", order("N-1", line())), range(24)))
    assert answers == [{}] * 24
    assert shelf(shop, "P-1007") == before - 2
    assert [(one["duplicates"], one["attempts"]) for one in events(shop)] == [(23, 24)]


def test_what_was_refused_or_waits_is_in_the_journal(shop: Sandbox) -> None:
    told(shop, "ORDER_UPDATE", order("N-1", line()))
    told(shop, "ORDER", order("N-2", sold("P-1007", 999)))
    told(shop, "ORDER_UPDATE", order("N-1", line()))
    codes = [[one["code"] for one in entry["findings"]] for entry in asked(shop, "/journal")["entries"]]
    assert codes == [["EVENT_HELD"], ["EVENT_REFUSED"], ["EVENT_DUPLICATE"]]
