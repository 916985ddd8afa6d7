"""The questions that tests ask of a journal: verify, with what came closest, and await."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import requests
from conftest import Server, serving
from journals import Box, new_box


@pytest.fixture(scope="module", params=["1", "2"])
def server_of(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("verify"), "--workers", request.param) as server:
        yield server


@pytest.fixture
def box(server_of: Server) -> Box:
    return new_box(server_of)


def search(box: Box, **body: Any) -> None:
    box.call("POST", "/sa/orders/search", json=body)


@pytest.mark.parametrize(
    ("count", "holds"),
    [
        (None, (False, True, True)), ({}, (False, True, True)), ({"exactly": 1}, (False, True, False)),
        ({"atLeast": 2}, (False, False, True)), ({"atMost": 1}, (True, True, False)), ({"never": True}, (True, False, False)),
        ({"atLeast": 1, "atMost": 1}, (False, True, False)), ({"exactly": 0}, (True, False, False)),
    ],
)  # fmt: skip
def test_the_count_decides(box: Box, count: dict[str, Any] | None, holds: tuple[bool, ...]) -> None:
    asked = {"contract": "GET_CUSTOMER"} | ({} if count is None else {"count": count})
    answers = []
    for _ in holds:
        answers.append(box.verify(**asked))
        box.call("GET", "/sa/customers/C-1001")
    assert tuple(one["ok"] for one in answers) == holds
    assert [one["count"] for one in answers] == [0, 1, 2]


def test_members_of_the_body_the_query_the_path_and_the_status_are_compared(box: Box) -> None:
    search(box, customerId="C-1001", tags=["OPEN"], weight=1, flag=True, gone=None)
    box.call("GET", "/sa/customers/C-1001", params={"locale": "fr"})
    box.call("GET", "/nowhere")
    good: list[dict[str, Any]] = [
        {"match": {"/customerId": "C-1001", "/tags/0": "OPEN", "/weight": 1.0, "/flag": True}},
        {"match": {"/tags": ["OPEN"]}}, {"match": {"/gone": None, "/never": None}}, {"status": 200},
    ]  # fmt: skip
    bad: list[dict[str, Any]] = [
        {"match": {"/flag": 1}}, {"match": {"/weight": "1"}}, {"match": {"/tags": []}}, {"match": {"/customerId": None}},
        {"status": 404},
    ]  # fmt: skip
    assert [box.verify(contract="SEARCH_ORDERS", **one)["ok"] for one in good] == [True] * len(good)
    assert [box.verify(contract="SEARCH_ORDERS", **one)["ok"] for one in bad] == [False] * len(bad)
    assert box.verify(contract="GET_CUSTOMER", path={"customerId": "C-1001"}, query={"locale": "fr"})["ok"]
    assert not box.verify(contract="GET_CUSTOMER", path={"customerId": "C-1"})["ok"]


@pytest.mark.parametrize("fault", ["reset", "empty", "truncate", "garbage", "timeout", "dribble"])
def test_a_reply_that_a_fault_took_away_has_no_status(box: Box, fault: str) -> None:
    then: dict[str, Any] = {"dribble": {"bytes": 50, "interval": 1}} if fault == "dribble" else {"fault": fault}
    made = box.ask(
        "POST",
        f"/sandboxes/{box.key}/rules",
        json={"rules": [{"when": {"contract": "GET_CUSTOMER"}, "then": {**then, "delay": {"fixed": 1}}}]},
    )
    assert made.status_code < 300, made.text
    with suppress(requests.RequestException):
        requests.get(box.server.url("/sa/customers/C-1001"), params={"api_key": box.key}, timeout=1 if fault == "timeout" else 30)
    lost = fault != "dribble"
    expect = [{"contract": "GET_CUSTOMER", "status": 200}]
    for answer in (box.verify(**expect[0]), box.wait(0, **expect[0])):
        assert answer["ok"] is not lost, answer
        assert not lost or answer["nearMisses"][0]["differences"] == [{"path": "status", "expected": 200, "got": fault}]
    assert box.ask("POST", f"/sandboxes/{box.key}/strict", json={"expect": expect}).json()["ok"] is not lost
    assert box.verify(contract="GET_CUSTOMER")["ok"]
    assert len(box.entries(status=200)) == 1
    assert f"#1  {fault if lost else 200}  GET_CUSTOMER" in (tail := box.cli("tail").stdout)
    assert ("delay 1 ms" in tail, fault in tail) == (True, True)


def test_a_no_says_what_came_closest_field_by_field(box: Box) -> None:
    search(box, customerId="C-2", email="b@example.com")
    search(box, customerId="C-1", email="b@example.com")
    box.call("GET", "/sa/customers/C-1")
    answer = box.verify(contract="SEARCH_ORDERS", match={"/customerId": "C-1", "/email": "a@example.com", "/storeId": "S"})
    assert (answer["ok"], answer["count"]) == (False, 0)
    closest, second, third = answer["nearMisses"]
    assert closest == {
        "number": 2,
        "contract": "SEARCH_ORDERS",
        "differences": [
            {"path": "/email", "expected": "a@example.com", "got": "b@example.com"},
            {"path": "/storeId", "expected": "S"},
        ],
    }
    assert [one["path"] for one in second["differences"]] == ["/customerId", "/email", "/storeId"]
    assert (third["number"], third["differences"][0]) == (
        3, {"path": "contract", "expected": "SEARCH_ORDERS", "got": "GET_CUSTOMER"})  # fmt: skip


def test_only_the_closest_few_are_told_and_none_where_there_was_too_much(box: Box) -> None:
    for number in range(10):
        search(box, orderId=f"O-{number}")
    near = box.verify(contract="SEARCH_ORDERS", match={"/orderId": "O-x"})["nearMisses"]
    assert [one["number"] for one in near] == [10, 9, 8]
    assert "nearMisses" not in box.verify(contract="SEARCH_ORDERS", count={"never": True})


def test_a_sequence_may_have_others_between_but_not_the_wrong_way_round(box: Box) -> None:
    box.call("GET", "/sa/customers/C-1001")
    search(box, orderId="O-1")
    box.call("GET", "/sa/orders/O-1")
    first, last = {"contract": "GET_CUSTOMER"}, {"contract": "GET_ORDER_DETAIL", "path": {"orderId": "O-1"}}
    assert box.verify(order=[first, last]) == {"ok": True, "count": 2}
    assert box.verify(contract="SEARCH_ORDERS", order=[first, last]) == {"ok": True, "count": 1}
    wrong = box.verify(order=[last, first])
    assert (wrong["ok"], wrong["missing"]) == (False, {"step": 1, "contract": "GET_CUSTOMER", "cameEarly": 1})
    assert not box.verify(order=[first, first])["ok"]


def test_an_endpoint_with_several_operations_is_meant_whole_or_by_one(box: Box) -> None:
    box.call("GET", "/taxEngine/getTaxExemptions")
    names = ["TAX_SERVICE", "TAX_SERVICE.getTaxExemptions", "TAX_SERVICE.calculateTax"]
    assert [box.verify(contract=name)["ok"] for name in names] == [True, True, False]


@pytest.mark.parametrize(
    ("question", "path", "says"),
    [
        ({"contract": "GET_CUSTMER"}, "/contract", "did you mean 'GET_CUSTOMER'?"),
        ({"order": [{"contract": "get_customer"}]}, "/order/0/contract", "did you mean 'GET_CUSTOMER'?"),
        ({"contract": "RETURN", "match": {"orderId": 1}}, "/match", "JSON pointer"),
        ({"contract": "GET_CUSTOMER", "path": {"customrId": "x"}}, "/path/customrId", "did you mean 'customerId'?"),
        ({"order": [{"contract": "GET_CUSTOMER", "path": {"id": "x"}}]}, "/order/0/path/id", "no path parameter 'id'"),
        ({"contract": "GET_CUSTOMER", "match": {"/a": 1}}, "/match", "GET_CUSTOMER has no body"),
        ({"contract": "RETURN", "match": []}, "/match", "JSON object"),
        ({"contract": "RETURN", "query": {"a": ["b"]}}, "/query", "a text is expected"),
        ({"contract": "RETURN", "count": {"exactly": 1, "never": True}}, "/count", "stand alone"),
        ({"contract": "RETURN", "count": {"never": False}}, "/count/never", "true is expected"),
        ({}, "", "contract or order is required"),
    ],
)
def test_a_question_that_means_nothing_is_refused(box: Box, question: dict[str, Any], path: str, says: str) -> None:
    refused = box.ask("POST", f"/sandboxes/{box.key}/verify", json=question)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["path"] == path
    assert says in refused.json()["errors"][0]["message"]


def test_await_answers_once_it_holds(box: Box) -> None:
    asked = {"contract": "GET_CUSTOMER", "count": {"exactly": 2}}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(box.wait, 60_000, **asked)
        box.call("GET", "/sa/customers/C-1001")
        assert not waiting.done()
        box.call("GET", "/sa/customers/C-1001")
        assert waiting.result(30) == {"ok": True, "count": 2}


def test_await_that_does_not_come_true_says_so_with_the_near_misses(box: Box) -> None:
    search(box, orderId="O-1")
    answer = box.wait(50, contract="SEARCH_ORDERS", match={"/orderId": "O-2"})
    assert (answer["ok"], answer["count"], answer["timedOut"]) == (False, 0, True)
    assert answer["nearMisses"][0]["differences"] == [{"path": "/orderId", "expected": "O-2", "got": "O-1"}]
    refused = box.ask("POST", f"/sandboxes/{box.key}/await", json={"contract": "RETURN", "timeout": 60_001})
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (400, "/timeout")


def test_the_admin_port_answers_while_as_many_wait_as_may(box: Box) -> None:
    many, codes = 120, []

    def wait() -> None:
        asked = {"contract": "RETURN", "timeout": 60_000}
        codes.append(box.ask("POST", f"/sandboxes/{box.key}/await", json=asked).status_code)

    waiting = [threading.Thread(target=wait) for _ in range(many)]
    for one in waiting:
        one.start()
    while len(codes) < many - 96:  # those beyond the bound are refused at once
        assert box.ask("GET", "/health/live").status_code == 200
    assert set(codes) == {503}
    box.call("POST", "/sa/orders/return", json={"orderId": "O-1"})
    for one in waiting:
        one.join(30)
    assert (codes.count(503), codes.count(200)) == (24, 96)
