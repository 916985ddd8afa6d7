"""Amounts: Decimal inside, JSON numbers outside, rounding half up to the currency's minor unit."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from mockspi.currencies import decimals
from mockspi.errors import BrokenRequest

ZERO = Decimal(0)
_LARGEST = Decimal(10**12)
_LARGE = float(_LARGEST)
_UNITS = {places: Decimal(1).scaleb(-places) for places in (0, 2, 3)}


def amount(value: float | str | Decimal | None) -> Decimal:
    """The exact amount that a JSON number was written as; nothing is zero."""
    return ZERO if value is None else Decimal(str(value))


def rounded(value: Decimal, currency: str = "") -> Decimal:
    """Half up, away from zero, to the currency's minor unit."""
    return half_up(value, minor_unit(currency))


def half_up(value: Decimal, unit: Decimal) -> Decimal:
    """The same to a minor unit that is known."""
    return value.quantize(unit, ROUND_HALF_UP)


def minor_unit(currency: str) -> Decimal:
    """The smallest amount of a currency."""
    return _UNITS[decimals(currency)]


def is_whole(value: Decimal, currency: str) -> bool:
    """Whether an amount is no finer than the currency's minor unit."""
    return rounded(value, currency) == value


def spread(total: Decimal, weights: Sequence[Decimal], currency: str = "", *, capped: bool = False) -> list[Decimal]:
    """A total in shares by weight, each rounded half up; the last takes what that leaves over, so that they add up.

    ``capped``: no share is more than its weight (a line gives no more discount than it is worth); what the last
    cannot take goes to those before it.
    """
    whole, left, unit = sum(weights, ZERO), total, minor_unit(currency)
    shares = []
    for weight in weights:
        share = min(left, half_up(total * weight / whole, unit)) if whole else ZERO
        shares.append(min(share, weight) if capped else share)
        left -= shares[-1]
    for index in reversed(range(len(shares))):
        more = min(left, weights[index] - shares[index]) if capped else left
        shares[index] += more
        left -= more
    return shares


def possible(value: Decimal) -> Decimal:
    """The amount, unless a request's prices and quantities make more than money can be."""
    if abs(value) > _LARGEST:
        raise BrokenRequest(errors=[{"path": "", "message": f"the amounts come to more than {_LARGEST}"}])
    return value


def number(value: Decimal) -> float:
    """An amount as a JSON number; never minus zero."""
    found = float(value)
    if abs(found) >= _LARGE:
        possible(value)
    return found or 0.0
