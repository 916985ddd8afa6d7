"""The journal: every exchange, at once, from any worker; secrets masked; bounded; read in every format."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from conftest import Server, serving
from journals import Box, new_box

VERSIONS = ("--api-version", "1.0", "--api-version", "1.1")


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("journal"), "--workers", "2", *VERSIONS) as server:
        yield server


@pytest.fixture
def box(two_workers: Server) -> Box:
    return new_box(two_workers)


def test_an_entry_tells_the_whole_exchange(box: Box) -> None:
    sent = {"productId": "P-1001", "unknown": None}
    reply = box.call("POST", "/product/getInventoryOverview", json=sent, params={"locale": "fr"}, headers={"X-Register": "7"})
    (entry,) = box.entries()
    assert (entry["number"], entry["contract"], entry["method"]) == (1, "GET_PRODUCT_INVENTORY_OVERVIEW", "POST")
    assert entry["path"] == "/spi/1.0/product/getInventoryOverview"
    assert (entry["query"], entry["body"], entry["headers"]["x-register"]) == ({"api_key": "***", "locale": "fr"}, sent, "7")
    assert entry["reply"]["status"] == 200
    assert entry["reply"]["body"] == reply.json()
    assert entry["reply"]["headers"]["Content-Type"] == reply.headers["Content-Type"]
    assert entry["milliseconds"] > 0
    assert (entry["rule"], entry["findings"]) == ("", [])


def test_whoever_has_a_reply_sees_its_entry_whichever_worker_answered(box: Box) -> None:
    def call_and_look(number: int) -> bool:
        path = f"/sa/customers/C-{number}"
        box.call("GET", path)
        return len(box.entries(path=f"/spi/1.0{path}")) == 1

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(call_and_look, range(100)))
    found = box.journal(pageSize=500)
    assert [one["number"] for one in found["entries"]] == list(range(1, 101))
    assert (found["totalCount"], found["lastNumber"], found["dropped"]) == (100, 100, 0)


def test_unknown_paths_refused_requests_and_wrong_methods_are_kept(box: Box) -> None:
    box.call("GET", "/nowhere")
    box.call("PATCH", "/sa/customers")
    box.call("POST", "/sa/orders/search", data=b"{", headers={"Content-Type": "application/json"})
    box.call("HEAD", "/sa/customers/C-1001")
    found = box.entries()
    assert [(one["contract"], one["reply"]["status"]) for one in found] == [
        ("", 404), ("", 405), ("SEARCH_ORDERS", 400), ("GET_CUSTOMER", 200)]  # fmt: skip
    assert found[2]["body"] == "{"
    assert "body" not in found[3]["reply"]
    assert [one["number"] for one in box.entries(contract="none")] == [1, 2]


def test_calls_that_open_no_sandbox_have_a_journal_of_their_own(box: Box) -> None:
    box.ask("DELETE", "/journal")
    box.server.call("GET", "/sa/customers/C-1001", key="wrong-one")
    requests.get(box.server.base + "/sa/customers&api_key=" + box.key, timeout=10)
    found = box.ask("GET", "/journal").json()["entries"]
    assert [(one["sandbox"], one["reply"]["status"]) for one in found] == [("", 401), ("", 401)]
    assert "wrong-one" not in json.dumps(found)
    assert box.key not in json.dumps(found)
    assert box.entries() == []
    assert "401" in box.cli("tail", "--refused").stdout


def test_what_the_launcher_asks_is_nobodys_call(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert Box(server, server.key).ask("GET", "/journal").json()["entries"] == []


@pytest.mark.parametrize("name", ["api_key", "apikey", "API-KEY", "client_secret", "Password", "token", "refreshToken", "PIN"])
def test_secrets_in_the_query_are_masked(box: Box, name: str) -> None:
    box.call("GET", "/sa/customers/C-1001", params={name: "tell-nobody"})
    assert "tell-nobody" not in json.dumps(box.entries())


@pytest.mark.parametrize(
    "name", ["Authorization", "Cookie", "X-Client-Secret", "X-Password", "X-Api-Key", "Proxy-Authorization", "X-Auth-Token"]
)
def test_secrets_in_headers_are_masked(box: Box, name: str) -> None:
    box.call("GET", "/sa/customers/C-1001", headers={name: "tell-nobody", "Referer": f"http://x/?a=1&api_key={box.key}&b=2"})
    (entry,) = box.entries()
    assert "tell-nobody" not in json.dumps(entry)
    assert entry["headers"]["referer"] == "http://x/?a=1&api_key=***&b=2"


def test_secrets_in_a_body_are_masked_even_where_it_is_cut(tmp_path: Path) -> None:
    with serving(tmp_path, "--journal-body", "30") as server:
        box = Box(server, server.key)
        box.call("POST", "/sa/orders/search", json={"password": 'tell-"nobody', "orderId": "O-1", "long": "x" * 50})
        box.call("POST", "/sa/orders/search", json={"client_secret": "tell-nobody" * 10})
        first, second = box.entries()
    assert "nobody" not in json.dumps([first["body"], second["body"]])
    assert first["body"] == '{"password": "***", "orderId":'
    assert first["bodyCut"] > 30
    assert first["reply"]["bodyCut"] > 30


@pytest.mark.parametrize(
    "name", ["accessToken", "refresh_token", "token", "paymentToken", "credentials", "apiKey", "client-secret", "pin", "cvv"]
)
def test_one_rule_of_names_holds_for_members_pairs_and_the_query(box: Box, name: str) -> None:
    call = {"email": "a@example.com", name: "SEKRET9"}
    box.call("POST", "/sa/orders/search", json=call, params={name: "SEKRET9"})
    box.call(
        "POST",
        "/sa/orders/search",
        json={"email": "b", name: ["SEKRET9", {"also": "SEKRET9"}], "u": f"https://x/?{name}=SEKRET9"},
    )
    box.call(
        "POST",
        "/sa/orders/search",
        data=f'{{"email": 1, "{name}": {{"a": "SEKRET9"',
        headers={"Content-Type": "application/json"},
    )
    box.call("POST", "/sa/orders/search", data=call)
    box.call("POST", "/sa/orders/search", data=f'a={name}=SEKRET9/9 {name}="SEK RET9"', headers={"Content-Type": "text/plain"})
    found = box.entries()
    assert "RET9" not in json.dumps(found)
    assert [one["body"] for one in found] == [
        {"email": "a@example.com", name: "***"}, {"email": "b", name: "***", "u": f"https://x/?{name}=***"},
        f'{{"email": 1, "{name}": "***"', f"email=a%40example.com&{name}=***", f"a={name}=*** {name}=***",
    ]  # fmt: skip


def test_what_only_sounds_like_a_secret_and_what_contracts_look_for_is_kept(box: Box) -> None:
    sent = {"cardAcquisitionToken": "CARD-1", "shippingMethod": "pin=", "opinion": "x", "authorizationCode": "A-1"}
    box.call("POST", "/sa/orders/search", json={**sent, "shippingMethod": "spin=1"})
    assert box.entries()[0]["body"] == {**sent, "shippingMethod": "spin=1"}


def test_a_packed_body_is_kept_unpacked(box: Box) -> None:
    packed = gzip.compress(json.dumps({"orderId": "O-packed"}).encode())
    box.call("POST", "/sa/orders/search", data=packed, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})
    assert box.entries()[0]["body"] == {"orderId": "O-packed"}


def test_filters_narrow_and_pages_divide(box: Box) -> None:
    for number in range(7):
        box.call("GET", f"/sa/customers/C-{number}")
    box.call("POST", "/sa/orders/search", json={"orderId": "O-1", "deep": {"n": 1, "yes": True}})
    assert box.journal(contract="SEARCH_ORDERS")["totalCount"] == 1
    assert box.journal(status=404)["totalCount"] == 0
    assert [one["number"] for one in box.entries(since=5)] == [6, 7, 8]
    assert [one["number"] for one in box.entries(last=2, contract="GET_CUSTOMER")] == [6, 7]
    page = box.journal(contract="GET_CUSTOMER", pageNumber=2, pageSize=3)
    assert ([one["number"] for one in page["entries"]], page["totalCount"]) == ([4, 5, 6], 7)
    equal = {"/body/orderId": "O-1", "/body/deep/n": "1", "/body/deep": '{"n": 1, "yes": true}', "/reply/status": "200"}
    assert [box.journal(pointer=at, equals=text)["totalCount"] for at, text in equal.items()] == [1, 1, 1, 8]
    assert box.journal(pointer="/body/deep/yes", equals="1")["totalCount"] == 0
    assert box.journal(pointer="/reply/body/errorCode", equals="CUSTOMER_NOT_FOUND", pageSize=2)["totalCount"] == 7


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"pageSize": 501}, "/pageSize"), ({"contract": "GET_CUSTMER"}, "/contract"), ({"pointer": "/body"}, "/pointer"),
        ({"pointer": "body", "equals": "1"}, "/pointer"), ({"format": "xml"}, "/format"), ({"since": "x"}, "/since"),
    ],
)  # fmt: skip
def test_a_query_that_means_nothing_is_refused(box: Box, query: dict[str, str], path: str) -> None:
    refused = box.ask("GET", f"/sandboxes/{box.key}/journal", params=query)
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (400, path)


def test_the_oldest_entries_go_and_are_counted(tmp_path: Path) -> None:
    with serving(tmp_path, "--journal-entries", "50", "--workers", "2") as server:
        box = Box(server, server.key)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: box.call("GET", f"/sa/customers/C-{number}"), range(300)))
        found = box.journal(pageSize=500)
    numbers = [one["number"] for one in found["entries"]]
    assert numbers == list(range(numbers[0], 301))
    assert 50 <= len(numbers) < 50 + 64
    assert found["dropped"] == 300 - len(numbers)


def test_the_bytes_of_a_journal_are_bounded(tmp_path: Path) -> None:
    with serving(tmp_path, "--journal-bytes", "300000") as server:
        box = Box(server, server.key)
        for _ in range(20):
            box.call("POST", "/sa/orders/search", json={"orderId": "O-1", "long": "x" * 50_000})
        found = box.journal()
    assert 4 <= found["totalCount"] <= 6
    assert found["dropped"] == 20 - found["totalCount"]
    assert found["entries"][-1]["number"] == 20


def test_sandboxes_do_not_see_one_anothers_journals_not_even_of_the_same_name(box: Box, two_workers: Server) -> None:
    other = new_box(two_workers)
    box.call("GET", "/sa/customers/C-1001")
    assert other.entries() == []
    assert box.ask("DELETE", f"/sandboxes/{box.key}").status_code == 200
    box.ask("POST", "/sandboxes", json={"name": box.key.removeprefix("key-of-"), "api_key": box.key})
    assert box.journal() == {"entries": [], "totalCount": 0, "dropped": 0, "lastNumber": 0}


@pytest.mark.parametrize("how", ["delete", "reset"])
def test_an_emptied_journal_counts_on(box: Box, how: str) -> None:
    box.call("GET", "/sa/customers/C-1001")
    if how == "delete":
        assert box.ask("DELETE", f"/sandboxes/{box.key}/journal").json()["done"].endswith("1 journal entries dropped")
    else:
        box.ask("POST", f"/sandboxes/{box.key}/reset", json={"journal": True})
    assert box.entries() == []
    box.call("GET", "/sa/customers/C-1001")
    assert [one["number"] for one in box.entries()] == [2]


def test_the_journal_wants_the_token(two_workers: Server, box: Box) -> None:
    told = json.loads(Path(box.ready_file).read_text())
    for path in (f"/sandboxes/{box.key}/journal", "/journal"):
        assert requests.get(told["adminUrl"] + path, timeout=10).status_code == 401


def test_mixed_api_versions_are_answered_and_found(box: Box) -> None:
    older, newer = (f"{box.server.root}/spi/{version}/sa/customers/C-1001?api_key={box.key}" for version in ("1.0", "1.1"))
    assert [requests.get(url, timeout=10).status_code for url in (older, newer, older)] == [200, 200, 200]
    assert [[found["code"] for found in one["findings"]] for one in box.entries()] == [[], ["MIXED_API_VERSIONS"], []]
    assert [one["number"] for one in box.entries(findings="true")] == [2]
    told = box.cli("findings")
    assert (told.returncode, told.stdout.split(":")[0]) == (1, "#2 GET_CUSTOMER MIXED_API_VERSIONS")
    box.ask("POST", f"/sandboxes/{box.key}/reset", json={"journal": True})
    requests.get(newer, timeout=10)
    assert box.cli("findings").returncode == 0


def test_every_line_of_ndjson_is_an_entry(box: Box) -> None:
    for number in range(250):
        box.call("GET", f"/sa/customers/C-{number}")
    reply = box.ask("GET", f"/sandboxes/{box.key}/journal", params={"format": "ndjson"})
    assert reply.headers["Content-Type"] == "application/x-ndjson"
    assert [json.loads(line)["number"] for line in reply.text.splitlines()] == list(range(1, 251))


def test_a_har_file_holds_what_other_tools_read(box: Box, tmp_path: Path) -> None:
    box.call("POST", "/sa/orders/search", json={"orderId": "O-1"}, params={"locale": "de"})
    box.call("GET", "/sa/customers/C-1001")
    file = tmp_path / "calls.har"
    assert box.cli("export", "--har", "--output", str(file)).returncode == 0
    told = json.loads(file.read_text("utf-8"))["log"]
    first, second = told["entries"]
    assert told["version"] == "1.2"
    assert first["request"]["url"] == f"{box.server.base}/sa/orders/search?api_key=***&locale=de"
    assert json.loads(first["request"]["postData"]["text"]) == {"orderId": "O-1"}
    assert json.loads(second["response"]["content"]["text"])["profile"]["customerId"] == "C-1001"


def test_the_command_line_tells_shows_and_exports(box: Box) -> None:
    for number in (1001, 0):
        box.call("GET", f"/sa/customers/C-{number}")
    lines = box.cli("tail").stdout.splitlines()
    assert len(lines) == 2
    assert "#2  200  GET_CUSTOMER  GET /spi/1.0/sa/customers/C-0  " in lines[1]
    assert lines[1].endswith("CUSTOMER_NOT_FOUND")
    assert [json.loads(line)["number"] for line in box.cli("tail", "-n", "1", "--json").stdout.splitlines()] == [2]
    assert json.loads(box.cli("show", "1").stdout) == box.entries()[0]
    assert json.loads(box.cli("export").stdout) == box.entries()
    assert json.loads(box.cli("export", "--contract", "RETURN").stdout) == []
    missing = box.cli("show", "9")
    assert (missing.returncode, "there is no entry 9" in missing.stderr) == (2, True)


def test_tail_says_what_was_dropped(tmp_path: Path) -> None:
    with serving(tmp_path, "--journal-entries", "10") as server:
        box = Box(server, server.key)
        for number in range(64):
            box.call("GET", f"/sa/customers/C-{number}")
        dropped = box.journal()["dropped"]
        assert f"{dropped} older entries were dropped" in box.cli("tail").stderr
        assert f"mockspi_journal_dropped {float(dropped)}" in server.admin("GET", "/metrics").text


def test_the_rule_that_acted_and_what_it_did_are_told(box: Box) -> None:
    slow = {"when": {"contract": "GET_CUSTOMER"}, "then": {"status": 503, "delay": {"fixed": 1}}}
    assert box.ask("POST", f"/sandboxes/{box.key}/rules", json={"rules": [slow]}).status_code < 300
    assert box.call("GET", "/sa/customers/C-1001").status_code == 503
    (entry,) = box.entries()
    assert entry["rule"]
    assert (entry["contract"], entry["reply"]["status"], entry["trouble"]["delay"]) == ("GET_CUSTOMER", 503, 1)
