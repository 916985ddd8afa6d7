"""Checkout: cart validation, dates, employees, shipping methods."""

from __future__ import annotations

from mockspi.contract import Call, Contract
from mockspi.contracts.common import CartRequest, LineRequest, Reserved
from mockspi.exchange import Json
from mockspi.refusals import AddressNotServiceable, CartInvalid, EmployeeInactive, EmployeeNotFound, NoDatesAvailable
from mockspi.retail import carts, employees, shipping, slots
from mockspi.schema import PUBLIC, Flag, Id, Integer, Many, Moment, Money, Number, Part, Shape, Text

GROUP = "Checkout"
_SAMPLE = "/merchant/spi/sample/endpoint/sa"


class ValidationLine(LineRequest):
    """A line of the cart; a number that no line can have is an error of the line, not of the request."""

    quantity = Number(required=True, about="whole, and at least 1")  # type: ignore[assignment]  # wider on purpose
    price = Money()
    discount = Money()


class ValidationRequest(CartRequest):
    """The cart, early in the checkout."""

    cartId = Id(required=True)
    productList = Many(ValidationLine, required=True)


class Reservation(Shape):
    """What is held for the cart, and until when."""

    expiresAt = Moment(required=True)
    productList = Many(Reserved, required=True)


class ValidationReply(Shape):
    """The cart is good and its stock is held."""

    valid = Flag(required=True)
    cartId = Id(required=True)
    reservation = Part(Reservation, required=True)


class CartLineError(Shape):
    """What is wrong with one line."""

    orderItemId = Id()
    errorCode = Id(required=True)
    errorMessage = Text(required=True)


class DateRequest(CartRequest):
    """The cart's lines with how they reach the customer."""

    shippingMethodId = Id()


class Slot(Shape):
    """Hours of a day."""

    slotId = Id(required=True, about="an order that arrives with it books it")
    startTime = Moment(required=True)
    endTime = Moment(required=True)
    remaining = Integer(low=1, required=True, about="how many more orders can book it")


class Day(Shape):
    """A day on which delivery or pick-up is possible; orderItemIds where lines differ."""

    date = Moment(required=True, about="midnight at the store")
    slots = Many(Slot, required=True)
    orderItemIds = Many(Id())


class DateReply(Shape):
    """The possible days in order; one day alone is still a list."""

    dates = Many(Day, required=True, source=PUBLIC)


class EmployeeRequest(Shape):
    """Who wants the employee discount."""

    OPEN = True

    employeeId = Id(required=True)
    email = Text()
    storeId = Id()


class EmployeeReply(Shape):
    """The employee and what they may have."""

    verified = Flag(required=True)
    employeeId = Id(required=True)
    firstName = Text(required=True)
    lastName = Text(required=True)
    discountPercent = Number(required=True)
    remainingDiscount = Money(required=True, about="what their purchases may still come to in this period")


class ShippingRequest(CartRequest):
    """The lines to send and where to; without an address the customer's own is used."""


class ShippingOption(Shape):
    """One way to send them."""

    shippingMethodId = Id(required=True)
    name = Text(required=True)
    carrier = Text(required=True)
    price = Money(required=True)
    currency = Text(required=True)
    minDate = Moment(required=True, about="midnight where it leaves from")
    maxDate = Moment(required=True)


class ShippingReply(Shape):
    """The ways, cheapest first."""

    shippingMethods = Many(ShippingOption, required=True)


def validate(call: Call) -> Json:
    """Look at every line; hold all or none."""
    return carts.validate(call.records, call.body, call.clock.now(), call.policy.reservation_minutes, call.text)


def dates(call: Call) -> Json:
    """When it can be there."""
    return slots.dates(call.records, call.body, call.clock.now())


def employee(call: Call) -> Json:
    """Whether the discount may be given."""
    return employees.verify(call.records, call.body, call.clock.now())


def methods(call: Call) -> Json:
    """How it can be sent."""
    return shipping.methods(call.records, call.body, call.clock.now())


CONTRACTS = (
    Contract(
        name="CART_VALIDATION",
        call="POST /sa/cartValidation",
        sample=_SAMPLE + "/cartValidation",
        about="Check a cart before the order is placed, and reserve its stock.",
        group=GROUP,
        body=ValidationRequest,
        reply=ValidationReply,
        answer=validate,
        fails=(CartInvalid,),
        refusal={"valid": False, "errors": [CartLineError]},
        writes=True,
    ),
    Contract(
        name="DATE_PICKER",
        call="POST /sa/datetime/slots",
        sample=_SAMPLE + "/datetime/slots/from/external/system",
        about="The days and hours at which an order can be delivered or fetched.",
        group=GROUP,
        body=DateRequest,
        reply=DateReply,
        answer=dates,
        fails=(NoDatesAvailable,),
        refusal={"dates": []},
    ),
    Contract(
        name="VERIFY_EMPLOYEE",
        call="POST /sa/employee/verification",
        sample=_SAMPLE + "/employee/verification/to/verify/employee/from/external/system",
        about="Whether somebody is an employee, when an employee discount is applied.",
        group=GROUP,
        body=EmployeeRequest,
        reply=EmployeeReply,
        answer=employee,
        fails=(EmployeeNotFound, EmployeeInactive),
        refusal={"verified": False},
    ),
    Contract(
        name="SHIPPING_METHOD",
        call="POST /sa/shipping/methods",
        sample=_SAMPLE + "/shipping/methods",
        about="The shipping methods that serve an address.",
        group=GROUP,
        body=ShippingRequest,
        reply=ShippingReply,
        answer=methods,
        fails=(AddressNotServiceable,),
        refusal={"shippingMethods": []},
        source="public",
    ),
)
