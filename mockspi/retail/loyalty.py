"""Loyalty points and rewards."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_FLOOR, Decimal

from mockspi.errors import CustomerNotFound, LoyaltyProfileNotFound
from mockspi.exchange import Json
from mockspi.retail.money import ZERO, amount, possible
from mockspi.store.base import Criterion, Records


def points(records: Records, sale: Json) -> Json:
    """The points that a sale earns: net merchandise x points per unit x the tier's multiplier, rounded down."""
    customer_id = sale.get("customerId") or sale.get("customerProfile", {}).get("customerId", "")
    customer = records.get("customers", customer_id) or {}
    profile = customer.get("loyaltyProfile")
    if not profile:
        raise LoyaltyProfileNotFound(customerId=customer_id)
    tier = records.get("loyalty_tiers", profile.get("currentTier", {}).get("name", "")) or {}
    rate = amount(tier.get("multiplier", 1)) * amount(tier.get("pointsPerUnit", 1))
    redeemed = sum((amount(tender.get("points")) for tender in sale.get("tenders", [])), ZERO)
    return {
        "pointsEarned": int((possible(_net(sale)) * rate).to_integral_value(ROUND_FLOOR)),
        "pointsRedeemed": int(redeemed),
        "pointsBalance": profile.get("points", 0),
        **({"tier": tier["name"]} if tier else {}),
    }


def _net(sale: Json) -> Decimal:
    lines = sale.get("orderProductList") or sale.get("productList")
    if lines:
        worth = (amount(line.get("price")) * line["quantity"] - amount(line.get("discount")) for line in lines)
        return max(ZERO, sum(worth, ZERO))
    return max(ZERO, amount(sale.get("totalAmount")) - amount(sale.get("taxSubTotal")))


def rewards(records: Records, asked: Json, now: int) -> Json:
    """The rewards that a customer can use now, the first to expire first."""
    customer = _customer(records, asked)
    mine = records.find("rewards", Criterion("customerId", (customer["profile"]["customerId"],))).records
    usable = [reward for reward in mine if reward["status"] == "AVAILABLE" and reward["expiryDate"] > now]
    names = ("rewardId", "name", "amount", "currency", "expiryDate")
    return {"rewards": [{name: reward[name] for name in names} for reward in usable]}


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
