"""Retail Cloud's webhooks."""

from __future__ import annotations

from mockspi.event import RETAIL_CLOUD, Event
from mockspi.schema import Id, Shape, Text


class VoidedCart(Shape):
    """A cart that was voided; empty where it ran out of time."""

    OPEN = True

    cartId = Id()
    reasonCode = Text(about="SYS_... where the POS voided it, the merchant's own code where an associate did")


EVENTS = (Event(name="VOID_CART", platform=RETAIL_CLOUD, about="A cart was voided, by hand or by the POS.", body=VoidedCart),)
