"""How finely a currency is counted (ISO 4217)."""

from __future__ import annotations

_WITHOUT_MINOR_UNIT = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
)
_WITH_THREE_DECIMALS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])


def decimals(currency: str) -> int:
    """The decimals of a currency's smallest amount: two, unless it has none or thousandths."""
    code = currency.upper()
    return 0 if code in _WITHOUT_MINOR_UNIT else 3 if code in _WITH_THREE_DECIMALS else 2
