"""Taxes: TAX_SERVICE, one connector with a base URL to which the POS appends the operation."""

from __future__ import annotations

import csv
import io

from marshmallow import ValidationError

from mockspi.contract import Call, Contract
from mockspi.contracts.common import Address, CartRequest, LineRequest, TaxAmount
from mockspi.contracts.records import TaxExemption
from mockspi.errors import ExemptionUnknown, TaxJurisdictionUnknown, TaxMismatch
from mockspi.exchange import Json, Reply
from mockspi.retail import taxes
from mockspi.schema import PUBLIC, Anything, Choice, Flag, Id, Many, Money, Part, Shape, Text

GROUP = "Taxes"
_SAMPLE = "/merchant/spi/sample/endpoint/taxEngine"


def names_exemption(value: object) -> None:
    """A code, or an object that holds one."""
    code = value.get("exemptionCode") if isinstance(value, dict) else value
    if not isinstance(code, str) or not code:
        raise ValidationError("an exemption code, or an object with exemptionCode, is expected")


def _exemptions() -> Many:
    code = {"type": "string", "minLength": 1}
    like = {"anyOf": [code, {"type": "object", "required": ["exemptionCode"], "properties": {"exemptionCode": code}}]}
    return Many(Anything(validate=names_exemption, like=like), source=PUBLIC, about="codes, or objects with exemptionCode")


class TaxLine(LineRequest):
    """A line to tax, as one line whatever its quantity."""

    productTaxCode = Text(source=PUBLIC, about="the product's own unless sent")
    destinationAddress = Part(Address, source=PUBLIC)
    taxExemptions = _exemptions()
    tax = Money(about="read by finalizeTaxSubmission: the tax that was charged")


class TaxRequest(CartRequest):
    """The products, the exemptions that apply, and where they come from and go to."""

    productList = Many(TaxLine, required=True, source=PUBLIC)
    originAddress = Part(Address, source=PUBLIC)
    destinationAddress = Part(Address, source=PUBLIC, about="where a line names none")
    taxExemptions = _exemptions()
    shippingAmount = Money(low=0)
    taxIncluded = Flag(about="whether prices contain the tax; as the rate says unless sent")
    transactionType = Choice("SALE", "RETURN")


class TaxedLine(Shape):
    """A line's taxes, one for each jurisdiction."""

    orderItemId = Id()
    productId = Id()
    taxableAmount = Money(required=True)
    tax = Money(required=True)
    taxes = Many(TaxAmount, required=True)
    taxExemption = Text(source=PUBLIC)


class TaxReply(Shape):
    """The taxes of every line, of shipping, and their sum."""

    productList = Many(TaxedLine, required=True)
    shippingTax = Money(required=True)
    taxableAmount = Money(required=True)
    totalTax = Money(required=True)


class PlaceQuery(Shape):
    """A place; what is left out does not narrow."""

    SOURCE = PUBLIC

    countryCode = Text()
    state = Text()
    city = Text()
    postalCode = Text()


class RatesReply(Shape):
    """Text, not JSON: CSV whose first line names the columns."""


class FinalizedTax(Shape):
    """The tax that was charged for one line."""

    OPEN = True

    orderItemId = Id(required=True)
    amount = Money(required=True)


class FinalizeRequest(TaxRequest):
    """What was sold, and the taxes that were applied: as ``taxes``, or as ``tax`` on each line."""

    orderId = Id(required=True, source=PUBLIC)
    taxes = Many(FinalizedTax, source=PUBLIC)
    totalTax = Money()


class FinalizeReply(Shape):
    """The taxes are booked."""

    orderId = Id(required=True)
    finalized = Flag(required=True)
    submissionId = Id(required=True)


class ExemptionList(Shape):
    """The exemptions that the merchant knows for a place."""

    taxExemptions = Many(TaxExemption, required=True, source=PUBLIC)


def calculate(call: Call) -> Json:
    """What is due."""
    return taxes.calculate(call.records, call.body)


def rates(call: Call) -> Reply:
    """The rate table as CSV."""
    text = io.StringIO()
    rows = csv.DictWriter(text, taxes.COLUMNS, extrasaction="ignore", restval="", lineterminator="\r\n")
    rows.writeheader()
    for rate in taxes.listed(call.records, "tax_rates", call.inputs):
        rows.writerow({name: str(value).lower() if isinstance(value, bool) else value for name, value in rate.items()})
    return Reply(200, text.getvalue().encode(), (("Content-Type", "text/csv; charset=utf-8"),))


def finalize(call: Call) -> Json:
    """Book the taxes of an order."""
    return taxes.finalize(call.records, call.body, call.clock)


def exemptions(call: Call) -> Json:
    """The exemptions for a place."""
    return {"taxExemptions": taxes.listed(call.records, "tax_exemptions", call.inputs)}


CONTRACTS = (
    Contract(
        name="TAX_SERVICE",
        operation="calculateTax",
        call="POST /taxEngine/calculateTax",
        sample=_SAMPLE + "/calculateTax",
        about="The taxes of a cart by destination.",
        group=GROUP,
        body=TaxRequest,
        reply=TaxReply,
        answer=calculate,
        fails=(TaxJurisdictionUnknown, ExemptionUnknown),
    ),
    Contract(
        name="TAX_SERVICE",
        operation="downloadTaxRates",
        call="GET /taxEngine/downloadTaxRates",
        sample=_SAMPLE + "/downloadTaxRates",
        about="The rate table as CSV, for the POS to work offline.",
        group=GROUP,
        query=PlaceQuery,
        reply=RatesReply,
        answer=rates,
        media="text/csv",
    ),
    Contract(
        name="TAX_SERVICE",
        operation="finalizeTaxSubmission",
        call="POST /taxEngine/finalizeTaxSubmission",
        sample=_SAMPLE + "/finalizeTaxSubmission",
        about="Book the taxes that an order was charged; the same order again gets the same answer.",
        group=GROUP,
        body=FinalizeRequest,
        reply=FinalizeReply,
        answer=finalize,
        fails=(TaxMismatch, TaxJurisdictionUnknown, ExemptionUnknown),
        writes=True,
    ),
    Contract(
        name="TAX_SERVICE",
        operation="getTaxExemptions",
        call="GET /taxEngine/getTaxExemptions",
        sample=_SAMPLE + "/getTaxExemptions",
        about="The tax exemptions that the merchant knows.",
        group=GROUP,
        query=PlaceQuery,
        reply=ExemptionList,
        answer=exemptions,
    ),
)
