"""What monitoring tells of a call, or of an event that was sent: errors, no answer in time, one that took too long."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from mockspi.contract import Contract
from mockspi.exchange import LOST, Exchange, Json
from mockspi.masking import masked_path, masked_query, unechoed
from mockspi.webhooks.message import Heard, Target

NAME = "EXPORT_MONITORING_EVENTS"
_MOST = 500


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing to be told; ``threshold`` is the limit of who is told where the called endpoint has none."""

    body: Json
    latency: int | None = None  #: milliseconds, where the connector that listens decides whether that is slow


def alarms(exchange: Exchange, contract: Contract, connectors: Sequence[Json]) -> Iterator[Alarm]:
    """What a call gives reason to tell; nothing of the monitoring itself."""
    if contract.name == NAME:
        return
    reply, trouble = exchange.reply, exchange.reply.trouble
    limit = threshold((contract.id, contract.name, *contract.also), connectors)
    latency = round(exchange.milliseconds + (trouble.delay if trouble else 0))
    answered = None if trouble and trouble.fault in LOST else reply.status
    yield from _alarms(_call(exchange, contract), answered, error_in(reply.body), latency, limit)


def alarms_of_webhook(target: Target, heard: Heard, now: int, connectors: Sequence[Json]) -> Iterator[Alarm]:
    """The same of an attempt to deliver an event that a connector sends."""
    told = {
        "eventTime": now,
        "endpointName": target.endpoint,
        "connectorType": "Webhook",
        "integrationType": f"HTTP_{target.method}",
        "url": masked_path(target.url),
    }
    error, limit = error_in(heard.body, heard.secrets), threshold((target.endpoint,), connectors)
    yield from _alarms(told, heard.status, error, heard.milliseconds, limit)


def _alarms(told: Json, status: int | None, error: Json, latency: int, limit: int | None) -> Iterator[Alarm]:
    if status is None:
        known = {"latencyThreshold": limit} if limit else {}
        yield Alarm({"eventType": "THRESHOLD_EXCEEDED", **told, **known, "timedOut": True})
        return
    if status >= 400 or error:
        yield Alarm({"eventType": "RECEIVED_ERROR", **told, "httpStatus": status, **error, "latency": latency})
    slow = {"eventType": "THRESHOLD_EXCEEDED", **told, "httpStatus": status, "latency": latency, "timedOut": False}
    if limit is None:
        yield Alarm(slow, latency)
    elif latency > limit:
        yield Alarm({**slow, "latencyThreshold": limit})


def for_target(alarm: Alarm, target: Target, connectors: Sequence[Json]) -> Json | None:
    """What a target is told of an alarm; None where it is not slow by the target's own threshold."""
    if alarm.latency is None:
        return alarm.body
    own = next((one.get("latencyThreshold") for one in connectors if one["endpointName"] == target.endpoint), None)
    return {**alarm.body, "latencyThreshold": own} if own is not None and alarm.latency > own else None


def threshold(names: Collection[str], connectors: Sequence[Json]) -> int | None:
    """The limit of the connector that is called, in milliseconds."""
    found = (one["latencyThreshold"] for one in connectors if one["endpointName"] in names and "latencyThreshold" in one)
    return next(found, None)


def error_in(body: bytes, secrets: Collection[str] = ()) -> Json:
    """The errorCode and errorMessage of an answer's body, secrets masked that it echoes."""
    if b'"errorCode"' not in body and b'"errorMessage"' not in body:
        return {}
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    told = {name: found.get(name) for name in ("errorCode", "errorMessage")} if isinstance(found, dict) else {}
    return {name: unechoed(text, secrets)[:_MOST] for name, text in told.items() if isinstance(text, str) and text}


def _call(exchange: Exchange, contract: Contract) -> Json:
    request = exchange.request
    query = urlencode(masked_query(request.query), safe="*")
    url = f"http://{request.headers.get('host', 'localhost')}{masked_path(request.path)}" + (f"?{query}" if query else "")
    return {
        "eventTime": exchange.clock,
        "endpointName": contract.name.removesuffix(".webhook"),
        "connectorType": "Webhook" if contract.received else "SPI",
        "integrationType": contract.integration,
        "url": url,
    }
