"""Retail Cloud: orders, returns and receipts by e-mail. The order object is public in full."""

from __future__ import annotations

from mockspi.contracts.order_record import Order, RemainingLine
from mockspi.contracts.spi.orders import ReturnRequest
from mockspi.event import RETAIL_CLOUD, Event
from mockspi.schema import ASSUMED, SEED, Choice, Many, Text


class ExportedOrder(Order):
    """An order as the POS exports it: what was sold, what came back, and what remains of both."""

    orderStatusText = Text()
    canReturn = Choice("TRUE", "FALSE", about="text, as the public sample has it")
    productList = Many(RemainingLine, source=SEED)


class EmailedReceipt(ExportedOrder):
    """An order for the merchant's own e-mail service."""

    recipientEmail = Text(source=ASSUMED, about="where the receipt goes; the order's email unless said")
    locale = Text(source=ASSUMED, about="language of the receipt, such as en-US")


RECEIPTS = (
    Event(
        name="ERECEIPT_CUSTOMER",
        platform=RETAIL_CLOUD,
        about="A receipt is wanted by e-mail, and the merchant sends its e-mails itself. Offline it is sent at the next "
        "synchronisation, where automatic e-mails are on.",
        body=EmailedReceipt,
    ),
)

EVENTS = (
    Event(name="ORDER", platform=RETAIL_CLOUD, about="A sale is exported, once it is complete.", body=ExportedOrder),
    Event(name="ORDER_UPDATE", platform=RETAIL_CLOUD, about="A sale that was exported has changed.", body=ExportedOrder),
    Event(
        name="BOPIS_EXPORT",
        platform=RETAIL_CLOUD,
        about="An order that was bought online and is picked up in a store.",
        body=ExportedOrder,
    ),
    Event(
        name="BOFIS_EXPORT",
        platform=RETAIL_CLOUD,
        about="An order that was bought online and is sent from a store.",
        body=ExportedOrder,
    ),
    Event(
        name="ROPIS_EXPORT",
        platform=RETAIL_CLOUD,
        about="An order that was reserved online and is picked up, and paid, in a store.",
        body=ExportedOrder,
    ),
    Event(
        name="RETURN",
        platform=RETAIL_CLOUD,
        about="Lines of an order came back; the merchant books them. The SPI of the same name gets the same.",
        body=ReturnRequest,
    ),
)
