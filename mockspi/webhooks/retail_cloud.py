"""Retail Cloud: static headers, no signature, no automatic retry, and errors inside a 2xx."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from mockspi.event import RETAIL_CLOUD
from mockspi.masking import masked_header, unechoed
from mockspi.schema import ASSUMED, SEED
from mockspi.webhooks.message import Heard, Message, Verdict, Wire
from mockspi.webhooks.way import Way, encode, option, wire

_ERRORS = ("errorCode", "errorMessage")
_LONGEST = 300


@dataclass(frozen=True, kw_only=True)
class RetailCloud(Way):
    """A failed event waits for someone to repost it."""

    name: str = RETAIL_CLOUD
    success: str = option(
        "2xx", SEED, "the statuses that count as delivered: 4xx and 5xx fail; that 3xx do is assumed", "2xx", "200"
    )
    delays: tuple[int, ...] = option((), ASSUMED, "milliseconds between attempts: no automatic retry is documented")

    def compose(self, message: Message, now: int, secret: str) -> Wire:  # noqa: ARG002  # every profile is told the same
        """The body as it is; the connector's headers are all the permission there is."""
        return wire(message, encode(message.body))

    def judge(self, heard: Heard) -> Verdict:
        """Failed if 4xx or 5xx, or if the JSON of a 2xx has errorCode or errorMessage."""
        verdict = super().judge(heard)
        if told := _told(heard):
            reason = "; ".join(part for part in (verdict.reason or f"answered {heard.status} with an error", told) if part)
            return replace(verdict, delivered=False, reason=reason)
        return verdict


def _told(heard: Heard) -> str:
    """What an answer says of its error, made fit to be shown."""
    try:
        found = json.loads(heard.body)
    except (ValueError, RecursionError):
        return ""
    errors = {name: found[name] for name in _ERRORS if not _empty(found.get(name))} if isinstance(found, dict) else {}
    text = unechoed(", ".join(f"{name} {value}" for name, value in errors.items()), heard.secrets)
    return masked_header("", "".join(letter if letter.isprintable() else " " for letter in text))[:_LONGEST]


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, (str, list, dict)) and not (value.strip() if isinstance(value, str) else value))
