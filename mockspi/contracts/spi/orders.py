"""Orders: one, some, and what comes back."""

from __future__ import annotations

from mockspi.answers import get, page
from mockspi.contract import Call, Contract
from mockspi.contracts.common import PageReply
from mockspi.contracts.order_record import STATUSES, OrderReply, SoldLine, Tender
from mockspi.exchange import Json
from mockspi.refusals import (
    EmployeeLimitExceeded,
    InsufficientInventory,
    NotReturnable,
    OrderNotFound,
    ReturnQuantityExceeded,
    SlotNotAvailable,
    TenderRefused,
)
from mockspi.retail import orders, returns, taxes_booked
from mockspi.schema import ASSUMED, PUBLIC, SEED, Choice, Flag, Id, Integer, Many, Moment, Money, Part, Shape, Text, validate
from mockspi.store.base import Criterion
from mockspi.store.terms import is_phone_ending

GROUP = "Orders"
_SAMPLE = "/merchant/spi/sample/endpoint/sa/orders/to"
_SAME = ("orderId", "customerId", "email", "storeId", "productId", "gtin", "orderSource")
_CARD = ("lastFour", "cardType", "expiryMonth", "expiryYear")


class PaymentCard(Shape):
    """A card that paid; never its whole number."""

    OPEN = True

    lastFour = Text()
    cardType = Text()
    expiryMonth = Integer(low=1, high=12)
    expiryYear = Integer(low=2000, high=2100)


class OrderSearch(Shape):
    """The filters of the order history; every one that is given must hold, none means all orders."""

    OPEN = True

    orderId = Id()
    customerId = Id()
    email = Text()
    phoneNumber = Text(about="a whole number, or its last 7 or more digits")
    firstName = Text(about="beginning of the name")
    lastName = Text(about="beginning of the name")
    storeId = Id()
    productId = Id()
    gtin = Id()
    paymentCard = Part(PaymentCard, source=SEED, about="card searches go into this section")
    orderStatus = Many(Choice(*STATUSES), about="any of these")
    orderSource = Text()
    dateFrom = Moment(about="inclusive")
    dateTo = Moment(about="inclusive")
    pageNumber = Integer(low=1, high=1_000_000, about="from 1; 1 unless given")
    pageSize = Integer(low=1, high=100, about="25 unless given")


class OrderPage(PageReply):
    """One page of orders, newest first."""

    orders = Many(OrderReply, required=True)


class ReturnLine(Shape):
    """Units that come back; the line is named by orderItemId or productId."""

    SOURCE, OPEN, ONE_OF = PUBLIC, True, ("orderItemId", "productId")

    orderItemId = Id()
    productId = Id()
    quantity = Integer(low=1, high=100_000, required=True)
    returnReason = Text(source=ASSUMED)
    returnOrderId = Id(source=ASSUMED, about="of a line that came back before: it is not booked again")
    storeId = Id(source=ASSUMED, about="where it came back; the request's storeId unless said")
    disposition = Choice("RESALABLE", "DAMAGED", source=ASSUMED, about="what is DAMAGED is not put back on the shelf")
    exchange = Flag(source=ASSUMED)


class ReturnRequest(Shape):
    """The order object with what comes back; other members of the order are tolerated.

    In an exchange, what is taken instead is further lines of orderProductList, and what was paid for them further tenders.
    """

    SOURCE, OPEN = SEED, True

    orderId = Id(required=True)
    requestId = Id(source=ASSUMED, about="the same once more is the same return; without it the same body is")
    storeId = Id(source=ASSUMED, about="where it came back; the order's store unless said")
    cartId = Id(source=ASSUMED, about="whose reservation an exchange uses up")
    orderProductList = Many(SoldLine)
    tenders = Many(Tender, source=PUBLIC)
    returnProductList = Many(ReturnLine, required=True, validate=validate.Length(min=1))


class ReturnReply(Shape):
    """The return as the merchant booked it."""

    orderId = Id(required=True)
    returnOrderId = Id(required=True)
    orderStatus = Choice(*STATUSES, required=True)
    refundAmount = Money(required=True, about="what the customer gets back, less what an exchange carries over")


def _told(call: Call, order: Json) -> Json:
    told = orders.told(order, call.clock.now(), grouped=call.policy.delivery_groups)
    return {**told, **taxes_booked.link(call.records, order["orderId"])}


def boris(call: Call) -> Json:
    """An order that was not placed in a store."""
    return _told(call, orders.boris(call.records, call.inputs["orderId"]))


def search(call: Call) -> Json:
    """The orders that meet all filters."""
    found = page(call, "orders", _criteria(call.body), call.body, view=_told)
    if not found["totalCount"]:
        raise OrderNotFound(orderId=call.body.get("orderId", ""))
    return {"orders": found.pop("records"), **found}


def _criteria(asked: Json) -> list[Criterion]:
    found = [Criterion(name, (asked[name],)) for name in _SAME if asked.get(name)]
    found += [Criterion(name, (asked[name],), starts=True) for name in ("firstName", "lastName") if asked.get(name)]
    if phone := asked.get("phoneNumber"):
        found.append(Criterion("phoneNumber", (phone,), starts=is_phone_ending(phone)))
    card = asked.get("paymentCard", {})
    found += [Criterion(name, (card[name],)) for name in _CARD if card.get(name)]
    if statuses := asked.get("orderStatus"):
        found.append(Criterion("orderStatus", tuple(statuses)))
    if "dateFrom" in asked or "dateTo" in asked:
        found.append(Criterion("orderDate", low=asked.get("dateFrom"), high=asked.get("dateTo")))
    return found


def give_back(call: Call) -> Json:
    """Book the return."""
    return returns.give_back(call.records, call.body, call.clock)


CONTRACTS = (
    Contract(
        name="GET_ORDER_DETAIL",
        call="GET /sa/orders/{orderId}",
        sample=_SAMPLE + "/get/order/from/external/system/{orderId}",
        about="Read one order, wherever it was placed.",
        group=GROUP,
        reply=OrderReply,
        answer=get("orders", "orderId", OrderNotFound, _told),
        fails=(OrderNotFound,),
    ),
    Contract(
        name="BORIS_GET_ORDER_DETAIL",
        call="GET /sa/orders/boris/{orderId}",
        sample=_SAMPLE + "/get/boris/order/from/external/system/{orderId}",
        about="Read one order that was not placed in a store.",
        group=GROUP,
        reply=OrderReply,
        answer=boris,
        fails=(OrderNotFound,),
    ),
    Contract(
        name="SEARCH_ORDERS",
        also=("SEARCH_ORDER",),
        call="POST /sa/orders/search",
        sample=_SAMPLE + "/search/orders/from/external/system",
        about="Find orders for the order history.",
        group=GROUP,
        body=OrderSearch,
        reply=OrderPage,
        answer=search,
        fails=(OrderNotFound,),
        refusal={"orders": []},
    ),
    Contract(
        name="RETURN",
        call="POST /sa/orders/return",
        sample=_SAMPLE + "/export/return/order/to/external/system",
        about="Take lines of an order back.",
        group=GROUP,
        body=ReturnRequest,
        reply=ReturnReply,
        answer=give_back,
        fails=(
            OrderNotFound,
            NotReturnable,
            ReturnQuantityExceeded,
            InsufficientInventory,
            EmployeeLimitExceeded,
            SlotNotAvailable,
            TenderRefused,
        ),
        writes=True,
    ),
)
