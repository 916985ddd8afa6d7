"""The calls that are measured, as scripts for wrk, and the customers they ask for."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import generate
from loading import ALLOWED, each, posts

KEY = "mockspi-staging"
HOT = 1000  #: ids in turn, as part 5 says
FAR = 20_000  #: more than a worker keeps replies of: every call is really answered
CART = {
    "cartId": "CART-1",
    "storeId": "S-102",
    "currency": "USD",
    "destinationAddress": {"city": "Chicago", "state": "IL", "postalCode": "60622", "countryCode": "US"},
    "productList": [
        {"orderItemId": str(n), "productId": f"P-10{n:02}", "quantity": n, "price": 20 + n, "note": "x" * 250}
        for n in range(1, 6)
    ],
}
CREATED = """'{"profile": {"firstName": "Ann", "lastName": "Bench", "email": "' .. n .. salt .. '@example.com"}}'"""


@dataclass(frozen=True)
class Kind:
    """One kind of call: what wrk sends, the least share of the raw server's calls that it must reach (0: none is
    asked), the status of its answers, and a GET of the like, by which its answers are measured ("" for a POST).
    """

    name: str
    script: str
    least: float
    like: str
    status: str = ALLOWED


def customers(folder: Path, most: int = FAR) -> list[dict[str, Any]]:
    """The first customers of a set."""
    found: list[dict[str, Any]] = json.loads((folder / "records/customers.json").read_text("utf-8"))["records"]
    return [one["profile"] for one in found[:most]]


def kinds(base: str, own: Sequence[dict[str, Any]]) -> list[Kind]:
    """All of them for a server at this base path, over these customers."""
    ids = [f"{base}/sa/customers/{one['customerId']}?api_key={KEY}" for one in own]
    mails = [f"{base}/sa/customers?email={quote(one['email'])}&api_key={KEY}" for one in own if "email" in one]
    names = [f"{base}/sa/customers?lastName={quote(one)}&pageSize=10&api_key={KEY}" for one in prefixes()]
    usual = len(own) // 2  # the first are the sample's
    wrong = f"{base}/sa/customers/C-1001?api_key=wrong-key"
    return [
        Kind("hot", each(ids[:HOT]), 0.8, ids[usual]),
        Kind("get", each(ids), 0, ids[usual]),
        Kind("email again", each(mails[:HOT]), 0.3, mails[usual]),
        Kind("email", each(mails), 0.3, mails[usual]),
        Kind("prefix again", each(names[:HOT]), 0.3, names[0]),
        Kind("prefix", each(names), 0.3, names[0]),
        Kind("tax again", posts(f"{base}/taxEngine/calculateTax?api_key={KEY}", lua(CART)), 0.15, ""),
        Kind("tax", posts(f"{base}/taxEngine/calculateTax?api_key={KEY}", carts()), 0.15, ""),
        Kind("create", posts(f"{base}/sa/customers?api_key={KEY}", CREATED), 0.08, ""),
        Kind("unauthorized", each([wrong]), 0.9, wrong, "401 Unauthorized"),
    ]


def prefixes() -> list[str]:
    """Beginnings of last names, each in many spellings of upper and lower case, so that hardly any call is like another."""
    found = sorted({(one + end)[:length] for one in generate.START for end in generate.END for length in (4, 5, 6)})
    spelled = itertools.product((str.lower, str.upper), repeat=4)
    return ["".join(way(letter) for way, letter in zip(ways, one, strict=False)) + one[4:] for ways in spelled for one in found]


def carts() -> str:
    """A cart that is another each time, so that none is given again, as Lua."""
    return lua(CART).replace("CART-1", "CART-]==] .. n .. salt .. [==[")


def lua(body: Any) -> str:
    """A JSON document as Lua."""
    return f"[==[{json.dumps(body)}]==]"
