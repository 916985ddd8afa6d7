"""Retail Cloud: what happens to stock. The names of the events are the vendor's, the members of their bodies are assumed."""

from __future__ import annotations

from mockspi.event import RETAIL_CLOUD, Event
from mockspi.schema import ASSUMED, Choice, Flag, Id, Integer, Many, Moment, Money, Shape, Text

RECEIVED = ("ASN_RECEIVED_EVENT", "ASN_PARTIALLY_RECEIVED_EVENT", "ASN_RECEIVE_COMPLETED_EVENT")
ADJUSTED = ("INVENTORY_ADJUSTMENT", "INVENTORY_BUCKET_ADJUSTMENT")
COUNTED = ("CYC_COUNT_CREATED_EVENT", "CYC_COUNT_STARTED_EVENT", "CYC_COUNT_COMPLETED_EVENT", "CYC_COUNT_CANCELED_EVENT")
ORDERED = ("PO_TRANSFER_STARTED_EVENT", "PO_TRANSFER_COMPLETED_EVENT", "PO_TRANSFER_ERRORED_EVENT")
_MOST = 1_000_000


class _Assumed(Shape):
    SOURCE, OPEN = ASSUMED, True


class _Named(_Assumed):
    """A product by ``productId`` or ``gtin``."""

    ONE_OF = ("productId", "gtin")

    productId = Id()
    gtin = Id()


class _Told(_Assumed):
    """Which of its endpoint's events this is, when and by whom."""

    eventTime = Moment()
    associateId = Id()


class TransferLine(_Named):
    """A product that is on its way."""

    expectedQuantity = Integer(low=0, high=_MOST)
    receivedQuantity = Integer(low=0, high=_MOST, about="by this event")
    damagedQuantity = Integer(low=0, high=_MOST)


class StockTransfer(_Told):
    """Goods that move between a vendor, the company and its stores."""

    eventType = Id(required=True, about="the full list of values is not public; the vendor names those of an ASN")
    transferId = Id(required=True)
    status = Text()
    sourceLocationId = Id(about="a storeId, ONLINE, or a warehouse")
    destinationLocationId = Id(about="a storeId, ONLINE, or a warehouse")
    vendorId = Id()
    createdOn = Moment()
    productList = Many(TransferLine, required=True)


class AdjustedLine(_Named):
    """A product whose stock is put right."""

    quantity = Integer(low=-_MOST, high=_MOST, required=True, about="units that come (positive) or go (negative)")
    reason = Text(about="code of the adjustment's reason")
    reasonText = Text()
    fromBucket = Text(about="such as AVAILABLE or DAMAGED; where units only change their bucket")
    toBucket = Text()


class StockAdjustment(_Told):
    """Stock that is put right, in sum or from one bucket to another."""

    eventType = Choice(*ADJUSTED, required=True)
    adjustmentId = Id(about="the same once more is the same adjustment")
    locationId = Id(required=True, about="a storeId, or ONLINE")
    productList = Many(AdjustedLine, required=True)


class BucketAdjustment(StockAdjustment):
    """Stock that goes from one bucket to another, such as from AVAILABLE to DAMAGED."""

    eventType = Choice(ADJUSTED[1], required=True)


class CountedLine(_Named):
    """A product that was counted."""

    inventoryQuantity = Integer(low=-_MOST, high=_MOST, about="what should have been there")
    countedQuantity = Integer(low=0, high=_MOST)
    variance = Integer(low=-_MOST, high=_MOST, about="counted less expected")


class CycleCount(_Told):
    """A cycle count and how far it is."""

    eventType = Choice(*COUNTED, required=True)
    countId = Id(required=True)
    countType = Choice("FULL", "PARTIAL", "MANUAL")
    locationId = Id(required=True)
    productList = Many(CountedLine, about="once it is completed")


class PurchaseLine(_Named):
    """A product that was ordered from a vendor."""

    name = Text()
    quantity = Integer(low=1, high=_MOST, required=True)
    unitCost = Money(low=0)
    cost = Money(low=0)


class PurchaseOrder(_Told):
    """A purchase order on its way to the merchant's system."""

    eventType = Choice(*ORDERED, required=True)
    purchaseOrderId = Id(required=True)
    vendorId = Id()
    locationId = Id(about="where the goods are to arrive")
    currency = Text(about="ISO 4217")
    totalCost = Money(low=0)
    reason = Text(about="why the transfer failed")
    productList = Many(PurchaseLine, required=True)


class SoldUnits(_Named):
    """Units of one line that left the stock."""

    orderItemId = Id()
    quantity = Integer(low=1, high=100_000, required=True)
    locationId = Id(about="where they lay; the event's storeId unless said")


class SoldStock(_Assumed):
    """What a sale takes from the stock."""

    orderId = Id(required=True)
    requestId = Id(about="the same once more is the same sale")
    storeId = Id()
    registerId = Id()
    orderDate = Moment()
    productList = Many(SoldUnits, required=True)


class ReturnedUnits(SoldUnits):
    """Units of one line that came back."""

    disposition = Choice("RESALABLE", "DAMAGED", about="what is DAMAGED is not put back on the shelf")
    exchange = Flag()


class ReturnedStock(SoldStock):
    """What a return or exchange gives back to the stock."""

    returnOrderId = Id()
    productList = Many(ReturnedUnits, required=True)


def _transfer(name: str, about: str) -> Event:
    return Event(name=name, platform=RETAIL_CLOUD, about=about, body=StockTransfer, inside=RECEIVED)


EVENTS = (
    _transfer("INVENTORY_EXPORT_ASN", "Goods that an advanced shipping notice announced were received, in part or in full."),
    _transfer("INVENTORY_EXPORT_STS", "A transfer from store to store was received."),
    _transfer("INVENTORY_EXPORT_RTV", "Goods go back to their vendor."),
    _transfer("INVENTORY_EXPORT_CTS", "A corporate transfer was received."),
    _transfer("INVENTORY_EXPORT_BLD", "Goods were received blind: nothing had announced them."),
    Event(
        name="INVENTORY_EXPORT_INA",
        platform=RETAIL_CLOUD,
        about="Stock was adjusted, in sum or between buckets.",
        body=StockAdjustment,
        inside=ADJUSTED,
    ),
    Event(
        name="INVENTORY_EXPORT_INBA",
        platform=RETAIL_CLOUD,
        about="Stock was moved from one bucket to another.",
        body=BucketAdjustment,
        inside=ADJUSTED[1:],
    ),
    Event(
        name="INVENTORY_EXPORT_CYC",
        platform=RETAIL_CLOUD,
        about="A cycle count was created, started, completed or canceled.",
        body=CycleCount,
        inside=COUNTED,
    ),
    Event(
        name="INVENTORY_EXPORT_PO",
        platform=RETAIL_CLOUD,
        about="The transfer of a purchase order started, completed or failed.",
        body=PurchaseOrder,
        inside=ORDERED,
    ),
    Event(
        name="SALE_INVENTORY",
        platform=RETAIL_CLOUD,
        about="Items were sold: their stock is to decrease.",
        body=SoldStock,
    ),
    Event(
        name="RETURN_INVENTORY",
        platform=RETAIL_CLOUD,
        about="Items came back or were exchanged: their stock is to increase, or to be adjusted.",
        body=ReturnedStock,
    ),
)
