"""Rules over the admin port: what fits, what happens, in which order, how often, and what is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from conftest import Server, serving
from ruled import Ruled, mint

from mockspi.store.rules import RuleStore

OK, DOWN = 200, {"status": 503}
CART = {
    "cartId": "CART-R", "storeId": "S-102", "shippingAddress": {"countryCode": "US", "postalCode": "60622"},
    "productList": [{"orderItemId": "1", "productId": "P-1001", "quantity": 1}, {"productId": "P-1028", "quantity": 2}],
}  # fmt: skip


@pytest.fixture
def box(server: Server) -> Ruled:
    return mint(server)


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("two"), "--workers", "2") as one:
        yield one


def statuses(box: Ruled, calls: int) -> list[int]:
    return [box.get().status_code for _ in range(calls)]


def test_a_rule_answers_for_its_contract_and_no_other(box: Ruled) -> None:
    box.rule({"when": {"contract": "GET_CUSTOMER"}, "then": DOWN})
    assert box.get().status_code == 503
    assert box.call("GET", "/sa/orders/O-7001").status_code == OK
    assert box.sibling().get().status_code == OK


def test_an_endpoint_name_means_all_its_operations(box: Ruled) -> None:
    box.rule({"when": {"contract": "TAX_SERVICE"}, "then": DOWN})
    assert box.call("GET", "/taxEngine/getTaxExemptions").status_code == 503
    assert box.call("GET", "/taxEngine/downloadTaxRates").status_code == 503


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({"/cartId": "CART-R"}, True),
        ({"/cartId": "CART-X"}, False),
        ({"/productList/1/quantity": 2}, True),
        ({"/productList/1/quantity": 2.0}, True),
        ({"/productList/1/quantity": "2"}, False),
        ({"/productList/0/quantity": True}, False),
        ({"/productList/01/quantity": 2}, False),
        ({"/productList/7/quantity": 2}, False),
        ({"/productList/" + "9" * 5000: 1}, False),
        ({"/shippingAddress": {"postalCode": "60622", "countryCode": "US"}}, True),
        ({"/shippingAddress": {"postalCode": "60622"}}, False),
        ({"/customerId": None}, True),
        ({"/cartId": None}, False),
        ({"/cartId": "CART-R", "/storeId": "S-999"}, False),
    ],
)
def test_json_pointers_match_by_equality(box: Ruled, match: dict[str, Any], fits: bool) -> None:
    box.rule({"when": {"contract": "CART_VALIDATION", "match": match}, "then": DOWN})
    assert (box.call("POST", "/sa/cartValidation", json=CART).status_code == 503) is fits


def test_query_and_path_match(box: Ruled) -> None:
    box.rule(
        {"when": {"path": {"customerId": "C-1002"}}, "then": DOWN},
        {"when": {"query": {"locale": "fr", "pageSize": 2}}, "then": {"status": 500}},
    )
    assert box.get().status_code == OK
    assert box.call("GET", "/sa/customers/C-1002").status_code == 503
    assert box.call("GET", "/sa/customers", params={"lastName": "Martin", "locale": "fr", "pageSize": "2"}).status_code == 500
    assert box.call("GET", "/sa/customers", params={"lastName": "Martin", "locale": "fr"}).status_code == OK


def test_an_unreadable_body_matches_no_pointer_and_is_refused_by_the_contract(box: Ruled) -> None:
    box.rule({"when": {"match": {"/cartId": "CART-R"}}, "then": DOWN})
    assert box.call("POST", "/sa/cartValidation", data='{"cartId": "CART-R"').json()["errorCode"] == "JSON_UNREADABLE"


def test_the_first_rule_that_fits_acts(box: Ruled) -> None:
    box.rule({"when": {"contract": "GET_CUSTOMER"}, "then": {"status": 501}}, {"then": {"status": 502}})
    assert box.get().status_code == 501
    assert box.call("GET", "/sa/orders/O-7001").status_code == 502


def test_the_contracts_own_refusal_speaks_the_callers_language_and_knows_the_call(box: Ruled) -> None:
    box.rule({"when": {"contract": "UPDATE_CUSTOMER_ADDRESS"}, "then": {"error": "ADDRESS_NOT_FOUND", "extra": {"hint": 1}}})
    sent = {"customerId": "C-1001", "address": {"addressId": "A-77"}}
    reply = box.call("PUT", "/sa/customer/address", params={"locale": "fr"}, json=sent)
    assert reply.status_code == OK
    assert reply.json()["hint"] == 1
    assert "A-77" in reply.json()["errorMessage"]
    assert "no address" not in reply.json()["errorMessage"]


def test_a_refusal_carries_the_empty_list_of_its_contract(box: Ruled) -> None:
    box.rule({"then": {"error": "ORDER_NOT_FOUND"}})
    assert box.call("POST", "/sa/orders/search", json={}).json()["orders"] == []
    assert box.get().json()["profile"]["customerId"] == "C-1001"


def test_a_reply_is_not_held_to_the_contract_and_keeps_its_nulls(box: Ruled) -> None:
    box.rule({"then": {"reply": {"status": 207, "headers": {"X-Mine": "yes"}, "body": {"profile": None, "list": [None]}}}})
    reply = box.get()
    assert (reply.status_code, reply.text, reply.headers["X-Mine"]) == (207, '{"profile":null,"list":[null]}', "yes")
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"


def test_a_reply_may_be_a_text(box: Ruled) -> None:
    box.rule({"then": {"reply": {"status": 502, "body": "<h1>Bad gateway</h1>", "headers": {"Content-Type": "text/html"}}}})
    reply = box.get()
    assert (reply.status_code, reply.text, reply.headers["Content-Type"]) == (502, "<h1>Bad gateway</h1>", "text/html")


def test_a_status_may_say_when_to_try_again(box: Ruled) -> None:
    box.rule({"then": {"status": 503, "retryAfter": 7}})
    reply = box.get()
    assert (reply.headers["Retry-After"], reply.json()["errorCode"]) == ("7", "SERVICE_UNAVAILABLE")


def test_a_401_by_rule_is_empty(box: Ruled) -> None:
    box.rule({"then": {"status": 401}})
    reply = box.get()
    assert (reply.status_code, reply.content, reply.headers.get("Content-Type")) == (401, b"", None)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"first": 2}, [503, 503, OK, OK, OK, OK]),
        ({"after": 2}, [OK, OK, 503, 503, 503, 503]),
        ({"every": 3}, [OK, OK, 503, OK, OK, 503]),
    ],
)
def test_times_choose_among_the_calls_that_fit(box: Ruled, times: dict[str, int], expected: list[int]) -> None:
    box.rule({"when": {"contract": "GET_CUSTOMER", "times": times}, "then": DOWN})
    box.call("GET", "/sa/orders/O-7001")
    assert statuses(box, 6) == expected


def test_counts_are_exact_whichever_worker_answers(two_workers: Server) -> None:
    box = mint(two_workers)
    box.rule({"when": {"times": {"first": 250}}, "then": DOWN})
    with ThreadPoolExecutor(16) as pool:
        found = Counter(pool.map(lambda _: box.get().status_code, range(300)))
    assert found == {503: 250, OK: 50}


def test_no_count_is_lost_or_given_twice(tmp_path: Path) -> None:
    store = RuleStore(tmp_path / "rules.sqlite", lambda: 0)
    store.prepare()
    with ThreadPoolExecutor(8) as pool:
        hits = list(pool.map(lambda _: store.hit("box", "/0"), range(800)))
        taken = list(pool.map(lambda _: store.take("box", "/0", 1000, 5), range(800)))
    assert sorted(hits) == list(range(1, 801))
    assert sorted(taken) == [(number, 5) for number in range(1, 801)]


def test_a_quota_is_exact_whichever_worker_answers_and_its_window_is_of_the_sandboxs_clock(two_workers: Server) -> None:
    box = mint(two_workers, clock={"frozen": 1_700_000_000_000})
    box.rule({"then": {"quota": {"limit": 25, "window": 10_000}}})
    with ThreadPoolExecutor(16) as pool:
        found = Counter(pool.map(lambda _: box.get().status_code, range(80)))
    assert found == {OK: 25, 429: 55}
    refused = box.get()
    assert (refused.headers["Retry-After"], refused.json()["errorCode"]) == ("10", "TOO_MANY_REQUESTS")
    box.admin("POST", f"/sandboxes/{box.key}/clock", {"advance": 10_000})
    assert statuses(box, 26) == [OK] * 25 + [429]


def test_a_quota_that_is_not_used_up_leaves_the_call_to_the_next_rule(box: Ruled) -> None:
    box.rule({"then": {"quota": {"limit": 1, "window": 60_000}}}, {"then": {"status": 500}})
    assert statuses(box, 2) == [500, 429]


def test_chance_follows_from_the_seed(box: Ruled) -> None:
    rule = {"when": {"probability": 0.5}, "then": DOWN}
    one, same, other = (box.sibling(seed=seed) for seed in ("s", "s", "t"))
    for each in (one, same, other):
        each.rule(rule)
    first = statuses(one, 24)
    assert set(first) == {OK, 503}
    assert statuses(same, 24) == first
    assert statuses(other, 24) != first


@pytest.mark.parametrize(("probability", "expected"), [(0, OK), (1, 503)])
def test_never_and_always_are_probabilities(box: Ruled, probability: float, expected: int) -> None:
    box.rule({"when": {"probability": probability}, "then": DOWN})
    assert statuses(box, 5) == [expected] * 5


def test_a_rule_whose_time_is_over_acts_no_more(box: Ruled) -> None:
    box.rule({"when": {"ttl": 1}, "then": DOWN}, {"when": {"ttl": 600_000}, "then": {"status": 500}})
    assert box.get().status_code == 500


def test_a_delay_alone_leaves_the_answer_as_it_is(box: Ruled) -> None:
    plain = box.get().content
    box.rule({"then": {"delay": {"fixed": 300}}})
    start = perf_counter()
    assert box.get().content == plain
    assert perf_counter() - start >= 0.3


def test_a_delay_goes_with_anything(box: Ruled) -> None:
    box.rule({"then": {"status": 500, "delay": {"uniform": [200, 250]}}})
    start = perf_counter()
    assert box.get().status_code == 500
    assert perf_counter() - start >= 0.2


def test_rules_are_added_replaced_read_and_dropped(box: Ruled) -> None:
    one, other = {"then": {"status": 501}}, {"name": "other", "then": {"status": 502}}
    box.rule({"when": {"times": {"first": 1}}, "then": DOWN})
    assert statuses(box, 2) == [503, OK]
    assert box.rule(one).json()["rules"] == [{"when": {"times": {"first": 1}}, "then": DOWN}, one]
    assert box.rule(other, one, method="PUT").json() == {"rules": [other, one], "scenarios": []}
    assert box.get().status_code == 502
    assert box.admin("GET", f"/sandboxes/{box.key}/rules").json()["rules"] == [other, one]
    assert box.admin("DELETE", f"/sandboxes/{box.key}/rules").json()["rules"] == []
    assert box.get().status_code == OK


def test_replacing_begins_the_counts_anew(box: Ruled) -> None:
    rule = {"when": {"times": {"first": 1}}, "then": DOWN}
    box.rule(rule)
    assert statuses(box, 2) == [503, OK]
    box.rule(rule, method="PUT")
    assert statuses(box, 2) == [503, OK]


def test_a_reset_clears_rules_scenarios_and_counts(box: Ruled) -> None:
    box.rule({"then": DOWN})
    box.use("rate-limited")
    box.admin("POST", f"/sandboxes/{box.key}/reset", {"records": True})
    assert box.get().status_code == 503
    box.admin("POST", f"/sandboxes/{box.key}/reset", {"rules": True})
    assert box.admin("GET", f"/sandboxes/{box.key}/rules").json() == {"rules": [], "scenarios": []}
    assert box.get().status_code == OK


def test_a_sandbox_of_the_same_name_begins_without_the_rules_of_the_last(box: Ruled) -> None:
    one = box.sibling(name="again", api_key="again")
    one.rule({"then": DOWN})
    assert one.admin("DELETE", "/sandboxes/again").status_code == OK
    assert box.sibling(name="again", api_key="again").get().status_code == OK


def test_a_rule_outlives_the_server_with_the_state_folder(tmp_path: Path) -> None:
    key = ""
    for expected in (OK, 503):
        with serving(tmp_path, "--state", str(tmp_path / "state")) as server:
            fresh = mint(server)
            key = key or fresh.key
            box = Ruled(server, fresh.told, key)
            assert box.get().status_code == expected
            box.rule({"then": DOWN})


def test_rules_need_the_token_and_the_data_port_does_not_know_them(box: Ruled) -> None:
    bare = Ruled(box.server, {**box.told, "adminToken": "no"}, box.key)
    assert bare.admin("POST", f"/sandboxes/{box.key}/rules", {"rules": []}).status_code == 401
    assert box.call("POST", f"/sandboxes/{box.key}/rules", json={"rules": []}).status_code == 404


def test_the_journal_names_the_rule_that_acted(box: Ruled) -> None:
    box.rule({"name": "mine", "when": {"contract": "GET_CUSTOMER"}, "then": DOWN}, {"then": {"status": 500}})
    box.get()
    box.call("GET", "/sa/orders/O-7001")
    box.rule(method="PUT")
    box.get()
    entries = box.admin("GET", f"/sandboxes/{box.key}/journal").json()["entries"]
    assert [one.get("rule", "") for one in entries] == ["mine", "rule 2", ""]
