"""Dates by the store's calendar, and the places that bookings take in them. Results are reckoned by hand."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from calendars import NEW_YORK, PARIS, at, made, shown
from conftest import Sandbox, Server, serving
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from selling import InProcess, Shop, order, sold
from test_checkout import CHICAGO, HOME, line

CENTRAL = ZoneInfo("America/Chicago")
FRIDAY = at("2027-01-15T13:59")
BOPIS = {"omniFulfillmentType": "BOPIS"}
PICKUP = "S-101:SM-PICKUP:"


@pytest.fixture(scope="module")
def merchant(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    """The merchant of ``calendars``, in the test process."""
    folder = tmp_path_factory.mktemp("slots")
    return InProcess(folder, fixtures=str(made(folder)))


@pytest.fixture
def dated(merchant: InProcess) -> Shop:
    """A sandbox whose clock stands at a Friday in New York, just before the cut-off."""
    return stood(Shop(merchant), FRIDAY)


def stood(shop: Shop, now: int) -> Shop:
    """The same, at another moment."""
    shop.admin("POST", "/clock", {"frozen": now})
    return shop


def offered(shop: Shop, *lines: dict[str, Any], **more: Any) -> dict[str, int]:
    """The slots that are told and what remains of each; of a line that is fetched at S-101 unless said."""
    sent = {"storeId": "S-101", "productList": lines or [line("P-1001", **BOPIS)], **more}
    told = shop.call("POST", "/sa/datetime/slots", sent)
    assert told.get("errorCode") == (None if told["dates"] else "NO_DATES_AVAILABLE")
    assert all(day["slots"] for day in told["dates"])
    return {slot["slotId"]: slot["remaining"] for day in told["dates"] for slot in day["slots"]}


def book(shop: Shop, name: str, *slots: str, **more: Any) -> str:
    """The refusals of an order with a line in each slot, as one text; empty where it was booked."""
    lines = [sold("P-1001", item=str(number), slotId=slot, **BOPIS) for number, slot in enumerate(slots)]
    return refusals(shop, order(name, *lines, **{"storeId": "S-101", **more}))


def refusals(shop: Shop, sent: dict[str, Any]) -> str:
    """Why an order is refused."""
    told = shop.admin("POST", "/orders", sent)
    assert told.get("errorCode") in (None, "SLOT_NOT_AVAILABLE"), told
    return "; ".join(f"{one['path']}: {one['message']}" for one in told.get("errors", []))


SLOTS = [f"{PICKUP}{day}T{hour}" for day in ("2027-01-15", "2027-01-16", "2027-01-18") for hour in ("10:00", "15:00")]
#: the clock, where, and the days (as a clock in New York, Chicago or Paris shows them) with how many slots each
CALENDAR: dict[str, tuple[int, str, ZoneInfo, list[tuple[str, int]]]] = {
    "before the cut-off, past the first slot": (FRIDAY, "S-101", NEW_YORK, [
        ("2027-01-15", 1), ("2027-01-16", 2), ("2027-01-18", 2), ("2027-01-19", 2), ("2027-01-20", 2), ("2027-01-21", 2)]),
    "after the cut-off": (FRIDAY + 60_000, "S-101", NEW_YORK, [
        ("2027-01-16", 2), ("2027-01-18", 2), ("2027-01-19", 2), ("2027-01-20", 2), ("2027-01-21", 2), ("2027-01-22", 2)]),
    "before noon in Paris": (at("2027-01-15T11:59", PARIS), "S-107", PARIS, [("2027-01-16", 1), ("2027-01-17", 1)]),
    "noon in Paris": (at("2027-01-15T12:00", PARIS), "S-107", PARIS, [("2027-01-17", 1), ("2027-01-18", 1)]),
    "a day of 23 hours: no clock shows 02:30": (
        at("2027-03-14T01:29", CENTRAL), "S-102", CENTRAL, [("2027-03-14", 2)]),
    "a day of 23 hours, after its cut-off": (at("2027-03-14T01:30", CENTRAL), "S-102", CENTRAL, [("2027-03-21", 3)]),
    "the week after it": (at("2027-03-15T00:00", CENTRAL), "S-102", CENTRAL, [("2027-03-21", 3)]),
    "a day of 25 hours": (at("2027-11-07T01:29", CENTRAL), "S-102", CENTRAL, [("2027-11-07", 3)]),
    "a day of 25 hours: its cut-off comes once": (
        at("2027-11-07T01:29", CENTRAL) + 3_600_000, "S-102", CENTRAL, [("2027-11-14", 3)]),
}  # fmt: skip


@pytest.mark.parametrize("case", CALENDAR)
def test_the_stores_calendar_decides(dated: Shop, case: str) -> None:
    now, store, zone, right = CALENDAR[case]
    sent = {"storeId": store, "productList": [line("P-1001", **BOPIS)]}
    told = stood(dated, now).call("POST", "/sa/datetime/slots", sent)["dates"]
    assert [(shown(day["date"], zone), len(day["slots"])) for day in told] == right
    for day in told:
        for slot in day["slots"]:
            spoken = shown(slot["startTime"], zone)
            assert slot["slotId"] == f"{store}:SM-PICKUP:{spoken}"
            assert slot["endTime"] > slot["startTime"]


def test_a_booking_takes_a_place_and_the_last_one_is_not_offered(dated: Shop) -> None:
    assert list(offered(dated))[:3] == [SLOTS[1], SLOTS[2], SLOTS[3]]
    assert book(dated, "O-1", SLOTS[2]) == ""
    assert (offered(dated)[SLOTS[2]], offered(dated)[SLOTS[3]]) == (1, 2)
    assert book(dated, "O-2", SLOTS[2]) == ""
    assert SLOTS[2] not in offered(dated)
    assert book(dated, "O-3", SLOTS[3], SLOTS[2]) == "/orderProductList/1/slotId: all 2 places are taken"
    assert offered(dated)[SLOTS[3]] == 2
    assert [book(dated, f"O-{number}", SLOTS[3]) for number in (3, 4)] == ["", ""]
    told = dated.call("POST", "/sa/datetime/slots", {"storeId": "S-101", "productList": [line("P-1001", **BOPIS)]})["dates"]
    assert [shown(day["date"]) for day in told][:2] == ["2027-01-15", "2027-01-18"]  # a day without slots is none


@pytest.mark.parametrize(
    ("slot", "why"),
    [
        (SLOTS[0], "it can no longer be chosen: it has begun, or the cut-off is over"),
        (f"{PICKUP}2027-01-17T10:00", "nothing is handed over on 2027-01-17"),
        (f"{PICKUP}2027-01-22T10:00", "it is too far ahead: 7 days can be chosen"),
        (f"{PICKUP}2027-01-16T11:00", "no slot of 2027-01-16 begins then"),
        (f"{PICKUP}2027-02-31T10:00", "a slot of S-101:SM-PICKUP as DATE_PICKER tells them is expected"),
        ("S-107:SM-PICKUP:2027-01-16T10:00", "a slot of S-101:SM-PICKUP as DATE_PICKER tells them is expected"),
        ("S-107:SM-PICKUP:2027-01-17T10:00", "a slot of S-101:SM-PICKUP as DATE_PICKER tells them is expected"),
    ],
)
def test_a_slot_that_cannot_be_had_refuses_the_order(dated: Shop, slot: str, why: str) -> None:
    assert book(dated, "O-1", slot) == f"/orderProductList/0/slotId: {why}"
    assert dated.call("GET", "/sa/orders/O-1")["errorCode"] == "ORDER_NOT_FOUND"


def test_a_slot_past_its_cut_off_refuses_the_order(dated: Shop) -> None:
    assert book(dated, "O-1", SLOTS[1]) == ""
    assert "no longer" in book(stood(dated, FRIDAY + 60_000), "O-2", SLOTS[1])


def test_the_same_order_again_books_once_even_after_the_cut_off(dated: Shop) -> None:
    sent = order("O-1", sold("P-1001", slotId=SLOTS[1], **BOPIS), storeId="S-101")
    told = dated.admin("POST", "/orders", sent)
    assert stood(dated, FRIDAY + 60_000).admin("POST", "/orders", sent) == told
    assert offered(stood(dated, FRIDAY))[SLOTS[1]] == 1


def test_a_way_without_slots_has_none_to_book(dated: Shop) -> None:
    sent = order("O-1", sold("P-1001", slotId="S-105:SM-PICKUP:2027-01-16T10:00", **BOPIS), storeId="S-105")
    assert refusals(dated, sent) == "/orderProductList/0/slotId: there are no slots for the way this goes"
    assert offered(dated, storeId="S-105") == {}


@pytest.mark.parametrize("way", [{}, {"omniFulfillmentType": "IN_STORE"}, {"fulfillmentType": "IN_STORE"}], ids=str)
def test_what_is_taken_at_once_has_no_dates_and_books_none(dated: Shop, way: dict[str, Any]) -> None:
    assert offered(dated, line("P-1001", **way)) == {}
    assert SLOTS[2] in offered(dated, line("P-1001", **way), line("P-1001", **BOPIS))
    refused = refusals(dated, order("O-1", sold("P-1001", slotId=SLOTS[2], **way), storeId="S-101"))
    assert refused == "/orderProductList/0/slotId: there are no slots for the way this goes"


def test_the_slot_of_an_order_is_that_of_its_lines(dated: Shop) -> None:
    lines = [sold("P-1001", item="1", **BOPIS), sold("P-1001", item="2", **BOPIS), sold("P-1001", item="3")]
    assert refusals(dated, order("O-1", *lines, storeId="S-101", slotId=SLOTS[2])) == ""
    assert offered(dated)[SLOTS[2]] == 1  # one order, one place
    told = dated.call("GET", "/sa/orders/O-1")["orderProductList"]
    assert [shown(one["deliveryDate"]) if "deliveryDate" in one else None for one in told] == ["2027-01-16"] * 2 + [None]
    taken_at_once = order("O-2", sold("P-1001"), storeId="S-101", slotId=SLOTS[2])
    assert refusals(dated, taken_at_once) == "/slotId: no line is delivered or fetched in it"
    assert refusals(dated, {**taken_at_once, "orderStatus": "CANCELED"}) == ""


def test_a_delivery_date_fits_its_slot(dated: Shop) -> None:
    def sent(moment: int) -> str:
        return refusals(
            dated, order(f"O-{moment}", sold("P-1001", slotId=SLOTS[2], deliveryDate=moment, **BOPIS), storeId="S-101")
        )

    assert sent(at("2027-01-16T00:00")) == sent(at("2027-01-16T23:59")) == ""
    stood(dated, FRIDAY)
    right = "/orderProductList/0/slotId: the deliveryDate of '1' is another day"
    other = order("O-9", sold("P-1001", slotId=SLOTS[3], deliveryDate=at("2027-01-17T00:00"), **BOPIS), storeId="S-101")
    assert refusals(dated, other) == right


def test_lines_that_go_different_ways_have_dates_and_slots_of_their_own(dated: Shop) -> None:
    shipped = line("P-1001", orderItemId="1", shippingMethodId="M-STD", **HOME)
    fetched, other = (line("P-1001", orderItemId=item, **BOPIS) for item in "23")
    told = dated.call("POST", "/sa/datetime/slots", {"storeId": "S-101", "productList": [shipped, fetched, other]})["dates"]
    assert {tuple(day["orderItemIds"]) for day in told} == {("1",), ("2", "3")}
    assert [day["date"] for day in told] == sorted(day["date"] for day in told)
    slot = "ONLINE:M-STD:2027-01-19T09:00"
    lines = [sold("P-1001", item="1", slotId=slot, shippingMethodId="M-STD", **HOME), sold("P-1001", item="2", **BOPIS)]
    assert refusals(dated, order("O-1", *lines, storeId="S-101", shippingAddress=CHICAGO, slotId=SLOTS[2])) == ""
    of_method = {"shippingMethodId": "M-STD", "shippingAddress": CHICAGO}
    assert offered(dated, line("P-1001", **HOME), **of_method)[slot] == 1
    leaves_a_store = line("P-1001", omniFulfillmentType="SHIP_TO_HOME_CURRENT_STORE")
    assert offered(dated, leaves_a_store, **of_method)[slot] == 1  # no calendar of its own: ONLINE's
    assert offered(dated)[SLOTS[2]] == 1


def test_one_date_alone_is_a_list(dated: Shop) -> None:
    told = stood(dated, at("2027-03-15T12:00", CENTRAL))
    sent = {"storeId": "S-102", "productList": [line("P-1001", orderItemId="1", **BOPIS)]}
    (day,) = told.call("POST", "/sa/datetime/slots", sent)["dates"]
    assert day.keys() == {"date", "slots"}


def test_a_place_is_free_again_once_all_that_it_was_for_came_back(dated: Shop) -> None:
    lines = [sold("P-1001", 2, item=item, slotId=SLOTS[2], **BOPIS) for item in "12"]
    assert refusals(dated, order("O-1", *lines, storeId="S-101")) == ""
    for number, (item, units, free) in enumerate([("1", 2, 1), ("2", 1, 1), ("2", 1, 2)]):
        back = {"orderId": "O-1", "requestId": f"R-{number}", "returnProductList": [{"orderItemId": item, "quantity": units}]}
        assert "errorCode" not in dated.call("POST", "/sa/orders/return", back)
        assert offered(dated)[SLOTS[2]] == free


def test_an_exchange_books_for_what_it_brings(dated: Shop) -> None:
    assert refusals(dated, order("O-1", sold("P-1001", **BOPIS), storeId="S-101", slotId=SLOTS[2])) == ""
    swap = {"orderId": "O-1", "returnProductList": [{"orderItemId": "1", "quantity": 1, "exchange": True}]}
    fresh = sold("P-1001", item="2", slotId=SLOTS[0], **BOPIS)
    told = dated.call("POST", "/sa/orders/return", {**swap, "orderProductList": [fresh]})
    assert (told["errorCode"], told["errors"][0]["path"]) == ("SLOT_NOT_AVAILABLE", "/orderProductList/0/slotId")
    told = dated.call("POST", "/sa/orders/return", {**swap, "orderProductList": [{**fresh, "slotId": SLOTS[3]}]})
    assert told["orderStatus"] == "EXCHANGED"
    assert [offered(dated)[slot] for slot in SLOTS[2:4]] == [2, 1]


def test_a_full_slot_does_not_close(dated: Shop) -> None:
    for name in ("O-1", "O-2"):
        assert book(dated, name, SLOTS[1]) == ""
    fired = dated.admin("POST", "/clock", {"frozen": FRIDAY + 60_000})["fired"]
    assert fired == []
    fired = dated.admin("POST", "/clock", {"frozen": FRIDAY + 86_460_000})["fired"]
    assert [one["id"] for one in fired if one["id"].startswith(PICKUP)] == SLOTS[2:4]


def test_sixteen_tills_race_for_the_last_place(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2", "--fixtures", str(made(tmp_path))) as server:
        shop = Sandbox(server, server.minted(clock={"frozen": FRIDAY}))

        def till(number: int) -> str | None:
            sent = order(f"O-{number}", sold("P-1001", slotId=SLOTS[2], **BOPIS), storeId="S-101")
            told = server.admin("POST", f"/sandboxes/{shop.key}/orders", sent)
            assert told.status_code == (409 if "errorCode" in told.json() else 200)
            code: str | None = told.json().get("errorCode")
            return code

        assert till(0) is None
        with ThreadPoolExecutor(16) as pool:
            assert Counter(pool.map(till, range(1, 17))) == {None: 1, "SLOT_NOT_AVAILABLE": 15}
        assert holds(server, shop)


def holds(server: Server, shop: Sandbox) -> bool:
    """Whether every invariant holds."""
    return bool(server.admin("GET", f"/sandboxes/{shop.key}/invariants").json()["holds"])


bookings = st.lists(
    st.tuples(st.lists(st.sampled_from(SLOTS[1:5]), min_size=1, max_size=3), st.booleans(), st.sets(st.integers(0, 2))),
    max_size=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(bookings)
def test_what_remains_is_what_there_was_less_what_is_booked(
    merchant: InProcess, sent: list[tuple[list[str], bool, set[int]]]
) -> None:
    shop = stood(Shop(merchant), FRIDAY)
    held: list[set[str]] = []
    for number, (slots, canceled, back) in enumerate(sent):
        full = any(sum(slot in one for one in held) >= 2 for slot in slots)
        told = book(shop, f"O-{number}", *slots, **({"orderStatus": "CANCELED"} if canceled else {}))
        assert bool(told) is (full and not canceled)
        if not told and not canceled:
            items = [{"orderItemId": str(item), "quantity": 1} for item in sorted(back) if item < len(slots)]
            if items:
                told = shop.call("POST", "/sa/orders/return", {"orderId": f"O-{number}", "returnProductList": items})
                assert "errorCode" not in told
            held.append({slot for item, slot in enumerate(slots) if item not in back})
        remaining = Counter(dict.fromkeys(SLOTS[1:5], 2))
        remaining.subtract(slot for one in held for slot in one)
        seen = offered(shop)
        assert {slot: units for slot, units in remaining.items() if units} == {
            slot: seen[slot] for slot in seen if slot in remaining
        }
    assert shop.admin("GET", "/invariants")["holds"] is True
    shop.admin("DELETE")
