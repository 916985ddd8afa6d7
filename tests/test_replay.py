"""A replay bundle: a run packed on one server, made again from the file alone."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import Server, mockspi, serving
from journals import Box, lines, mended, new_box, packed

CUSTOMER = {"profile": {"firstName": "Ada", "lastName": "Byron", "email": "ada@example.com"}}
LINE = {"orderItemId": "1", "productId": "P-1001", "quantity": 1, "price": 10.0}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("replay"), "--workers", "2", "--api-version", "1.0", "--api-version", "1.1") as server:
        yield server


@pytest.fixture
def box(house: Server) -> Box:
    return new_box(house)


def admin(box: Box, method: str, rest: str, body: Any = None) -> None:
    reply = box.ask(method, f"/sandboxes/{box.key}{rest}", json=body)
    assert reply.status_code < 300, reply.text


def a_run(box: Box) -> str:
    """Reads, writes, refusals, faults, rules and a clock, in one sandbox; the id that was made up."""
    made = box.call("POST", "/sa/customers", json=CUSTOMER).json()
    id_ = str(made["profile"]["customerId"])
    box.call("GET", f"/sa/customers/{id_}")
    box.call("POST", "/sa/customers", json=CUSTOMER)
    box.call("POST", "/sa/customers", data=b"\xff{", headers={"Content-Type": "application/json"})
    box.call("POST", "/sa/orders/search", data=gzip.compress(b'{"orderId": "O-1"}'),
             headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})  # fmt: skip
    box.call("GET", "/nowhere")
    box.call("PATCH", "/sa/customers")
    box.call("HEAD", f"/sa/customers/{id_}")
    admin(box, "POST", "/rules", {"rules": [
        {"name": "half", "when": {"contract": "GET_CUSTOMER", "probability": 0.5}, "then": {"status": 503}},
        {"name": "rush", "when": {"contract": "SEARCH_ORDERS"}, "then": {"quota": {"limit": 2, "window": 60_000}}},
        {"name": "slow", "when": {"contract": "GET_ORDER_DETAIL"}, "then": {"delay": {"uniform": [1, 5]}}},
    ]})  # fmt: skip
    for number in range(12):
        box.call("GET", f"/sa/customers/C-{1000 + number}", params={"locale": "fr"})
    admin(box, "POST", "/clock", {"advance": 3_600_000})
    for _ in range(4):
        box.call("POST", "/sa/orders/search", json={"orderId": "O-1"})
    admin(box, "POST", "/scenarios", {"use": ["flaky-first-call"]})
    admin(box, "DELETE", "/rules")
    box.call("POST", "/sa/cartValidation", json={"cartId": "K-1", "productList": [LINE]})
    box.call("POST", "/sa/cartValidation", json={"cartId": "K-1", "productList": [LINE]})
    admin(box, "POST", "/snapshot", {"name": f"of-{box.key}"})
    box.call("DELETE", f"/sa/customers/{id_}")
    admin(box, "POST", "/restore", {"name": f"of-{box.key}"})
    box.call("GET", f"/sa/customers/{id_}")
    admin(box, "POST", "/reset", {"records": True})
    box.call("GET", f"/sa/customers/{id_}")
    box.call("POST", "/sa/customers", json=CUSTOMER)
    put = {"profile": {**CUSTOMER["profile"], "email": "c@example.com", "customerId": "C-put"}}
    admin(box, "PUT", "/records/customers", {"records": [put]})
    admin(box, "DELETE", "/records/customers/C-1002")
    for key in ("C-put", "C-1002"):
        box.call("GET", f"/sa/customers/{key}")
    return id_


def test_a_run_is_made_again_from_its_bundle_alone(box: Box, tmp_path: Path) -> None:
    a_run(box)
    calls = box.journal()["totalCount"]
    done = mockspi("replay", str(packed(box, tmp_path)))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{calls} calls answered the same\n", "")


def test_two_sandboxes_without_a_seed_make_other_ids_and_each_replays_its_own(house: Server, tmp_path: Path) -> None:
    one, other = new_box(house), new_box(house)
    assert a_run(one) != a_run(other)
    for box in (one, other):
        assert mockspi("replay", str(packed(box, tmp_path))).returncode == 0


def test_rules_that_run_out_and_faults_at_the_socket_are_replayed_without_waiting(box: Box, tmp_path: Path) -> None:
    slow = {"when": {"contract": "GET_CUSTOMER", "ttl": 1_000}, "then": {"status": 500, "delay": {"fixed": 100}}}
    admin(box, "POST", "/rules", {"rules": [slow, {"when": {"contract": "RETURN"}, "then": {"fault": "reset"}},
                                            {"when": {"contract": "SEARCH_ORDERS"}, "then": {"fault": "truncate"}}]})  # fmt: skip
    while box.call("GET", "/sa/customers/C-1001").status_code == 500:
        pass
    for path in ("/sa/orders/return", "/sa/orders/search"):
        with pytest.raises(requests.RequestException):
            box.call("POST", path, json={"orderId": "O-1"})
    file = packed(box, tmp_path)
    assert len({one["exchange"].get("rule") for one in lines(file) if "exchange" in one}) == 4
    assert mockspi("replay", str(file)).returncode == 0

    def mend(told: list[Any]) -> None:
        told[-2]["exchange"]["trouble"]["fault"] = "reset"

    done = mockspi("replay", str(mended(file, mend)))
    assert (done.returncode, '/trouble/fault: expected "reset", got "truncate"' in done.stdout) == (1, True)


def test_the_first_difference_is_told_field_by_field(box: Box, tmp_path: Path) -> None:
    a_run(box)

    def mend(told: list[Any]) -> None:
        calls = [one["exchange"] for one in told if "exchange" in one]
        for call in (calls[1], calls[2]):
            call["replyBody"]["text"] = call["replyBody"]["text"].replace("Ada", "Eve").replace("ALREADY", "NEVER")
        calls[1]["replyHeaders"].append(["X-Kept", "yes"])

    file = mended(packed(box, tmp_path), mend)
    done = mockspi("replay", str(file))
    assert done.returncode == 1
    first, *rest = done.stdout.splitlines()
    assert re.match(r"call 2 is answered otherwise: GET /spi/1.0/sa/customers/C-\w{10} \(GET_CUSTOMER\)", first)
    assert rest == [
        '  /body/profile/firstName: expected "Eve", got "Ada"',
        '  /headers/x-kept: expected "yes", got nothing',
        "1 call before it answered the same",
    ]
    ignoring = mockspi("replay", str(file), "--ignore", "/body/profile", "--ignore", "/headers", "--json")
    assert ignoring.returncode == 1
    told = json.loads(ignoring.stdout)
    assert (told["same"], told["first"]["number"], told["first"]["contract"]) == (2, 3, "CREATE_CUSTOMER")
    assert told["first"]["differences"][0]["path"] == "/body/errorCode"


def test_secrets_stay_out_of_the_bundle_and_the_calls_are_made_with_another_key(box: Box, tmp_path: Path) -> None:
    hidden = {"Authorization": "Bearer tell-nobody", "Cookie": "tell-nobody"}
    box.call("GET", "/sa/customers/C-1001", headers=hidden)
    box.call("POST", "/sa/orders/search", json={"orderId": "O-1", "password": "tell-nobody"})
    file = packed(box, tmp_path)
    text = gzip.decompress(file.read_bytes()).decode()
    assert "tell-nobody" not in text
    assert box.key not in text
    assert mockspi("replay", str(file)).returncode == 0


def test_calls_that_were_cut_or_dropped_are_named_with_what_would_keep_them(tmp_path: Path) -> None:
    with serving(tmp_path, "--journal-body", "200", "--journal-entries", "40") as server:
        box = Box(server, server.key)
        for number in range(100):
            box.call("GET", f"/sa/customers/C-{number}")
        box.call("POST", "/sa/orders/search", json={"orderId": "O-1", "long": "x" * 300})
        box.call("GET", "/sa/customers/C-1001")
        dropped, calls = box.journal()["dropped"], box.journal()["totalCount"]
        done = mockspi("replay", str(packed(box, tmp_path)))
    assert done.returncode == 0
    first, second, last = done.stdout.splitlines()
    assert first.startswith(f"note: the first {dropped} calls are not in the bundle")
    assert "raise --journal-body" in second
    assert last == f"{calls - 1} calls answered the same"


def test_what_was_there_before_the_journal_was_emptied_is_missed(box: Box, tmp_path: Path) -> None:
    box.call("POST", "/sa/customers", json=CUSTOMER)
    admin(box, "DELETE", "/journal")
    box.call("POST", "/sa/customers", json=CUSTOMER)
    done = mockspi("replay", str(packed(box, tmp_path)))
    assert done.returncode == 1
    assert done.stdout.startswith("note: the journal was emptied while records stayed")
    admin(box, "POST", "/reset", {})
    box.call("POST", "/sa/customers", json=CUSTOMER)
    assert mockspi("replay", str(packed(box, tmp_path))).stdout == "1 call answered the same\n"


def test_rules_that_stay_on_when_the_journal_is_emptied_are_in_the_bundle(box: Box, tmp_path: Path) -> None:
    admin(box, "POST", "/rules", {"rules": [{"when": {"contract": "GET_CUSTOMER"}, "then": {"status": 503}}]})
    admin(box, "POST", "/reset", {"records": True, "journal": True})
    assert box.call("GET", "/sa/customers/C-1001").status_code == 503
    assert mockspi("replay", str(packed(box, tmp_path))).returncode == 0


def test_a_sandbox_that_began_with_a_snapshot_brings_it(box: Box, house: Server, tmp_path: Path) -> None:
    id_ = box.call("POST", "/sa/customers", json=CUSTOMER).json()["profile"]["customerId"]
    admin(box, "POST", "/snapshot", {"name": f"begin-{box.key}"})
    other = Box(house, house.minted(**{"from": f"begin-{box.key}", "scenario": "flaky-first-call", "locale": "de"}))
    assert other.call("GET", f"/sa/customers/{id_}").status_code == 503
    assert other.call("GET", f"/sa/customers/{id_}").json()["profile"]["firstName"] == "Ada"
    other.call("POST", "/sa/customers", json={"profile": {**CUSTOMER["profile"], "email": "b@example.com"}})
    admin(other, "POST", "/reset", {"records": True})
    assert other.call("GET", f"/sa/customers/{id_}").json()["profile"]["firstName"] == "Ada"
    done = mockspi("replay", str(packed(other, tmp_path)))
    assert (done.returncode, done.stdout) == (0, "4 calls answered the same\n")


def test_a_quota_is_kept_again(house: Server, tmp_path: Path) -> None:
    box = Box(house, house.minted(quota={"limit": 2, "window": 60_000}))
    assert [box.call("GET", "/sa/customers/C-1001").status_code for _ in range(3)] == [200, 200, 429]
    assert mockspi("replay", str(packed(box, tmp_path))).stdout == "3 calls answered the same\n"


def test_another_fixture_set_travels_in_the_bundle_or_must_be_named(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    assert mockspi("init", str(folder)).returncode == 0
    shutil.rmtree(folder / "examples")
    customers = folder / "records" / "customers.json"
    customers.write_text(customers.read_text("utf-8").replace("Zoë", "Joan"), "utf-8")
    with serving(tmp_path, "--fixtures", str(folder), "--base-path", "/other", "--delivery-groups", "true") as server:
        box = Box(server, server.key)
        box.call("GET", "/sa/customers/C-1001")
        box.call("GET", "/sa/orders/O-1")
        with_set, without = packed(box, tmp_path), tmp_path / "without.gz"
        assert box.cli("bundle", str(without), "--no-fixtures").returncode == 0
    moved = folder.rename(tmp_path / "elsewhere")
    assert mockspi("replay", str(with_set)).returncode == 0
    refused = mockspi("replay", str(without))
    assert (refused.returncode, "--fixtures DIR" in refused.stderr) == (2, True)
    assert mockspi("replay", str(without), "--fixtures", str(moved)).returncode == 0
    (moved / "records" / "customers.json").write_text(customers_again(moved), "utf-8")
    assert mockspi("replay", str(without), "--fixtures", str(moved)).returncode == 2
    assert mockspi("replay", str(without), "--fixtures", str(moved), "--anyway").returncode == 1


def customers_again(folder: Path) -> str:
    return (folder / "records" / "customers.json").read_text("utf-8").replace("Joan", "June")


def test_another_implementation_is_held_against_it_with_ids_of_its_own(box: Box, house: Server, tmp_path: Path) -> None:
    id_ = box.call("POST", "/sa/customers", json=CUSTOMER).json()["profile"]["customerId"]
    box.call("GET", f"/sa/customers/{id_}")
    box.call("POST", "/sa/orders/search", json={"customerId": id_})
    box.call("GET", "/merchant/spi/sample/endpoint/sa/customers/C-1001")
    file, key = packed(box, tmp_path), house.minted()
    newer = house.base.replace("/1.0", "/1.1")
    done = mockspi("replay", str(file), "--against", newer, "--api-key", key)
    assert (done.returncode, done.stdout) == (0, "4 calls answered the same\n"), done.stdout
    again = mockspi("replay", str(file), "--against", newer, "--api-key", key)
    assert again.returncode == 1
    assert again.stdout.startswith("call 1 is answered otherwise: POST /spi/1.0/sa/customers (CREATE_CUSTOMER)")
    nobody = mockspi("replay", str(file), "--against", "http://127.0.0.1:9", "--api-key", key)
    assert (nobody.returncode, "did not answer call 1" in nobody.stderr) == (2, True)


@pytest.mark.parametrize("words", [["--against", "http://x/"], ["--api-key", "k"], ["--ignore", "body"],
                                   ["--against", "file:///etc/passwd", "--api-key", "k"]])  # fmt: skip
def test_options_that_mean_nothing_are_refused(box: Box, tmp_path: Path, words: list[str]) -> None:
    box.call("GET", "/sa/customers/C-1001")
    assert mockspi("replay", str(packed(box, tmp_path)), *words).returncode == 2
