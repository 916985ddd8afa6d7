"""Emporix' webhooks about carts. The body is the event's object alone: the vendor shows no envelope around it.

Which members must come is not stated; required here are the ids without which an event says nothing.
"""

from __future__ import annotations

from mockspi.contracts.events.emporix_cart import EmporixCart, EmporixMetadata
from mockspi.event import EMPORIX, Event
from mockspi.schema import SEED, Id, Number, Part, Shape, Text


class EmporixCartInShort(Shape):
    """Which cart, and whose."""

    SOURCE, OPEN = SEED, True

    currency = Text()
    customerId = Text()
    id = Id(required=True)
    metadata = Part(EmporixMetadata)
    siteCode = Text()


class EmporixItemRemoved(Shape):
    """Which item of which cart."""

    SOURCE, OPEN = SEED, True

    tenant = Text()
    cartId = Id(required=True)
    itemId = Id(required=True)


class EmporixItemChanged(EmporixItemRemoved):
    """Which item of which cart, and how much of it at which price."""

    quantity = Number()
    priceId = Text()


def _event(name: str, about: str, body: type[Shape]) -> Event:
    return Event(name=name, platform=EMPORIX, about=about, body=body)


EVENTS = (
    _event("cart.created", "A cart was created.", EmporixCartInShort),
    _event("cart.updated", "A cart was changed; the whole cart comes.", EmporixCart),
    _event("cart.merged", "Carts were merged; whose id comes is not stated.", EmporixCartInShort),
    _event("cart.closed", "A cart was closed, as when it was checked out.", EmporixCartInShort),
    _event("cart.item-added", "An item was added to a cart.", EmporixItemChanged),
    _event("cart.item-updated", "An item of a cart was changed.", EmporixItemChanged),
    _event("cart.item-deleted", "An item was taken out of a cart.", EmporixItemRemoved),
)
