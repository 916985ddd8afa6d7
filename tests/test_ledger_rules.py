"""The rules of loyalty, broken one at a time: in a sandbox, and in a fixture set, which is then not served."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import NOON, ROOT, mockspi
from membership import bought, reward
from selling import InProcess, Shop, sold

from mockspi.retail.loyalty_rules import LOYALTY_RULES

GONE = {"orderStatus": "REFUNDED", "returnProductList": [{**sold("P-1001"), "returnOrderId": "R"}]}


def entry(number: int, kind: str, points: int, customer: str = "C-1003", **more: Any) -> dict[str, Any]:
    """A line of a ledger."""
    return {"customerId": customer, "entryId": str(number), "type": kind, "points": points, "date": NOON, **more}


def ledger(*lines: dict[str, Any], order: dict[str, Any] | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Entries, and the order that they are of."""
    return [("orders", order or bought("O-1", sold("P-1001"))), *(("loyalty_entries", line) for line in lines)]


def given(**more: Any) -> tuple[str, dict[str, Any]]:
    """A reward of the customer."""
    worth = {"amount": 10, "currency": "USD", "expiryDate": NOON + 1, "name": "Ten"}
    return "rewards", {"rewardId": "R-1", "customerId": "C-1003", **worth, **more}


PAID = bought("O-1", sold("P-1001"), tenders=[{"paymentMethod": "POINTS", "amountAuthorized": 26.4, "points": 50}])
EARNED = entry(1, "EARN", 24, orderId="O-1")
#: rule, records that break it, the collection, key and place at fault, words
BROKEN: dict[str, tuple[str, list[tuple[str, dict[str, Any]]], tuple[str, str, str], str]] = {
    "more points than entries": (
        "LOYALTY_BALANCE_IS_SUM",
        ledger(entry(1, "ADJUST", 139)),
        ("customers", "C-1003", "/loyaltyProfile/points"),
        "140 is not what the entries come to; 139 is expected",
    ),
    "points of nobody": (
        "LOYALTY_BALANCE_IS_SUM",
        ledger(entry(1, "ADJUST", 1, "C-1012")),
        ("loyalty_entries", "C-1012|1", "/customerId"),
        "nobody with a loyalty profile has the key 'C-1012'",
    ),
    "an order that earned twice": (
        "LOYALTY_ORDERS_EARN_ONCE",
        ledger(entry(1, "EARN", 12, orderId="O-1"), entry(2, "EARN", 12, orderId="O-1"), entry(3, "ADJUST", 116)),
        ("loyalty_entries", "C-1003|2", "/orderId"),
        "'O-1' has earned before",
    ),
    "an order of another": (
        "LOYALTY_ORDERS_EARN_ONCE",
        ledger(EARNED, entry(2, "ADJUST", 116), order=bought("O-1", sold("P-1001"), by="C-1001")),
        ("loyalty_entries", "C-1003|1", "/customerId"),
        "'O-1' is no order of this customer",
    ),
    "a return that took nothing": (
        "LOYALTY_RETURNS_REVERSE",
        ledger(EARNED, entry(2, "ADJUST", 116), order=bought("O-1", sold("P-1001"), **GONE)),
        ("loyalty_entries", "C-1003|1", "/points"),
        "'O-1' has earned 24; 0 is expected",
    ),
    "an order that is not there": (
        "LOYALTY_RETURNS_REVERSE",
        ledger(entry(1, "EARN", 140, orderId="O-9")),
        ("loyalty_entries", "C-1003|1", "/points"),
        "'O-9' has earned 140; 0 is expected",
    ),
    "fewer points than paid": (
        "LOYALTY_POINTS_PAY_ONCE",
        ledger(entry(1, "REDEEM", -49, orderId="O-1"), entry(2, "ADJUST", 189), order=PAID),
        ("loyalty_entries", "C-1003|1", "/points"),
        "'O-1' took 49 points; 50 is expected",
    ),
    "more given back than paid": (
        "LOYALTY_POINTS_PAY_ONCE",
        ledger(
            entry(1, "REDEEM", -50, orderId="O-1"), entry(2, "REDEEM", 51, orderId="O-1"), entry(3, "ADJUST", 139), order=PAID
        ),
        ("loyalty_entries", "C-1003|2", "/points"),
        "'O-1' keeps -1 of 50 points",
    ),
    "points kept of an order that is gone": (
        "LOYALTY_POINTS_PAY_ONCE",
        ledger(entry(1, "REDEEM", -50, orderId="O-1"), entry(2, "ADJUST", 190), order={**PAID, **GONE}),
        ("loyalty_entries", "C-1003|1", "/points"),
        "'O-1' keeps 50 of 50 points",
    ),
    "points paid with for nothing": (
        "LOYALTY_POINTS_PAY_ONCE",
        ledger(entry(1, "REDEEM", -50, orderId="O-9"), entry(2, "ADJUST", 190)),
        ("loyalty_entries", "C-1003|1", "/points"),
        "'O-9' took 50 points; 0 is expected",
    ),
    "a tier that was not given": (
        "LOYALTY_TIER_FITS",
        [
            ("customers", {"profile": {"customerId": "C-1003"}, "loyaltyProfile": {"points": 500}}),
            ("loyalty_entries", entry(1, "ADJUST", 500)),
        ],
        ("customers", "C-1003", "/loyaltyProfile/currentTier/name"),
        "no tier is kept, SILVER is reached",
    ),
    "a used reward that is free": (
        "REWARD_USED_BY_ORDER",
        [*ledger(order=bought("O-1", sold("P-1001"), tenders=[reward("R-1")])), given(status="AVAILABLE", orderId="O-1")],
        ("rewards", "R-1", "/status"),
        "AVAILABLE does not fit: 'O-1' used it",
    ),
    "a reward of no order": (
        "REWARD_USED_BY_ORDER",
        [given(status="USED", orderId="O-9")],
        ("rewards", "R-1", "/orderId"),
        "'O-9' was not paid with it",
    ),
    "a reward that was not used up": (
        "REWARD_USED_BY_ORDER",
        [*ledger(order=bought("O-1", sold("P-1001"), tenders=[reward("R-1")])), given(status="AVAILABLE")],
        ("orders", "O-1", "/tenders/0/rewardId"),
        "'R-1' was not used by it",
    ),
    "a reward that is not there": (
        "REWARD_USED_BY_ORDER",
        ledger(order=bought("O-1", sold("P-1001"), tenders=[{"paymentMethod": "Cash", "amountAuthorized": 1}, reward("R-1")])),
        ("orders", "O-1", "/tenders/1/rewardId"),
        "'R-1' was not used by it",
    ),
}


@pytest.fixture(scope="module")
def merchant(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    """A merchant in the test process, so that records can be put where no call would."""
    return InProcess(tmp_path_factory.mktemp("merchant"))


@pytest.mark.parametrize("case", BROKEN)
def test_records_that_break_a_rule_are_named(merchant: InProcess, case: str) -> None:
    name, records, place, words = BROKEN[case]
    shop = Shop(merchant)
    for collection, record in records:
        shop.write(collection, record)
    found = {one["name"]: one["faults"] for one in shop.admin("GET", "/invariants")["invariants"] if not one["holds"]}
    assert ([one["message"] for one in found[name] if (one["collection"], one["key"], one["path"]) == place]) == [words]


def test_records_that_keep_the_rules_are_not(merchant: InProcess) -> None:
    shop = Shop(merchant)
    declined = {**reward("R-3001"), "paymentStatus": "DECLINED"}
    shop.write("orders", bought("O-1", sold("P-1001"), tenders=[declined]))
    shop.write("orders", bought("O-2", sold("P-1001"), orderStatus="CANCELED", tenders=[reward("R-3001")]))
    shop.write("orders", bought("O-3", sold("P-1001"), **GONE, tenders=[reward("R-3001", 26.4)]))
    assert shop.admin("GET", "/invariants")["holds"] is True


def test_every_rule_is_broken_here() -> None:
    assert {name for name, *_ in BROKEN.values()} == {name for name, _ in LOYALTY_RULES}


SAID = {
    "LOYALTY_BALANCE_IS_SUM": "more points than entries",
    "LOYALTY_ORDERS_EARN_ONCE": "an order that earned twice",
    "LOYALTY_RETURNS_REVERSE": "a return that took nothing",
    "LOYALTY_POINTS_PAY_ONCE": "points kept of an order that is gone",
    "LOYALTY_TIER_FITS": "a tier that was not given",
    "REWARD_USED_BY_ORDER": "a reward that was not used up",
}


@pytest.mark.parametrize("rule", [name for name, _ in LOYALTY_RULES])
def test_a_set_that_breaks_one_does_not_pass_lint(tmp_path: Path, rule: str) -> None:
    mine = tmp_path / "set"
    ignored = shutil.ignore_patterns("examples", "rules", "magic.json", "__pycache__", "__init__.py")
    shutil.copytree(ROOT / "fixtures", mine, ignore=ignored)
    _, records, (collection, _, path), words = BROKEN[SAID[rule]]
    for name, record in records:
        file = mine / f"records/{name}.json"
        document = json.loads(file.read_text("utf-8"))
        known = [one for one in document["records"] if name != "customers" or one["profile"]["customerId"] != "C-1003"]
        document["records"] = [*known, record]
        file.write_text(json.dumps(document), "utf-8")
    done = mockspi("fixtures", "lint", "set", cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    (said,) = [one for one in done.stdout.splitlines() if one.endswith(words)]
    assert said.startswith(f"records/{collection}.json:") or f"/records/{collection}.json:" in said
    assert f"{path}: {words}" in said
