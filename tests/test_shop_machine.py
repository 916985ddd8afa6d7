"""Days of mixed business: after each step every tale of the stock agrees with a model, and every invariant holds.

``MOCKSPI_TEST_RUNS=500 MOCKSPI_TEST_STEPS=80 pytest tests/test_shop_machine.py`` is the large run.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from conftest import NOON, ROOT
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from selling import MINUTE, InProcess, Shop, order, sold
from shop_asking import ASKED, Asking
from shop_dates import SEEN, Dates, Sale, lay
from test_checkout import CHICAGO

RUNS = int(os.environ.get("MOCKSPI_TEST_RUNS", "20"))
STEPS = int(os.environ.get("MOCKSPI_TEST_STEPS", "40"))
PRODUCTS, STORES = ("P-1", "P-2"), ("S-101", "S-102")
PLACES = (*STORES, "ONLINE")
STOCK, HOLD = 6, 15 * MINUTE
DONE: Counter[str] = Counter()  #: how often each thing was done, so that a machine that does nothing is seen

Shelf = tuple[str, str]


@cache
def folder() -> Path:
    """A merchant with two products, two stores and little stock."""
    made = Path(mkdtemp(prefix="mockspi-machine-"))
    shutil.copytree(ROOT / "fixtures", made / "set", ignore=shutil.ignore_patterns("examples", "rules", "__pycache__"))
    records = made / "set/records"
    for name in ("orders", "customers", "interactions", "rewards", "loyalty_entries", "employees", "delivery_slots"):
        (records / f"{name}.json").write_text("[]")
    lay(records)
    item = json.loads((records / "products.json").read_text())["records"][0]
    (records / "products.json").write_text(
        json.dumps([{**item, "productId": one, "gtin": f"1000000{one[-1]}"} for one in PRODUCTS])
    )
    stock = [{"productId": one, "locationId": place, "onHand": STOCK} for one in PRODUCTS for place in PLACES]
    (records / "stock.json").write_text(json.dumps(stock))
    stores = json.loads((records / "stores.json").read_text())["records"]
    (records / "stores.json").write_text(json.dumps([one for one in stores if one["storeId"] in STORES]))
    return made


@cache
def merchant() -> InProcess:
    """The one merchant of this process."""
    return InProcess(folder(), fixtures=str(folder() / "set"))


@pytest.fixture(scope="module", autouse=True)
def _tidy() -> Iterator[None]:
    yield
    shutil.rmtree(folder(), ignore_errors=True)


@dataclass
class Cart:
    """What a cart holds, as the model sees it."""

    ends: int
    lines: list[tuple[str, str, int]]  #: product, place, units
    status: str = "HELD"

    def holds(self, now: int) -> bool:
        return self.status == "HELD" and now < self.ends


def way(place: str) -> dict[str, Any]:
    """The members of a line that make it leave from a place."""
    return {"omniFulfillmentType": "SHIP_TO_HOME"} if place == "ONLINE" else {"storeId": place, "fulfillmentLocation": place}


lines = st.lists(
    st.tuples(st.sampled_from(PRODUCTS), st.sampled_from(PLACES), st.sampled_from((1, 1, 2, 2, 3, 0))), min_size=1, max_size=3
)
carts = st.sampled_from(("A", "B", "C"))


class Merchant(Asking, Dates, RuleBasedStateMachine):
    """What a POS does to a merchant, and what must then be so."""

    @initialize()
    def opens(self) -> None:
        self.shop = Shop(merchant())
        self.now = NOON
        self.shelf: Counter[Shelf] = Counter({(product, place): STOCK for product in PRODUCTS for place in PLACES})
        self.carts: dict[str, Cart] = {}
        self.sales: dict[str, Sale] = {}

    def free(self, shelf: Shelf, without: str = "") -> int:
        """What the model has available."""
        held = sum(
            units
            for name, cart in self.carts.items()
            if name != without and cart.holds(self.now)
            for product, place, units in cart.lines
            if (product, place) == shelf
        )
        return self.shelf[shelf] - held

    def lapse(self) -> None:
        """What a write ends for good."""
        for cart in self.carts.values():
            if cart.status == "HELD" and not cart.holds(self.now):
                cart.status, cart.lines = "EXPIRED", [(product, place, 0) for product, place, _ in cart.lines]

    def frees(self, name: str) -> None:
        """What a canceled order does to its cart."""
        if (cart := self.carts.get(name)) and cart.status == "HELD":
            cart.status, cart.lines = "REVERTED", [(product, place, 0) for product, place, _ in cart.lines]

    @rule(cart=carts, wanted=lines)
    def validates(self, cart: str, wanted: list[tuple[str, str, int]]) -> None:
        sent = [
            {"orderItemId": str(number), "productId": product, "quantity": units, "price": 24, **way(place)}
            for number, (product, place, units) in enumerate(wanted)
        ]
        answer = self.shop.call("POST", "/sa/cartValidation", {"cartId": cart, "shippingAddress": CHICAGO, "productList": sent})
        right: list[tuple[str, str]] = []
        taken: Counter[Shelf] = Counter()
        for number, (product, place, units) in enumerate(wanted):
            taken[product, place] += units
            if units == 0:
                right.append((str(number), "QUANTITY_INVALID"))
            elif taken[product, place] > self.free((product, place), cart):
                right.append((str(number), "INSUFFICIENT_INVENTORY"))
        assert [(one["orderItemId"], one["errorCode"]) for one in answer.get("errors", [])] == right
        assert answer["valid"] is not bool(right)
        if not right:  # what is refused changes nothing, not even what is over
            self.lapse()
            assert answer["reservation"]["expiresAt"] == self.now + HOLD
            self.carts[cart] = Cart(self.now + HOLD, wanted)
        DONE["refused" if right else "held"] += 1

    @precondition(lambda self: self.carts)
    @rule(data=st.data(), part=st.booleans())
    def reverts(self, data: st.DataObject, part: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.carts)))
        cart = self.carts[name]
        self.lapse()
        number = data.draw(st.integers(0, len(cart.lines) - 1)) if part else None
        named = {"orderItemId": str(number), "productId": cart.lines[number][0]} if number is not None else None
        sent = {"cartId": name, **({"productList": [named]} if named else {})}
        answer = self.shop.call("POST", "/sa/inventoryService/revert", sent)
        meant = [line for index, line in enumerate(cart.lines) if number in (None, index)]
        assert [one["revertedQuantity"] for one in answer["productList"]] == [units for _, _, units in meant]
        cart.lines = [(*line[:2], 0 if number in (None, index) else line[2]) for index, line in enumerate(cart.lines)]
        if cart.status == "HELD" and not any(units for *_, units in cart.lines):
            cart.status = "REVERTED"
        DONE["reverted"] += 1

    @rule(minutes=st.sampled_from((-20, -1, 1, 14, 15, 40)))
    def moves_the_clock(self, minutes: int) -> None:
        self.now += minutes * MINUTE
        told = self.shop.admin("POST", "/clock", {"frozen": self.now})
        due = [one["id"] for one in told["fired"] if one["kind"] == "RESERVATION_EXPIRED"]
        before = self.now - minutes * MINUTE
        over = {name for name, cart in self.carts.items() if cart.status == "HELD" and before < cart.ends <= self.now}
        assert set(due) == over
        DONE["lapsed"] += len(over)

    @rule(cart=carts, wanted=lines, of_cart=st.booleans(), deposit=st.sampled_from((None, 0, 5.01, 1000)))
    def sells(self, cart: str, wanted: list[tuple[str, str, int]], of_cart: bool, deposit: float | None) -> None:
        if of_cart and cart in self.carts:
            wanted = self.carts[cart].lines
        wanted = [one for one in wanted if one[2]]
        if not wanted:
            return
        name = f"O-{len(self.sales) + 1}"
        sent_lines = [
            sold(product, units, str(number), discount=number, **way(place))
            for number, (product, place, units) in enumerate(wanted)
        ]
        tenders = [] if deposit is None else [{"paymentMethod": "Cash", "amountAuthorized": deposit}]
        sent = order(name, *sent_lines, tenders=tenders, **({"cartId": cart} if of_cart else {}))
        answer = self.shop.admin("POST", "/orders", sent)
        units: Counter[Shelf] = sum((Counter({line[:2]: line[2]}) for line in wanted), Counter())
        short = any(many > self.free(shelf, cart if of_cart else "") for shelf, many in units.items())
        assert answer.get("errorCode") == ("INSUFFICIENT_INVENTORY" if short else None)
        DONE["short" if short else "sold"] += 1
        if short:
            return
        self.lapse()
        self.shelf.subtract(units)
        self.sales[name] = Sale(sent, answer, {str(number): many for number, (_, _, many) in enumerate(wanted)})
        if of_cart and cart in self.carts:
            self.carts[cart].status = "SOLD"
            self.carts[cart].lines = [(*line[:2], 0) for line in self.carts[cart].lines]

    @precondition(lambda self: self.sales)
    @rule(data=st.data())
    def sells_again(self, data: st.DataObject) -> None:
        sale = self.sales[data.draw(st.sampled_from(sorted(self.sales)))]
        assert self.shop.admin("POST", "/orders", sale.sent) == sale.answer
        other = {**sale.sent, "email": "another@example.com"}
        assert self.shop.admin("POST", "/orders", other)["errorCode"] == "ORDER_EXISTS"
        DONE["sold again"] += 1

    @precondition(lambda self: self.sales)
    @rule(
        data=st.data(),
        units=st.sampled_from((1, 1, 1, 2, 4)),
        place=st.sampled_from(PLACES),
        damaged=st.booleans(),
        swap=st.booleans(),
    )
    def takes_back(self, data: st.DataObject, units: int, place: str, damaged: bool, swap: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.sales)))
        sale = self.sales[name]
        item = data.draw(st.sampled_from(sorted(sale.left)))
        back = {"orderItemId": item, "quantity": units, "storeId": place, "disposition": "DAMAGED" if damaged else "RESALABLE"}
        sent = {"orderId": name, "requestId": f"R-{len(sale.returns)}", "returnProductList": [back]}
        fresh = sold(PRODUCTS[0], 1, f"X-{len(sale.returns)}", storeId="S-101", fulfillmentLocation="S-101")
        if swap:
            back["exchange"], sent["orderProductList"] = True, [fresh]
        told = self.shop.call("GET", f"/sa/orders/{name}")["orderProductList"]
        product = {one["orderItemId"]: one["productId"] for one in told}[item]
        answer = self.shop.call("POST", "/sa/orders/return", sent)
        right = None
        returned = 0 if damaged else units
        here = self.free((PRODUCTS[0], "S-101")) + (returned if (product, place) == (PRODUCTS[0], "S-101") else 0)
        if not any(sale.left.values()):
            right = "NOT_RETURNABLE"
        elif units > sale.left[item]:
            right = "RETURN_QUANTITY_EXCEEDED"
        elif swap and here < 1:
            right = "INSUFFICIENT_INVENTORY"
        assert answer.get("errorCode") == right
        DONE[right or ("exchanged" if swap else "returned")] += 1
        if right:
            return
        self.shelf[product, place] += returned
        sale.left[item] -= units
        if swap:
            self.lapse()
            self.shelf[PRODUCTS[0], "S-101"] -= 1
            sale.left[fresh["orderItemId"]] = 1
        sale.returns.append((sent, answer))

    @precondition(lambda self: any(sale.returns for sale in self.sales.values()))
    @rule(data=st.data())
    def takes_back_again(self, data: st.DataObject) -> None:
        sent, answer = data.draw(st.sampled_from([one for sale in self.sales.values() for one in sale.returns]))
        assert self.shop.call("POST", "/sa/orders/return", sent) == answer
        DONE["returned again"] += 1

    @invariant()
    def every_tale_of_the_stock_is_the_same(self) -> None:
        for product in PRODUCTS:
            told = self.shop.call("POST", "/product/getInventoryOverview", {"productId": product})["inventoryList"]
            seen = {one["storeId"]: one["availableQuantity"] for one in told}
            assert seen == {place: self.free((product, place)) for place in STORES}
            asked = {"productList": [{"productId": product, "quantity": 1}]}
            there = self.shop.call("POST", "/sa/inventory/check", asked)["productList"][0]
            free = self.free((product, "ONLINE"))
            assert (there["availableQuantity"], there["available"]) == (free, free > 0)
            text = self.shop.call("POST", "/product/getInventoryOverview", {"productId": product, "zipCode": "60622"})
            assert text["availabilityText"].startswith("Available" if free else "Not")

    @invariant()
    def orders_remain_what_was_sold_less_what_came_back(self) -> None:
        for name, sale in self.sales.items():
            told = self.shop.call("GET", f"/sa/orders/{name}")
            seen = {one["orderItemId"]: one["quantity"] for one in told["productList"]}
            assert seen == {item: units for item, units in sale.left.items() if units}
            assert told["canReturn"] == ("TRUE" if any(sale.left.values()) else "FALSE")

    @invariant()
    def every_rule_holds(self) -> None:
        told = self.shop.admin("GET", "/invariants")
        assert told["holds"], [one for one in told["invariants"] if not one["holds"]]
        DONE["steps"] += 1

    def teardown(self) -> None:
        self.shop.admin("DELETE")


def test_days_of_mixed_business_break_no_rule() -> None:
    chosen = settings(max_examples=RUNS, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Merchant, settings=chosen)
    assert DONE["steps"] > RUNS * 5
    print(f"\n{dict(DONE)}\n{dict(SEEN)}\n{dict(ASKED)}")
