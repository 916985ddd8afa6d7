"""Retail Cloud: carts that were voided or suspended, for the audits of loss prevention."""

from __future__ import annotations

from mockspi.contracts.common import LineRequest
from mockspi.contracts.order_record import OrderCustomer, PriceAdjustment
from mockspi.event import RETAIL_CLOUD, Event
from mockspi.schema import ASSUMED, SEED, Choice, Flag, Id, Many, Moment, Money, Part, Shape, Text, validate

REASONS = (
    "SYS_CUSTOMER_LOGOUT",
    "SYS_CART_EXPIRED",
    "SYS_LAST_ITEM_REMOVED",
    "SYS_SWITCHED_TO_OFFLINE",
    "SYS_ORDER_FAILED",
    "SYS_ASSOCIATE_LOGOUT",
    "SYS_SWITCHED_TO_ONLINE",
    "SYS_VOID_TO_START_RETURN",
    "SYS_CASH_EVENT",
    "SYS_VOID_TO_START_EDIT_ORDER",
)
_GUID = validate.Regexp(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z", error="a GUID is expected")


class CartLineTold(LineRequest):
    """A line of a cart: product, price and how it is to reach the customer."""

    name = Text()
    subTotal = Money()
    tax = Money()
    total = Money()
    priceAdjustments = Many(PriceAdjustment)


class CartTold(Shape):
    """A cart as the POS tells of it."""

    SOURCE, OPEN = ASSUMED, True

    cartId = Id(about="in the form of an order id; it becomes the order's if the sale is completed")
    storeId = Id()
    registerId = Id()
    associateId = Id()
    currency = Text(about="ISO 4217")
    customerProfile = Part(OrderCustomer)
    orderSubTotal = Money()
    discount = Money()
    taxSubTotal = Money()
    totalAmount = Money()
    productList = Many(CartLineTold, about="what is sold")
    returnProductList = Many(CartLineTold, about="what is taken back")


class VoidedCart(CartTold):
    """A cart that was voided. Nothing in it must come: where its time ran out it is empty."""

    reasonCode = Text(about=f"{', '.join(REASONS)} (the vendor's), or the merchant's own where an associate chose one")
    reasonText = Text()
    voidDate = Moment()
    offline = Flag(about="it was voided offline and told once the POS was online again")


class SuspendedCart(CartTold):
    """A cart that waits to be resumed."""

    suspendCartId = Text(required=True, validate=_GUID, source=SEED, about="a GUID, by which the cart is resumed")
    cartId = Id(required=True, source=SEED, about="in the form of an order id; it becomes the order's if the sale is completed")
    trigger = Choice("MANUAL", "ASSOCIATE_LOGOUT")
    suspendDate = Moment()


EVENTS = (
    Event(
        name="VOID_CART",
        platform=RETAIL_CLOUD,
        about="A cart was voided, by an associate or by the POS. Offline it is kept and told once the POS is online again.",
        body=VoidedCart,
    ),
    Event(
        name="SUSPEND_CART",
        platform=RETAIL_CLOUD,
        about="A cart was suspended: by an associate, or because the associate logged out.",
        body=SuspendedCart,
    ),
)
