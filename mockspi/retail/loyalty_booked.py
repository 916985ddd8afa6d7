"""What orders and returns do to points and rewards.

Rules: an order earns once, and what is left of it after returns earns what it would have earned alone, at the order's own
rate; what paid comes back as what it was: points in step with the money, a reward with the last unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_FLOOR, Decimal

from mockspi.exchange import Json
from mockspi.refusals import TenderRefused
from mockspi.retail.ledger import EARN, EXPIRE, REDEEM, Account, account, total, worth
from mockspi.retail.money import ZERO, amount, number
from mockspi.retail.orders import carried, exchanges, is_paid, left, paid, refunded
from mockspi.schema import Problem
from mockspi.store.base import Records

AVAILABLE, USED = "AVAILABLE", "USED"


def arrived(records: Records, order: Json, now: int) -> None:
    """An order pays with points and rewards, and earns."""
    mine = pay(records, order, enumerate(order.get("tenders", [])), now)
    if mine:
        mine.book(EARN, worth(net(order), mine.rate), orderId=order["orderId"], rate=number(mine.rate))
        mine.save(records)


def pay(records: Records, order: Json, tenders: Iterable[tuple[int, Json]], now: int) -> Account | None:
    """Use up the rewards and book the points that numbered tenders name, all or none; the customer's account, to be saved."""
    customer_id, order_id = order.get("customerProfile", {}).get("customerId", ""), order["orderId"]
    mine, wanted = account(records, customer_id, now), [(index, one) for index, one in tenders if is_paid(one)]
    problems = [*_too_many(mine, wanted), *_unusable(records, order, wanted, now)]
    if problems:
        raise TenderRefused(errors=[{"path": one.path, "message": one.message} for one in problems])
    for _, tender in wanted:
        if reward := records.get("rewards", tender.get("rewardId", "")):
            records.put("rewards", {**reward, "status": USED, "orderId": order_id})
        if mine and tender.get("points"):
            mine.book(REDEEM, -tender["points"], orderId=order_id)
    return mine


def _too_many(mine: Account | None, tenders: list[tuple[int, Json]]) -> Iterator[Problem]:
    rest = mine.balance if mine else 0
    for index, tender in tenders:
        if points := tender.get("points", 0):
            if mine is None:
                yield Problem(f"/tenders/{index}/points", "the order's customer has no loyalty profile, so no points")
            elif points > rest:
                yield Problem(f"/tenders/{index}/points", f"{points} points asked for, {max(0, rest)} left")
            rest -= points


def _unusable(records: Records, order: Json, tenders: list[tuple[int, Json]], now: int) -> Iterator[Problem]:
    used: set[str] = set()
    for index, tender in tenders:
        if name := tender.get("rewardId"):
            reward = records.get("rewards", name)
            if reward is None or reward["customerId"] != order.get("customerProfile", {}).get("customerId"):
                yield Problem(f"/tenders/{index}/rewardId", f"{name!r} is no reward of the order's customer")
            elif reward["status"] == USED or name in used:
                yield Problem(f"/tenders/{index}/rewardId", f"{name!r} is used already")
            elif reward["expiryDate"] <= now:
                yield Problem(f"/tenders/{index}/rewardId", f"{name!r} has expired")
            elif reward["currency"] != order["currency"]:
                yield Problem(f"/tenders/{index}/rewardId", f"{name!r} is in {reward['currency']}, not in {order['currency']}")
            elif amount(tender["amountAuthorized"]) > amount(reward["amount"]):
                message = f"{name!r} is worth {reward['amount']}, less than {tender['amountAuthorized']}"
                yield Problem(f"/tenders/{index}/amountAuthorized", message)
            used.add(name)


def came_back(records: Records, order: Json, return_id: str, now: int) -> None:
    """A return takes back what its units earned, what is taken instead earns, and what paid is given back."""
    gone = not any(left(order, line) for line in order["orderProductList"])
    mine = account(records, order.get("customerProfile", {}).get("customerId", ""), now)
    if mine:
        _reverse(mine, order, return_id)
        _repay(mine, order, return_id, gone=gone)
        mine.save(records)
    for tender in order.get("tenders", []) if gone else ():
        reward = records.get("rewards", tender.get("rewardId", "")) or {}
        if reward.get("orderId") == order["orderId"]:
            records.put("rewards", {name: reward[name] for name in reward if name != "orderId"} | {"status": AVAILABLE})


def _reverse(mine: Account, order: Json, return_id: str) -> None:
    """The points of what came back are taken, but not those that had expired; the points of what was taken instead are added."""
    if not (booked := mine.of(order["orderId"], EARN)):
        return
    rate, named = amount(booked[0].get("rate", 1)), {"orderId": order["orderId"], "returnOrderId": return_id}
    fresh = sum((_net(line) for line in order["orderProductList"] if line.get("returnOrderId") == return_id), ZERO)
    rest, whole = worth(net(order) - fresh, rate), worth(net(order), rate)
    over = min(-total(mine.of(order["orderId"], EXPIRE)), total(booked) - rest)
    for kind, points in ((EXPIRE, over), (EARN, rest - total(booked)), (EARN, whole - rest)):
        if points:
            mine.book(kind, points, **named)


def _repay(mine: Account, order: Json, return_id: str, *, gone: bool) -> None:
    """As much of the points that paid as of the money; all of them when nothing is left."""
    booked = mine.of(order["orderId"], REDEEM)
    spent = -total(one for one in booked if one["points"] < 0)
    back = spent if gone else int((spent * _share(order)).to_integral_value(ROUND_FLOOR))
    if (more := back - total(one for one in booked if one["points"] > 0)) > 0:
        mine.book(REDEEM, more, orderId=order["orderId"], returnOrderId=return_id)


def _share(order: Json) -> Decimal:
    """How much of what was paid was given back; what exchanges carried over is neither."""
    kept = sum((carried(order, one) for one in exchanges(order)), ZERO)
    got = paid(order) - kept
    return (refunded(order) - kept) / got if got else ZERO


def net(order: Json) -> Decimal:
    """What is left of an order's merchandise after discounts and returns, without tax."""
    back = order.get("returnProductList", [])
    return sum(map(_net, order["orderProductList"]), ZERO) - sum(map(_net, back), ZERO)


def _net(line: Json) -> Decimal:
    return amount(line["subTotal"]) - amount(line.get("discount"))
