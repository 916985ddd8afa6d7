"""A call that is refused says why in a form that teaches, and the journal says the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Sandbox, Server, mockspi, serving
from journals import Box, new_box

LINE = {"productId": "P-1001", "quantity": 1}
CART = {"cartId": "K-1", "storeId": "S-001", "productList": [{**LINE, "quantity": "2"}]}


def line_of(example: str) -> str:
    """What stands where an error points to."""
    file, _, number = example.rpartition(":")
    return (ROOT / "fixtures" / file).read_text("utf-8").splitlines()[int(number) - 1].strip()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("teaching")) as server:
        yield server


@pytest.mark.parametrize(
    ("path", "body", "error", "points_to"),
    [
        (
            "/sa/cartValidation", {"productList": [LINE, {**LINE, "quantity": "2"}]},
            {"path": "/productList/1/quantity", "contract": "CART_VALIDATION", "expected": "a number", "got": "2"},
            '"quantity"',
        ),
        (
            "/sa/cartValidation", {"productList": [{**LINE, "fulfillmentType": "BY_MAIL"}]},
            {"path": "/productList/0/fulfillmentType", "expected": "one of IN_STORE, ONLINE", "got": "BY_MAIL"}, "",
        ),
        ("/sa/customers", {"profile": {"firstName": 5}},
         {"path": "/profile/firstName", "contract": "CREATE_CUSTOMER", "expected": "a text", "got": 5}, '"firstName"'),
        ("/sa/cartValidation", {"cartId": "K"}, {"path": "/productList", "contract": "CART_VALIDATION"}, '"productList"'),
        ("/sa/orders/search", {"pageSize": 1000}, {"path": "/pageSize", "got": 1000}, '"pageSize"'),
        ("/sa/customers", [], {"path": "", "contract": "CREATE_CUSTOMER"}, ""),
    ],
)  # fmt: skip
def test_a_refused_body_tells_what_is_expected_what_came_and_who_does_it_right(
    sandbox: Sandbox, path: str, body: Any, error: dict[str, Any], points_to: str
) -> None:
    reply = sandbox("POST", path, json=body)
    assert reply.status_code == 400
    told = next(one for one in reply.json()["errors"] if one["path"] == error["path"])
    assert told["message"]
    assert {name: told[name] for name in error} == error
    assert points_to in line_of(told["example"])
    if points_to == '"productList"':
        assert "got" not in told


def test_a_wrong_query_and_a_body_that_cannot_be_read_teach_too(sandbox: Sandbox) -> None:
    (query,) = sandbox("GET", "/sa/customers", params={"pageSize": "many"}).json()["errors"]
    assert (query["expected"], query["got"]) == ("a whole number from 1 to 100", "many")
    unread = sandbox("POST", "/sa/orders/search", data=b"{", headers={"Content-Type": "application/json"}).json()["errors"][0]
    assert (unread["contract"], unread["example"].split(":")[0]) == ("SEARCH_ORDERS", "examples/SEARCH_ORDERS.json")


def test_a_path_that_nobody_has_names_the_nearest_with_an_example(sandbox: Sandbox) -> None:
    reply = sandbox("GET", "/sa/custmers/C-1001")
    (told,) = reply.json()["errors"]
    assert reply.status_code == 404
    assert (told["contract"], told["expected"]) == ("GET_CUSTOMER", "GET /spi/1.0/sa/customers/{customerId}")
    assert told["got"] == "GET /spi/1.0/sa/custmers/C-1001"
    assert told["example"].startswith("examples/GET_CUSTOMER.json:")


def test_a_wrong_method_names_the_right_ones(sandbox: Sandbox) -> None:
    reply = sandbox("GET", "/sa/orders/search")
    (told,) = reply.json()["errors"]
    assert (reply.status_code, told["expected"], told["got"]) == (405, "OPTIONS, POST", "GET")
    assert told["contract"] == "SEARCH_ORDERS"


def test_what_is_told_holds_no_secret_and_is_not_endless(sandbox: Sandbox) -> None:
    nested = {"password": "tell-nobody"}
    reply = sandbox("POST", "/sa/customers", json={"profile": {"firstName": nested, "lastName": ["x" * 100_000]}})
    assert "tell-nobody" not in reply.text
    assert len(reply.content) < 2_000
    first = next(one for one in reply.json()["errors"] if one["path"] == "/profile/firstName")
    assert first["got"] == {"password": "***"}


def test_the_journal_says_the_same_as_the_reply_and_tail_shows_it(house: Server) -> None:
    box = new_box(house)
    errors = box.call("POST", "/sa/cartValidation", json=CART).json()["errors"]
    (entry,) = box.entries()
    assert entry["reply"]["body"]["errors"] == errors
    assert (
        box.cli("tail").stdout.strip().endswith(f"/productList/0/quantity: {errors[0]['message']} (see {errors[0]['example']})")
    )


def test_a_set_without_examples_teaches_what_it_can(tmp_path: Path) -> None:
    assert mockspi("init", str(tmp_path / "set")).returncode == 0
    shutil.rmtree(tmp_path / "set" / "examples")
    with serving(tmp_path, "--fixtures", str(tmp_path / "set")) as server:
        box = Box(server, server.key)
        (told,) = box.call("POST", "/sa/cartValidation", json=CART).json()["errors"]
    assert "example" not in told
    assert told["expected"] == "a number"


def test_the_committed_openapi_declares_all_that_is_told(sandbox: Sandbox) -> None:
    (told,) = sandbox("POST", "/sa/cartValidation", json=CART).json()["errors"]
    document = json.loads((ROOT / "openapi" / "spi.json").read_text("utf-8"))
    assert set(told) <= set(document["components"]["schemas"]["Where"]["properties"])
