"""Retail Cloud's webhooks: those of the vendor's own list, in its order, then the public newer ones.

The vendor's texts say which events there are, when they are sent and what they are about. The members of their bodies are
not public, except the order object's; they are assumed in the vendor's manner unless marked otherwise.
"""

from __future__ import annotations

from mockspi.contracts.events import retail_carts, retail_inventory, retail_newer, retail_orders, retail_registers

EVENTS = (
    *retail_orders.RECEIPTS,
    *retail_inventory.EVENTS,
    *retail_orders.EVENTS,
    *retail_carts.EVENTS,
    *retail_registers.EVENTS,
    *retail_newer.EVENTS,
)
