"""What happens in a sandbox's retail world, as events for the connectors that subscribe.

What arrived as a webhook causes no event but an alarm, and monitoring tells nothing of itself: so nothing goes in circles.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

from mockspi.clock import random_id
from mockspi.contract import Contract
from mockspi.event import RETAIL_CLOUD, Event
from mockspi.exchange import Exchange, Json
from mockspi.sandbox import Sandbox
from mockspi.webhooks import making, monitoring
from mockspi.webhooks.happening import Happened, Moved, Written
from mockspi.webhooks.message import Message, Target
from mockspi.webhooks.subscriptions import subscribed, trimmed

_STOCK = ("RETURN_INVENTORY", "SALE_INVENTORY")
log = logging.getLogger("mockspi")

Add = Callable[[str, Message, int], object]  #: space, message, and when it is due


def emitted(exchange: Exchange, contract: Contract | None, happened: Happened, connectors: Sequence[Json]) -> list[Message]:
    """The messages that a call causes, in the order in which they are to be sent."""
    found = [] if contract is None or contract.received else caused(happened, connectors, exchange.clock)
    if contract is not None:
        found += monitored(monitoring.alarms(exchange, contract, connectors), connectors, exchange.clock)
    return found


def monitored(alarms: Iterable[monitoring.Alarm], connectors: Sequence[Json], now: int) -> Iterator[Message]:
    """The messages to who listens to monitoring."""
    event = _event(monitoring.NAME)
    if targets := subscribed(connectors, event):
        for alarm in alarms:
            for target in targets:
                if body := monitoring.for_target(alarm, target, connectors):
                    yield from _messages(event, body, now, "monitoring", connectors, [target])


def safely(found: Callable[[], list[Message]], sandbox: Sandbox, call: str) -> list[Message]:
    """The messages of a call that nothing may spoil: what cannot be told is in the log."""
    try:
        return found()
    except Exception:
        log.exception("ERR-%s: sandbox %s: the events of %s are not sent", random_id(), sandbox.name, call)
        return []


def caused(happened: Happened, connectors: Sequence[Json], now: int) -> list[Message]:
    """The messages that orders and stock cause."""
    found: list[Message] = []
    for name, body, order in _told(happened, connectors, now):
        event = _event(name)
        found += _messages(event, body, now, order, connectors, subscribed(connectors, event, body))
    return found


def enqueue(messages: Iterable[Message], sandbox: Sandbox, add: Add) -> None:
    """Put messages into the outbox; one that cannot be kept is told in the log, and the caller never notices."""
    for one in messages:
        try:
            add(sandbox.space, one, one.at)
        except Exception:
            log.exception("ERR-%s: sandbox %s: %s is not sent to %s", random_id(), sandbox.name, one.event, one.target.endpoint)


@cache
def _event(name: str) -> Event:
    return making.chosen(name, RETAIL_CLOUD)


def _messages(
    event: Event, body: Json, now: int, order: str, connectors: Sequence[Json], targets: Sequence[Target]
) -> Iterator[Message]:
    if targets:
        sound = making.make(event, data=body)
        for target in targets:
            yield Message(str(uuid.uuid4()), event.id, trimmed(connectors, target.endpoint, sound), target, now, order)


def _told(happened: Happened, connectors: Sequence[Json], now: int) -> Iterator[tuple[str, Json, str]]:
    """Name, body and order of each event."""
    orders = [one for one in happened.orders.values() if one.order != one.before]
    for one in orders:
        yield "ORDER" if one.before is None else "ORDER_UPDATE", one.order, one.order["orderId"]
    if not happened.stock or not orders:
        return
    written = orders[-1]
    order_id = written.order["orderId"]
    if any(subscribed(connectors, _event(name)) for name in _STOCK):
        for name, units in zip(_STOCK, (_came(happened.stock), _gone(happened.stock)), strict=True):
            if units:
                yield name, _shelf(written, units, now, back=name == _STOCK[0]), order_id
    else:  # who is told of sales and returns would count the units twice
        for place in dict.fromkeys(one.place for one in happened.stock):
            yield "INVENTORY_EXPORT_INA", _adjusted(written, happened.stock, place, now), order_id


def _came(stock: Sequence[Moved]) -> list[Moved]:
    return [one for one in stock if one.units > 0]


def _gone(stock: Sequence[Moved]) -> list[Moved]:
    return [Moved(one.product, one.place, -one.units) for one in stock if one.units < 0]


def _shelf(written: Written, units: Sequence[Moved], now: int, *, back: bool) -> Json:
    """What a sale took from the shelf, or a return put back."""
    order = written.order
    facts = {"orderId": order["orderId"], "requestId": _token(written), "storeId": order.get("storeId"), "orderDate": now}
    if back and written.before is not None:
        facts["returnOrderId"] = _token(written)
    lines = [{"productId": one.product, "quantity": one.units, "locationId": one.place} for one in units]
    return {**{name: value for name, value in facts.items() if value}, "productList": lines}


def _adjusted(written: Written, stock: Sequence[Moved], place: str, now: int) -> Json:
    moved = [one for one in stock if one.place == place]
    lines = [{"productId": one.product, "quantity": one.units, "reason": "RETURN" if one.units > 0 else "SALE"} for one in moved]
    adjustment = f"{_token(written)}@{place}"
    facts = {"eventType": "INVENTORY_ADJUSTMENT", "eventTime": now, "adjustmentId": adjustment, "locationId": place}
    return {**facts, "productList": lines}


def _token(written: Written) -> str:
    """What is the same whenever the same is told: the return that is new, else the order."""
    known = {line.get("returnOrderId") for line in (written.before or {}).get("returnProductList", ())}
    fresh = [line.get("returnOrderId") for line in written.order.get("returnProductList", ())]
    return str(next((one for one in fresh if one and one not in known), written.order["orderId"]))
