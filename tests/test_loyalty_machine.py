"""Days of mixed business with a member: whatever is sold and comes back, points and rewards are those of what is left.

``MOCKSPI_TEST_RUNS=500 MOCKSPI_TEST_STEPS=80 pytest tests/test_loyalty_machine.py`` is the large run.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal
from functools import cache
from pathlib import Path

import pytest
from conftest import NOON
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test
from membership import points, reward
from selling import MINUTE, InProcess, Shop, order, sold
from test_shop_machine import DONE, PLACES, PRODUCTS, RUNS, STEPS, STOCK, Merchant, Sale, folder, way

RATES = {"BRONZE": Decimal(1), "SILVER": Decimal("1.25"), "GOLD": Decimal("1.5"), "PLATINUM": Decimal(2)}
BEGUN = 480  #: SILVER is near
REWARDS = {"RW-1": NOON + 20 * MINUTE, "RW-2": NOON + 10**9, "RW-3": NOON + 10**9}
OTHERS = {"RW-X": ("C-Y", "USD"), "RW-GBP": ("M", "GBP")}  #: nobody can pay with these


@cache
def made() -> Path:
    """A set of its own: that of the other machine goes with it."""
    return folder.__wrapped__()


@cache
def merchant() -> InProcess:
    """The one merchant of these tests."""
    return InProcess(made(), fixtures=str(made() / "set"))


@pytest.fixture(scope="module", autouse=True)
def _tidy() -> Iterator[None]:
    yield
    shutil.rmtree(made(), ignore_errors=True)


class Members(Merchant):
    """The same merchant, and a customer with points and rewards."""

    @initialize()
    def opens(self) -> None:
        self.shop, self.now, self.carts, self.sales = Shop(merchant()), NOON, {}, {}
        self.shelf = Counter({(product, place): STOCK for product in PRODUCTS for place in PLACES})
        loyalty = {"loyaltyId": "L-M", "points": BEGUN, "currentTier": {"name": "BRONZE"}}
        self.shop.call("POST", "/sa/customers", {"profile": {"customerId": "M"}, "loyaltyProfile": loyalty})
        self.shop.call("POST", "/sa/customers", {"profile": {"customerId": "C-Y"}})
        for name, ends in REWARDS.items():
            self.gives(name, "M", "USD", ends)
        for name, (customer, currency) in OTHERS.items():
            self.gives(name, customer, currency, NOON + 10**9)
        self.rates: dict[str, Decimal] = {}
        self.paid: dict[str, tuple[int, str]] = {}  #: what an order took of points, and its reward
        self.adjusted = 0

    def gives(self, name: str, customer: str, currency: str, ends: int) -> None:
        """A reward for a customer."""
        worth = {"name": name, "amount": 5, "currency": currency, "expiryDate": ends, "status": "AVAILABLE"}
        self.shop.write("rewards", {"rewardId": name, "customerId": customer, **worth})

    def balance(self) -> int:
        """What GET_CUSTOMER tells."""
        return int(self.shop.call("GET", "/sa/customers/M")["loyaltyProfile"]["points"])

    def free_rewards(self) -> set[str]:
        """The rewards that are neither over nor in an order of which something is left."""
        used = {name for order_id, (_, name) in self.paid.items() if any(self.sales[order_id].left.values())}
        return {name for name, ends in REWARDS.items() if ends > self.now and name not in used}

    @rule(
        wanted=st.tuples(st.sampled_from(PRODUCTS), st.sampled_from(PLACES), st.integers(1, 3)),
        price=st.sampled_from((0.99, 10, 24, 133.33)),
        spent=st.sampled_from((0, 0, 0, 7, 100, 2000)),
        used=st.sampled_from((None, None, None, *REWARDS, *OTHERS, "RW-0")),
        cash=st.sampled_from((None, 0, 9.5)),
    )
    def sells_to_the_member(
        self, wanted: tuple[str, str, int], price: float, spent: int, used: str | None, cash: float | None
    ) -> None:
        product, place, units = wanted
        name = f"O-{len(self.sales) + 1}"
        tenders = [points(spent, 2)] * bool(spent) + ([reward(used, 5)] if used else [])
        tenders += [{"paymentMethod": "Cash", "amountAuthorized": cash}] if cash is not None else []
        line = sold(product, units, "0", price=price, discount=0.5, **way(place))
        sent = order(name, line, customerProfile={"customerId": "M"}, tenders=tenders)
        told, had = self.shop.call("POST", "/sa/getLoyaltyPoints", sent), self.balance()
        answer = self.shop.admin("POST", "/orders", sent)
        right = None
        if units > self.free((product, place)):
            right = "INSUFFICIENT_INVENTORY"
        elif spent > max(0, had) or (used and used not in self.free_rewards()):
            right = "TENDER_REFUSED"
        assert answer.get("errorCode") == right, (answer, had)
        DONE[f"member: {right or 'paid with a reward' if used else right or 'sold'}"] += 1
        if right:
            assert self.balance() == had
            return
        self.lapse()
        self.shelf[product, place] -= units
        assert self.balance() == had - spent + told["pointsEarned"]
        self.sales[name], self.rates[name] = Sale(sent, answer, {"0": units}), RATES[told["tier"]]
        self.paid[name] = (spent, used or "")

    @rule(more=st.sampled_from((-30, 5, 700)))
    def adjusts(self, more: int) -> None:
        sent = {"profile": {"customerId": "M"}, "loyaltyProfile": {"points": self.balance() + more}}
        assert self.shop.call("PUT", "/sa/customers", sent)["loyaltyProfile"]["points"] == sent["loyaltyProfile"]["points"]
        self.adjusted += more

    @invariant()
    def the_balance_is_what_was_earned_by_what_is_left_less_what_was_spent(self) -> None:
        entries = self.shop.admin("GET", "/loyalty/M")["entries"]
        assert self.balance() == sum(one["points"] for one in entries)
        right = BEGUN + self.adjusted
        for name, rate in self.rates.items():
            kept = self.shop.call("GET", f"/sa/orders/{name}")["productList"]
            net = sum((Decimal(str(one["total"])) - Decimal(str(one["tax"])) for one in kept), Decimal(0))
            right += int((net * rate).to_integral_value(ROUND_FLOOR))
            given = sum(one["points"] for one in entries if one["type"] == "REDEEM" and one.get("orderId") == name)
            spent = self.paid[name][0]
            assert -spent <= given <= 0
            assert given == 0 or kept
            right += given
        assert self.balance() == right

    @invariant()
    def rewards_are_found_while_they_can_be_used(self) -> None:
        found = self.shop.call("POST", "/reward/lookup", {"loyaltyId": "L-M"})["rewards"]
        assert {one["rewardId"] for one in found if one["currency"] == "USD"} == self.free_rewards()


def test_days_of_mixed_business_with_a_member_break_no_rule() -> None:
    DONE.clear()
    chosen = settings(
        max_examples=max(1, RUNS // 2), stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Members, settings=chosen)
    assert DONE["member: sold"] + DONE["member: paid with a reward"] > 0
    print(f"\n{dict(DONE)}")
