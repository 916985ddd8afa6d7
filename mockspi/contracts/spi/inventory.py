"""Inventory: what is available, here, there and online, and giving back what a cart held."""

from __future__ import annotations

from mockspi.contract import Call, Contract
from mockspi.contracts.common import LineRequest
from mockspi.exchange import Json
from mockspi.refusals import InsufficientInventory, ProductNotFound, ReservationNotFound
from mockspi.retail import availability, reservations, stock
from mockspi.retail.places import ONLINE
from mockspi.schema import ASSUMED, PUBLIC, Choice, Flag, Id, Integer, Many, Shape, Text

GROUP = "Inventory"
_SAMPLE = "/merchant/spi/sample/endpoint"


class RevertLine(LineRequest):
    """A line to give back; all its units unless a quantity is sent."""

    quantity = Integer(low=0, high=100_000)


class RevertRequest(Shape):
    """Which cart's stock to give back; without productList all of it."""

    OPEN = True

    cartId = Id(required=True)
    productList = Many(RevertLine)


class RevertedLine(Shape):
    """What was given back of a product."""

    productId = Id(required=True)
    revertedQuantity = Integer(low=0, required=True)


class RevertReply(Shape):
    """What was given back; zeros the second time."""

    cartId = Id(required=True)
    productList = Many(RevertedLine, required=True)


class OnlineCheckRequest(Shape):
    """The cart's contents, sent on every change of the cart."""

    OPEN = True

    cartId = Id()
    productList = Many(LineRequest, required=True)


class OnlineAvailability(Shape):
    """What is available online of a line's product."""

    SOURCE = ASSUMED

    productId = Id(required=True, source=PUBLIC)
    gtin = Text(source=PUBLIC)
    availableQuantity = Integer(low=0, required=True)
    available = Flag(required=True, about="enough for all lines of this product together")


class OnlineCheckReply(Shape):
    """One entry for each line, in the order of the request."""

    productList = Many(OnlineAvailability, required=True)


class OverviewRequest(Shape):
    """One product; with a zip code the answer is a text."""

    OPEN, ONE_OF = True, ("productId", "gtin")

    productId = Id()
    gtin = Id()
    storeId = Id(about="stores are sorted by their distance from it")
    zipCode = Text()


class StoreAvailability(Shape):
    """What one store has."""

    storeId = Id(required=True)
    storeName = Text(required=True)
    availableQuantity = Integer(low=0, required=True)
    availability = Choice("IN_STOCK", "OUT_OF_STOCK", required=True)


class OverviewReply(Shape):
    """Either every store's stock, or a text for a zip code."""

    productId = Id(required=True)
    inventoryList = Many(StoreAvailability)
    availabilityText = Text()


def revert(call: Call) -> Json:
    """Give the cart's stock back."""
    return reservations.revert(call.records, call.body["cartId"], call.body.get("productList"), call.clock.now())


def check(call: Call) -> Json:
    """What is there online."""
    return availability.check_online(call.records, call.body, call.clock.now())


def overview(call: Call) -> Json:
    """All stores, or a text for the zip code."""
    item, now = stock.known_product(call.records, call.body), call.clock.now()
    if not (zip_code := call.body.get("zipCode")):
        return availability.overview(call.records, item, call.body.get("storeId"), now)
    there = availability.available(call.records, item["productId"], ONLINE, now)
    code = "AVAILABLE_FOR_DELIVERY" if there else "NOT_AVAILABLE_FOR_DELIVERY"
    return {"productId": item["productId"], "availabilityText": call.text(code, postalCode=zip_code)}


CONTRACTS = (
    Contract(
        name="INVENTORY_SERVICE",
        appended="/revert",
        call="POST /sa/inventoryService/revert",
        sample=_SAMPLE + "/sa/inventoryService/revert",
        about="Give back what a cart reserved, for instance after a failed payment.",
        group=GROUP,
        body=RevertRequest,
        reply=RevertReply,
        answer=revert,
        fails=(ReservationNotFound, ProductNotFound),
        writes=True,
    ),
    Contract(
        name="ONLINE_ITEM_INVENTORY_CHECK",
        call="POST /sa/inventory/check",
        sample=_SAMPLE + "/sa/inventory/to/check/inventory/from/external/system",
        about="Whether the products of a cart are available online.",
        group=GROUP,
        body=OnlineCheckRequest,
        reply=OnlineCheckReply,
        answer=check,
        fails=(ProductNotFound, InsufficientInventory),
        refusal={"productList": [OnlineAvailability]},
    ),
    Contract(
        name="GET_PRODUCT_INVENTORY_OVERVIEW",
        call="POST /product/getInventoryOverview",
        sample=_SAMPLE + "/product/getInventoryOverview",
        about="What every store has of a product, or a text for a zip code.",
        group=GROUP,
        body=OverviewRequest,
        reply=OverviewReply,
        answer=overview,
        fails=(ProductNotFound,),
    ),
)
