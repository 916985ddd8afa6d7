"""The scenario packs that ship, and putting them on and off over the admin port and the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import ROOT, Server, mockspi
from ruled import Ruled, mint
from test_rules import CART

PACKS = sorted(path.stem for path in (ROOT / "fixtures" / "rules").glob("*.json"))


@pytest.fixture
def box(server: Server) -> Ruled:
    return mint(server)


@pytest.fixture
def command(box: Ruled) -> Any:
    """Runs ``mockspi scenario`` against the server by environment variables."""
    env = {"MOCKSPI_ADMIN_URL": box.told["adminUrl"], "MOCKSPI_ADMIN_TOKEN": box.told["adminToken"]}
    return lambda *words: mockspi("scenario", *words, env=env)


def code(reply: requests.Response) -> tuple[int, str]:
    """Status, and errorCode where there is one."""
    return reply.status_code, reply.json().get("errorCode", "") if reply.content else ""


def test_every_pack_that_ships_says_what_it_shows(box: Ruled) -> None:
    found = box.admin("GET", "/scenarios").json()["scenarios"]
    assert [one["name"] for one in found] == PACKS
    assert len(found) == 14
    assert all(one["about"] and one["rules"] for one in found)


def test_the_happy_path_outranks_what_comes_behind_it(box: Ruled) -> None:
    box.rule({"when": {"contract": "GET_ORDER_DETAIL"}, "then": {"status": 500}})
    box.use("happy-path", "flaky-first-call")
    assert code(box.get()) == (200, "")
    assert code(box.call("GET", "/sa/customers/MAGIC-503")) == (200, "CUSTOMER_NOT_FOUND")
    assert code(box.call("GET", "/sa/orders/O-7001"))[0] == 500


def test_tax_service_down(box: Ruled) -> None:
    box.use("tax-service-down")
    refused = box.call("POST", "/taxEngine/calculateTax", json=CART)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert box.call("GET", "/taxEngine/downloadTaxRates").status_code == 200


def test_sold_out_at_checkout(box: Ruled) -> None:
    box.use("sold-out-at-checkout")
    reply = box.call("POST", "/sa/cartValidation", json=CART).json()
    assert (reply["errorCode"], reply["valid"]) == ("CART_INVALID", False)
    assert reply["errors"][0]["errorCode"] == "INSUFFICIENT_INVENTORY"
    assert box.call("POST", "/sa/inventory/check", json=CART).json()["productList"]


def test_slow_network_still_gives_the_right_answer(box: Ruled) -> None:
    slow = box.sibling(scenario="slow-network", seed="s")
    assert slow.get().json() == box.get().json()
    entry = slow.admin("GET", f"/sandboxes/{slow.key}/journal").json()["entries"][0]
    assert entry["rule"] == "slow-network/slow"


def test_flaky_first_call(box: Ruled) -> None:
    box.use("flaky-first-call")
    assert [box.get().status_code for _ in range(3)] == [503, 200, 200]
    box.use("flaky-first-call")
    assert [box.get().status_code for _ in range(2)] == [503, 200]


def test_customer_system_read_only(box: Ruled) -> None:
    box.use("customer-system-read-only")
    assert box.get().status_code == 200
    assert box.call("POST", "/sa/customers", json={"profile": {"firstName": "A", "lastName": "B"}}).status_code == 503
    assert box.call("DELETE", "/sa/customer/address", params={"customerId": "C-1001", "addressId": "A-1"}).status_code == 503


def test_loyalty_locked(box: Ruled) -> None:
    box.use("loyalty-locked")
    assert code(box.call("POST", "/sa/getLoyaltyPoints", json={"customerId": "C-1001"})) == (200, "LOYALTY_LOCKED")
    assert box.call("POST", "/reward/lookup", json={"customerId": "C-1001"}).json()["rewards"] == []


def test_orders_unsearchable(box: Ruled) -> None:
    box.use("orders-unsearchable")
    assert box.call("POST", "/sa/orders/search", json={}).status_code == 503
    assert box.call("GET", "/sa/customers/C-1001/orders").status_code == 503
    assert box.call("GET", "/sa/orders/O-7001").status_code == 200


def test_address_service_rejects(box: Ruled) -> None:
    box.use("address-service-rejects")
    sent = {"customerId": "C-1001", "address": {"addressLine1": "1 Main St", "city": "Chicago", "countryCode": "US"}}
    assert code(box.call("POST", "/sa/customer/address", json=sent)) == (200, "ADDRESS_INVALID")
    assert code(box.call("POST", "/sa/shipping/methods", json=CART)) == (200, "ADDRESS_NOT_SERVICEABLE")


def test_rate_limited(box: Ruled) -> None:
    box = box.sibling(clock={"frozen": 1_700_000_000_000})
    box.use("rate-limited")
    assert [box.get().status_code for _ in range(12)] == [200] * 10 + [429] * 2


def test_a_sandbox_may_begin_with_a_scenario(box: Ruled) -> None:
    assert box.sibling(scenario="tax-service-down").call("POST", "/taxEngine/calculateTax", json=CART).status_code == 503
    refused = box.admin("POST", "/sandboxes", {"scenario": "tax-service-dwn"})
    assert (refused.status_code, refused.json()["errorCode"]) == (404, "SCENARIO_NOT_FOUND")
    assert "did you mean 'tax-service-down'?" in refused.json()["errorMessage"]


def test_several_are_on_in_order_and_each_goes_alone(box: Ruled) -> None:
    assert box.use("tax-service-down", "loyalty-locked").json()["scenarios"] == ["tax-service-down", "loyalty-locked"]
    assert box.use("orders-unsearchable").json()["scenarios"][-1] == "orders-unsearchable"
    path = f"/sandboxes/{box.key}/scenarios"
    assert box.admin("DELETE", f"{path}?scenario=loyalty-locked").json()["scenarios"] == [
        "tax-service-down",
        "orders-unsearchable",
    ]
    assert box.admin("DELETE", path).json()["scenarios"] == []
    assert box.call("POST", "/sa/orders/search", json={}).status_code == 200


def test_an_unknown_scenario_puts_none_on(box: Ruled) -> None:
    assert box.use("loyalty-locked", "nothing").status_code == 404
    assert box.admin("GET", f"/sandboxes/{box.key}/rules").json()["scenarios"] == []


def test_the_command_line_puts_scenarios_on_and_off(box: Ruled, command: Any) -> None:
    done = command("use", "tax-service-down", "loyalty-locked", "--sandbox", box.key)
    assert (done.returncode, done.stdout) == (0, "on: tax-service-down, loyalty-locked\n"), done.stderr
    assert box.call("POST", "/taxEngine/calculateTax", json=CART).status_code == 503
    assert command("clear", "tax-service-down", "--sandbox", box.key).stdout == "on: loyalty-locked\n"
    assert command("clear", "--sandbox", box.key).stdout == "on: no scenario\n"


def test_the_command_line_means_the_first_key_where_no_sandbox_is_named(box: Ruled, command: Any) -> None:
    assert command("use", "loyalty-locked").stdout == "on: loyalty-locked\n"
    assert box.server.call("POST", "/reward/lookup", key="key-staging", json={"customerId": "C-1001"}).json()["errorCode"]
    assert command("clear").stdout == "on: no scenario\n"


def test_a_wrong_name_on_the_command_line_is_one_sentence_and_exit_2(command: Any) -> None:
    done = command("use", "tax-servce-down")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'tax-service-down'?" in done.stderr
    done = command("show", "slow-netwrk")
    assert done.returncode == 2
    assert "did you mean 'slow-network'?" in done.stderr


def test_the_command_line_lists_and_shows(tmp_path: Path) -> None:
    listed = mockspi("scenario", "list").stdout
    assert all(name in listed for name in PACKS)
    assert [one["name"] for one in json.loads(mockspi("scenario", "list", "--json").stdout)] == PACKS
    shown = json.loads(mockspi("scenario", "show", "rate-limited").stdout)
    assert shown["rules"][0]["then"]["quota"]["limit"] == 10


def test_a_team_brings_its_own_scenarios(tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    assert mockspi("init", str(folder)).returncode == 0
    (folder / "rules" / "black-friday.json").write_text('{"about": "Full.", "rules": [{"then": {"status": 503}}]}')
    assert mockspi("fixtures", "lint", str(folder)).returncode == 0
    assert "black-friday" in mockspi("scenario", "list", "--fixtures", str(folder)).stdout
