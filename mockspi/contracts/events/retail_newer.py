"""Retail Cloud: public webhooks that are newer than the vendor's list. What is known of each is a sentence or two."""

from __future__ import annotations

from mockspi.contracts.events.retail_carts import CartLineTold
from mockspi.contracts.order_record import OrderCustomer
from mockspi.event import RETAIL_CLOUD, Event
from mockspi.schema import ASSUMED, PUBLIC, Choice, Flag, Id, Integer, Many, Moment, Money, Part, Shape, Text


class _Assumed(Shape):
    SOURCE, OPEN = ASSUMED, True


class PromotionEvent(_Assumed):
    """A promotion and what became of it."""

    promotionEventType = Choice("CREATE", "UPDATE", "DELETE", required=True, source=PUBLIC)
    promotionId = Id(required=True)
    title = Text()
    description = Text()
    promotionCode = Text()
    active = Flag()
    startDate = Moment()
    endDate = Moment()


class QuoteExport(_Assumed):
    """A quote: a cart with a price that holds for some time."""

    quoteId = Id(required=True)
    source = Text(source=PUBLIC, about="where the quote was made")
    status = Text()
    storeId = Id()
    associateId = Id()
    currency = Text(about="ISO 4217")
    customerProfile = Part(OrderCustomer)
    createdDate = Moment()
    expiryDate = Moment()
    orderSubTotal = Money()
    discount = Money()
    taxSubTotal = Money()
    totalAmount = Money()
    productList = Many(CartLineTold, required=True)


class FulfilledLine(_Assumed):
    """Units of one line that were packed, shipped, handed over or canceled."""

    orderItemId = Id(required=True)
    productId = Id()
    quantity = Integer(low=1, high=100_000, required=True)


class StoreFulfillment(_Assumed):
    """How far a store is with an order that was bought online."""

    fulfillmentEventType = Choice(
        "PACK",
        "SHIPPED",
        "DELIVERED",
        "CANCELED",
        required=True,
        about="the values are public: BOPIS has PACK, DELIVERED and CANCELED, BOFIS has PACK, SHIPPED and CANCELED",
    )
    omniFulfillmentType = Choice("BOPIS", "BOFIS", required=True, source=PUBLIC)
    orderId = Id(required=True)
    storeId = Id()
    associateId = Id()
    eventTime = Moment()
    trackingNumber = Text()
    reason = Text(about="why it was canceled")
    productList = Many(FulfilledLine)


EVENTS = (
    Event(
        name="PROMOTION_EVENTS",
        platform=RETAIL_CLOUD,
        about="A promotion was created, updated or deleted. The endpoint name is assumed.",
        body=PromotionEvent,
        source=PUBLIC,
    ),
    Event(
        name="QUOTE_EXPORT",
        platform=RETAIL_CLOUD,
        about="A quote was made or changed at the POS.",
        body=QuoteExport,
        source=PUBLIC,
    ),
    Event(
        name="STORE_FULFILLMENT_EVENT",
        platform=RETAIL_CLOUD,
        about="A store packed, shipped, handed over or canceled an order from online. The endpoint name is assumed.",
        body=StoreFulfillment,
        source=PUBLIC,
    ),
)
