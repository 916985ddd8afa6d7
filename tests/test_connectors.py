"""A connectors file: endpoints on the merchant's own URLs, and one sentence for each thing that is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import Server, mockspi, serving

TAX_BODY = {
    "cartId": "K-1", "storeId": "S-102", "currency": "USD",
    "destinationAddress": {"city": "Chicago", "state": "IL", "postalCode": "60622", "countryCode": "US"},
    "productList": [{"orderItemId": "1", "productId": "P-1001", "quantity": 1, "price": 24}],
}  # fmt: skip


def spi(name: str, url: str, **more: Any) -> dict[str, Any]:
    """One connector as the CMS writes it."""
    return {"connectorType": "SPI", "endpointName": name, "apiEndpoint": url, **more}


CONNECTORS = [
    spi("GET_CUSTOMER", "https://mock.example/retail/people/{customerId}", integrationType="HTTP_GET"),
    spi("CREATE_CUSTOMER", "/retail/people", integrationType="HTTP_POST", jsonHeaders={"X-Team": "pos"}),
    spi("SEARCH_CUSTOMERS", "/retail/people?locale=fr_FR&api_key=one-of-the-cms"),
    spi("SEARCH_ORDER", "/retail/find-orders/"),
    spi("TAX_SERVICE", "https://mock.example/retail/tax"),
    spi("INVENTORY_SERVICE", "/retail/reservations"),
    spi("CUSTOMER_INTERACTION_HISTORY", "/retail/history"),
    spi("GET_ORDER_LIST", "/retail/shared?kind=orders"),
    spi("CUSTOMER_INTERACTION_HISTORY", "/retail/shared?kind=history"),
    spi("GET_ORDER_DETAIL", "/retail/b%C3%BCcher/{orderId}"),
    {"connectorType": "Webhook", "endpointName": "LOSSES", "apiEndpoint": "https://hooks.example/", "events": ["VOID_CART"]},
]


def write(folder: Path, document: Any) -> str:
    """A connectors file; its name."""
    (folder / "connectors.json").write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return "connectors.json"


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that wears these connectors."""
    folder = tmp_path_factory.mktemp("connectors")
    with serving(folder, "--connectors", write(folder, {"connectors": CONNECTORS})) as server:
        yield server


def call(server: Server, method: str, path: str, **options: Any) -> requests.Response:
    """A call to a path from the root, with the key beside what the path's own query says."""
    sign = "&" if "?" in path else "?"
    return requests.request(method, f"{server.root}{path}{sign}api_key={server.key}", timeout=30, **options)


def test_a_url_or_a_path_puts_an_endpoint_there(placed: Server) -> None:
    assert call(placed, "GET", "/retail/people/C-1001").json()["profile"]["customerId"] == "C-1001"
    made = call(placed, "POST", "/retail/people", json={"profile": {"firstName": "Con", "lastName": "Nector"}}).json()
    assert call(placed, "GET", f"/retail/people/{made['profile']['customerId']}").json() == made
    assert call(placed, "GET", "/retail/bücher/O-7001").json()["orderId"] == "O-7001"


def test_its_own_path_still_works_and_the_key_is_still_asked_for(placed: Server) -> None:
    assert placed.call("GET", "/sa/customers/C-1001").json() == call(placed, "GET", "/retail/people/C-1001").json()
    assert requests.get(f"{placed.root}/retail/people/C-1001", timeout=30).status_code == 401


def test_a_static_query_may_go_with_the_url(placed: Server) -> None:
    found = call(placed, "GET", "/retail/people?locale=fr_FR&lastName=martin").json()
    assert found["totalCount"] > 0
    refusals = {
        locale: call(placed, "GET", f"/retail/people?locale={locale}&lastName=nobody").json()["errorMessage"]
        for locale in ("fr_FR", "en_US")
    }
    assert len(set(refusals.values())) == 2, "the locale of the connector is heard"


def test_the_other_name_of_the_order_search_is_understood(placed: Server) -> None:
    found = call(placed, "POST", "/retail/find-orders", json={"orderId": "O-7001"})
    assert found.status_code == 200
    assert [order["orderId"] for order in found.json()["orders"]] == ["O-7001"]


def test_the_operations_of_the_tax_service_are_appended_to_its_base(placed: Server) -> None:
    taxed = call(placed, "POST", "/retail/tax/calculateTax", json=TAX_BODY).json()
    assert taxed["productList"][0]["tax"] > 0
    assert "US-IL" in call(placed, "GET", "/retail/tax/downloadTaxRates?countryCode=US").text
    assert "exemptionCode" in call(placed, "GET", "/retail/tax/getTaxExemptions").text
    assert call(placed, "POST", "/retail/tax/finalizeTaxSubmission", json={}).status_code == 400
    assert call(placed, "POST", "/retail/tax", json=TAX_BODY).status_code == 404


def test_revert_is_appended_to_the_base_of_the_inventory_service(placed: Server) -> None:
    answer = call(placed, "POST", "/retail/reservations/revert", json={"cartId": "never-seen"})
    assert answer.json()["errorCode"] == "RESERVATION_NOT_FOUND"
    assert call(placed, "POST", "/retail/reservations", json={"cartId": "never-seen"}).status_code == 404


def test_an_id_that_the_url_does_not_place_is_appended(placed: Server) -> None:
    assert call(placed, "GET", "/retail/history/C-1001").json()["customerId"] == "C-1001"


def test_a_static_query_tells_two_endpoints_on_one_path_apart(placed: Server) -> None:
    assert "orderList" in call(placed, "GET", "/retail/shared/C-1001?kind=orders").json()
    assert "interactions" in call(placed, "GET", "/retail/shared/C-1001?kind=history").json()


def test_a_webhook_connector_is_no_path(placed: Server) -> None:
    assert call(placed, "POST", "/", json={}).status_code == 404


def test_the_table_of_contracts_shows_where_a_connector_puts_them(tmp_path: Path) -> None:
    name = write(tmp_path, {"connectors": CONNECTORS})
    done = mockspi("contracts", "--json", "--connectors", name, cwd=tmp_path)
    paths = {one["id"]: one["paths"] for one in json.loads(done.stdout)}
    assert "GET /retail/people/{customerId}" in paths["GET_CUSTOMER"]
    assert "POST /retail/tax/calculateTax" in paths["TAX_SERVICE.calculateTax"]
    assert "POST /retail/reservations/revert" in paths["INVENTORY_SERVICE"]


def test_a_url_that_has_the_operation_already_does_not_get_it_twice(tmp_path: Path) -> None:
    name = write(tmp_path, {"connectors": [spi("INVENTORY_SERVICE", "/stock/revert")]})
    done = mockspi("contracts", "--json", "--connectors", name, cwd=tmp_path)
    paths = {one["id"]: one["paths"] for one in json.loads(done.stdout)}
    assert "POST /stock/revert" in paths["INVENTORY_SERVICE"]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"connectors": [spi("GET_CUSTMER", "/x")]},
            "/connectors/0/endpointName: no SPI is called 'GET_CUSTMER'; did you mean 'GET_CUSTOMER'?",
        ),
        (
            {"connectors": [CONNECTORS[0], spi("get_customer", "/x")]},
            "/connectors/1/endpointName: no SPI is called 'get_customer'; did you",
        ),
        ({"connectors": [spi("ZZZ", "/x")]}, "/connectors/0/endpointName: no SPI is called 'ZZZ'"),
        (
            {"connectors": [spi("GET_CUSTOMER", "/x", integrationType="HTTP_POST")]},
            "/connectors/0/integrationType: GET_CUSTOMER is HTTP_GET, not HTTP_POST",
        ),
        (
            {"connectors": [spi("TAX_SERVICE", "/x", integrationType="HTTP_PUT")]},
            "/connectors/0/integrationType: TAX_SERVICE is HTTP_POST or HTTP_GET, not HTTP_PUT",
        ),
        (
            {"connectors": [spi("GET_CUSTOMER", "/x", integrationType="GET")]},
            "/connectors/0/integrationType: Must be one of: HTTP_GET",
        ),
        (
            {"connectors": [spi("GET_CUSTOMER", "customers")]},
            "/connectors/0/apiEndpoint: a URL or a path that begins with / is expected",
        ),
        ({"connectors": [spi("GET_CUSTOMER", "http://[::1/x")]}, "/connectors/0/apiEndpoint: 'http://[::1/x' is no URL"),
        (
            {"connectors": [spi("GET_CUSTOMER", "/x/{customerID}")]},
            "/connectors/0/apiEndpoint: GET_CUSTOMER has no {customerID}; did you mean",
        ),
        (
            {"connectors": [spi("GET_CUSTOMER", "/x", jsonHeader={})]},
            "/connectors/0/jsonHeader: unknown field 'jsonHeader'; did you mean 'jsonHeaders'?",
        ),
        ({"connectors": [{"connectorType": "SPI"}]}, "/connectors/0/endpointName: Missing data for required field"),
        (
            {"connectors": [spi("GET_CUSTOMER", "/x", connectorType="spi")]},
            "/connectors/0/connectorType: Must be one of: SPI, Webhook",
        ),
        ({"connectors": {}}, "/connectors: Not a valid list"),
        ({"conectors": []}, "/connectors: Missing data for required field"),
        ([], "/: a JSON object is expected"),
        ("{", ":1:2: /: not JSON: "),
        ("[" * 99_999, ":1:1: /: not JSON: "),
    ],
    ids=lambda one: one[:40] if isinstance(one, str) else "",
)
def test_what_is_wrong_with_a_connectors_file_is_one_sentence(document: Any, expected: str, tmp_path: Path) -> None:
    name = write(tmp_path, document)
    for command in (("serve", "--port", "0", "--state", "memory"), ("contracts",)):
        done = mockspi(*command, "--connectors", name, cwd=tmp_path)
        (sentence,) = [line for line in done.stderr.splitlines() if line != "mockspi: reading the fixture set ..."]
        assert (done.returncode, done.stdout) == (2, "")
        assert expected in sentence
        assert "connectors.json" in sentence


def test_a_connectors_file_that_is_not_utf_8_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "connectors.json").write_bytes(b'{"connectors": "\xff"}')
    done = mockspi("serve", "--connectors", "connectors.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "connectors.json is not JSON" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
