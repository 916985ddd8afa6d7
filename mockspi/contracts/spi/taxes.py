"""Taxes: TAX_SERVICE, one connector with a base URL to which the POS appends the operation."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator
from contextlib import closing

from mockspi.contract import Call, Contract
from mockspi.contracts.common import Address, CartRequest, LineRequest
from mockspi.contracts.tax_records import TaxedLine, TaxExemption
from mockspi.exchange import Json, Reply
from mockspi.refusals import ExemptionUnknown, ReturnQuantityExceeded, TaxJurisdictionUnknown, TaxMismatch
from mockspi.retail import taxes_booked, taxes_rates
from mockspi.retail.money import amount
from mockspi.schema import ASSUMED, PUBLIC, Anything, Choice, Flag, Id, Many, Money, Part, Shape, Text
from mockspi.schema.validate import ValidationError

GROUP = "Taxes"
_SAMPLE = "/merchant/spi/sample/endpoint/taxEngine"
_PIECE = 65_536


def names_exemption(value: object) -> None:
    """A code, or an object that holds one."""
    code = value.get("exemptionCode") if isinstance(value, dict) else value
    if not isinstance(code, str) or not code:
        raise ValidationError("an exemption code, or an object with exemptionCode, is expected")


def _exemptions() -> Many:
    code = {"type": "string", "minLength": 1}
    like = {"anyOf": [code, {"type": "object", "required": ["exemptionCode"], "properties": {"exemptionCode": code}}]}
    return Many(Anything(validate=names_exemption, like=like), source=PUBLIC, about="codes, or objects with exemptionCode")


class AppliedTax(Shape):
    """The tax of one jurisdiction as it was applied; more members, as calculateTax answers them, are tolerated."""

    OPEN = True

    jurisdiction = Id()
    amount = Money(required=True)


class TaxLine(LineRequest):
    """A line to tax, as one line whatever its quantity."""

    price = Money(low=0, about="of one unit; the product's own unless sent")
    discount = Money(low=0, about="of the line, all its units together")
    productTaxCode = Text(source=PUBLIC, about="the product's own unless sent; * where it has none")
    destinationAddress = Part(Address, source=PUBLIC)
    taxExemptions = _exemptions()
    taxExemption = Text(source=PUBLIC, about="a code, as orders name it")
    tax = Money(source=ASSUMED, about="read by finalizeTaxSubmission: the tax that was charged")
    taxes = Many(AppliedTax, source=ASSUMED, about="read by finalizeTaxSubmission: the same by jurisdiction")


class TaxRequest(CartRequest):
    """The products, the exemptions that apply, and where they come from and go to; the billing address never counts."""

    productList = Many(TaxLine, required=True, source=PUBLIC)
    shippingAddress = Part(Address, about="where a line names no address, unless it is handed over in a store")
    originAddress = Part(Address, source=PUBLIC, about="the store's address, where storeId names no store")
    destinationAddress = Part(Address, source=PUBLIC, about="where a line names none")
    taxExemptions = _exemptions()
    shippingAmount = Money(low=0, about="spread by value over the addresses to which lines are sent")
    transactionDiscountAmount = Money(low=0, about="spread over the lines by value; named as in the order object")
    taxIncluded = Flag(about="whether prices contain the tax; as the rate says unless sent")
    transactionType = Choice("SALE", "RETURN")
    orderId = Id(about="of a RETURN: the order that comes back, whose tax was charged")
    originalOrderId = Id(about="of a RETURN: the same, where orderId is the return's own")


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


class FinalizedTax(AppliedTax):
    """The tax that was charged for one line, whole or by jurisdiction."""

    orderItemId = Id(required=True)


class FinalizeRequest(TaxRequest):
    """What was sold, and the taxes that were applied: as ``taxes``, or on each line as ``tax`` or ``taxes``.

    What is not sent is not compared; where ``taxes`` is sent, a line without one was charged nothing.
    """

    orderId = Id(required=True, source=PUBLIC, about="of a RETURN the return's own")
    taxes = Many(FinalizedTax, source=PUBLIC)
    shippingTax = Money()
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
    return taxes_booked.calculate(call.records, call.body)


def rates(call: Call) -> Reply:
    """The rate table as CSV, made as it is sent where it is long."""
    pieces = _csv(call.records.each("tax_rates"), call.inputs)
    return Reply.streamed(pieces, _PIECE, [("Content-Type", "text/csv; charset=utf-8")])


def _csv(found: Generator[Json], place: Json) -> Generator[bytes]:
    """The table in pieces of whole lines, each of ``_PIECE`` bytes or some more, but the last."""
    with closing(found), io.StringIO() as text:
        rows = csv.DictWriter(text, taxes_rates.COLUMNS, extrasaction="ignore", restval="", lineterminator="\r\n")
        rows.writeheader()
        for rate in taxes_rates.held(found, place):
            rows.writerow({name: _cell(value) for name, value in rate.items()})
            if text.tell() >= _PIECE:
                yield text.getvalue().encode()
                text.seek(0)
                text.truncate()
        yield text.getvalue().encode()


def _cell(value: object) -> object:
    """A value as the table shows it: true and false as in JSON, a rate with all its decimals and no exponent."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{amount(value).normalize():f}" if isinstance(value, int | float) else value


def finalize(call: Call) -> Json:
    """Book the taxes of an order."""
    return taxes_booked.finalize(call.records, call.body, call.clock)


def exemptions(call: Call) -> Json:
    """The exemptions for a place."""
    return {"taxExemptions": list(taxes_rates.held(call.records.find("tax_exemptions").records, call.inputs))}


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
        fails=(TaxJurisdictionUnknown, ExemptionUnknown, ReturnQuantityExceeded),
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
        streams=True,
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
        fails=(TaxMismatch, TaxJurisdictionUnknown, ExemptionUnknown, ReturnQuantityExceeded),
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
