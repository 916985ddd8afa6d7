"""The order object: the one payload that is public in full (facts, section 2.5), plus what returns need."""

from __future__ import annotations

from mockspi.contracts.common import FULFILLMENT, OMNI_FULFILLMENT, Address
from mockspi.schema import ASSUMED, PUBLIC, SEED, Anything, Choice, Flag, Id, Integer, Many, Moment, Money, Part, Shape, Text

STATUSES = (
    "CREATED",
    "PENDING",
    "PROCESSING",
    "SHIPPED",
    "READY_FOR_PICKUP",
    "COMPLETED",
    "FULFILLED",
    "CANCELED",
    "EXCHANGED",
    "PARTIALLY_EXCHANGED",
    "PARTIALLY_REFUNDED",
    "REFUNDED",
)


class _Public(Shape):
    SOURCE, OPEN = PUBLIC, True


class Reason(_Public):
    """Why a price was changed."""

    reasonCodeType = Text()
    reasonCode = Text(source=ASSUMED)


class PriceAdjustment(_Public):
    """One change of a line's price."""

    id = Text()
    auto = Text()
    description = Text()
    price = Money(about="the amount off")
    priceAdjustmentType = Text()
    fulfillmentType = Text()
    reasons = Many(Reason)


class PriceCorrection(_Public):
    """A price that was corrected, and by whom."""

    orderId = Text()
    orderItemId = Text()
    approvingManagerId = Text()
    originalPrice = Text()


class Attribution(_Public):
    """Who sold a line."""

    storeId = Id()
    storeAssociateId = Id()


class Note(_Public):
    """A note on an order or a line."""

    note = Text(source=ASSUMED)


class LineFacts(_Public):
    """What a line says about its product and its money."""

    orderItemId = Id(required=True)
    productId = Id(required=True)
    variantGroupId = Text()
    gtin = Text()
    name = Text()
    color = Text()
    size = Text()
    productClass = Text()
    productTaxCode = Text()
    imageURL = Text()
    price = Money(required=True)
    quantity = Integer(low=1, required=True)
    subTotal = Money(required=True)
    discount = Money()
    tax = Money(required=True)
    total = Money(required=True)


class RemainingLine(LineFacts):
    """A line of ``productList``: what is left after returns; derived, never stored."""

    orderStatus = Text()
    orderStatusText = Text()
    itemStatus = Text()
    fulfillmentType = Choice(*FULFILLMENT)
    fulfillmentSubType = Text()
    fulfillmentLocation = Id()
    shippingMethodId = Id(source=ASSUMED)
    shippingAddress = Part(Address)
    deliveryDate = Moment(source=ASSUMED)
    slotId = Id(source=ASSUMED, about="the slot that was chosen, as DATE_PICKER told it")
    promotionTitle = Text()
    salesAssociateAttribution = Many(Attribution)
    notesList = Many(Note)


class SoldLine(RemainingLine):
    """A line of ``orderProductList``: what was sold."""

    returnOrderId = Id(source=ASSUMED, about="the exchange in which it was taken")
    externalId = Text()
    omniFulfillmentType = Choice(*OMNI_FULFILLMENT)
    omniFulfillmentLocationType = Text()
    returnsEligibility = Choice("ELIGIBLE_FOR_RETURNS", "NOT_ELIGIBLE_FOR_RETURNS")
    taxExemption = Text()
    productTax = Anything()
    priceCorrection = Part(PriceCorrection)
    priceAdjustments = Many(PriceAdjustment)
    reasons = Many(Reason)


class ReturnedLine(LineFacts):
    """A line of ``returnProductList``: what came back, and what was paid for it."""

    SOURCE = ASSUMED

    returnReason = Text()
    returnDate = Moment()
    returnOrderId = Id()
    returnLocation = Id(about="a storeId, or ONLINE")
    refund = Money(about="what was paid for these units; less than the total where the order is not paid in full")
    disposition = Choice("RESALABLE", "DAMAGED")
    exchange = Flag()


class Tender(_Public):
    """One payment."""

    requestId = Text()
    transactionId = Text()
    paymentId = Text()
    paymentMethod = Text(required=True)
    paymentSource = Text()
    cardType = Text()
    lastFour = Text(source=ASSUMED)
    expiryMonth = Integer(low=1, high=12, source=ASSUMED)
    expiryYear = Integer(low=2000, high=2100, source=ASSUMED)
    amountAuthorized = Money(required=True)
    points = Integer(low=0, source=ASSUMED, about="loyalty points that were paid with")
    rewardId = Id(source=ASSUMED, about="the reward that was paid with; it is used up")
    paymentSequenceNumber = Text()
    paymentDevice = Text()
    paymentStatus = Text()
    totalAmountCarriedOverForExchange = Money()


class OrderCustomer(_Public):
    """The customer as the order knows them."""

    customerId = Id()
    firstName = Text()
    lastName = Text()
    email = Text()
    phoneMobile = Text()
    address = Part(Address)


class Order(_Public):
    """A sale as it is kept: totals are over ``orderProductList`` and must add up."""

    orderId = Id(required=True)
    cartId = Id(source=ASSUMED, about="whose reservation the order uses up")
    displayOrderId = Text()
    orderSource = Text(required=True)
    email = Text()
    phoneNumber = Text()
    orderDate = Moment(required=True)
    lastDateToReturnTimeStamp = Moment()
    orderStatus = Choice(*STATUSES, required=True, source=ASSUMED)
    currency = Text(required=True)
    installationId = Text()
    storeId = Id()
    registerId = Id(source=ASSUMED)
    employeeId = Id(source=ASSUMED, about="whose limit the purchase uses up")
    slotId = Id(source=ASSUMED, about="the slot of the lines that name none of their own")
    orderSubTotal = Money(required=True)
    discount = Money(required=True)
    taxSubTotal = Money(required=True)
    taxableAmount = Money(required=True)
    totalAmount = Money(required=True)
    transactionDiscountAmount = Money()
    transactionDiscountReason = Text()
    taxExemptions = Many(Anything())
    coupons = Many(Anything())
    billingAddress = Part(Address)
    shippingAddress = Part(Address)
    customerProfile = Part(OrderCustomer)
    tenders = Many(Tender)
    orderProductList = Many(SoldLine, required=True, source=SEED)
    returnProductList = Many(ReturnedLine, source=SEED)
    notesList = Many(Note)


class Receipt(Shape):
    """What was answered to something that must happen once: an order that arrived, or a return."""

    OPEN = True

    orderId = Id(required=True)
    token = Id(required=True, about="the request's requestId, else its digest")
    tellers = Many(Choice("SPI", "WEBHOOK"), about="who told of a return")
    reply = Anything(required=True)


class DeliveryGroup(Shape):
    """Lines that travel together: same fulfilment type, address, shipping method and delivery date."""

    deliveryGroupId = Id(required=True)
    fulfillmentType = Text()
    shippingMethodId = Id()
    deliveryDate = Moment()
    shippingAddress = Part(Address)
    orderItemIds = Many(Id(), required=True)


class OrderReply(Order):
    """An order as it is told: what remains and what may come back are derived from what was sold and returned."""

    orderStatusText = Text()
    canReturn = Choice("TRUE", "FALSE", about="text, as the public sample has it")
    productList = Many(RemainingLine, source=SEED)
    DeliveryGroup = Many(DeliveryGroup, source=SEED, about="only where delivery grouping is on")
    taxSubmissionId = Id(source=ASSUMED, about="once finalizeTaxSubmission has booked the order's taxes")
