"""Points as a ledger.

Rules: a customer's balance is the sum of their entries; what their profile says beyond these is an ADJUST; what is spent
takes the oldest points first, and so does what expires; a tier is reached by what was earned within its validity before
now, and kept until its expiryDate.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from mockspi.clock import DAY
from mockspi.exchange import Json
from mockspi.retail.money import ZERO, amount, possible
from mockspi.store.base import Criterion, Readable, Records

EARN, REDEEM, EXPIRE, ADJUST = "EARN", "REDEEM", "EXPIRE", "ADJUST"
_YEAR = 365
_TOLD = ("name", "title", "subTitle")


class Account:
    """The ledger of a customer at a moment, with all that is due by then; only ``save`` writes it."""

    def __init__(self, records: Readable, customer: Json, now: int) -> None:
        self._customer, self._profile, self._now = customer, customer["loyaltyProfile"], now
        self._tiers = tiers(records)
        mine = Criterion("customerId", (customer["profile"]["customerId"],))
        self.entries = list(records.find("loyalty_entries", mine).records)
        self._known = len(self.entries)
        if beyond := self._profile.get("points", 0) - self.balance:
            self.book(ADJUST, beyond, date=now if self.entries else self._begun())
        for entry, left in due(self.entries, now):
            order = {"orderId": entry["orderId"]} if "orderId" in entry else {}
            self.book(EXPIRE, -left, expiredEntryId=entry["entryId"], **order)

    @property
    def balance(self) -> int:
        """What the entries come to; below zero where points were spent and then their purchase came back."""
        return total(self.entries)

    @property
    def tier(self) -> Json:
        """The tier that counts now, the best of the one that is kept and those that are reached; empty where none is."""
        held = self._profile.get("currentTier", {})
        kept = held.get("name", "") if held.get("expiryDate", self._now + 1) > self._now else ""
        counting = [tier for tier in self._tiers if tier["name"] == kept or is_reached(tier, self.entries, self._now)]
        return counting[-1] if counting else {}

    @property
    def rate(self) -> Decimal:
        """Points for one unit of currency."""
        return amount(self.tier.get("multiplier", 1)) * amount(self.tier.get("pointsPerUnit", 1))

    def of(self, order_id: str, kind: str) -> list[Json]:
        """The entries of one type that an order made."""
        return [entry for entry in self.entries if entry["type"] == kind and entry.get("orderId") == order_id]

    def book(self, kind: str, points: int, **about: Any) -> None:
        """Add an entry; points that were earned expire where the tier says so."""
        number = int(self.entries[-1]["entryId"]) + 1 if self.entries else 1
        named = {"customerId": self._customer["profile"]["customerId"], "entryId": str(number)}
        days = self.tier.get("pointsValidDays") if points > 0 and kind in {EARN, REDEEM} else None
        ends = {"expiresAt": self._now + days * DAY} if days else {}
        self.entries.append({**named, "type": kind, "points": points, "date": self._now, **ends, **about})

    def save(self, records: Records) -> None:
        """Write what is new, the balance, and the tier where it is another or began again."""
        for entry in self.entries[self._known :]:
            records.put("loyalty_entries", entry)
        tier, held = self.tier, self._profile.get("currentTier", {})
        self._profile["points"] = self.balance
        if tier and (tier["name"] != held.get("name") or held.get("expiryDate", self._now + 1) <= self._now):
            told = {name: tier[name] for name in _TOLD if name in tier}
            self._profile["currentTier"] = {**told, "expiryDate": self._now + _validity(tier)}
        records.put("customers", self._customer)

    def _begun(self) -> int:
        """When what a profile said first was earned: when its tier began, as far as that is known."""
        held = self._profile.get("currentTier", {})
        tier = next((one for one in self._tiers if one["name"] == held.get("name")), {})
        return int(min(self._now, held.get("expiryDate", self._now + _validity(tier)) - _validity(tier)))


def account(records: Readable, customer_id: str, now: int) -> Account | None:
    """The ledger of a customer; none where nobody has this id, or they have no loyalty profile."""
    customer = records.get("customers", customer_id) or {}
    return Account(records, customer, now) if customer.get("loyaltyProfile") else None


def tiers(records: Readable) -> list[Json]:
    """The programme's tiers, the lowest first."""
    return sorted(records.find("loyalty_tiers").records, key=lambda tier: (tier["threshold"], tier["name"]))


def is_reached(tier: Json, entries: Iterable[Json], now: int) -> bool:
    """Whether what was earned within a tier's validity is enough for it; spending and expiry take nothing from that."""
    since = now - _validity(tier)
    earned = total(one for one in entries if one["type"] in {EARN, ADJUST} and one["date"] > since)
    return bool(max(0, earned) >= tier["threshold"])


def total(entries: Iterable[Json]) -> int:
    """The points of entries together."""
    return sum(int(entry["points"]) for entry in entries)


def worth(net: Decimal, rate: Decimal) -> int:
    """The whole points that net merchandise earns."""
    return int((possible(max(ZERO, net)) * rate).to_integral_value(ROUND_FLOOR))


def due(entries: list[Json], now: int) -> list[tuple[Json, int]]:
    """The entries whose points have expired by now and are not booked as such, each with what is left of it."""
    if not any(_is_over(entry, now) for entry in entries):
        return []
    return [(entry, left) for entry, left in _left(entries) if left and _is_over(entry, now)]


def expired(records: Readable, before: int, after: int) -> list[tuple[str, int]]:
    """The customers of whose points some expired between two moments, each with when."""
    ending = records.find("loyalty_entries", Criterion("expiresAt", low=before + 1, high=after)).records
    found = set()
    for customer_id in {entry["customerId"] for entry in ending}:
        entries = list(records.find("loyalty_entries", Criterion("customerId", (customer_id,))).records)
        found |= {(customer_id, int(entry["expiresAt"])) for entry, _ in due(entries, after) if entry["expiresAt"] > before}
    return sorted(found)


def _is_over(entry: Json, now: int) -> bool:
    return bool(entry.get("expiresAt", now + 1) <= now)


def _left(entries: list[Json]) -> list[tuple[Json, int]]:
    """The entries that brought points, with what is left of each: what takes points takes its own first, then the oldest."""
    lots: list[tuple[Json, int]] = []
    owed = 0
    for entry in entries:
        if entry["points"] > 0:
            lots.append((entry, entry["points"]))
        else:
            owed -= entry["points"]
        for index in sorted(range(len(lots)), key=lambda index: not _is_own(entry, lots[index][0])) if owed else ():
            taken = min(owed, lots[index][1])
            lots[index], owed = (lots[index][0], lots[index][1] - taken), owed - taken
    return lots


def _is_own(entry: Json, lot: Json) -> bool:
    """Whether what an entry takes was brought by this one: what expires, or what a purchase earned that comes back."""
    if entry["type"] == EARN:
        return bool(entry.get("orderId") == lot.get("orderId"))
    return bool(entry.get("expiredEntryId") == lot["entryId"])


def _validity(tier: Json) -> int:
    return int(tier.get("validDays", _YEAR)) * DAY
