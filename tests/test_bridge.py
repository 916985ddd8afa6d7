"""A sandbox without a server: the bridge for ``requests``, and the application for other clients."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import responses
from conftest import ROOT, Server, clean_environment

from mockspi.adminclient import Refused
from mockspi.errors import UsageError
from mockspi.testing import AppBox, app, responses_mock

BASE = "https://pos-merchant.example/spi/1.0"


@pytest.fixture
def box() -> Iterator[AppBox]:
    with responses_mock(base_url=BASE) as one:
        yield one


def got(box: AppBox, **options: Any) -> requests.Response:
    return requests.get(box.url("GET_CUSTOMER", customerId="C-1001"), **{"timeout": 5, **options})


# --- the calls


def test_replies_are_those_of_a_server(server: Server) -> None:
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/sa/customers/C-1001", {}),
        ("HEAD", "/sa/customers/C-1001", {}),
        ("OPTIONS", "/sa/customers/C-1001", {}),
        ("PATCH", "/sa/customers/C-1001", {}),
        ("GET", "/sa/customers?lastName=m%C3%BCller&pageSize=2", {}),
        ("GET", "/sa/customers/C%2F1", {}),
        ("GET", "/sa/nothing", {}),
        ("POST", "/sa/orders/search", {"json": {"customerId": "C-1001"}}),
        ("POST", "/sa/orders/search", {"data": b"\xff\xfe"}),
        ("POST", "/sa/orders/search", {"data": "a=1"}),
        ("POST", "/sa/orders/search", {"json": {"orderStatus": "nonsense"}}),
    ]
    language = {"Accept-Language": "de"}
    real = [server.call(method, path, headers=language, **options) for method, path, options in calls]
    with responses_mock(base_url=BASE) as box:
        bridged = [
            requests.request(method, BASE + path, params=box.params, headers=language, timeout=5, **options)
            for method, path, options in calls
        ]
    for call, one, other in zip(calls, bridged, real, strict=True):
        assert (one.status_code, one.content) == (other.status_code, other.content), call
        for name in ("Content-Type", "Content-Length", "Allow"):
            assert one.headers.get(name) == other.headers.get(name), (call, name)


def test_a_wrong_key_is_a_401_without_a_body(box: AppBox) -> None:
    reply = requests.get(f"{BASE}/sa/customers/C-1001", params={"api_key": "wrong"}, timeout=5)
    assert (reply.status_code, reply.content) == (401, b"")


@pytest.mark.parametrize(
    "base", ["https://pos-merchant.example", "http://merchant.example:8443/own/api/v2/", "https://Merchant.example/spi/1.0"]
)
def test_the_base_url_may_be_any(base: str) -> None:
    with responses_mock(base_url=base, api_key="key-of-the-configuration") as box:
        assert box.api_key == "key-of-the-configuration"
        url = f"{base.rstrip('/')}/sa/customers/C-1001?api_key=key-of-the-configuration"
        assert requests.get(url, timeout=5).json()["profile"]["customerId"] == "C-1001"
        box.verify("GET_CUSTOMER", path={"customerId": "C-1001"}, exactly=1)


def test_the_vendors_sample_paths_are_answered_too(box: AppBox) -> None:
    url = "https://pos-merchant.example/merchant/spi/sample/endpoint/sa/customers/C-1001"
    assert requests.get(url, params=box.params, timeout=5).status_code == 200


def test_a_session_with_a_body_from_a_file_is_answered(box: AppBox, tmp_path: Any) -> None:
    (tmp_path / "search.json").write_text('{"customerId": "C-1001"}')
    with requests.Session() as session, (tmp_path / "search.json").open("rb") as file:
        headers = {"Content-Type": "application/json"}
        reply = session.post(f"{BASE}/sa/orders/search", params=box.params, data=file, headers=headers, timeout=5)
    assert reply.json()["orders"]


def test_other_hosts_are_refused_unless_they_pass(box: AppBox, server: Server) -> None:
    with pytest.raises(requests.ConnectionError, match="Connection refused by Responses"):
        requests.get("https://elsewhere.example/", timeout=5)
    with responses_mock(passthrough=[server.root]):
        assert server.call("GET", "/sa/customers/C-1001").status_code == 200


def test_a_mock_of_ones_own_keeps_its_answers() -> None:
    with responses.RequestsMock() as mock:
        mock.get("https://elsewhere.example/rates", json={"usd": 1})
        with responses_mock(mock=mock) as box:
            assert got(box).status_code == 200
        assert requests.get("https://elsewhere.example/rates", timeout=5).json() == {"usd": 1}
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{BASE}/sa/customers/C-1001", timeout=5)


def test_when_the_block_ends_nothing_is_mocked_and_the_sandbox_is_gone(server: Server) -> None:
    with responses_mock() as box:
        assert box.records("customers").get("C-1001")
    assert server.call("GET", "/sa/customers/C-1001").status_code == 200
    with pytest.raises(Refused, match="No sandbox"):
        box.records("customers").get("C-1001")


# --- what is wrong on purpose


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("reset", requests.exceptions.ConnectionError, "Connection reset by peer"),
        ("empty", requests.exceptions.ConnectionError, "Remote end closed connection without response"),
        ("truncate", requests.exceptions.ChunkedEncodingError, "IncompleteRead"),
        ("timeout", requests.exceptions.ReadTimeout, "read timeout=5"),
    ],
)
def test_a_fault_is_the_exception_that_a_socket_would_have_made(fault: str, kind: Any, words: str, box: AppBox) -> None:
    box.rule("GET_CUSTOMER", fault=fault, times={"first": 1})
    with pytest.raises(kind, match=words):
        got(box)
    assert got(box).status_code == 200


def test_garbage_is_no_json(box: AppBox) -> None:
    box.rule("GET_CUSTOMER", fault="garbage")
    reply = got(box)
    assert reply.status_code == 200
    assert len(reply.content) == int(reply.headers["Content-Length"])
    with pytest.raises(requests.exceptions.JSONDecodeError):
        reply.json()


def test_a_call_without_a_timeout_does_not_hang_the_test_and_is_told_that_it_would(box: AppBox) -> None:
    box.rule(fault="timeout")
    with pytest.raises(requests.exceptions.ReadTimeout, match="no timeout: against a real server it would hang for ever"):
        got(box, timeout=None)


@pytest.mark.parametrize("timeout", [0.2, (5, 0.2), pytest.param(None, id="none")])
def test_a_delay_is_waited_for_unless_the_client_gives_up(timeout: Any, box: AppBox) -> None:
    box.rule("GET_CUSTOMER", delay=300)
    if timeout is None:
        begun = time.monotonic()
        assert got(box, timeout=timeout).status_code == 200
        assert time.monotonic() - begun >= 0.3
    else:
        with pytest.raises(requests.exceptions.ReadTimeout):
            got(box, timeout=timeout)


def test_a_dribbled_reply_is_whole_unless_the_client_gives_up(box: AppBox) -> None:
    box.rule("GET_CUSTOMER", dribble={"bytes": 1024, "interval": 20})
    assert got(box).json()["profile"]["customerId"] == "C-1001"
    with pytest.raises(requests.exceptions.ConnectionError, match=r"read timeout=0\.01"):
        got(box, timeout=0.01)


# --- what a sandbox can be asked


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


# --- the application


def test_the_application_answers_flasks_client_and_any_other() -> None:
    with app() as box:
        found = box.client.get(box.url("GET_CUSTOMER", customerId="C-1001"))
        assert found.json["profile"]["customerId"] == "C-1001"
        status: list[str] = []
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/spi/1.0/sa/custmers", "QUERY_STRING": f"api_key={box.api_key}",
                   "wsgi.url_scheme": "http", "SERVER_NAME": "mockspi.test", "SERVER_PORT": "80"}  # fmt: skip
        list(box.wsgi(environ, lambda line, headers, _=None: status.append(line)))  # type: ignore[arg-type,return-value]  # enough
        assert status == ["404 NOT FOUND"]
        box.verify("GET_CUSTOMER", exactly=1)


def test_without_the_extra_one_is_told_what_to_install() -> None:
    code = "import sys; sys.modules['responses'] = None\nimport mockspi.testing\nmockspi.testing.responses_mock"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert "ImportError: responses_mock needs requests and responses: pip install 'mockspi[testing]'" in done.stderr
