"""The records of taxes: rates, exemptions, and what was booked for an order."""

from __future__ import annotations

from mockspi.contracts.records import Record
from mockspi.schema import PUBLIC, Choice, Flag, Id, Integer, Many, Moment, Money, Number, Shape, Text


class TaxRate(Record):
    """A rate of one jurisdiction; members of a place that are absent match any, of each level the most specific counts."""

    jurisdiction = Id(required=True)
    level = Choice("COUNTRY", "STATE", "COUNTY", "CITY", required=True)
    countryCode = Id(required=True)
    state = Text()
    city = Text()
    postalCode = Text()
    taxCode = Id(required=True, about="a productTaxCode, or * for any other")
    rate = Number(low=0, high=1, required=True, about="a fraction: 0.0625 is 6.25 %")
    name = Text(required=True)
    appliesToShipping = Flag(required=True)
    included = Flag(required=True, about="true where prices contain the tax (VAT)")


class TaxExemption(Record):
    """A reason not to pay tax, and where it counts."""

    exemptionCode = Id(required=True)
    name = Text(required=True)
    countryCode = Id(required=True)
    state = Text()
    city = Text()
    postalCode = Text()
    taxCodes = Many(Id(), required=True, about="productTaxCodes, or * for all")
    requiresCertificate = Flag(required=True)


class TaxAmount(Shape):
    """The tax of one jurisdiction."""

    jurisdiction = Id(required=True)
    name = Text(required=True)
    rate = Number(required=True, about="a fraction: 0.0625 is 6.25 %")
    amount = Money(required=True)


class TaxedLine(Shape):
    """A line's taxes, one for each jurisdiction."""

    orderItemId = Id()
    productId = Id()
    taxableAmount = Money(required=True)
    tax = Money(required=True)
    taxes = Many(TaxAmount, required=True)
    taxExemption = Text(source=PUBLIC)


class BookedLine(TaxedLine):
    """A line as it was taxed, and of how many units."""

    quantity = Integer(low=1, required=True)


class TaxSubmission(Record):
    """Taxes that were finalised for an order, line by line: what its returns give back."""

    orderId = Id(required=True)
    submissionId = Id(required=True)
    totalTax = Money(required=True)
    date = Moment(required=True)
    currency = Text()
    transactionType = Choice("SALE", "RETURN")
    originalOrderId = Id()
    productList = Many(BookedLine)
    taxableAmount = Money()
    shippingAmount = Money()
    shippingTax = Money()
    returnOrderIds = Many(Id(), about="the returns of this order whose taxes were finalised, in their order")
