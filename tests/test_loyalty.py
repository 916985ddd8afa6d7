"""Loyalty: points and rewards."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Sandbox


def line(price: float, quantity: int = 1, **more: Any) -> dict[str, Any]:
    """A line of a sale."""
    return {"productId": "P-1001", "quantity": quantity, "price": price, **more}


def points(sandbox: Sandbox, customer: str = "C-1001", **sale: Any) -> dict[str, Any]:
    """What a sale to somebody earns."""
    answer: dict[str, Any] = sandbox("POST", "/sa/getLoyaltyPoints", json={"customerId": customer, **sale}).json()
    return answer


def rewards(sandbox: Sandbox, **asked: str) -> list[str]:
    """The rewards that are found."""
    return [one["rewardId"] for one in sandbox("POST", "/reward/lookup", json=asked).json()["rewards"]]


@pytest.mark.parametrize(
    ("customer", "tier", "balance", "earned"),
    [
        ("C-1003", "BRONZE", 140, 100),
        ("C-1002", "SILVER", 812, 125),
        ("C-1001", "GOLD", 2340, 150),
        ("C-1004", "PLATINUM", 7215, 200),
    ],
)
def test_a_higher_tier_earns_more(sandbox: Sandbox, customer: str, tier: str, balance: int, earned: int) -> None:
    answer = points(sandbox, customer, productList=[line(100)])
    assert answer == {"pointsEarned": earned, "pointsRedeemed": 0, "pointsBalance": balance, "tier": tier}


@pytest.mark.parametrize(
    ("sale", "earned"),
    [
        ({"productList": [line(10, 3)]}, 45),
        ({"productList": [line(10, 3, discount=5), line(1)]}, 39),  # 26 x 1.5
        ({"orderProductList": [line(10)], "productList": [line(99)]}, 15),
        ({"productList": [line(10, discount=20)]}, 0),
        ({"productList": [line(0.66)]}, 0),  # 0.99
        ({"productList": [line(0.67)]}, 1),  # 1.005
        ({"productList": [line(0.1)] * 20}, 3),  # 2.00 x 1.5, without the noise of binary fractions
        ({"totalAmount": 110.25, "taxSubTotal": 10.25}, 150),
        ({"totalAmount": 5, "taxSubTotal": 10}, 0),
        ({"totalAmount": 999, "productList": [line(10)]}, 15),  # lines go first
        ({}, 0),
    ],
    ids=str,
)
def test_points_are_earned_on_net_merchandise_and_rounded_down(sandbox: Sandbox, sale: dict[str, Any], earned: int) -> None:
    assert points(sandbox, **sale)["pointsEarned"] == earned


def test_a_sale_worth_more_than_there_is_money_is_refused(sandbox: Sandbox) -> None:
    sent = {"customerId": "C-1001", "productList": [line(1e12, 100_000)]}
    answer = sandbox("POST", "/sa/getLoyaltyPoints", json=sent)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "REQUEST_INVALID")


def test_asking_for_points_changes_nothing(sandbox: Sandbox) -> None:
    first = points(sandbox, productList=[line(100)])
    assert points(sandbox, productList=[line(100)]) == first
    assert sandbox("GET", "/sa/customers/C-1001").json()["loyaltyProfile"]["points"] == 2340


def test_an_order_names_its_customer_in_its_profile(sandbox: Sandbox) -> None:
    order = sandbox("GET", "/sa/orders/O-7001").json()
    answer = sandbox("POST", "/sa/getLoyaltyPoints", json=order).json()
    assert answer["pointsEarned"] == 205  # (48 + 71.99 + 17.25) x 1.5 = 205.86


def test_points_that_were_paid_with_are_told(sandbox: Sandbox) -> None:
    tenders = [
        {"paymentMethod": "POINTS", "amountAuthorized": 5, "points": 500},
        {"paymentMethod": "CARD", "amountAuthorized": 10},
        {"paymentMethod": "POINTS", "amountAuthorized": 1, "points": 100},
    ]
    assert points(sandbox, productList=[line(10)], tenders=tenders)["pointsRedeemed"] == 600


@pytest.mark.parametrize("wrong", ["many", -1, 1.5, [1], True])
def test_points_that_are_no_number_are_refused(sandbox: Sandbox, wrong: Any) -> None:
    tenders = [{"paymentMethod": "POINTS", "amountAuthorized": 5, "points": wrong}]
    answer = sandbox("POST", "/sa/getLoyaltyPoints", json={"customerId": "C-1001", "tenders": tenders})
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "/tenders/0/points")


@pytest.mark.parametrize("customer", ["C-9999", "C-1012"], ids=["nobody", "no profile"])
def test_without_a_loyalty_profile_there_are_no_points(sandbox: Sandbox, customer: str) -> None:
    answer = points(sandbox, customer, productList=[line(10)])
    assert answer.keys() == {"errorCode", "errorMessage"}
    assert answer["errorCode"] == "LOYALTY_PROFILE_NOT_FOUND"


def test_who_joins_earns_points(sandbox: Sandbox) -> None:
    profile = {"loyaltyId": "L-NEW", "points": 0, "currentTier": {"name": "BRONZE"}}
    sandbox("PUT", "/sa/customers", json={"profile": {"customerId": "C-1012"}, "loyaltyProfile": profile})
    assert points(sandbox, "C-1012", productList=[line(10)])["pointsEarned"] == 10
    assert rewards(sandbox, loyaltyId="L-NEW") == []


def test_a_reward_says_what_it_is_worth(sandbox: Sandbox) -> None:
    found = sandbox("POST", "/reward/lookup", json={"customerId": "C-1006"}).json()
    assert found["rewards"] == [
        {"rewardId": "R-3006", "name": "£10 off knitwear", "amount": 10, "currency": "GBP", "expiryDate": 2074723200000}
    ]


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({"customerId": "C-1001"}, ["R-3001", "R-3002"]),  # the first to expire first, the expired one left out
        ({"cardAcquisitionToken": "CAT-7F3A91"}, ["R-3001", "R-3002"]),
        ({"email": "ZOE.martin@example.com"}, ["R-3001", "R-3002"]),
        ({"phone": "13125550101"}, ["R-3001", "R-3002"]),
        ({"loyaltyId": "L-1001", "customerId": "C-1001"}, ["R-3001", "R-3002"]),
        ({"customerId": "C-1002"}, []),  # used
        ({"customerId": "C-1012"}, []),
    ],
    ids=str,
)
def test_only_rewards_that_can_be_used_are_found(sandbox: Sandbox, asked: dict[str, str], ids: list[str]) -> None:
    assert rewards(sandbox, **asked) == ids


@pytest.mark.parametrize(
    "asked",
    [{"customerId": "C-9999"}, {"cardAcquisitionToken": "CAT"}, {"customerId": "C-1001", "email": "bo.li@example.com"}],
    ids=str,
)
def test_rewards_of_nobody_are_refused(sandbox: Sandbox, asked: dict[str, str]) -> None:
    answer = sandbox("POST", "/reward/lookup", json=asked).json()
    assert answer.keys() == {"errorCode", "errorMessage", "rewards"}
    assert (answer["errorCode"], answer["rewards"]) == ("CUSTOMER_NOT_FOUND", [])
