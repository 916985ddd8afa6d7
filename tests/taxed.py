"""Carts of every kind, for the properties of taxes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from test_tax_cases import PLACES

from mockspi.exchange import Json
from mockspi.retail.money import amount

ZERO = Decimal(0)
MANY = settings(max_examples=100, deadline=None)
WAYS = ("IN_STORE", "SHIP_TO_HOME", "BOPIS")
CURRENCIES = {"USD": 2, "": 2, "KRW": 0, "KWD": 3}


@st.composite
def carts(draw: st.DrawFn, *, discounts: bool = True) -> Json:
    """Carts of every kind: many lines, places, codes, currencies; with ids that are shuffled."""
    currency = draw(st.sampled_from(sorted(CURRENCIES)))
    decimals = CURRENCIES[currency]

    def money(most: int) -> float:
        return draw(st.integers(0, most)) / 10**decimals

    numbers = draw(st.permutations(range(1, draw(st.integers(1, 7)) + 1)))
    lines = [
        {
            "orderItemId": str(number),
            "productId": draw(st.sampled_from(["P-1001", "P-1027", "P-1028", "P-1030", "P-1032"])),
            "quantity": draw(st.integers(1, 12)),
            "price": money(30_000),
            **({"discount": money(2_000)} if discounts and draw(st.booleans()) else {}),
            **({"destinationAddress": PLACES[draw(st.sampled_from(sorted(PLACES)))]} if draw(st.booleans()) else {}),
            **({"omniFulfillmentType": draw(st.sampled_from(WAYS))} if draw(st.booleans()) else {}),
        }
        for number in numbers
    ]  # fmt: skip
    return {
        "storeId": draw(st.sampled_from(["S-101", "S-102", "S-105"])),
        "shippingAddress": PLACES[draw(st.sampled_from(sorted(PLACES)))],
        "productList": lines,
        **({"currency": currency} if currency else {}),
        **({"transactionDiscountAmount": money(20_000)} if discounts and draw(st.booleans()) else {}),
        **({"shippingAmount": money(3_000)} if draw(st.booleans()) else {}),
        **({"taxIncluded": draw(st.booleans())} if draw(st.booleans()) else {}),
        **({"taxExemptions": [draw(st.sampled_from(["EX-NONPROFIT", "EX-RESALE", "EX-PIER"]))]} if draw(st.booleans()) else {}),
    }


def total(values: Sequence[Any]) -> Decimal:
    """An exact sum of JSON numbers."""
    return sum((amount(value) for value in values), ZERO)
