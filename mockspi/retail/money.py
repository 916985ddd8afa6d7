"""Amounts: Decimal inside, JSON numbers outside, rounding half up to the currency's minor unit."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from mockspi.errors import BrokenRequest

ZERO = Decimal(0)
_WITHOUT_MINOR_UNIT = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
)
_LARGEST = Decimal(10**12)
_CENT, _UNIT = Decimal("0.01"), Decimal(1)


def amount(value: float | str | Decimal | None) -> Decimal:
    """The exact amount that a JSON number was written as; nothing is zero."""
    return ZERO if value is None else Decimal(str(value))


def rounded(value: Decimal, currency: str = "") -> Decimal:
    """Half up, away from zero, to cents, or to whole units where the currency has no cents."""
    return value.quantize(_UNIT if currency.upper() in _WITHOUT_MINOR_UNIT else _CENT, ROUND_HALF_UP)


def possible(value: Decimal) -> Decimal:
    """The amount, unless a request's prices and quantities make more than money can be."""
    if abs(value) > _LARGEST:
        raise BrokenRequest(errors=[{"path": "", "message": f"the amounts come to more than {_LARGEST}"}])
    return value


def number(value: Decimal) -> float:
    """An amount as a JSON number; never minus zero."""
    return float(possible(value)) or 0.0
