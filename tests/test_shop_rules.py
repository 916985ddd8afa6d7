"""The rules of employees, slots and shipping, broken one at a time: in a sandbox and in a fixture set."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, mockspi
from selling import InProcess, Shop, order, sold
from test_checkout import CHICAGO
from test_invariants import broken, spoil

from mockspi.retail.shop_rules import SHOP_RULES

PARIS = {"addressLine1": "3 rue des Tests", "city": "Paris", "countryCode": "FR"}
SLOT = "S-107:SM-PICKUP:2027-01-19T11:00"  # a Tuesday with five places
FETCHED = {"omniFulfillmentType": "BOPIS", "fulfillmentLocation": "S-107", "slotId": SLOT}
SENT = {"omniFulfillmentType": "SHIP_TO_HOME", "shippingMethodId": "SM-STANDARD"}
#: rule, orders of which the last breaks it, which is told, where, words
BROKEN: list[tuple[str, list[dict[str, Any]], str, str]] = [
    ("EMPLOYEE_WITHIN_LIMIT", [order("O-1", sold("P-1001", 62), employeeId="E-2001"),
                               order("O-2", sold("P-1001", 1, discount=11.99), employeeId="E-2001")],
     "/employeeId", "E-2001 bought for 1500.01 of 1500 in this period"),
    ("SLOT_WITHIN_CAPACITY", [order(f"O-{number}", sold("P-1001", **FETCHED)) for number in range(6)],
     "/orderProductList/0/slotId", f"6 orders are booked for 5 places of {SLOT}"),
    ("SLOT_WITHIN_CAPACITY", [order("O-1", sold("P-1001", omniFulfillmentType="BOPIS"), slotId="S-107:SM-PICKUP:soon")],
     "/slotId", "1 orders are booked for 0 places of S-107:SM-PICKUP:soon"),
    ("SLOT_WITHIN_CAPACITY", [order("O-1", sold("P-1001", **{**FETCHED, "slotId": SLOT.replace("-19T", "-18T")}))],
     "/orderProductList/0/slotId", "1 orders are booked for 0 places"),
    ("SHIPPING_METHOD_SERVES", [order("O-1", sold("P-1001", **SENT), shippingAddress=PARIS)],
     "/orderProductList/0/shippingMethodId", "SM-STANDARD does not go to FR"),
]  # fmt: skip


@pytest.fixture(scope="module")
def merchant(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    """A merchant in the test process, so that records can be put where no call would."""
    return InProcess(tmp_path_factory.mktemp("merchant"))


@pytest.mark.parametrize(("name", "orders", "path", "words"), BROKEN, ids=lambda value: str(value)[:30])
def test_orders_that_break_a_rule_are_named(
    merchant: InProcess, name: str, orders: list[dict[str, Any]], path: str, words: str
) -> None:
    shop = Shop(merchant)
    shop.write("orders", *orders[:-1])
    assert shop.admin("GET", "/invariants")["holds"] is True
    shop.write("orders", orders[-1])
    found = broken(shop.admin("GET", "/invariants"))
    assert list(found) == [name]
    ((collection, key, where, message),) = found[name]
    assert (collection, where) == ("orders", path)
    assert key in [one["orderId"] for one in orders]
    assert words in message
    shop.write("orders", {**orders[-1], "orderStatus": "CANCELED"})
    assert shop.admin("GET", "/invariants")["holds"] is (name != "SHIPPING_METHOD_SERVES")


def test_every_rule_of_the_shop_can_be_broken() -> None:
    assert {one[0] for one in BROKEN} == {name for name, _ in SHOP_RULES}


@pytest.mark.parametrize("broke", [BROKEN[0], BROKEN[1], BROKEN[4]], ids=lambda value: value[0])
def test_a_set_that_breaks_it_does_not_pass_lint(tmp_path: Path, broke: tuple[str, list[dict[str, Any]], str, str]) -> None:
    _, orders, path, words = broke
    mine = tmp_path / "set"
    shutil.copytree(ROOT / "fixtures", mine, ignore=shutil.ignore_patterns("examples", "__pycache__", "__init__.py"))
    spoil(mine, "orders", lambda records: records.extend(orders))
    done = mockspi("fixtures", "lint", "set", cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    assert words in done.stdout
    assert path in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_an_address_is_told_as_far_as_it_is_known(merchant: InProcess) -> None:
    shop = Shop(merchant)
    nowhere = {**CHICAGO, "countryCode": "", "state": "", "postalCode": ""}
    shop.write("orders", order("O-1", sold("P-1001", **SENT, shippingAddress=nowhere)))
    ((*_, message),) = broken(shop.admin("GET", "/invariants"))["SHIPPING_METHOD_SERVES"]
    assert message == "SM-STANDARD does not go to an address without a country"
