"""What a member buys and has, for tests of loyalty; a sandbox here is a ``Sandbox`` of a server or a ``Shop``."""

from __future__ import annotations

from typing import Any

from conftest import Sandbox
from selling import order

YEAR = 365 * 86_400_000


def told(shop: Sandbox, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """What the admin port answers about a sandbox."""
    found: dict[str, Any] = shop.server.admin(method, f"/sandboxes/{shop.key}{path}", body).json()
    return found


def bought(order_id: str, *lines: dict[str, Any], by: str = "C-1003", **more: Any) -> dict[str, Any]:
    """An order of a customer."""
    return order(order_id, *lines, customerProfile={"customerId": by}, **more)


def points(number: int, worth: float = 1, **more: Any) -> dict[str, Any]:
    """A payment by points."""
    return {"paymentMethod": "POINTS", "amountAuthorized": worth, "points": number, **more}


def reward(reward_id: str, worth: float = 10, **more: Any) -> dict[str, Any]:
    """A payment by a reward."""
    return {"paymentMethod": "REWARD", "amountAuthorized": worth, "rewardId": reward_id, **more}


def standing(shop: Sandbox, customer: str = "C-1003") -> tuple[int, str]:
    """Points and tier of a customer as GET_CUSTOMER tells them; whenever they are looked at, every rule holds."""
    rules = told(shop, "GET", "/invariants")
    assert rules["holds"], [one for one in rules["invariants"] if not one["holds"]]
    profile = shop("GET", f"/sa/customers/{customer}").json()["loyaltyProfile"]
    return profile["points"], profile.get("currentTier", {}).get("name", "")


def entries(shop: Sandbox, customer: str = "C-1003") -> list[tuple[str, int]]:
    """The types and points of a customer's ledger, in the order of booking."""
    found = told(shop, "GET", "/records/loyalty_entries?pageSize=500")["records"]
    return [(one["type"], one["points"]) for one in found if one["customerId"] == customer]


def asked(shop: Sandbox, **sale: Any) -> dict[str, Any]:
    """What LOYALTY_POINTS_EARNED answers."""
    answer: dict[str, Any] = shop("POST", "/sa/getLoyaltyPoints", json=sale).json()
    return answer


def usable(shop: Sandbox, customer: str = "C-1001") -> list[str]:
    """The rewards that REWARD_LOOKUP finds."""
    return [one["rewardId"] for one in shop("POST", "/reward/lookup", json={"customerId": customer}).json()["rewards"]]


def programme(shop: Sandbox, **more: Any) -> None:
    """Another programme of tiers: members of three, each with something more."""
    tiers = [("BRONZE", 0, 1), ("SILVER", 500, 1.25), ("GOLD", 1500, 1.5)]
    records = [{"name": name, "threshold": low, "multiplier": rate, "pointsPerUnit": 1, **more} for name, low, rate in tiers]
    assert "done" in told(shop, "PUT", "/records/loyalty_tiers", {"records": records})
