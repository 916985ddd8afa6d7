"""Things that must happen once, however often they are sent.

Rule: what an order was told under one token is applied once and always answered the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from mockspi.exchange import Json
from mockspi.store.base import Records


def digest(sent: Json) -> str:
    """A token that two requests share when their bodies are the same."""
    return hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()


def once(records: Records, order_id: str, token: str, apply: Callable[[], Json]) -> Json:
    """What was answered before, else what applying it answers; a refusal is not remembered."""
    if receipt := records.get("receipts", f"{order_id}|{token}"):
        return dict(receipt["reply"])
    reply = apply()
    records.put("receipts", {"orderId": order_id, "token": token, "reply": reply})
    return reply
