"""What a request may look like, whatever it asks for: encodings, numbers, queries, versions, languages."""

from __future__ import annotations

import gzip
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from conftest import Sandbox, Server, serving

SEARCH = "/sa/orders/search"
LIMIT = 1_048_576


def post(sandbox: Sandbox, body: bytes, path: str = SEARCH, **headers: str) -> requests.Response:
    """These bytes with these headers and no others."""
    return sandbox("POST", path, data=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def refusal(answer: requests.Response) -> tuple[int, str, list[str]]:
    """Status, code and the places that are wrong."""
    document = answer.json()
    return answer.status_code, document["errorCode"], [one["path"] for one in document.get("errors", [])]


def found(answer: requests.Response) -> list[str]:
    """The orders of a search."""
    return [order["orderId"] for order in answer.json()["orders"]]


GOOD = b'{"orderId": "O-7001"}'


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
def test_a_gzip_body_is_unpacked(sandbox: Sandbox, encoding: str) -> None:
    assert found(post(sandbox, gzip.compress(GOOD), Content_Encoding=encoding)) == ["O-7001"]


@pytest.mark.parametrize(
    "body",
    [GOOD, gzip.compress(GOOD, mtime=0)[:-6], gzip.compress(GOOD, mtime=0)[:12], b"\x1f\x8b"],
    ids=["plain", "no checksum", "cut off", "two bytes"],
)
def test_a_broken_gzip_body_is_refused(sandbox: Sandbox, body: bytes) -> None:
    assert refusal(post(sandbox, body, Content_Encoding="gzip")) == (400, "JSON_UNREADABLE", [""])


def test_a_gzip_bomb_is_refused(sandbox: Sandbox) -> None:
    bomb = gzip.compress(b" " * (50 * LIMIT))
    assert len(bomb) < LIMIT
    assert refusal(post(sandbox, bomb, Content_Encoding="gzip"))[:2] == (413, "REQUEST_TOO_LARGE")


@pytest.mark.parametrize(("spare", "status"), [(0, 200), (1, 413)])
def test_the_largest_body_counts_once_it_is_unpacked(sandbox: Sandbox, spare: int, status: int) -> None:
    body = GOOD.ljust(LIMIT + spare)
    assert post(sandbox, gzip.compress(body), Content_Encoding="gzip").status_code == status
    assert post(sandbox, body).status_code == status


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_an_encoding_that_is_not_known_is_refused(sandbox: Sandbox, encoding: str) -> None:
    assert refusal(post(sandbox, GOOD, Content_Encoding=encoding)) == (415, "UNSUPPORTED_MEDIA_TYPE", [""])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content_Type": "application/json"},
        {"Content_Type": "Application/JSON; Charset=UTF-8"},
        {"Content_Type": "application/json;odata=verbose"},
        {"Content_Type": "application/vnd.merchant+json"},
        {"Content_Encoding": "identity"},
    ],
)
def test_json_is_read_however_it_is_declared(sandbox: Sandbox, headers: dict[str, str]) -> None:
    assert found(post(sandbox, GOOD, **headers)) == ["O-7001"]


def test_a_byte_order_mark_does_not_matter(sandbox: Sandbox) -> None:
    assert found(post(sandbox, b"\xef\xbb\xbf" + GOOD)) == ["O-7001"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"dateFrom": NaN}',
        b'{"dateFrom": -Infinity}',
        b'{"spare": 1e999}',
        b'{"spare": ' + b"9" * 5000 + b"}",
        rb'{"lastName": "\ud83d"}',
        rb'{"lastName": "\uDE00\uD83D"}',
        '{"lastName": "Müller"}'.encode("latin-1"),
        '{"lastName": "Müller"}'.encode("utf-16"),
        b'{"spare": ' + b"[" * 70 + b"]" * 70 + b"}",
        b'{"spare": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b"{'orderId': 'O-7001'}",
        b'{"orderId": "O-7001"} {}',
        b'{"orderId": "O\n7001"}',
        b"\x00",
    ],
    ids=["NaN", "-Infinity", "1e999", "5000 digits", "half a pair", "a pair turned round", "latin-1", "utf-16", "70 levels",
         "200,000 levels", "single quotes", "two documents", "a bare line feed", "a null byte"],
)  # fmt: skip
def test_what_is_not_json_is_refused_with_its_place(sandbox: Sandbox, body: bytes) -> None:
    answer = post(sandbox, body)
    assert refusal(answer) == (400, "JSON_UNREADABLE", [""])
    assert answer.json()["errors"][0]["message"]


def test_a_whole_pair_of_surrogates_is_a_character(sandbox: Sandbox) -> None:
    made = post(sandbox, rb'{"profile": {"firstName": "\ud83d\ude00"}}', "/sa/customers").json()
    assert made["profile"]["firstName"] == "😀"


def test_sixty_levels_are_fine(sandbox: Sandbox) -> None:
    assert found(post(sandbox, b'{"orderId": "O-7001", "x": ' + b"[" * 60 + b"]" * 60 + b"}")) == ["O-7001"]


@pytest.mark.parametrize("number", ["1" + "0" * 30, "-1", "0", "1.5", "true", '"1"', "[1]"])
def test_a_quantity_is_a_whole_number_within_reason(sandbox: Sandbox, number: str) -> None:
    lines = [f'{{"productId": "P-1001", "quantity": {quantity}}}' for quantity in ("1", number)]
    body = f'{{"productList": [{", ".join(lines)}]}}'
    answer = post(sandbox, body.encode(), "/sa/inventory/check")
    assert refusal(answer) == (400, "REQUEST_INVALID", ["/productList/1/quantity"])


def test_everything_that_is_wrong_is_told_at_once_by_json_pointers(sandbox: Sandbox) -> None:
    lines: list[Any] = [{"productId": "P-1001"}, {"quantity": 1}, "line", {"productId": 7, "quantity": 1, "price": -1}]
    answer = sandbox("POST", "/sa/cartValidation", json={"productList": lines, "shippingAddress": {"city": 1}})
    assert refusal(answer)[:2] == (400, "REQUEST_INVALID")
    assert set(refusal(answer)[2]) == {
        "/cartId", "/productList/0/quantity", "/productList/1", "/productList/2", "/productList/3/productId",
        "/shippingAddress/city",
    }  # fmt: skip


def test_null_members_mean_absent(sandbox: Sandbox) -> None:
    assert found(sandbox("POST", SEARCH, json={"orderId": "O-7001", "email": None, "orderStatus": None})) == ["O-7001"]
    answer = sandbox("POST", "/sa/employee/verification", json={"employeeId": None})
    assert refusal(answer) == (400, "REQUEST_INVALID", ["/employeeId"])
    changed = sandbox("PUT", "/sa/customers", json={"profile": {"customerId": "C-1001", "email": None}}).json()
    assert changed["profile"]["email"] == "zoe.martin@example.com"


def test_a_query_parameter_twice_with_one_value_is_given_once(sandbox: Sandbox) -> None:
    pairs = [("customerId", "C-1001")] * 2
    answer = requests.get(sandbox.server.url("/sa/customers"), params=[("api_key", sandbox.key), *pairs], timeout=30)
    assert answer.json()["totalCount"] == 1


def test_a_query_parameter_with_two_values_is_refused(sandbox: Sandbox) -> None:
    answer = sandbox("GET", "/sa/customers", params={"lastName": ["smith", "garcia"]})
    assert refusal(answer) == (400, "REQUEST_INVALID", ["/lastName"])


def test_an_empty_query_value_is_an_input_that_was_not_filled(sandbox: Sandbox) -> None:
    filled = sandbox("GET", "/sa/customers", params={"firstName": "zoe", "lastName": "", "pageSize": ""}).json()
    assert [one["profile"]["customerId"] for one in filled["customers"]] == ["C-1001"]
    assert filled["pageSize"] == 25
    assert sandbox("GET", "/sa/customers", params={"firstName": ""}).json()["errorCode"] == "SEARCH_CRITERIA_REQUIRED"
    assert sandbox("GET", "/sa/customers", params={"firstName": " "}).json()["errorCode"] == "SEARCH_CRITERIA_REQUIRED"
    assert refusal(sandbox("GET", "/sa/customer/address", params={"customerId": ""}))[2] == ["/customerId"]


@pytest.mark.parametrize(("name", "value"), [("pageSize", v) for v in ("101", "0", "-1", "ten", "1.0", "9" * 40)]
                         + [("pageNumber", v) for v in ("0", "-1", "two", "٢")])  # fmt: skip
def test_a_page_that_is_not_possible_is_refused(sandbox: Sandbox, name: str, value: str) -> None:
    assert refusal(sandbox("GET", "/sa/customers", params={"lastName": "smith", name: value}))[2] == [f"/{name}"]


def test_a_page_beyond_the_end_is_empty_and_knows_the_count(sandbox: Sandbox) -> None:
    page = sandbox("GET", "/sa/customers", params={"lastName": "smith", "pageNumber": 999, "pageSize": 100}).json()
    assert page == {"customers": [], "totalCount": 4, "pageNumber": 999, "pageSize": 100}


def test_a_slash_at_the_end_does_not_count(sandbox: Sandbox) -> None:
    assert sandbox("GET", "/sa/customers/C-1001/").json() == sandbox("GET", "/sa/customers/C-1001").json()
    assert found(post(sandbox, GOOD, SEARCH + "/")) == ["O-7001"]


@pytest.mark.parametrize("version", ["9.9", "2", "1", "1.0.0"])
def test_a_version_that_is_not_served_is_refused(sandbox: Sandbox, version: str) -> None:
    answer = requests.get(f"{sandbox.server.root}/spi/{version}/sa/customers/C-1?api_key={sandbox.key}", timeout=30)
    assert refusal(answer)[:2] == (400, "UNSUPPORTED_API_VERSION")
    assert version in answer.json()["errorMessage"]
    assert "1.0" in answer.json()["errorMessage"]
    (wrong,) = answer.json()["errors"]
    assert (wrong["path"], wrong["got"], "1.0" in wrong["expected"]) == ("", version, True)


def test_every_version_that_is_served_answers_the_same_sandbox(tmp_path: Path) -> None:
    with serving(tmp_path, "--api-version", "1.0", "--api-version", "2.1") as server:
        sent = {"profile": {"customerId": "C-NEW", "firstName": "Ada"}}
        requests.post(f"{server.root}/spi/1.0/sa/customers?api_key={server.key}", json=sent, timeout=30)
        answer = requests.get(f"{server.root}/spi/2.1/sa/customers/C-NEW?api_key={server.key}", timeout=30)
        assert answer.json()["profile"]["firstName"] == "Ada"
        assert refusal(requests.get(f"{server.root}/spi/3/sa?api_key={server.key}", timeout=30))[0] == 400


def test_an_unknown_path_names_the_nearest_contract(sandbox: Sandbox) -> None:
    answer = sandbox("POST", "/sa/cartValidatoin", json={})
    assert refusal(answer)[:2] == (404, "UNKNOWN_ENDPOINT")
    assert "CART_VALIDATION at POST /spi/1.0/sa/cartValidation" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("customer_id", ["Zoë Müller", "100%", "a+b", "50%25", "a?b#c", "../C-1001", "{customerId}", "日本 1"])
def test_an_id_in_the_path_is_percent_decoded_once(sandbox: Sandbox, customer_id: str) -> None:
    if "/" in customer_id:
        assert sandbox("GET", f"/sa/customers/{requests.utils.quote(customer_id, safe='')}").status_code == 404
        return
    sandbox("POST", "/sa/customers", json={"profile": {"customerId": customer_id, "firstName": "Ada"}})
    answer = sandbox("GET", f"/sa/customers/{requests.utils.quote(customer_id, safe='')}")
    assert answer.json()["profile"]["customerId"] == customer_id


TEXTS = {
    "en": "No matching customer was found.",
    "fr": "Aucun client correspondant n'a été trouvé.",
    "de": "Es wurde kein passender Kunde gefunden.",
    "es": "No se ha encontrado ningún cliente que coincida.",
}


@pytest.mark.parametrize(
    ("locale", "header", "language"),
    [
        ("", "", "en"), ("fr", "", "fr"), ("fr_CA", "", "fr"), ("FR-fr", "", "fr"), ("cb-en-us", "", "en"),
        ("cb-de-de", "", "de"),
        ("es", "fr", "es"), ("xx", "", "en"), ("xx", "de", "de"), ("", "de", "de"), ("", "de-CH, en;q=0.8", "de"),
        ("", "en;q=0.2, it;q=0.9, fr;q=0.7", "fr"), ("", "de;q=0, es;q=0.1", "es"), ("", "nl, *;q=0.1", "en"),
        ("", "de; q=0.3, es ; q=0.4", "es"), ("", "de;q=x, es", "es"), ("", ";;;,,=q", "en"),
    ],
)  # fmt: skip
def test_the_language_is_that_of_the_locale_else_of_the_header(sandbox: Sandbox, locale: str, header: str, language: str) -> None:
    answer = sandbox("GET", "/sa/customers/C-9999", params={"locale": locale}, headers={"Accept-Language": header})
    assert answer.json()["errorMessage"] == TEXTS[language]


def test_a_message_is_told_with_its_facts_and_never_evaluated(sandbox: Sandbox) -> None:
    wicked = "{employeeId.__class__}{0}%s"
    answer = sandbox("POST", "/sa/employee/verification", data=json.dumps({"employeeId": wicked}))
    assert answer.json()["errorMessage"] == f"Employee {wicked} was not found."


def test_a_body_that_ends_before_its_length_is_no_body(server: Server) -> None:
    key, url = server.minted(), urlsplit(server.url("/taxEngine/calculateTax"))
    head = f"POST {url.path}?api_key={key} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=30) as connection:
        connection.sendall(head.encode() + b'{"productList": []}')
        connection.shutdown(socket.SHUT_WR)
        reply = connection.recv(65_536)
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert b"JSON_UNREADABLE" in reply
    found = server.admin("GET", f"/sandboxes/{key}/journal").json()["entries"]
    assert [one["reply"]["status"] for one in found] == [400]
