"""What holds for points and rewards, as rules that tell the collection, the key, and where it is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mockspi.exchange import Json
from mockspi.retail.ledger import EARN, REDEEM, is_reached, tiers, total, worth
from mockspi.retail.loyalty_booked import USED, net
from mockspi.retail.money import amount
from mockspi.retail.orders import is_paid, left
from mockspi.schema import Problem
from mockspi.store.base import Readable

LoyaltyRule = Callable[[Readable], Iterator[tuple[str, str, Problem]]]


def balance_is_the_sum(records: Readable) -> Iterator[tuple[str, str, Problem]]:
    """The points of a customer with a ledger are the sum of its entries."""
    for customer_id, entries in _by(records, "customerId").items():
        profile = (records.get("customers", customer_id) or {}).get("loyaltyProfile")
        if profile is None:
            yield _of(entries[0], "/customerId", f"nobody with a loyalty profile has the key {customer_id!r}")
        elif profile.get("points", 0) != total(entries):
            message = f"{profile.get('points', 0)} is not what the entries come to; {total(entries)} is expected"
            yield "customers", customer_id, Problem("/loyaltyProfile/points", message)


def orders_earn_once(records: Readable) -> Iterator[tuple[str, str, Problem]]:
    """An order earns once, for its own customer; more comes only of an exchange."""
    for order_id, entries in _by(records, "orderId", EARN).items():
        customer = (records.get("orders", order_id) or {}).get("customerProfile", {}).get("customerId")
        for index, entry in enumerate(one for one in entries if "returnOrderId" not in one):
            if index:
                yield _of(entry, "/orderId", f"{order_id!r} has earned before")
        for entry in entries:
            if entry["customerId"] != customer:
                yield _of(entry, "/customerId", f"{order_id!r} is no order of this customer")


def returns_reverse(records: Readable) -> Iterator[tuple[str, str, Problem]]:
    """An order has earned, returns taken off, what is left of it earns at its rate."""
    for order_id, entries in _by(records, "orderId", EARN).items():
        order = records.get("orders", order_id)
        right = worth(net(order), amount(entries[0].get("rate", 1))) if order else 0
        if total(entries) != right:
            yield _of(entries[0], "/points", f"{order_id!r} has earned {total(entries)}; {right} is expected")


def points_pay_once(records: Readable) -> Iterator[tuple[str, str, Problem]]:
    """An order took the points that its tenders name, and gives back no more; all of them once nothing of it is left."""
    for order_id, entries in _by(records, "orderId", REDEEM).items():
        order = records.get("orders", order_id) or {"orderProductList": []}
        spent = sum(tender.get("points", 0) for tender in order.get("tenders", []) if is_paid(tender))
        taken = -total(one for one in entries if one["points"] < 0)
        rest = taken - total(one for one in entries if one["points"] > 0)
        if taken != spent:
            yield _of(entries[0], "/points", f"{order_id!r} took {taken} points; {spent} is expected")
        elif rest < 0 or (rest and not _is_left(order)):
            yield _of(entries[-1], "/points", f"{order_id!r} keeps {rest} of {taken} points")


def rewards_pay_once(records: Readable) -> Iterator[tuple[str, str, Problem]]:
    """A reward is used by the order that was paid with it, and by no other, while something of that order is left."""
    for reward in records.find("rewards").records:
        if order_id := reward.get("orderId"):
            order = records.get("orders", order_id) or {}
            if reward["status"] != USED:
                yield "rewards", reward["rewardId"], Problem("/status", f"{reward['status']} does not fit: {order_id!r} used it")
            if all(tender.get("rewardId") != reward["rewardId"] for tender in order.get("tenders", [])):
                yield "rewards", reward["rewardId"], Problem("/orderId", f"{order_id!r} was not paid with it")
    for order in records.find("orders").records:
        for index, tender in enumerate(order.get("tenders", [])):
            if (name := tender.get("rewardId")) and is_paid(tender) and order["orderStatus"] != "CANCELED" and _is_left(order):
                reward = records.get("rewards", name) or {}
                if reward.get("orderId") != order["orderId"]:
                    yield "orders", order["orderId"], Problem(f"/tenders/{index}/rewardId", f"{name!r} was not used by it")


def tiers_fit(records: Readable) -> Iterator[tuple[str, str, Problem]]:
    """At their last entry a customer has no lower tier than they had reached."""
    steps = tiers(records)
    rank = {tier["name"]: number for number, tier in enumerate(steps, 1)}
    for customer_id, entries in _by(records, "customerId").items():
        profile = (records.get("customers", customer_id) or {}).get("loyaltyProfile", {})
        held = profile.get("currentTier", {}).get("name", "")
        best = max((rank[tier["name"]] for tier in steps if is_reached(tier, entries, entries[-1]["date"])), default=0)
        if profile and rank.get(held, 0) < best:
            message = f"{held or 'no tier'} is kept, {steps[best - 1]['name']} is reached"
            yield "customers", customer_id, Problem("/loyaltyProfile/currentTier/name", message)


#: What holds for all records of loyalty.
LOYALTY_RULES: tuple[tuple[str, LoyaltyRule], ...] = (
    ("LOYALTY_BALANCE_IS_SUM", balance_is_the_sum),
    ("LOYALTY_ORDERS_EARN_ONCE", orders_earn_once),
    ("LOYALTY_RETURNS_REVERSE", returns_reverse),
    ("LOYALTY_POINTS_PAY_ONCE", points_pay_once),
    ("LOYALTY_TIER_FITS", tiers_fit),
    ("REWARD_USED_BY_ORDER", rewards_pay_once),
)


def _by(records: Readable, name: str, kind: str = "") -> dict[str, list[Json]]:
    """The entries (of one type) that have a member, by its value."""
    found: dict[str, list[Json]] = {}
    for entry in records.find("loyalty_entries").records:
        if name in entry and kind in ("", entry["type"]):
            found.setdefault(entry[name], []).append(entry)
    return found


def _of(entry: Json, path: str, message: str) -> tuple[str, str, Problem]:
    return "loyalty_entries", f"{entry['customerId']}|{entry['entryId']}", Problem(path, message)


def _is_left(order: Json) -> bool:
    return any(left(order, line) for line in order["orderProductList"])
