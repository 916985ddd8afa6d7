"""Customer (clienteling): create, change, read and search shoppers in the merchant's own system."""

from __future__ import annotations

from mockspi.answers import get, page
from mockspi.contract import Call, Contract
from mockspi.contracts.common import CustomerAddress, PageQuery, PageReply
from mockspi.contracts.order_record import OrderReply
from mockspi.contracts.records import Card, Consents, Customer, Interaction, LoyaltyProfile, Profile, WishedProduct
from mockspi.exchange import Json
from mockspi.refusals import CustomerAlreadyExists, CustomerNotFound, SearchCriteriaRequired
from mockspi.retail import customers, orders, taxes_booked
from mockspi.schema import PUBLIC, SEED, Id, Integer, Many, Part, Shape, Text
from mockspi.store.base import Criterion

GROUP = "Customer"
_SAMPLE = "/merchant/spi/sample/endpoint/sa/customers"


class NewCustomer(Shape):
    """A shopper as the POS sends them; which fields come depends on the merchant's CMS layout."""

    SOURCE, OPEN = PUBLIC, True

    profile = Part(Profile, required=True)
    addressList = Many(CustomerAddress, about="deprecated by the vendor in requests, still understood")
    loyaltyProfile = Part(LoyaltyProfile)
    consents = Part(Consents)
    cardList = Many(Card)
    products = Many(WishedProduct)


class KnownProfile(Profile):
    """The profile of an update: it says whose it is."""

    customerId = Id(required=True, source=SEED)


class ChangedCustomer(NewCustomer):
    """What changes of a shopper; what is not sent stays."""

    profile = Part(KnownProfile, required=True)


class CustomerDetail(Customer):
    """A shopper as the merchant knows them."""

    orderCount = Integer(low=0, source=PUBLIC, about="completed orders")


class CustomerQuery(PageQuery):
    """The search layout's inputs; every one that is given must hold."""

    firstName = Text(about="beginning of the first name; case and accents do not matter", source=PUBLIC)
    lastName = Text(about="beginning of the last name; case and accents do not matter", source=PUBLIC)
    email = Text(about="the whole e-mail address; case does not matter")
    phone = Text(about="a whole number, or its last 7 or more digits; signs and blanks do not matter")
    customerId = Id()
    loyaltyId = Id()
    postalCode = Text(about="of any of the customer's addresses")


class CustomerList(PageReply):
    """One page of shoppers, by last name."""

    customers = Many(CustomerDetail, required=True)


class InteractionList(Shape):
    """A shopper's contacts with the merchant, newest first."""

    customerId = Id(required=True)
    interactions = Many(Interaction, required=True)


class OrderList(PageReply):
    """One page of a shopper's orders, newest first."""

    customerId = Id(required=True)
    orderList = Many(OrderReply, required=True)


def create(call: Call) -> Json:
    """The shopper as stored."""
    return customers.create(call.records, call.body, call.clock)


def update(call: Call) -> Json:
    """The shopper with what changed."""
    return customers.update(call.records, call.body, call.clock)


def search(call: Call) -> Json:
    """Who meets all the criteria."""
    found = page(call, "customers", customers.criteria(call.inputs), call.inputs)
    if not found["totalCount"]:
        raise CustomerNotFound(customerId=call.inputs.get("customerId", ""))
    return {"customers": customers.told(call.records, *found.pop("records")), **found}


def interactions(call: Call) -> Json:
    """What happened with this shopper."""
    customer_id = call.inputs["customerId"]
    customers.known(call.records, customer_id)
    found = call.records.find("interactions", Criterion("customerId", (customer_id,)))
    return {"customerId": customer_id, "interactions": list(found.records)}


def order_list(call: Call) -> Json:
    """What this shopper bought."""
    customer_id = call.inputs["customerId"]
    customers.known(call.records, customer_id)
    mine = [Criterion("customerId", (customer_id,))]
    found = page(call, "orders", mine, call.inputs, view=_told)
    return {"customerId": customer_id, "orderList": found.pop("records"), **found}


def _told(call: Call, order: Json) -> Json:
    return {**orders.told(order, call.clock.now()), **taxes_booked.link(call.records, order["orderId"])}


CONTRACTS = (
    Contract(
        name="CREATE_CUSTOMER",
        call="POST /sa/customers",
        sample=_SAMPLE,
        about="Create a customer from what was entered at the POS.",
        group=GROUP,
        body=NewCustomer,
        reply=CustomerDetail,
        answer=create,
        fails=(CustomerAlreadyExists,),
        writes=True,
    ),
    Contract(
        name="UPDATE_CUSTOMER",
        call="PUT /sa/customers",
        sample=_SAMPLE,
        about="Change what is sent of an existing customer, named by profile.customerId.",
        group=GROUP,
        body=ChangedCustomer,
        reply=CustomerDetail,
        answer=update,
        fails=(CustomerNotFound, CustomerAlreadyExists),
        writes=True,
    ),
    Contract(
        name="GET_CUSTOMER",
        call="GET /sa/customers/{customerId}",
        sample=_SAMPLE + "/{customerId}",
        aliases=("/customer/{customerId}",),
        about="Read one customer by id.",
        group=GROUP,
        reply=CustomerDetail,
        answer=get("customers", "customerId", CustomerNotFound, lambda call, one: customers.told(call.records, one)[0]),
        fails=(CustomerNotFound,),
    ),
    Contract(
        name="SEARCH_CUSTOMERS",
        call="GET /sa/customers",
        sample=_SAMPLE,
        about="Find customers by the inputs of the search layout.",
        group=GROUP,
        query=CustomerQuery,
        reply=CustomerList,
        answer=search,
        fails=(CustomerNotFound, SearchCriteriaRequired),
        refusal={"customers": []},
    ),
    Contract(
        name="CUSTOMER_INTERACTION_HISTORY",
        call="GET /sa/customers/{customerId}/interactions",
        sample=_SAMPLE,
        aliases=("/sa/customers",),  # told apart by ?endpoint=NAME
        about="A customer's contacts with the merchant. Legacy: the vendor advises against it.",
        group=GROUP,
        reply=InteractionList,
        answer=interactions,
        fails=(CustomerNotFound,),
        refusal={"interactions": []},
        legacy=True,
    ),
    Contract(
        name="GET_ORDER_LIST",
        call="GET /sa/customers/{customerId}/orders",
        sample=_SAMPLE,
        aliases=("/sa/customers",),  # told apart by ?endpoint=NAME
        about="A customer's orders, newest first. Legacy: the vendor advises against it.",
        group=GROUP,
        query=PageQuery,
        reply=OrderList,
        answer=order_list,
        fails=(CustomerNotFound,),
        refusal={"orderList": []},
        legacy=True,
    ),
)
