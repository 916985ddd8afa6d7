"""Loyalty points and rewards."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from mockspi.exchange import Json
from mockspi.refusals import CustomerNotFound, LoyaltyProfileNotFound
from mockspi.retail.ledger import EARN, REDEEM, account, total, worth
from mockspi.retail.money import ZERO, amount
from mockspi.store.base import Criterion, Readable, Records


def points(records: Readable, sale: Json, now: int) -> Json:
    """The points that a sale earns: net merchandise x points per unit x the tier's multiplier, rounded down.

    An order that has arrived is answered with what the ledger has of it.
    """
    customer_id = sale.get("customerId") or sale.get("customerProfile", {}).get("customerId", "")
    if (mine := account(records, customer_id, now)) is None:
        raise LoyaltyProfileNotFound(customerId=customer_id)
    if booked := mine.of(sale.get("orderId", ""), EARN):
        earned, redeemed = max(0, total(booked)), -total(mine.of(sale["orderId"], REDEEM))
    else:
        earned = worth(_net(sale), mine.rate)
        redeemed = sum(tender.get("points", 0) for tender in sale.get("tenders", []))
    return {
        "pointsEarned": earned,
        "pointsRedeemed": redeemed,
        "pointsBalance": mine.balance,
        **({"tier": mine.tier["name"]} if mine.tier else {}),
    }


def _net(sale: Json) -> Decimal:
    if sold := sale.get("orderProductList"):
        return net_of(sold)
    if lines := sale.get("productList"):
        return net_of(lines) - amount(sale.get("transactionDiscountAmount"))
    return amount(sale.get("totalAmount")) - amount(sale.get("taxSubTotal"))


def is_available(reward: Json) -> bool:
    """Whether nobody has used a reward; only then it is found by its end."""
    return bool(reward["status"] == "AVAILABLE")


def rewards(records: Records, asked: Json, now: int) -> Json:
    """The rewards that a customer can use now, the first to expire first."""
    customer = _customer(records, asked)
    mine = records.find("rewards", Criterion("customerId", (customer["profile"]["customerId"],))).records
    usable = [reward for reward in mine if is_available(reward) and reward["expiryDate"] > now]
    names = ("rewardId", "name", "amount", "currency", "expiryDate")
    return {"rewards": [{name: reward[name] for name in names} for reward in usable]}


def expired(records: Readable, before: int, after: int) -> list[tuple[str, int]]:
    """The rewards that nobody had used and that expired between two moments, each with when."""
    found = records.find("rewards", Criterion("expiryDate", low=before + 1, high=after)).records
    return [(reward["rewardId"], reward["expiryDate"]) for reward in found]


def _customer(records: Records, asked: Json) -> Json:
    keys = {
        "customerId": "customerId",
        "cardAcquisitionToken": "card",
        "email": "email",
        "phone": "phone",
        "loyaltyId": "loyaltyId",
    }
    criteria = [Criterion(term, (asked[name],)) for name, term in keys.items() if asked.get(name)]
    found = records.find("customers", *criteria, limit=1).records
    if not found:
        raise CustomerNotFound(customerId=asked.get("customerId", ""))
    return found[0]


def net_of(lines: Iterable[Json]) -> Decimal:
    """What lines cost after their discounts."""
    return sum((amount(line.get("price")) * line["quantity"] - amount(line.get("discount")) for line in lines), ZERO)
