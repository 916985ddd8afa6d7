"""Emporix saves a destination only if it answers HEAD or OPTIONS with success; so does who subscribes here."""

from __future__ import annotations

from collections.abc import Mapping

from mockspi.webhooks.message import Wire
from mockspi.webhooks.outbound import Outbound

METHODS = ("HEAD", "OPTIONS")


def unreachable(outbound: Outbound, url: str, headers: Mapping[str, str] | None = None, timeout: int = 5_000) -> str:
    """Why a destination would be refused; empty where it answers one of the two with 2xx. NotAllowed as for anything sent."""
    told = []
    for method in METHODS:
        heard = outbound.send(Wire(method, tuple((headers or {}).items()), b""), url, timeout)
        if heard.status is not None and 200 <= heard.status < 300:
            return ""
        told.append(f"{method}: {heard.error or f'answered {heard.status}'}")
    return "; ".join(told)
