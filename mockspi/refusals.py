"""Every business "no": HTTP 200 with errorCode and errorMessage, told to the till."""

from __future__ import annotations

from mockspi.errors import Refusal


class CustomerAlreadyExists(Refusal):
    """Another customer has the same e-mail or mobile phone (or the id that was asked for)."""

    code = "CUSTOMER_ALREADY_EXISTS"


class CustomerNotFound(Refusal):
    """No customer has this id, or none meets the criteria."""

    code = "CUSTOMER_NOT_FOUND"


class SearchCriteriaRequired(Refusal):
    """A customer search without any criterion."""

    code = "SEARCH_CRITERIA_REQUIRED"


class AddressInvalid(Refusal):
    """An address that cannot be used: it lacks its first line, city or country."""

    code = "ADDRESS_INVALID"


class AddressNotFound(Refusal):
    """The customer has no address with this id."""

    code = "ADDRESS_NOT_FOUND"


class ReservationNotFound(Refusal):
    """Nothing was ever reserved for this cart."""

    code = "RESERVATION_NOT_FOUND"


class ProductNotFound(Refusal):
    """No product has this id or gtin."""

    code = "PRODUCT_NOT_FOUND"


class InsufficientInventory(Refusal):
    """At least one line asks for more than is available; the list says which."""

    code = "INSUFFICIENT_INVENTORY"


class LoyaltyProfileNotFound(Refusal):
    """The customer is unknown or has no loyalty profile."""

    code = "LOYALTY_PROFILE_NOT_FOUND"


class TenderRefused(Refusal):
    """A tender names a reward that cannot be used, or more points than are left; ``errors`` says which."""

    code = "TENDER_REFUSED"


class OrderNotFound(Refusal):
    """No order has this id, or none meets the criteria."""

    code = "ORDER_NOT_FOUND"


class NotReturnable(Refusal):
    """The order's status, its return window or the line's eligibility forbids the return."""

    code = "NOT_RETURNABLE"


class ReturnQuantityExceeded(Refusal):
    """More units are returned than remain of what was sold."""

    code = "RETURN_QUANTITY_EXCEEDED"


class CartInvalid(Refusal):
    """At least one line of the cart is not acceptable; ``errors`` says which and why."""

    code = "CART_INVALID"


class NoDatesAvailable(Refusal):
    """No slot is open for what is asked."""

    code = "NO_DATES_AVAILABLE"


class EmployeeNotFound(Refusal):
    """No employee has this id (or the e-mail sent is not theirs)."""

    code = "EMPLOYEE_NOT_FOUND"


class EmployeeInactive(Refusal):
    """The employee exists but is no longer active."""

    code = "EMPLOYEE_INACTIVE"


class EmployeeLimitExceeded(Refusal):
    """The purchases of the employee would come to more than their limit in this period; ``errors`` says by how much."""

    code = "EMPLOYEE_LIMIT_EXCEEDED"


class SlotNotAvailable(Refusal):
    """A chosen slot is unknown, full, over or not of this way; ``errors`` says which."""

    code = "SLOT_NOT_AVAILABLE"


class AddressNotServiceable(Refusal):
    """No shipping method serves this address."""

    code = "ADDRESS_NOT_SERVICEABLE"


class TaxJurisdictionUnknown(Refusal):
    """No tax rate is known for the destination."""

    code = "TAX_JURISDICTION_UNKNOWN"


class ExemptionUnknown(Refusal):
    """A tax exemption code that the merchant does not know."""

    code = "EXEMPTION_UNKNOWN"


class TaxMismatch(Refusal):
    """The taxes sent are not those that calculateTax gives; ``errors`` lists the differing lines."""

    code = "TAX_MISMATCH"
