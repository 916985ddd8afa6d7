"""The merchant's rules, broken one at a time: in a fixture set, in a sandbox, on the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import NOON, ROOT, Sandbox, Server, mockspi, serving
from selling import InProcess, Shop, order, sell, sold
from test_checkout import line, validate
from test_orders import give_back
from test_orders import line as back

from mockspi.retail.invariants import INVARIANTS
from mockspi.retail.loyalty_rules import LOYALTY_RULES
from mockspi.retail.shop_rules import SHOP_RULES

NAMES = [one.name for one in INVARIANTS]


def hold(**more: Any) -> dict[str, Any]:
    """A reservation of one unit."""
    lines = [{"productId": "P-1001", "locationId": "S-101", "quantity": 1}]
    return {"cartId": "K", "status": "HELD", "expiresAt": NOON + 1, "productList": lines, **more}


def returned(**more: Any) -> dict[str, Any]:
    """The one unit of an order, as it came back."""
    return {**sold("P-1001"), "returnOrderId": "R-1", **more}


def one_back(**more: Any) -> dict[str, Any]:
    """An order whose one unit came back, with something about that return changed."""
    return order("O-1", sold("P-1001"), orderStatus="REFUNDED", returnProductList=[returned(**more)])


KEPT = {"tenders": [{"paymentMethod": "Cash", "amountAuthorized": 1}]}
UNSOLD = [{"productId": "P-1001", "locationId": "S-101", "quantity": 0}]
#: rule, collection, a record that breaks it and no other, where, words
BROKEN: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("STOCK_NOT_NEGATIVE", "stock", {"productId": "P-1002", "locationId": "S-107", "onHand": -1}, "/onHand", "-1 is less"),
    ("RESERVED_WITHIN_STOCK", "reservations", hold(productList=[{**hold()["productList"][0], "quantity": 37}]),
     "/productList/0/quantity", "carts hold 37 of 36 at S-101"),
    ("RESERVED_WITHIN_STOCK", "reservations", hold(productList=[{**hold()["productList"][0], "locationId": "S-9"}]),
     "/productList/0/quantity", "carts hold 1 of 0 at S-9"),
    ("RESERVATION_HELD_OR_ENDED", "reservations", hold(status="EXPIRED"), "/status", "EXPIRED does not fit: it holds 1"),
    ("RESERVATION_HELD_OR_ENDED", "reservations", hold(productList=UNSOLD), "/status", "HELD does not fit: it holds 0"),
    ("RESERVATION_SOLD_AS_ORDER", "reservations", hold(status="SOLD", productList=UNSOLD), "/orderId", "no order is None"),
    ("RETURN_RECEIPTS_TRUE", "receipts", {"orderId": "O-7001", "token": "T", "reply": {"returnOrderId": "R"}},
     "/reply/returnOrderId", "the return R is not on its order"),
    ("RETURN_RECEIPTS_TRUE", "receipts", {"orderId": "O-9", "token": "T", "reply": {"returnOrderId": "R"}},
     "/reply/returnOrderId", "the return R is not on its order"),
    ("ORDER_LINES_ADD_UP", "orders", order("O-1", {**sold("P-1001"), "price": 23}), "/orderProductList/0/subTotal", "24.0 does"),
    ("ORDER_TOTALS_ADD_UP", "orders", order("O-1", sold("P-1001"), taxSubTotal=1), "/taxSubTotal", "1 does not add up; 2.4 is"),
    ("ORDER_AMOUNTS_SANE", "orders", order("O-1", sold("P-1001", price=-24)), "/orderProductList/0/price", "-24.0 is les"),
    ("ORDER_AMOUNTS_SANE", "orders", order("O-1", sold("P-1001", discount=30)), "/orderProductList/0/discount", "30.0 is"),
    ("ORDER_AMOUNTS_SANE", "orders", order("O-1", sold("P-1001"), tenders=[{"paymentMethod": "X", "amountAuthorized": -1}]),
     "/tenders", "they come to -1, less than nothing"),
    ("ORDER_LINES_NAMED_ONCE", "orders", order("O-1", sold("P-1001"), sold("P-1001")), "/orderProductList/1/orderItemId", "ano"),
    ("RETURNS_WITHIN_SOLD", "orders", one_back(orderItemId="9"), "/returnProductList/0/quantity", "1 came back of 0"),
    ("RETURNS_ADD_UP", "orders", one_back(tax=2.39), "/returnProductList/0/total", "26.4 does not add up; 26.39 is"),
    ("RETURNS_ADD_UP", "orders", one_back(tax=2.39, total=26.39), "/orderProductList/0/tax", "0 units remain, and 0.01 of"),
    ("REFUNDS_WITHIN_PAID", "orders", {**one_back(), **KEPT}, "/returnProductList", "26.4 was refunded of 1 that was paid"),
    ("ORDER_STATUS_FITS", "orders", {**one_back(), "orderStatus": "COMPLETED"}, "/orderStatus", "1 lines are returned"),
    ("ORDER_STATUS_FITS", "orders", order("O-1", sold("P-1001"), orderStatus="REFUNDED"), "/orderStatus", "0 lines are returned"),
    ("ORDER_STATUS_FITS", "orders", {**one_back(), "orderStatus": "EXCHANGED"}, "/orderStatus", "EXCHANGED does not fit"),
    ("TAX_RATES_DO_NOT_TIE", "tax_rates", {"jurisdiction": "US-XX", "level": "STATE", "countryCode": "us", "state": "il",
     "taxCode": "FOOD"}, "", "same level, place and taxCode as US-IL|FOOD"),
    ("TAX_SUBMISSIONS_ADD_UP", "tax_submissions", {"orderId": "O-1", "totalTax": 1, "productList": [{"tax": 1, "taxes": []}]},
     "/productList/0/tax", "1 does not add up; 0 is expected"),
    ("TAX_RETURNS_ARE_BOOKED", "tax_submissions", {"orderId": "O-1", "returnOrderIds": ["R-1"]}, "/returnOrderIds/0",
     "no booked return is 'R-1'"),
    ("ORDER_DERIVES_THE_REST", "orders", order("O-1", sold("P-1001"), canReturn="TRUE"), "/canReturn", "is derived"),
]  # fmt: skip


@pytest.fixture(scope="module")
def merchant(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    """A merchant in the test process, so that records can be put where no call would."""
    return InProcess(tmp_path_factory.mktemp("merchant"))


def broken(told: dict[str, Any]) -> dict[str, list[tuple[str, str, str, str]]]:
    """The rules that do not hold, with the records at fault."""
    return {
        one["name"]: [(fault["collection"], fault["key"], fault["path"], fault["message"]) for fault in one["faults"]]
        for one in told["invariants"]
        if not one["holds"]
    }


@pytest.mark.parametrize(("name", "collection", "record", "path", "words"), BROKEN, ids=lambda value: str(value)[:30])
def test_a_record_that_breaks_a_rule_is_named(
    merchant: InProcess, name: str, collection: str, record: dict[str, Any], path: str, words: str
) -> None:
    shop = Shop(merchant)
    shop.write(collection, record)
    told = shop.admin("GET", "/invariants")
    assert told["holds"] is False
    faults = broken(told)[name]
    assert [one for one in faults if (one[0], one[2]) == (collection, path) and words in one[3]], faults
    others = set(broken(told)) - {name}
    assert others <= {
        "ORDER_TOTALS_ADD_UP",
        "RETURNS_ADD_UP",
        "RETURNS_WITHIN_SOLD",
        "ORDER_STATUS_FITS",
        "REFUNDS_WITHIN_PAID",
    }, others


def test_every_rule_can_be_broken() -> None:
    elsewhere = {name for name, _ in (*SHOP_RULES, *LOYALTY_RULES)}  # test_shop_rules.py and test_ledger_rules.py break them
    assert {one[0] for one in BROKEN} == set(NAMES) - elsewhere
    assert len(set(NAMES)) == len(NAMES)


def test_no_more_than_a_hundred_records_are_told(merchant: InProcess) -> None:
    shop = Shop(merchant)
    untrue = [{"orderId": "O-7001", "token": f"T{number}", "reply": {"returnOrderId": "R"}} for number in range(101)]
    shop.write("receipts", *untrue)
    (found,) = [one for one in shop.admin("GET", "/invariants")["invariants"] if not one["holds"]]
    assert (len(found["faults"]), found["faultCount"]) == (100, 101)


def spoil(folder: Path, collection: str, change: Callable[[list[Any]], None]) -> None:
    """Change the records of a set."""
    file = folder / f"records/{collection}.json"
    document = json.loads(file.read_text("utf-8")) if file.exists() else {"records": []}
    change(document["records"])
    file.write_text(json.dumps(document, indent=1), "utf-8")


@pytest.mark.parametrize(
    ("collection", "record", "words"),
    [
        ("reservations", hold(productList=[{**hold()["productList"][0], "quantity": 99}]),
         "/records/0/productList/0/quantity: carts hold 99 of 36 at S-101"),
        ("orders", order("O-1", sold("P-1001"), orderStatus="REFUNDED"), "/records/60/orderStatus: REFUNDED does not fit"),
    ],
    ids=["a cart that holds too much", "an order with the wrong status"],
)  # fmt: skip
def test_a_set_that_breaks_a_rule_does_not_pass_lint(tmp_path: Path, collection: str, record: dict[str, Any], words: str) -> None:
    mine = tmp_path / "set"
    shutil.copytree(ROOT / "fixtures", mine, ignore=shutil.ignore_patterns("examples", "__pycache__", "__init__.py"))
    spoil(mine, collection, lambda records: records.append(record))
    done = mockspi("fixtures", "lint", "set", cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    assert words in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_the_command_says_which_hold(tmp_path: Path) -> None:
    with serving(tmp_path) as one:
        admin = ("--admin-url", one.admin_url, "--admin-token", one.token)
        done = mockspi("invariants", *admin)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[0] == "staging"
        assert [row.split()[:2] for row in done.stdout.splitlines()[1:]] == [["holds", f"{name}:"] for name in NAMES]
        one.minted(name="second")
        told = json.loads(mockspi("invariants", "--json", *admin).stdout)
        assert {name: answer["holds"] for name, answer in told.items()} == {"staging": True, "second": True}
        assert list(json.loads(mockspi("invariants", "--json", "--sandbox", "second", *admin).stdout)) == ["second"]
        wrong = mockspi("invariants", "--sandbox", "nobody", *admin)
        assert (wrong.returncode, "No sandbox has the name" in wrong.stderr) == (2, True)


def test_the_command_names_the_records_at_fault_and_exits_with_1(tmp_path: Path) -> None:
    merchant = InProcess(tmp_path, keys=["staging"])
    with merchant.desk.store.write("staging") as records:
        records.put("orders", order("O-1", sold("P-1001"), orderStatus="REFUNDED"))
    with serving(tmp_path, "--state", str(tmp_path / "state"), "--api-key", "staging=key-staging") as one:
        done = mockspi("invariants", "--admin-url", one.admin_url, "--admin-token", one.token)
    assert done.returncode == 1
    said = "orders O-1 /orderStatus: REFUNDED does not fit: 0 lines are returned and something remains"
    rows = done.stdout.splitlines()
    assert rows[[row.strip() for row in rows].index(said) - 1].split()[:2] == ["broken", "ORDER_STATUS_FITS:"]


def test_the_rules_hold_through_a_sale_and_its_returns(server: Server) -> None:
    shop = Sandbox(server, server.minted(clock={"frozen": NOON}))
    validate(shop, "CART-1", line("P-1001", 2), line("P-1014"))
    sell(shop, order("O-1", sold("P-1001", 2), storeId="S-101", cartId="CART-1"))
    give_back(shop, "O-1", back("1"))
    give_back(shop, "O-7021", back("3", exchange=True))
    validate(shop, "CART-2", line("P-1001"))
    odd = order("O-2", sold("P-1001", returnOrderId="R-9"), tenders=[{"paymentMethod": "Cash", "amountAuthorized": 26.4}])
    assert "errorCode" not in sell(shop, odd)  # a POS may send anything beside what is known
    told = server.admin("GET", f"/sandboxes/{shop.key}/invariants").json()
    assert told["holds"] is True
    assert [one["name"] for one in told["invariants"]] == NAMES
