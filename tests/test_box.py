"""What a sandbox can be asked and told in a test: verify, wait, clock, journal, strict, addresses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from bridged import BASE, got

from mockspi.adminclient import Refused
from mockspi.errors import UsageError
from mockspi.testing import AppBox, responses_mock


@pytest.fixture
def box() -> Iterator[AppBox]:
    with responses_mock(base_url=BASE) as one:
        yield one


def told(box: AppBox, **question: Any) -> list[str]:
    with pytest.raises(AssertionError) as error:
        box.verify(**question)
    return str(error.value).splitlines()


def test_a_wrong_count_says_how_often_it_came(box: AppBox) -> None:
    got(box)
    got(box)
    assert box.verify("GET_CUSTOMER") == box.verify("GET_CUSTOMER", at_least=1, at_most=2) == 2
    assert told(box, contract="GET_CUSTOMER", exactly=1) == ["expected exactly 1 call of GET_CUSTOMER; there were 2"]
    assert told(box, contract="GET_CUSTOMER", never=True) == ["expected no call of GET_CUSTOMER; there were 2"]
    assert told(box, contract="GET_CUSTOMER", at_most=1) == ["expected at most 1 call of GET_CUSTOMER; there were 2"]
    assert told(box, contract="GET_CUSTOMER", at_least=3)[:3] == ["expected at least 3 calls of GET_CUSTOMER; there were 2"]


def test_a_missing_call_shows_what_came_closest_field_by_field(box: AppBox) -> None:
    body = {"customerId": "C-1001", "orderStatus": ["COMPLETED"]}
    requests.post(f"{BASE}/sa/orders/search", params={**box.params, "locale": "fr"}, json=body, timeout=5)
    wanted = {"match": {"/customerId": "C-1002", "/pageSize": 5}, "query": {"locale": "de"}, "status": 200}
    assert told(box, contract="SEARCH_ORDERS", **wanted) == [
        'expected a call of SEARCH_ORDERS with locale = "de", /customerId = "C-1002", /pageSize = 5, status 200; there was none',
        "what came closest:",
        "  #1 SEARCH_ORDERS",
        '      query/locale: expected "de", got "fr"',
        '      /customerId: expected "C-1002", got "C-1001"',
        "      /pageSize: expected 5, got nothing",
    ]


def test_a_wrong_order_says_which_step_did_not_come(box: AppBox) -> None:
    requests.get(box.url("TAX_SERVICE.downloadTaxRates"), timeout=5)
    got(box)
    assert box.verify(order=["TAX_SERVICE", "GET_CUSTOMER"]) == 2
    lines = told(box, order=["GET_CUSTOMER", "TAX_SERVICE.downloadTaxRates"])
    assert lines[:2] == [
        "expected in this order: GET_CUSTOMER, then TAX_SERVICE.downloadTaxRates",
        "step 2 of 2 did not come: TAX_SERVICE.downloadTaxRates; #1 came before its turn",
    ]


def test_where_nothing_came_it_says_so(box: AppBox) -> None:
    assert told(box, contract="GET_CUSTOMER") == ["expected a call of GET_CUSTOMER; there was none", "no call has come at all"]


def test_where_nothing_came_calls_with_a_wrong_key_are_told(box: AppBox) -> None:
    requests.get(f"{BASE}/sa/customers/C-1001", params={"api_key": "wrong"}, timeout=5)
    assert "came with an api_key that opens no sandbox (mockspi journal tail --refused)" in told(box, contract="GET_CUSTOMER")[-1]


def test_waiting_ends_when_the_call_comes_and_when_time_is_over(box: AppBox) -> None:
    caller = threading.Timer(0.2, got, [box])
    caller.start()
    assert box.wait_for("GET_CUSTOMER", timeout=30) == 1
    caller.join()
    with pytest.raises(AssertionError, match=r"a call of SEARCH_ORDERS within 0\.1 s; there was none"):
        box.wait_for("SEARCH_ORDERS", timeout=0.1)


def test_the_clock_stands_moves_and_tells_what_fell_due(box: AppBox) -> None:
    box.clock.freeze(datetime(2027, 3, 1, 9, 30))
    assert box.clock.now == datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
    cart = {"cartId": "CART-1", "storeId": "S-102", "productList": [{"productId": "P-1001", "quantity": 1}]}
    assert requests.post(box.url("CART_VALIDATION"), json=cart, timeout=5).json()["valid"]
    assert not [one for one in box.clock.advance(60) if one["kind"] == "RESERVATION_EXPIRED"]
    (fired,) = [one for one in box.clock.advance(timedelta(minutes=15)) if one["kind"] == "RESERVATION_EXPIRED"]
    assert fired["id"] == "CART-1"
    box.clock.real()
    assert abs(box.clock.now - datetime.now(UTC)) < timedelta(minutes=1)
    box.clock.shift(timedelta(days=-30))
    assert box.clock.now < datetime.now(UTC) - timedelta(days=29)
    box.clock.scale(0)
    assert box.clock.now == box.clock.now
    box.clock.freeze(1_803_893_400_000)
    assert box.clock.now == datetime(2027, 3, 1, 9, 30, tzinfo=UTC)


def test_the_journal_is_a_list_a_table_and_a_command_line(box: AppBox) -> None:
    assert (str(box.journal), box.curl()) == ("no call has come", "")
    got(box, params={"locale": "fr"})
    requests.post(f"{BASE}/sa/orders/search", params=box.params, data=b"it's no JSON", timeout=5)
    assert [one["contract"] for one in box.journal] == ["GET_CUSTOMER", "SEARCH_ORDERS"]
    assert len(box.journal) == 2
    assert [one["number"] for one in box.journal.entries(status=400)] == [2]
    heading, first, second = str(box.journal).splitlines()
    assert heading.split() == ["#", "status", "contract", "call", "ms"]
    assert first.split()[:5] == ["1", "200", "GET_CUSTOMER", "GET", "/spi/1.0/sa/customers/C-1001?locale=fr"]
    assert second.endswith("JSON_UNREADABLE")
    assert box.api_key not in str(box.journal) + box.curl()
    assert "-d 'it'\"'\"'s no JSON' \"http://127.0.0.1:8080/spi/1.0/sa/orders/search?api_key=$MOCKSPI_API_KEY\"" in box.curl()
    box.journal.clear()
    assert len(box.journal) == 0


def strictly(*, then_fail: bool = False) -> None:
    with responses_mock() as box:
        box.strict()
        got(box)
        box.rule("SEARCH_ORDERS", status=404, times={"first": 1})
        requests.post(box.url("SEARCH_ORDERS"), json={"customerId": "C-1001"}, timeout=5)
        requests.get(f"{BASE}/sa/custmers", params=box.params, timeout=5)
        requests.delete(box.url("GET_CUSTOMER", customerId="C-1001"), timeout=5)
        requests.post(box.url("SEARCH_ORDERS"), json={"pageSize": "many"}, timeout=5)
        assert not then_fail, "something else"


def test_strict_tells_every_call_that_no_contract_covers() -> None:
    with pytest.raises(AssertionError) as error:
        strictly()
    told = str(error.value)
    assert told.splitlines()[:2] == [
        "strict: 3 calls that no contract covers",
        "  #3 GET /spi/1.0/sa/custmers -> 404, no contract: UNKNOWN_ENDPOINT",
    ]
    assert "  #4 DELETE /spi/1.0/sa/customers/C-1001 -> 405, no contract: METHOD_NOT_ALLOWED" in told
    assert "  #5 POST /spi/1.0/sa/orders/search -> 400, the contract refused it: REQUEST_INVALID\n      /pageSize: " in told


def test_strict_does_not_hide_what_went_wrong_before() -> None:
    with pytest.raises(AssertionError, match="something else"):
        strictly(then_fail=True)


def test_an_instant_and_a_base_url_that_cannot_be_say_what_is_expected(box: AppBox) -> None:
    with pytest.raises(UsageError, match="'banana' is no instant: such as 2027-"):
        box.clock.freeze("banana")
    with pytest.raises(UsageError, match=r"base_url is 'x\.example': an address such as https://"), responses_mock("x.example"):
        pass


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("GET_CUSTMER", {}, "no endpoint is called 'GET_CUSTMER'; did you mean 'GET_CUSTOMER'"),
        ("TAX_SERVICE", {}, "say which: TAX_SERVICE.calculateTax, "),
        ("GET_CUSTOMER", {}, "give customerId"),
        ("GET_CUSTOMER", {"customerId": "C-1", "customerid": "C-1"}, "no parameter 'customerid'; did you mean 'customerId'"),
    ],
)
def test_an_address_that_cannot_be_says_why(name: str, values: dict[str, str], words: str, box: AppBox) -> None:
    with pytest.raises(UsageError, match=words.replace("?", "[?]")):
        box.url(name, **values)


def test_an_address_takes_any_value(box: AppBox) -> None:
    url = box.url("GET_CUSTOMER", customerId="Ä/? &")
    assert requests.get(url, timeout=5).status_code in (200, 404)
    assert url.startswith(f"{BASE}/sa/customers/%C3%84%2F%3F%20%26?api_key=")


def test_a_sandbox_is_what_it_is_asked_to_be() -> None:
    with responses_mock(seed="7", clock={"frozen": 1_803_893_400_000}, scenario="flaky-first-call") as box:
        assert [got(box).status_code for _ in range(2)] == [503, 200]
        assert box.clock.now == datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
    with pytest.raises(Refused, match="scenario"), responses_mock(scenario="no-such"):
        pass
