"""Employees: whether they may have their discount, and what is left of their limit.

Rules: what the purchases of an employee come to in one period is never more than the limit. A purchase is an order that names
the employee; it counts in the period of its orderDate, with its merchandise after discounts and before tax, less what came
back of it; one that is CANCELED counts nothing.
"""

from __future__ import annotations

from decimal import Decimal

from mockspi.errors import BrokenRequest
from mockspi.exchange import Json
from mockspi.refusals import EmployeeInactive, EmployeeLimitExceeded, EmployeeNotFound
from mockspi.retail.calendars import period, zone_of
from mockspi.retail.money import ZERO, amount, number
from mockspi.retail.orders import added, counts
from mockspi.store.base import Criterion, Readable
from mockspi.store.terms import folded


def verify(records: Readable, asked: Json, now: int) -> Json:
    """The employee's discount; refused where they are unknown, left, or the e-mail is another's."""
    employee_id = asked["employeeId"]
    found = records.get("employees", employee_id)
    if found is None or (asked.get("email") and folded(found.get("email", "")) != folded(asked["email"])):
        raise EmployeeNotFound(employeeId=employee_id)
    if not found["active"]:
        raise EmployeeInactive(employeeId=employee_id)
    names = ("employeeId", "firstName", "lastName", "discountPercent")
    rest = max(ZERO, amount(found["discountLimit"]) - used(records, found, now))
    return {"verified": True, **{name: found[name] for name in names}, "remainingDiscount": number(rest)}


def used(records: Readable, employee: Json, moment: int, without: str = "") -> Decimal:
    """What the purchases of the period in which a moment lies come to, all but those of one order."""
    low, high = bounds(records, employee, moment)
    criteria = [Criterion("employeeId", (employee["employeeId"],)), Criterion("orderDate", low=low, high=high)]
    orders = records.find("orders", *(criteria if low is not None else criteria[:1])).records
    return sum((worth(order) for order in orders if order["orderId"] != without), ZERO)


def bounds(records: Readable, employee: Json, moment: int) -> tuple[int | None, int | None]:
    """The period in which a moment lies, where the employee's store is."""
    return period(employee.get("discountPeriod"), moment, zone_of(records, employee.get("storeId", "")))


def worth(order: Json) -> Decimal:
    """What an order uses of a limit: what the customer kept, after discounts and before tax."""
    kept = order["orderProductList"], order.get("returnProductList", [])
    bought, back = (added(lines, "subTotal") - added(lines, "discount") for lines in kept)
    return bought - back


def admit(records: Readable, order: Json) -> None:
    """Refuse a purchase of an employee who is unknown, has left, or has too little of the limit left."""
    if "employeeId" not in order:
        return
    found = records.get("employees", order["employeeId"])
    if found is None:
        raise EmployeeNotFound(employeeId=order["employeeId"], errors=[_at("no employees record has this key")])
    if not counts(order):
        return
    if not found["active"]:
        raise EmployeeInactive(employeeId=order["employeeId"], errors=[_at("the employee is not active")])
    shop = records.get("stores", found.get("storeId", "")) or order
    if shop["currency"] != order["currency"]:
        message = f"the limit of {order['employeeId']} is in {shop['currency']}"
        raise BrokenRequest(errors=[{"path": "/currency", "message": message}])
    keep_within(records, order)


def keep_within(records: Readable, order: Json) -> None:
    """Refuse what an order has become, where that is more than is left for it."""
    found = records.get("employees", order.get("employeeId", ""))
    if found is None:
        return
    limit, cost = amount(found["discountLimit"]), worth(order)
    rest = limit - used(records, found, order["orderDate"], order["orderId"])
    if cost > rest:
        message = f"the purchase comes to {cost.normalize():f}; {rest.normalize():f} of {limit.normalize():f} is left"
        raise EmployeeLimitExceeded(employeeId=found["employeeId"], errors=[_at(message)])


def _at(message: str) -> dict[str, str]:
    return {"path": "/employeeId", "message": message}
