"""Events that were received, asked: by tests, by the command line, under rules, with two workers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from bridged import BASE
from conftest import NOON, Sandbox, Server, serving
from delivering import back, deliver, events, holds, line, shelf, told, units
from selling import order
from test_orders import give_back, read
from typed import typed

from mockspi.testing import AppBox, responses_mock


@pytest.fixture
def box() -> Iterator[AppBox]:
    """A sandbox in a test's hands."""
    with responses_mock(base_url=BASE) as one:
        yield one


def use(shop: Sandbox, scenario: str) -> None:
    """Put a scenario on."""
    assert shop.server.admin("POST", f"/sandboxes/{shop.key}/scenarios", {"use": [scenario]}).status_code == 200


def test_a_test_asks_what_was_received(box: AppBox) -> None:
    for _ in range(2):
        requests.post(box.webhook_url("VOID_CART"), json={"cartId": "K", "reasonCode": "SYS_CART_EXPIRED"}, timeout=5)
    requests.post(box.webhook_url("ORDER_UPDATE"), json=order("N-1", line()), timeout=5)
    (void,) = box.events("VOID_CART")
    assert (void["status"], void["reason"], void["duplicates"]) == ("kept", "the cart holds nothing", 1)
    (waits,) = box.events(status="held", order="N-1")
    assert (waits["event"], waits["endpoint"], waits["direction"]) == ("ORDER_UPDATE", "ORDER_UPDATE", "received")
    assert waits["id"] == waits["eventId"]
    assert box.events("ORDER") == []
    assert box.verify("VOID_CART", exactly=2, match={"/cartId": "K"}) == 2
    assert box.wait_for("WEBHOOKS", exactly=3) == 3
    with pytest.raises(AssertionError, match="expected exactly 1 call of ORDER_UPDATE"):
        box.verify("ORDER_UPDATE", exactly=1, match={"/orderId": "N-2"})


def test_a_return_of_another_line_is_another_return(shop: Sandbox) -> None:
    told(shop, "ORDER", order("N-1", line(), line(item="2")))
    assert "errorCode" not in give_back(shop, "N-1", back("N-1")["returnProductList"][0])
    for item, units_back in (("2", 1), ("1", 2), ("1", 1)):
        (told_of,) = back("N-1", units_back, item)["returnProductList"]
        answer = told(shop, "RETURN", {"orderId": "N-1", "returnProductList": [told_of]})
        assert answer.get("errorCode") == ("RETURN_QUANTITY_EXCEEDED" if units_back == 2 else None)
    booked = [(one["orderItemId"], one["quantity"]) for one in read(shop, "N-1")["returnProductList"]]
    assert booked == [("1", 1), ("2", 1)]  # the last one is the first, told once more
    assert holds(shop)


def test_many_events_are_told_in_pages(shop: Sandbox) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: told(shop, "POS_VITALS", {"n": number}), range(12)))
    found = [one for page in (1, 2, 3) for one in events(shop, pageSize=5, pageNumber=page)]
    assert len({one["eventId"] for one in found}) == 12


def test_a_test_is_told_all_of_many_events(box: AppBox) -> None:
    for number in range(501):
        requests.post(box.webhook_url("POS_VITALS"), json={"n": number}, timeout=5)
    assert len(box.events("POS_VITALS")) == 501


def test_an_event_that_nobody_knows_cannot_be_asked_for(shop: Sandbox) -> None:
    answer = shop.server.admin("GET", f"/sandboxes/{shop.key}/events?event=ORDR")
    assert answer.status_code == 400
    assert "did you mean 'ORDER'" in answer.text


def test_the_command_line_tells_what_came_of_events(shop: Sandbox) -> None:
    env = {"MOCKSPI_ADMIN_URL": shop.server.admin_url, "MOCKSPI_ADMIN_TOKEN": shop.server.token}

    def asked(*words: str) -> Any:
        return typed("received", "--sandbox", shop.key, *words, env=env)

    assert asked().stdout == "nothing was received yet\n"
    for _ in range(2):
        told(shop, "ORDER", order("N-1", line()))
    done = asked()
    assert done.returncode == 0
    heading, _, row = done.stdout.splitlines()
    assert heading.split() == ["at", "event", "order", "or", "cart", "status"]
    assert row.split() == ["2027-01-15T08:00:00.000Z", "ORDER", "N-1", "applied", "came", "1", "more", "time"]
    told(shop, "ORDER", order("N-2", line(quantity=999)))
    done = asked("--status", "refused", "--event", "ORDER", "--order", "N-2", "--json")
    assert done.returncode == 1
    (refused,) = json.loads(done.stdout)
    assert refused["errorCode"] == "INSUFFICIENT_INVENTORY"
    last = asked("--status", "refused").stdout.splitlines()[-1]
    assert "  refused  INSUFFICIENT_INVENTORY; " in last
    assert f"{refused['errors'][0]['path']}: {refused['errors'][0]['message']}" in last
    told(shop, "ORDER", {"orderId": "N-3"})
    _, ruled, row = asked("--order", "N-3").stdout.splitlines()
    assert row.count(": Missing data") == 3
    assert row.endswith("; and 7 more (--json tells all)")
    assert len(ruled) < 120
    assert asked("--event", "VOID_CART").stdout == "nothing of this kind was received\n"
    assert asked("--event", "order", "--json").stdout == asked("--json").stdout != "[]\n"


def test_a_receiver_that_is_down_keeps_nothing(shop: Sandbox) -> None:
    use(shop, "webhook-receiver-down")
    answer = deliver(shop, "ORDER", order("N-1", line()))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert shop("GET", "/sa/orders/N-1").json()["errorCode"] == "ORDER_NOT_FOUND"
    assert events(shop) == []


def test_a_receiver_that_fails_first_takes_the_third(shop: Sandbox) -> None:
    use(shop, "webhook-fails-first")
    assert [deliver(shop, "ORDER", order("N-1", line())).status_code for _ in range(4)] == [500, 500, 200, 200]
    assert [(one["attempts"], one["duplicates"]) for one in events(shop)] == [(2, 1)]


def test_a_receiver_answers_an_error_in_200(shop: Sandbox) -> None:
    use(shop, "webhook-error-in-200")
    answer = deliver(shop, "RETURN", {"orderId": "N-1"})
    assert (answer.status_code, answer.json()["errorCode"]) == (200, "ERP_REJECTED")
    assert shop("GET", "/sa/customers/C-1001").status_code == 200


def test_a_receiver_that_is_slow_takes_it(shop: Sandbox) -> None:
    use(shop, "webhook-slow")
    with pytest.raises(requests.Timeout):
        requests.post(
            f"{shop.server.root}/spi/webhooks/ORDER", params={"api_key": shop.key}, json=order("N-1", line()), timeout=1
        )
    assert [one["status"] for one in events(shop)] == ["applied"]


def test_a_rule_refuses_one_event_with_its_own_code(shop: Sandbox) -> None:
    rules = [{"when": {"contract": "SALE_INVENTORY"}, "then": {"error": "INSUFFICIENT_INVENTORY"}},
             {"when": {"contract": "RETURN.webhook"}, "then": {"error": "NOT_RETURNABLE"}}]  # fmt: skip
    assert shop.server.admin("POST", f"/sandboxes/{shop.key}/rules", {"rules": rules}).status_code == 200
    assert told(shop, "SALE_INVENTORY", units("N-1", "P-1007", 1))["errorCode"] == "INSUFFICIENT_INVENTORY"
    assert told(shop, "RETURN", {"orderId": "N-1"})["errorCode"] == "NOT_RETURNABLE"
    assert shop("POST", "/sa/orders/return", json={"orderId": "N-1", "returnProductList": [{"orderItemId": "1", "quantity": 1}]}
                ).json()["errorCode"] == "ORDER_NOT_FOUND"  # fmt: skip


def test_two_workers_book_an_order_once(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as server:
        shop = Sandbox(server, server.minted(clock={"frozen": NOON}))
        before, sale = shelf(shop, "P-1007"), order("N-1", line())
        changed = {**sale, "email": "new@example.com"}
        work = [("ORDER", sale), ("ORDER_UPDATE", changed), ("SALE_INVENTORY", units("N-1", "P-1007", 2))]
        with ThreadPoolExecutor(8) as pool:
            assert set(map(str, pool.map(lambda one: told(shop, *one), work * 8))) == {"{}"}
        assert shelf(shop, "P-1007") == before - 2
        assert shop("GET", "/sa/orders/N-1").json()["email"] == "new@example.com"
        assert sorted((one["event"], one["status"], one["attempts"]) for one in events(shop)) == [
            ("ORDER", "applied", 8),
            ("ORDER_UPDATE", "applied", 8),
            ("SALE_INVENTORY", "applied", 8),
        ]
        assert holds(shop)


def test_metrics_count_events_by_name(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        deliver(Sandbox(server, server.key), "EXPORT_MONITORING_EVENTS", {}, "PUT")
        deliver(Sandbox(server, server.key), "EXPORT_MONITORING_EVENTS", {})
        assert counted(server, "EXPORT_MONITORING_EVENTS") == 2


def counted(server: Server, contract: str) -> int:
    """How many calls of a contract the metrics tell."""
    lines = [one for one in server.admin("GET", "/metrics").text.splitlines() if one.startswith("mockspi_requests_total")]
    return sum(
        int(float(one.rpartition(" ")[2])) for one in lines if f'"{contract}"' in one and one.startswith("mockspi_requests_total")
    )
