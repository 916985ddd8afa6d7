"""What was sent, told: masked, for people, programs and exports alike."""

from __future__ import annotations

import base64
import json
from typing import Any

from mockspi.exchange import Json
from mockspi.masking import masked_body, masked_path
from mockspi.store.leases import is_gone
from mockspi.store.outbox_log import WAITING, Attempt, Delivery, OutboxLog

UNKNOWN = "never completed: its sender ended before an answer was kept"


def told(one: Delivery, sandbox: str) -> Json:
    """A delivery in short; ``at`` and ``due`` are the sandbox's time, ``due`` is there while it waits."""
    platform, _, rest = one.event.partition("/")
    name, _, version = rest.partition("@")
    found: Json = {
        "id": one.id,
        "event": name,
        "platform": platform,
        "version": version or None,
        "sandbox": sandbox,
        "target": masked_path(one.url),
        "endpoint": one.endpoint or None,
        "status": one.state,
        "reason": one.reason or _waits(one) or None,
        "waitsFor": one.after,
        "httpStatus": one.status,
        "attempts": one.attempts,
        "at": one.at,
        "due": one.due if one.state == WAITING else None,
        "store": one.store or None,
        "order": one.ordered or None,
        "trouble": json.loads(one.trouble) or None,
        "repostOf": one.repost or None,
        "repostedAs": one.again,
    }
    return {name: value for name, value in found.items() if value is not None}


def _waits(one: Delivery) -> str:
    """Why a delivery is not tried that is due."""
    if one.after:
        return f"waits for {one.after}"
    return "waits for the next of its order" if one.behind else ""


def whole(log: OutboxLog, one: Delivery, sandbox: str) -> Json:
    """A delivery with its body, and every attempt."""
    found = {**told(one, sandbox), "profile": json.loads(one.target)["profile"], "body": shown(one.body.encode())}
    held = one.owner is not None and not is_gone(one.owner)
    tried = log.attempts(one.number)
    attempts = [_attempt(attempt, pending=held and attempt is tried[-1]) for attempt in tried]
    return {**found, "attemptLog": attempts}


def shown(body: bytes) -> Any:
    """A body as JSON where it is some, else as text; secrets masked."""
    masked = masked_body(body)
    try:
        return json.loads(masked)
    except (ValueError, RecursionError):
        return masked.decode("utf-8", "backslashreplace")


def _attempt(one: Attempt, *, pending: bool) -> Json:
    """One attempt: the very bytes as text (or base64 where they are none), with secrets masked."""
    request = {"method": one.method, "headers": dict(json.loads(one.headers)), **_bytes(one.body, one.size)}
    found: Json = {"number": one.number, "at": one.at, "request": request}
    if not one.answered:
        return {**found, "verdict": "unknown", "reason": "under way" if pending else UNKNOWN}
    if one.status is None:
        found["error"] = one.error
    else:
        headers = dict(json.loads(one.reply_headers))
        found["reply"] = {"status": one.status, "headers": headers, **_bytes(one.reply or b"", one.reply_size)}
    verdict = "delivered" if one.delivered else "failed"
    why = {"reason": one.reason} if one.reason else {}
    return {**found, "milliseconds": one.milliseconds, "verdict": verdict, **why}


def _bytes(body: bytes, size: int) -> Json:
    cut = {"bytes": size} | ({"bodyCut": size} if len(body) < size else {})
    try:
        return {"body": body.decode(), **cut}
    except UnicodeDecodeError:
        return {"bodyBase64": base64.b64encode(body).decode(), **cut}
