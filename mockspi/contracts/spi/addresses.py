"""Customer address: what the POS's address screens read and write."""

from __future__ import annotations

from mockspi.contract import Call, Contract
from mockspi.contracts.common import CustomerAddress, SavedAddress
from mockspi.exchange import Json
from mockspi.refusals import AddressInvalid, AddressNotFound, CustomerNotFound
from mockspi.retail import customers
from mockspi.schema import ASSUMED, SEED, Id, Many, Part, Shape

GROUP = "Customer address"
_CALL = "/sa/customer/address"
_SAMPLE = "/merchant/spi/sample/endpoint/sa/customer/address"


class OwnerQuery(Shape):
    """Whose addresses."""

    customerId = Id(required=True)


class AddressQuery(OwnerQuery):
    """Which address of whom; may also come as a JSON body."""

    addressId = Id(required=True)


class NewAddress(Shape):
    """An address to add."""

    OPEN = True

    customerId = Id(required=True)
    address = Part(CustomerAddress, required=True)


class ChangedAddress(NewAddress):
    """What changes of an address; what is not sent stays."""

    address = Part(SavedAddress, required=True)


class AddressList(Shape):
    """All addresses of a customer."""

    customerId = Id(required=True)
    addressList = Many(SavedAddress, required=True, source=SEED)


class AddressChange(AddressList):
    """All addresses of a customer after a change: the checkout goes on with this list."""

    addressId = Id(required=True, source=ASSUMED, about="the address that was added, changed or removed")


def read(call: Call) -> Json:
    """The customer's addresses."""
    return customers.addresses(customers.known(call.records, call.inputs["customerId"]))


def create(call: Call) -> Json:
    """The addresses with the new one."""
    return customers.add_address(call.records, call.body, call.clock)


def update(call: Call) -> Json:
    """The addresses with the changed one."""
    return customers.change_address(call.records, call.body)


def delete(call: Call) -> Json:
    """The addresses without the one."""
    return customers.remove_address(call.records, call.inputs["customerId"], call.inputs["addressId"])


CONTRACTS = (
    Contract(
        name="GET_CUSTOMER_ADDRESSES",
        call=f"GET {_CALL}",
        sample=_SAMPLE,
        about="The addresses of a customer.",
        group=GROUP,
        query=OwnerQuery,
        reply=AddressList,
        answer=read,
        fails=(CustomerNotFound,),
        refusal={"addressList": []},
    ),
    Contract(
        name="CREATE_CUSTOMER_ADDRESS",
        call=f"POST {_CALL}",
        sample=_SAMPLE,
        about="Add an address to a customer; the POS uses the addressList of this answer for the checkout.",
        group=GROUP,
        body=NewAddress,
        reply=AddressChange,
        answer=create,
        fails=(CustomerNotFound, AddressInvalid),
        writes=True,
    ),
    Contract(
        name="UPDATE_CUSTOMER_ADDRESS",
        call=f"PUT {_CALL}",
        sample=_SAMPLE,
        about="Change an address of a customer, by customer id and address id.",
        group=GROUP,
        body=ChangedAddress,
        reply=AddressChange,
        answer=update,
        fails=(CustomerNotFound, AddressNotFound, AddressInvalid),
        writes=True,
    ),
    Contract(
        name="DELETE_CUSTOMER_ADDRESS",
        call=f"DELETE {_CALL}",
        sample=_SAMPLE,
        about="Remove an address of a customer, by customer id and address id.",
        group=GROUP,
        query=AddressQuery,
        reply=AddressChange,
        answer=delete,
        fails=(CustomerNotFound, AddressNotFound),
        writes=True,
    ),
)
