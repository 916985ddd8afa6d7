"""Points as a ledger: orders earn and redeem, returns reverse, tiers move, points expire."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import NOON, Sandbox
from hypothesis import given, settings
from hypothesis import strategies as st
from membership import YEAR, asked, bought, entries, points, programme, standing, told
from selling import DAY, order, sell, sold
from test_orders import give_back, line

from mockspi.clock import Clock
from mockspi.retail import returns, sales
from mockspi.retail.ledger import total
from mockspi.retail.loyalty_rules import LOYALTY_RULES
from mockspi.store.base import Criterion
from mockspi.store.sqlite import SqliteStore

MEMBER = "C-1003"  #: 140 points, BRONZE: one for a dollar


def test_an_order_earns_what_was_told_before_and_once(shop: Sandbox) -> None:
    sent = bought("O-1", sold("P-1001", 2, discount=4.99))
    before = asked(shop, **sent)
    assert before == {"pointsEarned": 43, "pointsRedeemed": 0, "pointsBalance": 140, "tier": "BRONZE"}
    assert entries(shop) == []
    for _ in range(2):
        sell(shop, sent)
        assert standing(shop) == (183, "BRONZE")
        assert entries(shop) == [("ADJUST", 140), ("EARN", 43)]
    assert asked(shop, **sent) == {**before, "pointsBalance": 183}
    give_back(shop, "O-1", line("1"))
    assert asked(shop, **sent) == {**before, "pointsEarned": 21, "pointsBalance": 161}


@pytest.mark.parametrize(
    ("customer", "more"),
    [("C-1003", {"orderStatus": "CANCELED"}), ("C-1012", {}), ("", {})],
    ids=["canceled", "no profile", "nobody"],
)
def test_an_order_may_earn_nothing(shop: Sandbox, customer: str, more: dict[str, Any]) -> None:
    whose = {"customerProfile": {"customerId": customer}} if customer else {}
    assert "errorCode" not in sell(shop, order("O-1", sold("P-1001"), **whose, **more))
    assert give_back(shop, "O-1", line("1")).get("errorCode") == ("NOT_RETURNABLE" if more else None)
    assert told(shop, "GET", "/records/loyalty_entries")["totalCount"] == 2  # the fixture set's


def test_points_that_pay_are_redeemed_and_come_back_in_step_with_the_money(shop: Sandbox) -> None:
    card = {"paymentMethod": "Card", "amountAuthorized": 74.2}
    declined = points(999, paymentStatus="DECLINED")
    sell(shop, bought("O-1", sold("P-1001", 3), tenders=[points(30, 3), declined, points(21, 2), card]))
    assert entries(shop)[1:] == [("REDEEM", -30), ("REDEEM", -21), ("EARN", 72)]
    assert standing(shop)[0] == 140 - 51 + 72
    for number, back in enumerate((17, 17, 17)):
        give_back(shop, "O-1", line("1"), requestId=str(number))
        assert entries(shop)[-2:] == [("EARN", -24), ("REDEEM", back)]
    assert standing(shop)[0] == 140


def test_points_of_a_deposit_that_was_nothing_come_back_with_the_last_unit(shop: Sandbox) -> None:
    sell(shop, bought("O-1", sold("P-1001", 2), tenders=[points(30, 0)]))
    give_back(shop, "O-1", line("1"), requestId="1")
    assert entries(shop)[-1] == ("EARN", -24)
    give_back(shop, "O-1", line("1"), requestId="2")
    assert entries(shop)[-2:] == [("EARN", -24), ("REDEEM", 30)]


@pytest.mark.parametrize(
    ("customer", "tenders", "errors"),
    [
        ("C-1003", [points(141)], [("/tenders/0/points", "141 points asked for, 140 left")]),
        ("C-1003", [points(100), points(20), points(21)], [("/tenders/2/points", "21 points asked for, 20 left")]),
        ("C-1003", [points(200), points(1)],
         [("/tenders/0/points", "200 points asked for, 140 left"), ("/tenders/1/points", "1 points asked for, 0 left")]),
        ("C-1012", [points(1)], [("/tenders/0/points", "the order's customer has no loyalty profile, so no points")]),
    ],
    ids=str,
)  # fmt: skip
def test_an_order_with_more_points_than_there_are_is_refused_whole(
    shop: Sandbox, customer: str, tenders: list[Any], errors: list[tuple[str, str]]
) -> None:
    answer = shop.server.admin(
        "POST", f"/sandboxes/{shop.key}/orders", bought("O-1", sold("P-1001"), by=customer, tenders=tenders)
    )
    assert (answer.status_code, answer.json()["errorCode"]) == (409, "TENDER_REFUSED")
    assert [(one["path"], one["message"]) for one in answer.json()["errors"]] == errors
    assert shop("GET", "/sa/orders/O-1").json()["errorCode"] == "ORDER_NOT_FOUND"
    assert (standing(shop), entries(shop)) == ((140, "BRONZE"), [])
    assert "errorCode" not in sell(shop, bought("O-1", sold("P-1001"), tenders=[points(140)]))


@pytest.mark.parametrize("units", [(1, 1, 1, 1), (3, 1), (1, 3), (4,), (2, 1, 1)], ids=str)
def test_however_a_line_comes_back_it_reverses_what_it_earned(shop: Sandbox, units: tuple[int, ...]) -> None:
    sell(shop, bought("O-1", sold("P-1001", 4, price=1.99, discount=0.05), sold("P-1036", item="2", price=0.99), by="C-1001"))
    earned = int((4 * 1.99 - 0.05 + 0.99) * 1.5)
    assert entries(shop, "C-1001")[-1] == ("EARN", earned) == ("EARN", 13)
    for number, many in enumerate(units):
        give_back(shop, "O-1", line("1", many), requestId=str(number))
    assert standing(shop, "C-1001")[0] == 2340 + 1  # 0.99 x 1.5 is left
    give_back(shop, "O-1", line("2"))
    assert standing(shop, "C-1001")[0] == 2340
    assert sum(number for _, number in entries(shop, "C-1001")) == 2340


def test_an_exchange_reverses_what_came_back_and_earns_what_was_taken_instead(shop: Sandbox) -> None:
    cash = {"paymentMethod": "Cash", "amountAuthorized": 26.4}
    sell(shop, bought("O-1", sold("P-1001"), tenders=[cash]))
    fresh, more = sold("P-1036", item="2", price=60.5, storeId="S-102"), points(40, 40.15, requestId="more")
    refused = give_back(shop, "O-1", line("1", exchange=True), orderProductList=[fresh], tenders=[cash, points(165)])
    assert (refused["errorCode"], refused["errors"][0]["path"]) == ("TENDER_REFUSED", "/tenders/1/points")
    assert standing(shop)[0] == 164
    assert "errorCode" not in give_back(shop, "O-1", line("1", exchange=True), orderProductList=[fresh], tenders=[cash, more])
    assert entries(shop)[1:] == [("EARN", 24), ("REDEEM", -40), ("EARN", -24), ("EARN", 60)]
    assert standing(shop)[0] == 140 - 40 + 60
    give_back(shop, "O-1", line("2"), requestId="R-2")
    assert entries(shop)[-2:] == [("EARN", -60), ("REDEEM", 40)]
    assert standing(shop)[0] == 140


def test_a_member_who_spent_what_comes_back_owes_points(shop: Sandbox) -> None:
    sell(shop, bought("O-1", sold("P-1001")))
    sell(shop, bought("O-2", sold("P-1001"), tenders=[points(164), {"paymentMethod": "Cash", "amountAuthorized": 25.4}]))
    give_back(shop, "O-1", line("1"))
    assert standing(shop)[0] == 0
    sell(shop, bought("O-3", sold("P-1001"), tenders=[points(0)]))
    give_back(shop, "O-2", line("1", 1))
    assert standing(shop)[0] == 164
    sell(shop, bought("O-4", sold("P-1002"), tenders=[points(164)]))
    give_back(shop, "O-3", line("1"))
    give_back(shop, "O-4", line("1"), requestId="R")
    assert standing(shop)[0] == 140
    sell(shop, bought("O-5", sold("P-1001")))
    sell(shop, bought("O-6", sold("P-1001", price=0.5), tenders=[points(160)]))
    give_back(shop, "O-5", line("1"))
    assert standing(shop)[0] == -20
    refused = sell(shop, bought("O-7", sold("P-1001"), tenders=[points(1)]))
    assert refused["errors"][0]["message"] == "1 points asked for, 0 left"
    assert asked(shop, customerId=MEMBER)["pointsBalance"] == -20


def test_a_tier_is_reached_at_its_threshold_and_the_next_order_earns_by_it(shop: Sandbox) -> None:
    sell(shop, bought("O-1", sold("P-1001", price=0.8), by="C-1029"))  # 1499 points of SILVER, and one
    assert standing(shop, "C-1029") == (1500, "GOLD")
    profile = shop("GET", "/sa/customers/C-1029").json()["loyaltyProfile"]
    assert profile["currentTier"] == {
        "name": "GOLD", "title": "Gold Member", "subTitle": "Half as much again, and early access", "expiryDate": NOON + YEAR,
    }  # fmt: skip
    sell(shop, bought("O-2", sold("P-1001", price=10), by="C-1029", tenders=[points(1500)]))
    assert standing(shop, "C-1029") == (15, "GOLD")  # spending costs no tier
    give_back(shop, "O-1", line("1"))
    assert standing(shop, "C-1029") == (14, "GOLD")  # nor does a return, before the tier's end
    assert asked(shop, customerId="C-1029", productList=[sold("P-1001", price=10)])["pointsEarned"] == 15


def test_a_tier_that_has_ended_counts_as_what_was_earned_since(shop: Sandbox) -> None:
    def now(moment: int) -> dict[str, Any]:
        told(shop, "POST", "/clock", {"frozen": moment})
        return asked(shop, customerId="C-1029", productList=[sold("P-1001", price=100)])

    sell(shop, bought("O-1", sold("P-1001", price=0.8), by="C-1029"))
    assert now(NOON + YEAR - 1)["tier"] == "GOLD"
    assert now(NOON + YEAR) == {"pointsEarned": 100, "pointsRedeemed": 0, "pointsBalance": 1500, "tier": "BRONZE"}
    assert standing(shop, "C-1029") == (1500, "GOLD")  # a read books nothing
    sell(shop, bought("O-2", sold("P-1001", price=500), by="C-1029"))
    assert standing(shop, "C-1029") == (2000, "SILVER")
    assert now(NOON + 3 * YEAR)["tier"] == "BRONZE"
    sell(shop, bought("O-3", sold("P-1001", price=1), by="C-1029"))
    assert standing(shop, "C-1029") == (2001, "BRONZE")


def test_a_tier_is_kept_as_long_as_its_record_says_and_begins_again_where_it_was_earned_again(shop: Sandbox) -> None:
    programme(shop, validDays=10)
    sell(shop, bought("O-1", sold("P-1001", price=600), by="C-1014"))
    assert shop("GET", "/sa/customers/C-1014").json()["loyaltyProfile"]["currentTier"] == {
        "name": "SILVER",
        "expiryDate": NOON + 10 * DAY,
    }
    told(shop, "POST", "/clock", {"advance": 9 * DAY})
    sell(shop, bought("O-2", sold("P-1001", price=500), by="C-1014"))
    told(shop, "POST", "/clock", {"advance": DAY})
    sell(shop, bought("O-3", sold("P-1001", price=0.4), by="C-1014"))
    assert shop("GET", "/sa/customers/C-1014").json()["loyaltyProfile"]["currentTier"]["expiryDate"] == NOON + 20 * DAY


def test_without_tiers_a_point_is_earned_for_each_unit(shop: Sandbox) -> None:
    for name in ("BRONZE", "SILVER", "GOLD", "PLATINUM"):
        told(shop, "DELETE", f"/records/loyalty_tiers/{name}")
    sell(shop, bought("O-1", sold("P-1001", price=10), by="C-1029"))
    assert standing(shop, "C-1029") == (1509, "SILVER")
    assert asked(shop, customerId="C-1029", productList=[sold("P-1001", price=10)]) == {
        "pointsEarned": 10, "pointsRedeemed": 0, "pointsBalance": 1509,
    }  # fmt: skip


def test_points_expire_the_oldest_first(shop: Sandbox) -> None:
    programme(shop, pointsValidDays=10)
    sell(shop, bought("O-1", sold("P-1001", price=100)))
    told(shop, "POST", "/clock", {"advance": 5 * DAY})
    sell(shop, bought("O-2", sold("P-1001", price=50), tenders=[points(200, 50)]))
    assert standing(shop)[0] == 140 + 100 - 200 + 50  # the 140 that they came with go first, then 60 of 100
    fired = told(shop, "POST", "/clock", {"advance": 5 * DAY})["fired"]
    due = [one for one in fired if one["kind"] == "POINTS_EXPIRED"]
    assert due == [{"kind": "POINTS_EXPIRED", "id": MEMBER, "at": NOON + 10 * DAY}]
    assert (standing(shop)[0], asked(shop, customerId=MEMBER)["pointsBalance"]) == (90, 50)
    refused = sell(shop, bought("O-3", sold("P-1001"), tenders=[points(51)]))
    assert refused["errors"][0]["message"] == "51 points asked for, 50 left"
    sell(shop, bought("O-3", sold("P-1001", price=1)))
    assert entries(shop)[-2:] == [("EXPIRE", -40), ("EARN", 1)]
    assert standing(shop)[0] == 51
    again = (
        told(shop, "POST", "/clock", {"frozen": NOON})["fired"]
        + told(shop, "POST", "/clock", {"frozen": NOON + 14 * DAY})["fired"]
    )
    assert [one for one in again if one["kind"] == "POINTS_EXPIRED"] == []
    give_back(shop, "O-1", line("1"))
    assert entries(shop)[-2:] == [("EXPIRE", 40), ("EARN", -100)]  # what has expired is not taken once more
    assert standing(shop)[0] == -9


def test_points_that_paid_and_come_back_are_valid_anew_and_others_end_with_their_own_day(shop: Sandbox) -> None:
    programme(shop, pointsValidDays=10)
    sell(shop, bought("O-1", sold("P-1001", price=100), by="C-1014"))
    sell(shop, bought("O-2", sold("P-1001"), by="C-1014", tenders=[points(100, 26.4)]))
    told(shop, "POST", "/clock", {"advance": 6 * DAY})
    give_back(shop, "O-2", line("1"))
    told(shop, "POST", "/clock", {"advance": 6 * DAY})
    assert asked(shop, customerId="C-1014")["pointsBalance"] == 100
    fired = told(shop, "POST", "/clock", {"advance": 4 * DAY})["fired"]
    assert [one["at"] for one in fired if one["kind"] == "POINTS_EXPIRED"] == [NOON + 16 * DAY]
    assert asked(shop, customerId="C-1014")["pointsBalance"] == 0
    sell(shop, order("O-3", sold("P-1001"), customerProfile={"customerId": "C-1014"}))
    assert entries(shop, "C-1014")[-2:] == [("EXPIRE", -100), ("EARN", 24)]


def test_what_a_profile_is_told_to_have_is_an_adjustment(shop: Sandbox) -> None:
    def write(method: str, customer: str, **profile: Any) -> dict[str, Any]:
        names = {"customerId": customer, "firstName": "A", "lastName": "B"}
        found: dict[str, Any] = shop(method, "/sa/customers", json={"profile": names, "loyaltyProfile": profile}).json()
        return dict(found["loyaltyProfile"])

    assert write("POST", "K-1", loyaltyId="L-K", points=600)["currentTier"]["name"] == "SILVER"
    assert entries(shop, "K-1") == [("ADJUST", 600)]
    assert write("PUT", "K-1", points=450)["points"] == 450
    write("PUT", "K-1", points=450)
    assert entries(shop, "K-1") == [("ADJUST", 600), ("ADJUST", -150)]
    assert standing(shop, "K-1") == (450, "SILVER")
    write("POST", "K-2", loyaltyId="L-2")
    assert entries(shop, "K-2") == []
    shop("PUT", "/sa/customers", json={"profile": {"customerId": MEMBER, "salutation": "Mr"}})
    assert entries(shop) == []


def test_what_a_set_says_of_a_ledger_is_where_it_goes_on(shop: Sandbox) -> None:
    assert entries(shop, "C-1001") == [("ADJUST", 2135), ("EARN", 205)]
    give_back(shop, "O-7001", line("1"))
    assert entries(shop, "C-1001")[2:] == [("EARN", -36)]  # 113.24 x 1.5 is left of 137.24 x 1.5
    give_back(shop, "O-7028", line("1"))  # the ledger does not know that it earned
    assert standing(shop, "C-1001") == (2304, "GOLD")
    record = {"customerId": "C-1001", "entryId": "9", "type": "ADJUST", "points": 6, "date": NOON}
    told(shop, "PUT", "/records/loyalty_entries", {"records": [record]})
    sell(shop, bought("O-1", sold("P-1001", price=10), by="C-1001"))
    assert standing(shop, "C-1001")[0] == 2304 + 15  # what the profile says is what counts
    assert entries(shop, "C-1001")[-3:] == [("ADJUST", 6), ("ADJUST", -6), ("EARN", 15)]


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9999), st.integers(0, 99)), min_size=1, max_size=3),
    spent=st.integers(0, 2340),
    cash=st.integers(0, 99999),
    data=st.data(),
)
def test_whatever_comes_back_by_parts_leaves_the_points_as_they_were(
    store: SqliteStore, lines: list[tuple[int, int, int]], spent: int, cash: int, data: st.DataObject
) -> None:
    parts = [
        sold("P-1001", units, str(index), price=price / 100, discount=min(off, price) / 100)
        for index, (units, price, off) in enumerate(lines)
    ]
    tenders = [points(spent, 5), {"paymentMethod": "Cash", "amountAuthorized": cash / 100}]
    units = data.draw(st.permutations([one["orderItemId"] for one in parts for _ in range(one["quantity"])]))
    with store.write("points") as records:
        sales.arrive(records, bought("O-1", *parts, by="C-1001", tenders=tenders), NOON)
        for number, item in enumerate(units):
            sent = {"orderId": "O-1", "requestId": str(number), "returnProductList": [line(item)]}
            returns.give_back(records, sent, Clock())
            customer = records.get("customers", "C-1001") or {}
            booked = records.find("loyalty_entries", Criterion("customerId", ("C-1001",))).records
            assert customer["loyaltyProfile"]["points"] == total(booked)
            assert [list(rule(records)) for _, rule in LOYALTY_RULES if list(rule(records))] == []
        assert total(booked) == 2340
    store.reset("points")
